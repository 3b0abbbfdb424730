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
system("make -s -C $house SYS=win build/win/t/certutil.exe >/dev/null 2>&1");
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
		    $o{pin} || $rig->pin, '-a', $m->{allow} or die "bat: $!";
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

# In its folder, as Explorer starts it.
sub double_click {
	my ($path, %env) = @_;
	my ($name) = $path =~ m{([^/]+)$};
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

# --- what works --------------------------------------------------------------

my $path = bat();
my $began = time;
$rig->caught_up;
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

# The key is in no command line, no environment, no log, no temporary file.
my $seen = 0;
for my $p (glob '/proc/[0-9]*') {
	$seen += () = slurp("$p/$_") =~ /\Q$m->{token}\E/ for
	    qw(cmdline environ);
}
is($seen, 0, 'no command line and no environment holds the key');
unlike(slurp("$dir/access.log"), qr/\Q$m->{token}\E/,
    'the web server never sees it');
is(scalar(grep { slurp($_) =~ /\Q$m->{token}\E/ } glob
    $wine->c_drive . '/users/*/{Temp,AppData/Local/Temp,AppData/Local/Adit/bin}/*'),
    0, 'no temporary file holds it');

# A second start takes over; the first ends with its own sentence.
my $second = double_click($path);
is($run->wait(30), 24, 'a second start: the first ends with 24');
like($run->output, qr/took over from here/, 'and says why');
soon { $rig->is_live($t) } 20, 'the second serves';
is(scalar(() = slurp("$dir/access.log") =~ /GET /g), 1,
    'nothing was fetched anew');
my ($pid) = grep { slurp("$_/cmdline") =~ /adit-\w+\.exe\0run/ }
    glob '/proc/[0-9]*';
ok($pid, 'its command line is: adit-....exe run');
kill 'INT', $pid =~ m{(\d+)$};
is($second->wait(30), 0, 'Ctrl-C ends program and file with 0');
like($second->output, qr/The tunnel is stopped/, 'in its words');

# --- what is wrong -----------------------------------------------------------

# [claim, code, words, how the file is made, before it is run]
sub wrong {
	my ($claim, $want, $words, %o) = @_;
	my ($code, $said) = outcome(bat(%o));
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
($pid) = grep { slurp("$_/cmdline") =~ /adit-\w+\.exe\0run/ }
    glob '/proc/[0-9]*';
kill 'INT', $pid =~ m{(\d+)$} if $pid;
is($tampered->wait(30), 0, 'it ends');

unlink $exe_there;
my $canary = "$dir/started";
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
($pid) = grep { slurp("$_/cmdline") =~ /adit-\w+\.exe\0run/ }
    glob '/proc/[0-9]*';
kill 'INT', $pid =~ m{(\d+)$} if $pid;
is($own->wait(30), 0, 'it ends');

$rig->finish;
done_testing;
