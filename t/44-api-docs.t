#!/usr/bin/perl
# docs/openapi.yaml lints clean, and what docs/API.md shows works as it stands.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually free_port);
use Rig::Api;

SKIP: {
	Rig::Net::npm('@redocly/cli') or skip 'npm cannot fetch redocly', 1;
	my $lint = "$FindBin::Bin/node_modules/.bin/redocly";
	local %ENV = (%ENV, REDOCLY_TELEMETRY => 'off',
	    REDOCLY_SUPPRESS_UPDATE_NOTICE => 'true');
	my $said = `$lint lint --extends recommended --max-problems 20 $FindBin::Bin/../docs/openapi.yaml 2>&1`;
	ok($? == 0 && $said !~ /warning/i, 'openapi.yaml lints clean')
	    or diag($said);
}

my $port = free_port();
my $rig = Rig->new(conf => { dashboard_url => "http://127.0.0.1:$port" });
my $api = Rig::Api->new($rig);
$api->{host} = "127.0.0.1:$port";
my $key = $api->key('ann@example.org');
my $dir = $rig->dir;
my ($nginx) = grep { -x } '/usr/sbin/nginx', '/usr/bin/nginx';
plan skip_all => 'no nginx' unless $nginx;
my $user = $> == 0 ? 'user root;' : '';
open my $f, '>', "$dir/nginx.conf" or die "nginx.conf: $!";
print $f <<"CONF";
$user daemon off; pid $dir/nginx.pid; error_log $dir/nginx.log;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $dir/tmp1; fastcgi_temp_path $dir/tmp2;
	proxy_temp_path $dir/tmp3; scgi_temp_path $dir/tmp4;
	uwsgi_temp_path $dir/tmp5;
	server {
		listen 127.0.0.1:$port;
		location / {
			include /etc/nginx/fastcgi_params;
			fastcgi_pass unix:$dir/web.sock;
		}
	}
}
CONF
close $f or die "nginx.conf: $!";
my $web = $rig->start('nginx', [ $nginx, '-c', "$dir/nginx.conf", '-e',
    "$dir/nginx.log" ], stop => 'QUIT');
eventually { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") } 10;

open my $doc, '<', "$FindBin::Bin/../docs/API.md" or die "API.md: $!";
my $text = do { local $/; <$doc> };
close $doc;
local $ENV{ADIT} = "http://127.0.0.1:$port";
local $ENV{KEY} = $key;
Rig::Api::lay_windows($rig);
my $n = 0;
while ($text =~ /^```sh\n(.*?)^```/msg) {
	(my $block = $1) =~ s/\\\n\s*//g;
	for my $line (split /\n/, $block) {
		my $got = `$line -w '\\n%{http_code}' 2>&1`;
		like($got, qr/\n20[014]$/, substr $line, 0, 100) or diag($got);
		$n++;
	}
}
cmp_ok($n, '>=', 12, 'the examples were found');
$web->stop('QUIT', 10);
$api->{proc}->stop('TERM', 10);
$rig->verdict;
done_testing();
