#!/usr/bin/perl
# adit tcp PORT: a tunnel through the API, served; the same words again find
# the same tunnel; what is wrong has its own exit code.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon free_port);
use Rig::Api;

my ($nginx) = grep { -x } '/usr/sbin/nginx', '/usr/bin/nginx';
plan skip_all => 'no nginx' unless $nginx;
my $plain = free_port();
my $tls = free_port();
my $rig = Rig->new(conf => { dashboard_url => "https://127.0.0.1:$tls/adit" });
my $relayd = $rig->relayd;
my $api = Rig::Api->new($rig, base => '/adit');
$api->{host} = "127.0.0.1:$tls";
my $key = $api->key('ann@example.org');
my $dir = $rig->dir;
push @{ $rig->{secrets} }, $key;

my $user = $> == 0 ? 'user root;' : '';
open my $f, '>', "$dir/nginx.conf" or die "nginx.conf: $!";
print $f <<"CONF";
$user daemon off; pid $dir/nginx.pid; error_log $dir/nginx.log;
events { worker_connections 64; }
http {
	access_log $dir/access.log;
	client_body_temp_path $dir/tmp1; fastcgi_temp_path $dir/tmp2;
	proxy_temp_path $dir/tmp3; scgi_temp_path $dir/tmp4;
	uwsgi_temp_path $dir/tmp5;
	server {
		listen 127.0.0.1:$plain;
		listen 127.0.0.1:$tls ssl;
		ssl_certificate $dir/relay.crt;
		ssl_certificate_key $dir/relay.key;
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
eventually { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$tls") } 10;

my $file = $rig->token_file($key);
my $url = "https://127.0.0.1:$tls/adit";

sub adit {
	my (@words) = @_;
	my %o = ref $words[-1] ? %{ pop @words } : ();
	return $rig->start('adit-quick', [ "$Rig::BUILD/adit", @words ],
	    stop => 'INT', env => $o{env} || {}, %o);
}

sub ends {
	my ($want, $says, @words) = @_;
	my $p = adit(@words);
	is($p->wait(20 * $Rig::PATIENCE), $want, "@words[0 .. 0]: $says: $want")
	    or diag($p->errors);
	return $p->errors;
}

my @trust = ('--pin', $rig->pin);
my @to = ('--dashboard', $url, @trust, '--api-key-file', $file);

# --- it serves -------------------------------------------------------------------

my $service = $rig->service('echo:0');
my $port = $service->{port}{echo};
my $adit = adit('tcp', $port, @to);
my $tunnel;
soon { $tunnel = $api->ask(GET => '/api/tunnels', key => $key)
	->{json}{items}[0] } 15, 'it makes a tunnel';
is($tunnel->{name}, "tcp $port", 'named by what it is');
is($tunnel->{local_port}, $port, 'to this port');
soon { $adit->output =~ m{\Q$tunnel->{verify_url}\E} } 10,
    'the console tells the link';
like($adit->output, qr{^tcp://127\.0\.0\.1:$tunnel->{public_port} -> 127\.0\.0\.1:$port$}m,
    'and the address');
$rig->ctl('tunnel', 'verify', $tunnel->{id});
$rig->wait_live($tunnel->{id});
is($rig->visit('echo', "127.0.0.1:$tunnel->{public_port}", 1000)->{ok}, 1,
    'a visitor comes through');
my $status = $api->ask(GET => "/api/tunnels/$tunnel->{id}/status",
    key => $key)->{json};
is($status->{status}, 'online', 'the API says online');
is($status->{lamps}{machine}{state}, 'green', 'with its lamps');
my $now = $api->ask(GET => "/api/tunnels/$tunnel->{id}", key => $key)->{json};
ok($now->{machines}[0]{serving}, 'its machine serves it');
is($api->ask(POST => "/api/tunnels/$tunnel->{id}/test", key => $key)
    ->{status}, 202, 'it can be tested');
is($api->ask(GET => '/health')->{status}, 200, 'all is healthy');
soon { @{ $api->ask(GET => "/api/sessions?tunnel=$tunnel->{id}",
	key => $key)->{json}{items} } } 10, 'its session is told';

my $machine = $now->{machines}[0]{id};
is($adit->stop('INT', 20 * $Rig::PATIENCE), 0, 'Ctrl-C ends it with 0')
    or diag($adit->errors);
sub good_keys {
	return grep { $_->{state} eq 'good' && $_->{first_used_at} } @{ $api->ask(
	    GET => "/api/machines/$machine/keys", key => $key)->{json}{items} };
}
is(scalar(good_keys()), 0, 'the key of that run is revoked');

# --- the same again ----------------------------------------------------------------

$adit = adit('tcp', $port, '--dashboard', $url, @trust,
    { env => { ADIT_API_KEY => $key } });
$rig->wait_live($tunnel->{id});
is($api->ask(GET => '/api/tunnels', key => $key)->{json}{total}, 1,
    'the same words find the same tunnel');
is($api->ask(GET => '/api/machines', key => $key)->{json}{total}, 1,
    'and the same machine');
open my $environ, '<', '/proc/' . $adit->pid . '/environ' or die "environ: $!";
is(scalar(grep { /\Q$key\E/ } <$environ>), 0,
    'the key is not left in its environment');
is($adit->stop('INT', 20 * $Rig::PATIENCE), 0, 'it ends with 0');

my $wanted = $rig->{range}[0] + 77;
$adit = adit('both', "localhost:$port", '--name', 'ga"me', '--public-port',
    $wanted, @to);
soon { $adit->output =~ m{:$wanted -> localhost:$port} } 15,
    'a wanted port, a host, a name';
soon { $adit->errors =~ /linked to/ } 15, 'it is linked';
is($adit->stop('INT', 20 * $Rig::PATIENCE), 0, 'it ends with 0')
    or diag($adit->errors);
is((grep { $_->{public_port} == $wanted } @{ $api->ask(GET => '/api/tunnels',
    key => $key)->{json}{items} })[0]{name}, 'ga"me', 'so it is called');

# --- what is wrong --------------------------------------------------------------------

like(ends(2, 'no port', 'tcp', @to), qr/PORT is missing/, 'says so');
like(ends(2, 'no dashboard', 'tcp', 80), qr/--dashboard/, 'says so');
ends(2, 'an unknown option', 'tcp', 80, '--what', @to);
ends(2, 'pin and ca', 'tcp', 80, @to, '--ca', 'system');
like(ends(20, 'plain HTTP', 'tcp', 80, '--dashboard', 'http://example.org'),
    qr/localhost/, 'says where that is allowed');
ends(20, 'no port number', 'tcp', 0, @to);
ends(20, 'two ports', 'tcp', 80, 81, @to);
like(ends(23, 'another key', 'tcp', 80, '--dashboard', $url, '--pin',
    'sha256:' . '0' x 64, '--api-key-file', $file), qr/\bpin\b|key/i,
    'says so');
ends(23, 'a certificate that nobody vouches for', 'tcp', 80, '--dashboard',
    $url, '--api-key-file', $file);
my $bad = $rig->token_file('ab' x 32);
like(ends(22, 'no good API key', 'tcp', 80, '--dashboard', $url, @trust,
    '--api-key-file', $bad), qr/API key/, 'says so');
my $reads = $rig->token_file($api->ask(POST => '/api/keys', key => $key,
    json => { name => 'reads', scope => 'read' })->{json}{key});
like(ends(22, 'a key that may only read', 'tcp', 81, '--dashboard', $url,
    @trust, '--api-key-file', $reads),
    qr/may only read.*make one on the page of your account/,
    'says where there is another');
my $short = $rig->token_file('abc');
like(ends(20, 'no API key at all', 'tcp', 80, '--dashboard', $url, @trust,
    '--api-key-file', $short), qr/64 hex digits/, 'says so');
like(ends(1, 'a port that is taken', 'udp', 80, '--public-port', $wanted,
    @to), qr/another/i, 'says so');
my $nobody = free_port();
ends(1, 'nobody there', 'tcp', 80, '--dashboard', "https://127.0.0.1:$nobody",
    @trust, '--api-key-file', $file);

$web->stop('QUIT', 10);
$api->{proc}->stop('TERM', 10);
$rig->finish(unsettled => 1);
done_testing();
