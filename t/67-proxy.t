#!/usr/bin/perl
# Through the proxies of corporate networks: a real one (tinyproxy), with and
# without a password, and those that are no help.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon long_or free_port);
use Rig::Web;

my $MB = 1_000_000;
my $tinyproxy = Rig::Net::have('tinyproxy')
    or Rig::Net::skip('no tinyproxy here');
my $rig = Rig->new(conf => { limits => { returns_per_s => 100 } });
my $dir = $rig->dir;
my $relayd = $rig->relayd;
my $service = $rig->service('ask+udp:0');
my $t = $rig->tunnel(kind => 'both',
    target => "127.0.0.1:$service->{port}{ask}");
my $m = $rig->machine($t);
my $server = "127.0.0.1:$rig->{port}";

# Starts a tinyproxy; its port.
my @proxies;
sub proxy {
	my (@more) = @_;
	my $port = free_port();
	mkdir "$dir/proxies";
	my $conf = "$dir/proxies/" . @proxies;
	open my $f, '>', "$conf.conf" or die "$conf: $!";
	print $f map { "$_\n" } "Port $port", 'Listen 127.0.0.1', 'Timeout 600',
	    'MaxClients 50', 'LogLevel Connect', "LogFile \"$conf.log\"",
	    'Allow 127.0.0.1', @more;
	close $f or die "$conf: $!";
	push @proxies, $rig->start('tinyproxy', [ $tinyproxy, '-d', '-c',
	    "$conf.conf" ]);
	die "tinyproxy does not start\n" unless eventually {
		IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
	} 10;
	return ($port, "$conf.log");
}

# --- without a password ------------------------------------------------------

my ($port, $log) = proxy();
my $cutter = $rig->cutter(to => "127.0.0.1:$port");
my $adit = $rig->client($m, args => ['--verbose', '--proxy',
    "http://127.0.0.1:$cutter->{port}"]);
$rig->wait_live($t);
soon { $adit->errors =~ /linked to \Q$server\E through 127\.0\.0\.1:/ } 10,
    'a link through the proxy, which is named';
like(Rig::Proc::slurp($log), qr/CONNECT \Q$server\E/, 'it was asked to CONNECT');
my $size = long_or(500, 50) * $MB;
for my $way (qw(up down)) {
	my $r = $rig->visit($way, $t, $size, { t => 200 });
	is($r->{ok}, 1, $size / $MB . " MB $way, byte for byte")
	    or diag($r->{why});
}
my $r = $rig->visit('udp', $t, 1, 512, 1472, 9000);
is($r->{ok}, 4, 'datagrams') or diag($r->{why});

my $talk = $rig->canary($t, a => 1, i => 50);
for my $how (qw(fin rst)) {
	my $before = $rig->metrics->{adit_returns_total};
	$rig->cut($cutter, "cut $how");
	soon { $rig->metrics->{adit_returns_total} > $before } 10,
	    "cut by $how between client and proxy, the link comes back";
	$talk->say('reset');
	soon { $rig->report($talk)->{answers} > 3 } 10, 'and a talk goes on';
}
is($rig->leave($talk)->{ended}, '', 'it was never ended');
is($rig->metrics->{adit_sessions_total}, 1, 'it is the same session');

# --- a WebSocket through it ---------------------------------------------------

SKIP: {
	my $nginx = Rig::Net::have('nginx') or skip 'no nginx here', 3;
	my $web = free_port();
	system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
	    . ' -nodes -batch -subj /CN=localhost -addext'
	    . ' subjectAltName=DNS:localhost -days 3'
	    . " -keyout $dir/web.key -out $dir/web.crt 2>$dir/openssl.err") == 0
	    or die 'openssl';
	my $user = $> == 0 ? 'user root;' : '';
	my $temp = join '', map { "${_}_temp_path $dir/tmp-$_;\n" }
	    qw(client_body proxy fastcgi uwsgi scgi);
	open my $f, '>', "$dir/nginx.conf" or die "nginx.conf: $!";
	print $f <<"END";
daemon off;
pid $dir/nginx.pid;
error_log $dir/nginx.log;
$user
events {}
http {
	access_log off;
	$temp
	server {
		listen 127.0.0.1:$web ssl;
		ssl_certificate $dir/web.crt;
		ssl_certificate_key $dir/web.key;
		location = /link {
			proxy_pass http://unix:$dir/link.sock:;
			proxy_http_version 1.1;
			proxy_set_header Host \$host;
			proxy_set_header Upgrade \$http_upgrade;
			proxy_set_header Connection upgrade;
			proxy_set_header X-Real-IP \$remote_addr;
		}
	}
}
END
	close $f or die "nginx.conf: $!";
	my $front = $rig->start('nginx', [ $nginx, '-c', "$dir/nginx.conf" ],
	    stop => 'QUIT');
	soon { -s "$dir/nginx.pid" } 10, 'nginx runs';
	my $ws = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}");
	my $one = $rig->client($rig->machine($ws, { name => 'ws' }),
	    trust => [ '--ca', "$dir/web.crt" ], name => 'adit-ws',
	    server => "wss://localhost:$web/link",
	    args => ['--proxy', "127.0.0.1:$port"]);
	$rig->wait_live($ws);
	is($rig->visit('echo', $ws, 100_000, { a => 1 })->{ok}, 1,
	    'a WebSocket goes through it, certificate and name checked');
	like(Rig::Proc::slurp($log), qr/CONNECT localhost:$web/,
	    'its name is left to the proxy');
	is($one->stop('INT', 10), 0, 'it ends');
}
is($adit->stop('INT', 10), 0, 'the client ends');

# --- with one ------------------------------------------------------------------

my ($plain, $url_secret) = ('s3cr3tpassw0rd', 's3cr3t%70assw0rd');
my ($shut, $shut_log) = proxy(qq(BasicAuth ann $plain));
my $url = "http://ann:$url_secret\@127.0.0.1:$shut";
push @{ $rig->{secrets} }, $plain, $url_secret;

# Looks once: the exit code and what it said.
sub doctor {
	my ($args, %env) = @_;
	my $p = $rig->start('doctor', [ "$Rig::BUILD/adit", 'doctor',
	    '--server', $server, '--pin', $rig->pin, '--allow', $m->{allow},
	    '--token-file', $m->{file}, @$args ], env => \%env);
	my $code = $p->wait(60 * $Rig::PATIENCE);
	return (defined $code ? $code : 'no end', $p->output . $p->errors);
}

my ($code, $said) = doctor(['--proxy', "http://127.0.0.1:$shut"]);
is($code, 1, 'without a password the doctor finds something');
like($said, qr/FAILS .*wants a name and a password.*ADIT_PROXY/,
    'which it names, with the remedy');
($code, $said) = doctor([], ADIT_PROXY => "http://ann:wrong\@127.0.0.1:$shut");
is($code, 1, 'with a wrong one, too');
like($said, qr/does not accept this name and password/, 'which it says');
($code, $said) = doctor([], ADIT_PROXY => $url);
is($code, 0, 'with the right one all is well') or diag($said);
like($said, qr/ok +proxy: 127\.0\.0\.1:$shut \(ADIT_PROXY\)/,
    'the proxy is named, and whence it is known');
like($said, qr/ok .*through 127\.0\.0\.1:$shut: token/,
    'the relay was asked through it');
unlike($said, qr/\Q$plain\E|\Q$url_secret\E/, 'the password is not shown');
my $file = $rig->token_file($url);
($code, $said) = doctor(['--proxy-file', $file]);
is($code, 0, 'or from a file') or diag($said);

($code, $said) = doctor(['--proxy', $url]);
is($code, 20, 'a password on the command line is refused: 20');
like($said, qr/--proxy: everybody .*ADIT_PROXY.*--proxy-file/, 'with the remedy');

my $kept = $rig->client($m, name => 'adit-kept', env => { ADIT_PROXY => $url });
$rig->wait_live($t);
my $pid = $kept->pid;
unlike(Rig::Proc::slurp("/proc/$pid/$_"), qr/\Q$url_secret\E/,
    "its $_ does not hold it") for qw(cmdline environ);
is($kept->stop('INT', 10), 0, 'it ends');
my $run = "$dir/adit.conf";
open my $f, '>', $run or die;
chmod 0600, $run;
print $f "#adit door=$server pin=", $rig->pin, "\n#adit allow=$m->{allow}\n",
    "#adit token=$m->{token}\n#adit proxy=$url\n";
close $f;
my $by_file = $rig->start('adit-run', [ "$Rig::BUILD/adit", 'run', $run ],
    stop => 'INT');
$rig->wait_live($t);
soon { $by_file->errors =~ /through 127\.0\.0\.1:$shut/ } 10,
    'the line of a downloaded file does it';
is($by_file->stop('INT', 10), 0, 'it ends');
unlink $run, $file;

# --- what is no help -------------------------------------------------------------

# Each is found and named; nobody waits for ever.
my %sentence = (
	407 => qr/wants a name and a password/,
	ntlm => qr/does not know \(only Basic\)/,
	403 => qr/does not allow connections to \Q$server\E/,
	502 => qr/does not reach \Q$server\E/,
	500 => qr/does not make a connection to \Q$server\E \(500\)/,
	junk => qr/is no HTTP proxy/,
	huge => qr/says far too much/,
	hangup => qr/hung up without an answer/,
	early => qr/bytes that nobody has asked for/,
	silent => qr/did not answer in time/,
);
for my $mode (sort keys %sentence) {
	my $bad = $rig->start("proxy-$mode", [ $^X,
	    "$FindBin::Bin/peers/proxy.pl", $mode ], talk => 1);
	my $at = $bad->expect(qr/^port (\d+)/);
	($code, $said) = doctor(['--proxy', "http://127.0.0.1:$at"]);
	is($code, 1, "a proxy that answers $mode");
	like($said, $sentence{$mode}, 'has its sentence');
	$bad->stop;
}
my $none = free_port();
($code, $said) = doctor(['--proxy', "http://127.0.0.1:$none"]);
is($code, 1, 'no proxy there');
like($said, qr/the proxy cannot be reached: .*refused/, 'has its sentence');
($code, $said) = doctor(['--proxy', 'socks5://127.0.0.1:1080']);
is($code, 20, 'one that is not spoken to is a wrong setting');
($code, $said) = doctor([], https_proxy => "http://127.0.0.1:$none");
is($code, 0, 'to this computer the environment\'s proxy does not lead');

# --- names -------------------------------------------------------------------------

# A name that only the proxy knows.
my $inside = $rig->start('proxy-pass', [ $^X, "$FindBin::Bin/peers/proxy.pl",
    'pass' ], talk => 1);
my $in = $inside->expect(qr/^port (\d+)/);
my $far = $rig->client($m, name => 'adit-far',
    server => "relay.invalid:$rig->{port}",
    args => ['--proxy', "127.0.0.1:$in"]);
$rig->wait_live($t);
is($inside->line(10), "CONNECT relay.invalid:$rig->{port} HTTP/1.1",
    'a name that nobody here knows is left to the proxy');
is($far->stop('INT', 10), 0, 'it ends');

# The dashboard is asked through it as well.
SKIP: {
	skip 'no nginx or no webapp here', 3
	    unless Rig::Net::have('nginx') && -x "$Rig::BUILD/webapp.fcgi";
	my $web = Rig::Web->new($rig, tls => 1);
	my $key = $rig->token_file($rig->ctl('key', 'add', '--user',
	    $rig->user, '--name', 'quick')->{key});
	my $quick = $rig->start('adit-quick', [ "$Rig::BUILD/adit", 'tcp',
	    $service->{port}{ask}, '--dashboard', $web->dashboard, '--pin',
	    $rig->pin, '--api-key-file', $key, '--proxy', "127.0.0.1:$in" ],
	    stop => 'INT');
	soon { $quick->errors =~ /linked to \S+ through 127\.0\.0\.1:$in/ } 20,
	    'adit tcp links through it';
	is($inside->line(10), "CONNECT 127.0.0.1:$web->{tls} HTTP/1.1",
	    'and has asked the dashboard through it');
	is($quick->stop('INT', 10), 0, 'it ends');
}

$rig->finish;
done_testing;
