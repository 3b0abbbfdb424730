package Rig::Front;
# An nginx that has nothing but doors for links in a WebSocket, as
# nginx.conf.example has them.
#
#	my $front = Rig::Front->new($rig, host => '127.0.0.1', doors =>
#	    [ { path => '/link' }, { path => '/hasty', seconds => 3,
#	      tls => 'TLSv1.2' } ]);
#
# Each door has a port of its own: $front->{port}[0] and so on.  {ca} is whom
# clients trust, {proc} the running program.
use strict;
use warnings;

use Rig qw(soon free_port);
use Rig::Net;
use Rig::Proc;
use Test::More ();

sub location {
	my ($dir, $door) = @_;
	my $seconds = $door->{seconds} || 75;
	return <<"END";
	location = $door->{path} {
		proxy_pass http://unix:$dir/link.sock:;
		proxy_http_version 1.1;
		proxy_set_header Host \$host;
		proxy_set_header Upgrade \$http_upgrade;
		proxy_set_header Connection upgrade;
		proxy_set_header X-Real-IP \$remote_addr;
		proxy_buffer_size 64k;
		proxy_buffers 8 64k;
		proxy_read_timeout ${seconds}s;
		proxy_send_timeout ${seconds}s;
	}
END
}

sub server {
	my ($dir, $host, $port, $door) = @_;
	my $tls = $door->{tls} || 'TLSv1.3';
	return "server {\nlisten $host:$port ssl;\nssl_protocols $tls;\n"
	    . location($dir, $door) . "}\n";
}

sub new {
	my ($class, $rig, %o) = @_;
	my $nginx = Rig::Net::have('nginx')
	    or Rig::Net::skip('no nginx here');
	my $dir = $rig->dir;
	my $host = $o{host} || '127.0.0.1';
	my $self = bless { ca => "$dir/web.crt", port => [], rig => $rig },
	    $class;
	system("openssl req -x509 -newkey ec -pkeyopt"
	    . ' ec_paramgen_curve:P-256 -nodes -batch -subj /CN=localhost'
	    . " -addext subjectAltName=DNS:localhost,IP:$host -days 3"
	    . " -keyout $dir/web.key -out $dir/web.crt 2>$dir/openssl.err")
	    == 0 or Test::More::BAIL_OUT('openssl: '
	    . Rig::Proc::slurp("$dir/openssl.err"));
	my $user = $> == 0 ? 'user root;' : '';
	my $temp = join '', map { "${_}_temp_path $dir/tmp-$_;\n" }
	    qw(client_body proxy fastcgi uwsgi scgi);
	my $servers = '';
	for my $door (@{ $o{doors} }) {
		push @{ $self->{port} }, free_port();
		$servers .= server($dir, $host, $self->{port}[-1], $door);
	}
	open my $f, '>', "$dir/nginx.conf" or die "nginx.conf: $!";
	print $f <<"END";
daemon off;
pid $dir/nginx.pid;
error_log $dir/nginx.log notice;
worker_processes 2;
worker_shutdown_timeout 1s;
$user
events { worker_connections 512; }
http {
	access_log off;
	$temp
	ssl_certificate $dir/web.crt;
	ssl_certificate_key $dir/web.key;
	$servers
}
END
	close $f or die "nginx.conf: $!";
	$self->{proc} = $rig->start('nginx',
	    [ $nginx, '-e', "$dir/nginx.log", '-c', "$dir/nginx.conf" ],
	    stop => 'QUIT');
	soon { -s "$dir/nginx.pid" } 10, 'nginx runs';
	return $self;
}

1;
