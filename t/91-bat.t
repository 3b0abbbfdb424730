#!/usr/bin/perl
# The double click, under Wine: the file that the dashboard gives is run by
# cmd.exe in a folder with an awkward name; a real curl.exe fetches the program
# over TLS from a real nginx; the tunnel goes live.  Then everything that can
# be wrong.  certutil.exe is a stand-in, cmd.exe is Wine's.
use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Copy qw(copy);
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);

use Rig qw(eventually soon free_port);
use Rig::Canary;
use Rig::Net;
use Rig::Web;
use Rig::Wine;

my $house = $Rig::HOUSE;
my $missing = Rig::Wine::missing();
plan skip_all => $missing if $missing;
plan skip_all => 'no nginx here' unless Rig::Net::have('nginx');
my $curl = "$house/build/cache/curl.exe";
my $certutil = "$house/build/win/t/certutil.exe";
system("$house/deploy/clients.sh curl >/dev/null 2>&1");
system("make -s -C $house SYS=win build/win/t/certutil.exe"
    . ' build/win/t/fell.exe >/dev/null 2>&1');
plan skip_all => 'curl.exe could not be built (deploy/clients.sh curl)'
    unless -e $curl;
plan skip_all => 'certutil.exe could not be built' unless -e $certutil;

my $MB = 1_000_000;
my $exe = slurp("$house/build/adit.exe");
my $sha = sha256_hex($exe);

sub slurp {
	my ($path) = @_;
	open my $f, '<:raw', $path or return '';
	local $/;
	return scalar <$f>;
}

sub spew {
	my ($path, $bytes) = @_;
	open my $f, '>:raw', $path or die "$path: $!";
	print $f $bytes;
	close $f or die "$path: $!";
	return;
}

# --- a relay, a web server with a certificate of its own, a Windows ----------

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('ask+udp:0');
my $t = $rig->tunnel(name => 'game', kind => 'both',
    target => "127.0.0.1:$service->{port}{ask}");
my $m = $rig->machine($t);

my $dir = $rig->dir;
my $web = free_port();
make_path("$dir/www/client", "$dir/ngx");
spew("$dir/www/client/adit.exe", $exe);
system('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
    'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=web',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$dir/web.key",
    '-out', "$dir/web.crt", '-batch') == 0 or die 'openssl';
my $as = $> == 0 ? 'user root;' : ''; # the folder is ours alone
spew("$dir/nginx.conf", <<"CONF");
$as
daemon off;
pid $dir/nginx.pid;
error_log $dir/nginx.log;
events {}
http {
	access_log $dir/access.log;
	client_body_temp_path $dir/ngx/a; proxy_temp_path $dir/ngx/b;
	fastcgi_temp_path $dir/ngx/c; uwsgi_temp_path $dir/ngx/d;
	scgi_temp_path $dir/ngx/e;
	server {
		listen 127.0.0.1:$web ssl;
		ssl_certificate $dir/web.crt;
		ssl_certificate_key $dir/web.key;
		ssl_protocols TLSv1.2 TLSv1.3;
		root $dir/www;
	}
}
CONF
my $nginx = $rig->start('nginx', [ Rig::Net::have('nginx'), '-e',
    "$dir/nginx.log", '-c', "$dir/nginx.conf" ]);
soon { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$web") } 10,
    'nginx stands';

my $wine = Rig::Wine->new;
my $sys = $wine->c_drive . '/windows/system32';
unlink "$sys/curl.exe", "$sys/certutil.exe";
copy($curl, "$sys/curl.exe");
copy($certutil, "$sys/certutil.exe");
my $folder = $wine->c_drive . '/My Files & Co (1) !wow! ^up ünï';
make_path($folder);

# Writes the file as the dashboard does.
sub bat {
	my (%o) = @_;
	my $path = "$folder/" . ($o{name} || 'adit-game.bat');
	my $text = do {
		open my $p, '-|', "$house/build/tools/bat",
		    $o{url} || "https://127.0.0.1:$web/client/adit.exe",
		    $o{sha} || $sha, $o{token} || $m->{token}, '-k',
		    '-d', $o{relay} || "127.0.0.1:$rig->{port}",
		    $o{pin} || $rig->pin, '-a', $o{allow} || $m->{allow} or die "bat: $!";
		local $/;
		<$p>;
	};
	spew($path, $text);
	return $path;
}

# Where the program is kept.
sub installed { return glob $wine->c_drive .
    '/users/*/AppData/Local/Adit/bin/adit-*.exe' }

my $runs = 0;

# In its folder, as Explorer starts it.  `before`: words of cmd.exe that come
# first.
sub double_click {
	my ($path, %env) = @_;
	my ($name) = $path =~ m{([^/]+)$};
	$name = delete($env{before}) . "&$name" if exists $env{before};
	return $rig->start('cmd-' . ++$runs, [ 'sh', '-c',
	    'cd "$0" && exec "$@"', $folder,
	    $wine->command('cmd', '/c', $name) ],
	    env => { ADIT_NOPAUSE => 1, %env }, stop => 'INT',
	    patience => 20);
}

# Until it ends: its code, and what it said.
sub outcome {
	my ($path, %env) = @_;
	my $p = double_click($path, %env);
	my $code = $p->wait(60);
	$p->stop('KILL') unless defined $code;
	return (defined $code ? $code : 'no end', $p->output . $p->errors);
}

# The process of the program, once it runs: ours, of this Windows.
sub program {
	my $ours = 'WINEPREFIX=' . $wine->pfx . "\0";
	my $pid;
	eventually {
		($pid) = map { m{(\d+)$} } grep {
		    slurp("$_/cmdline") =~ /adit-\w+\.exe\0run/ &&
			index(slurp("$_/environ"), $ours) >= 0
		} glob '/proc/[0-9]*'
	} 30;
	return $pid;
}

# --- what works --------------------------------------------------------------

my $path = bat();
$rig->caught_up;
my $canary = Rig::Canary->new($m->{token});
my $began = time;
my $run = double_click($path);
soon { $rig->is_live($t) } 60, 'a double click, and the tunnel is live';
my $r = $rig->visit('echo', $t, 10, { a => 1 });
my $took = time - $began;
is($r->{ok}, 1, 'a first byte through it') or diag($r->{why});
cmp_ok($took, '<', 30, 'within 30 s');
diag(sprintf 'from the double click to the first byte: %.1f s', $took);
my ($exe_there) = installed();
is(sha256_hex(slurp($exe_there || '/dev/null')), $sha,
    'the program is kept for this user');
for my $way (qw(up down)) {
	$r = $rig->visit($way, $t, 100 * $MB, { t => 300 });
	is($r->{ok}, 1, "100 MB $way, byte for byte") or diag($r->{why});
}
$r = $rig->visit('udp', $t, 1, 512, 1472, 9000);
is($r->{ok}, 4, 'datagrams') or diag($r->{why});

# The key is in no command line, no environment, no log, no temporary file, from
# the double click on.
is(join(', ', $canary->seen), '',
    'no command line and no environment has shown the key');
cmp_ok($canary->looks, '>', 5, 'which was looked at often');
is(join(' ', $canary->files($dir, except => qr{/token-\d+$|-aditctl\.out$})),
    '', 'nor a log of programs and web server, or the database');
is(join(' ', $canary->files($wine->dir, except => qr/\.bat$/)), '',
    'nor any file of that Windows, or its registry');

# A second start takes over; the first ends with its own sentence.
my $second = double_click($path);
is($run->wait(30), 24, 'a second start: the first ends with 24');
like($run->output, qr/took over from here/, 'and says why');
soon { $rig->is_live($t) } 20, 'the second serves';
is(scalar(() = slurp("$dir/access.log") =~ /GET /g), 1,
    'nothing was fetched anew');
my $pid = program();
ok($pid, 'its command line is: adit-....exe run');
kill 'INT', $pid;
is($second->wait(30), 0, 'Ctrl-C ends program and file with 0');
like($second->output, qr/The tunnel is stopped/, 'in its words');

# --- what is wrong -----------------------------------------------------------

# What a file ends with and says, whose making or environment is odd.
sub wrong {
	my ($claim, $want, $words, %o) = @_;
	my %env = %{ delete $o{env} || {} };
	my $more = delete $o{more} // '';
	my $path = bat(%o);
	spew($path, slurp($path) . $more);
	my ($code, $said) = outcome($path, %env);
	is($code, $want, "$claim: $want");
	like($said, $words, "$claim: its sentence");
	return;
}

wrong('a wrong pin', 23, qr/not the one that this file was made for/,
    pin => 'sha256:' . '0' x 64);
wrong('an unknown key', 22, qr/key in this file is not accepted/,
    token => 'ab' x 32);

spew($exe_there, $exe . 'x');
my $tampered = double_click(bat());
soon { $rig->is_live($t) } 60, 'a changed program is fetched again';
is(sha256_hex(slurp($exe_there)), $sha, 'and is the right one then');
like($tampered->output, qr/damaged or was changed/, 'which is said');
$pid = program();
kill 'INT', $pid if $pid;
is($tampered->wait(30), 0, 'it ends');

unlink $exe_there;
spew("$dir/www/client/wrong.exe", $exe . 'another');
wrong('another program at that address', 14, qr/NOT started/,
    url => "https://127.0.0.1:$web/client/wrong.exe");
is_deeply([ installed() ], [], 'it was not kept');
wrong('nothing at that address', 13, qr/could not be downloaded/,
    url => "https://127.0.0.1:$web/client/none.exe");
wrong('no server', 13, qr/could not be downloaded/,
    url => 'https://127.0.0.1:' . free_port() . '/adit.exe');

# A helper that always says yes is not believed: Wine's own certutil does so.
unlink "$sys/certutil.exe";
spew("$sys/certutil.exe", slurp($wine->c_drive .
    '/windows/system32/findstr.exe'));
wrong('a helper that always says yes', 14, qr/NOT started/);
is_deeply([ installed() ], [], 'nothing was kept');
copy($certutil, "$sys/certutil.exe");

# So is a curl.exe, or one that brings something else.
my $yes = slurp($wine->c_drive . '/windows/system32/findstr.exe');
unlink "$sys/curl.exe";
spew("$sys/curl.exe", $yes);
wrong('a curl that always says yes', 13, qr/could not be downloaded/);
unlink "$sys/curl.exe";
wrong('no curl at all', 13, qr/could not be downloaded/);
copy($curl, "$sys/curl.exe");
is_deeply([ installed() ], [], 'nothing was kept');

# --- a proxy stands before the download -------------------------------------------

my %proxy;
for my $mode (qw(pass 407 403)) {
	$proxy{$mode} = $rig->start("proxy-$mode", [ $^X,
	    "$FindBin::Bin/peers/proxy.pl", $mode ], talk => 1);
	$proxy{$mode}{url} = 'http://127.0.0.1:' .
	    $proxy{$mode}->expect(qr/^port (\d+)/);
}
wrong("a proxy that answers $_", 13, qr/could not be downloaded.*proxy/s,
    env => { https_proxy => $proxy{$_}{url} }) for qw(407 403);
my $through = double_click(bat(), https_proxy => $proxy{pass}{url});
soon { $rig->is_live($t) } 60, 'one that does: the program comes through it';
is($proxy{pass}->line(5), "CONNECT 127.0.0.1:$web HTTP/1.1", 'by CONNECT');
kill 'INT', program();
is($through->wait(30), 0, 'it ends');
wrong('a proxy in the file that is none', 20, qr/settings in this file/,
    more => "#adit proxy=socks5://h:1\r\n");
wrong('a line that is unknown', 20, qr/line \d+: "colour" is no setting/,
    more => "#adit colour=red\r\n");
my $shut = bat();
spew($shut, slurp($shut) . "#adit proxy=$proxy{403}{url}\r\n");
$run = double_click($shut);
soon { $run->errors =~ /does not allow connections/ } 30,
    'a proxy that forbids it is named';
$proxy{403}->stop;
ok($run->alive, 'and it goes on trying');
kill 'INT', program();
is($run->wait(30), 0, 'until it is stopped');

# --- folders, and what antivirus programs do ---------------------------------------

wrong('no folder for programs', 11, qr/no folder for programs/,
    env => { before => 'set LOCALAPPDATA=' });
wrong('one that cannot be made', 12, qr/folder for the program cannot be made/,
    env => { before => 'set LOCALAPPDATA=Z:\\proc\\none' });

my $where = $exe_there =~ s{/[^/]+$}{}r;
unlink installed();
make_path("$exe_there/held");
wrong('a file there that cannot be taken away', 15, qr/taken away.*antivirus/s);
rmdir "$exe_there/held";
rmdir $exe_there;

# Taken away as often as it comes.
my $thief = fork;
if (defined $thief && $thief == 0) {
	while (getppid != 1) {
		unlink grep { -f } glob "$where/adit-*.exe";
		select undef, undef, undef, 0.002;
	}
	require POSIX;
	POSIX::_exit(0);
}
wrong('a program that vanishes at once', 15, qr/taken away.*antivirus/s);
kill 'KILL', $thief;
waitpid $thief, 0;

# Taken away while it runs; and one that only falls.
sub fell {
	return $wine->run("$house/build/win/t/fell.exe",
	    'adit-' . substr($sha, 0, 12) . '.exe');
}
$run = double_click(bat());
soon { $rig->is_live($t) } 60, 'it serves';
unlink installed();
is(fell(), 0, 'somebody ends it');
is($run->wait(60), 15, 'taken away while it runs: 15');
like($run->output, qr/taken away.*antivirus/s, 'its sentence');
$run = double_click(bat());
soon { $rig->is_live($t) } 60, 'it serves';
is(fell(), 0, 'somebody ends it');
soon { $run->output =~ /program ended .*Starting it again in 2 s/ } 30,
    'one that falls is started again';
soon { $rig->is_live($t) } 60, 'and serves';
kill 'INT', program();
is($run->wait(30), 0, 'it ends');

# --- what is no failure --------------------------------------------------------------

my $free = free_port();
my $early = $rig->tunnel(name => 'early', target => "127.0.0.1:$free",
    verified => 0);
my $other = $rig->machine($early, { name => 'other' });
$run = double_click(bat(token => $other->{token}, allow => $other->{allow}));
$rig->caught_up;
soon { $run->errors =~ /waits for its verification; open \S+/ } 60,
    'not yet verified: the link is said';
$rig->ctl('tunnel', 'verify', $early->{id});
soon { $run->errors =~ /127\.0\.0\.1:$free.*nothing listens there/ } 30,
    'nothing listens there: so is that';
my $late = $rig->service("ask:$free");
soon { $rig->is_live($early)
	&& $rig->visit('echo', $early, 10, { a => 1 })->{ok} == 1 } 40,
    'meanwhile it goes on, and serves';
kill 'INT', program();
is($run->wait(30), 0, 'it ends');

# A relay of another time.
SKIP: {
	skip 'no python3-websockets here', 2
	    if system('/usr/bin/python3 -c "import websockets" 2>/dev/null');
	my $relic = $rig->start('relic', [ '/usr/bin/python3',
	    "$FindBin::Bin/peers/websocket.py", 'server', 0, "$dir/web.crt",
	    "$dir/web.key", 2 ], talk => 1);
	my $at = $relic->expect(qr/^port (\d+)/);
	my $pin = 'sha256:' . sha256_hex(scalar `openssl x509 -in $dir/web.crt -noout -pubkey | openssl pkey -pubin -outform DER`);
	wrong('no version in common', 25, qr/no version in common/,
	    relay => "wss://127.0.0.1:$at/link", pin => $pin);
}

# Revoked while it runs.
my $last = double_click(bat());
soon { $rig->is_live($t) } 60, 'it serves again';
$rig->ctl('machine', 'rm', $m->{id});
is($last->wait(30), 21, 'a revoked key ends it with 21');
like($last->output, qr/was revoked/, 'and its sentence');

# --- from the dashboard --------------------------------------------------------

my $pages = Rig::Web->new($rig, tls => 1);
mkdir "$dir/client";
spew("$dir/client/adit-" . substr($sha, 0, 12) . '.exe', $exe);
my $got = $pages->browser->get("/download/$t->{id}", headers => {
    Authorization => 'Bearer ' . $rig->ctl('key', 'add', '--user',
	$rig->user, '--name', 'test')->{key} });
is($got->status, 200, 'the dashboard gives the file') or diag($got->text);
my ($name) = ($got->header('content-disposition') // '') =~ /="([^"]+)"/;
is($name, 'adit-game.bat', 'of the tunnel\'s name');
push @{ $rig->{secrets} }, $got->text =~ /^#adit token=(\w+)/m;
spew("$folder/$name", $got->text);
unlink installed();
my $own = double_click("$folder/$name");
soon { $rig->is_live($t) } 60, 'which fetches the program there and serves';
$r = $rig->visit('echo', $t, 10, { a => 1 });
is($r->{ok}, 1, 'and bytes go through it') or diag($r->{why});
like(slurp("$pages->{dir}/log/access.log"), qr{/client/adit-\w{12}\.exe},
    'over TLS, by its hash');
$pid = program();
kill 'INT', $pid if $pid;
is($own->wait(30), 0, 'it ends');

$rig->finish;
done_testing;
