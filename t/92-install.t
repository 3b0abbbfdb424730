#!/usr/bin/perl
# `adit install` on Windows, under Wine: the Run key and what it starts, the
# service as Wine's service manager runs it, the double click that finds itself
# installed, and that uninstall leaves nothing.
use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Copy qw(copy);
use File::Find qw(find);
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);
use Rig::Wine;

my $house = $Rig::HOUSE;
my $exe = "$house/build/adit.exe";
my $missing = Rig::Wine::missing();
plan skip_all => $missing if $missing;
my $certutil = "$house/build/win/t/certutil.exe";
system("make -s -C $house SYS=win build/win/t/certutil.exe >/dev/null 2>&1");
plan skip_all => 'certutil.exe could not be built' unless -e $certutil;

sub slurp {
	my ($path) = @_;
	open my $f, '<:raw', $path or return '';
	local $/;
	return scalar <$f>;
}

my $sha = sha256_hex(slurp($exe));
my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0');

# A tunnel and its machine: { t, m }.
sub machine {
	my ($name) = @_;
	my $t = $rig->tunnel(name => $name, kind => 'tcp',
	    target => "127.0.0.1:$service->{port}{ask}");
	return { t => $t, m => $rig->machine($t) };
}

my $one = machine('game');
my $two = machine('other');
$rig->caught_up;

my $wine = Rig::Wine->new;
# Wine has two service managers in a prefix that was made just now, which know
# nothing of each other.
$wine->switch_off;
my $drive = $wine->c_drive;
my $downloads = "$drive/users/My Files & Co (1) !wow!";
make_path($downloads);
my @files;
my $runs = 0;

# A file as the dashboard gives it.
sub file {
	my ($name, $machine, $called, $token) = @_;
	my $path = "$downloads/$name";
	open my $p, '-|', "$house/build/tools/bat", 'https://127.0.0.1:9/a.exe',
	    $sha, $token || $machine->{m}{token}, '-m', $called,
	    '-d', "127.0.0.1:$rig->{port}", $rig->pin,
	    '-a', $machine->{m}{allow} or die "bat: $!";
	open my $f, '>:raw', $path or die "$path: $!";
	local $/;
	print $f scalar <$p>;
	close $f or die "$path: $!";
	push @files, $path;
	return $path;
}

# The name of a file as Windows has it.
sub win {
	my ($path) = @_;
	$path =~ s{^\Q$drive\E}{C:};
	$path =~ tr{/}{\\};
	return $path;
}

sub adit { return $wine->ask($exe, @_) }

# What lies in a folder, or what reg says.
sub files_in {
	my ($folder) = @_;
	my @all;
	find({ no_chdir => 1, wanted => sub { push @all, $_ } }, $folder)
	    if -d $folder;
	return sort map { substr $_, length $folder } @all;
}

sub reg {
	my ($key) = @_;
	my ($said) = $wine->ask('reg', 'query', $key, '/s');
	return $said;
}

my $RUN = 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run';
my $APPS = 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall';
my ($local) = glob "$drive/users/*/AppData/Local";
($local) = grep { !m{/Public/} } glob "$drive/users/*/AppData/Local";

my $message = pack('V4v2', 1, 1, 1, 16, 16, 1)
    . join('', map { "$_\0" } '%', '1', "\r", "\n", "\0", "\0");
like(slurp($exe), qr/\Q$message\E/, 'the event log finds its one message');

# --- for this user -----------------------------------------------------------

my ($said, $rc) = adit('status');
is($rc, 0, 'nothing is installed');
my $path = file('adit-game.bat', $one, 'my-pc-1');
($said, $rc) = adit('install', win($path));
is($rc, 0, 'install') or diag($said);
like($said, qr/^Installed as "my-pc-1"/m, 'by the machine\'s name');
soon { $rig->is_live($one->{t}) } 20, 'the tunnel is live';
unlink $path;
like(reg($RUN), qr/^\s+Adit my-pc-1\s+REG_SZ\s+"C:\\.*\\Adit\\installed\\my-pc-1\\adit\.exe" keep my-pc-1$/m,
    'the Run key starts it');
like(reg($APPS), qr/UninstallString\s+REG_SZ\s+".*adit\.exe" uninstall my-pc-1/,
    'Settings can take it away');
unlike(reg('HKCU\\Software'), qr/$one->{m}{token}/i,
    'the registry does not hold the key');
my $seen = 0;
for my $p (glob '/proc/[0-9]*') {
	$seen += () = slurp("$p/$_") =~ /\Q$one->{m}{token}\E/ for
	    qw(cmdline environ);
}
is($seen, 0, 'nor does a command line or an environment');
soon { ($said, $rc) = adit('status'); $said =~ /: Online\.$/m } 20,
    'status says that it is online';
is($rc, 0, 'and that all is well');
like($said, qr/^my-pc-1: runs; starts by itself when you sign in$/m,
    'that it runs');
my $r = $rig->visit('echo', $one->{t}, 1000, { a => 1 });
is($r->{ok}, 1, 'bytes go through it') or diag($r->{why});

my $second = file('adit-other.bat', $two, 'my-pc-2');
($said, $rc) = adit('install', win($second));
is($rc, 0, 'a second machine') or diag($said);
soon { $rig->is_live($two->{t}) } 20, 'is live';
ok($rig->is_live($one->{t}), 'beside the first');

# What serves is killed, and there is another.
my ($served) = map { m{/(\d+)$} } grep {
	slurp("$_/cmdline") =~ /adit\.exe\0keep\0--serve\0my-pc-1\0/
} glob '/proc/[0-9]*';
ok($served, 'a process serves, another looks after it');
kill 'KILL', $served if $served;
soon { grep {
	m{/(\d+)$} && $1 != $served &&
	    slurp("$_/cmdline") =~ /adit\.exe\0keep\0--serve\0my-pc-1\0/
} glob '/proc/[0-9]*' } 20, 'killed, it is started again';
soon { $rig->is_live($one->{t}) } 20, 'and serves';

# Signing in anew: Wine runs what the Run key says.
$wine->switch_off;
soon { !$rig->is_live($one->{t}) && !$rig->is_live($two->{t}) } 90,
    'the computer is switched off';
$wine->run('wineboot');
soon { $rig->is_live($one->{t}) && $rig->is_live($two->{t}) } 30,
    'both run when its user is back';

# --- the same machine anew ---------------------------------------------------

my $key = $rig->ctl('machine', 'key', 'add', $one->{m}{id});
push @{ $rig->{secrets} }, $key->{token};
$rig->caught_up;
$path = file('adit-game.bat', $one, 'my-pc-1', $key->{token});
($said, $rc) = adit('install', win($path));
is($rc, 0, 'a new download of the same machine') or diag($said);
like($said, qr/^Replaced what was installed as "my-pc-1"/m, 'replaces it');
like(slurp("$local/Adit/installed/my-pc-1/settings.txt"),
    qr/^#adit token=$key->{token}$/m, 'with its key');
soon { $rig->is_live($one->{t}) } 20, 'it serves';

# The double click finds itself installed.
unlink "$drive/windows/system32/certutil.exe";
copy($certutil, "$drive/windows/system32/certutil.exe");
make_path("$local/Adit/bin");
copy($exe, "$local/Adit/bin/adit-" . substr($sha, 0, 12) . '.exe');
my $click = $rig->start('cmd', [ 'sh', '-c', 'cd "$0" && exec "$@"',
    $downloads, $wine->command('cmd', '/c', 'adit-game.bat') ],
    env => { ADIT_NOPAUSE => 1 }, stop => 'INT');
is($click->wait(30), 0, 'a double click beside it ends at once');
like($click->output, qr/installed here for this file/, 'says why');
like($click->output, qr/goes on without this window/, 'also in the file');
ok($rig->is_live($one->{t}), 'and leaves it alone');

# --- uninstall ---------------------------------------------------------------

($said, $rc) = adit('uninstall', 'my-pc-2');
is($rc, 0, 'uninstall') or diag($said);
soon { !$rig->is_live($two->{t}) } 10, 'ends it';
ok($rig->is_live($one->{t}), 'and not the other');
# As Settings does it: the installed program takes itself away.
($said, $rc) = $wine->ask("$local/Adit/installed/my-pc-1/adit.exe",
    'uninstall', 'my-pc-1');
is($rc, 0, 'by the installed program itself') or diag($said);
soon { !-e "$local/Adit/installed" } 20, 'nothing is left';
is_deeply([ files_in("$local/Adit") ], [ '', '/bin',
    '/bin/adit-' . substr($sha, 0, 12) . '.exe' ],
    'what the .bat keeps stays');
unlike(reg($RUN), qr/Adit/, 'nothing in the Run key');
unlike(reg($APPS), qr/Adit/, 'nothing in Settings');

# --- the key in the window ---------------------------------------------------

SKIP: {
	skip 'no script(1) here', 6
	    unless grep { -x "$_/script" } split /:/, $ENV{PATH};
	my $log = $rig->dir . '/window';
	my @words = map { s/'/'\\''/gr } $wine->command('cmd', '/c',
	    'adit-other.bat');
	my $p = $rig->start('window', [ 'sh', '-c', 'cd "$0" && exec "$@"',
	    $downloads, 'script', '-qefc', join(' ', map { "'$_'" } @words),
	    $log ], talk => 1, env => { ADIT_NOPAUSE => 1, TERM => 'xterm',
	    SHELL => '/bin/sh' });
	soon { $rig->is_live($two->{t}) } 30, 'a double click serves';
	# Wine's console draws what has changed, so words are not to be found.
	print { $p->{to} } 'i';
	sleep 1;
	print { $p->{to} } 'y';
	is($p->wait(30), 0, 'I and y end the file with 0');
	soon { $rig->is_live($two->{t}) } 20, 'what was installed serves';
	($said, $rc) = adit('status');
	like($said, qr/^my-pc-2: runs/m, 'as status says');
	is((adit('uninstall'))[1], 0, 'and can be taken away');
	soon { !$rig->is_live($two->{t}) } 10, 'at once';
}

# --- as a service ------------------------------------------------------------

# Where services alone run, Wine's session is about to end and its clock stands
# still: somebody has to be signed in.
my $signed_in;
sub sign_in {
	$signed_in = $rig->start('signed-in-' . ++$runs,
	    [ $wine->command('ping', '-n', '600', '127.0.0.1') ]);
	return;
}
sign_in();
my $SERVICES = 'HKLM\\System\\CurrentControlSet\\Services';
($said, $rc) = adit('install', '--service', win($second));
is($rc, 0, 'install --service') or diag($said);
soon { $rig->is_live($two->{t}) } 20, 'the service serves';
my $said_reg = reg("$SERVICES\\adit-my-pc-2");
like($said_reg, qr/ImagePath\s+REG_SZ\s+"C:\\Program Files\\Adit\\my-pc-2\\adit\.exe" keep --service my-pc-2$/m,
    'from Program Files');
like($said_reg, qr/ObjectName\s+REG_SZ\s+NT AUTHORITY\\LocalService$/m,
    'with few rights');
like($said_reg, qr/Start\s+REG_DWORD\s+0x2$/m, 'with the computer');
like(reg("$SERVICES\\EventLog\\Application\\adit-my-pc-2"),
    qr/EventMessageFile\s+REG_SZ\s+C:\\Program Files/,
    'the event log knows it');
soon { ($said, $rc) = adit('status'); $said =~ /: Online\.$/m } 20,
    'status says that it is online';
like($said, qr/^my-pc-2: runs; starts by itself with this computer$/m,
    'and that it runs');
is($wine->run('net', 'stop', 'adit-my-pc-2'), 0, 'net stop');
soon { !$rig->is_live($two->{t}) } 10, 'ends it';
($said, $rc) = adit('status');
like($said, qr/^my-pc-2: does not run;.*\n  was stopped$/m, 'as status says');
is($wine->run('net', 'start', 'adit-my-pc-2'), 0, 'net start');
soon { $rig->is_live($two->{t}) } 20, 'starts it';
$wine->switch_off;
soon { !$rig->is_live($two->{t}) } 90, 'the computer is switched off';
sign_in();
soon { $rig->is_live($two->{t}) } 30, 'the service starts with it';
($said, $rc) = adit('install', '--service', win($second));
is($rc, 0, 'once more') or diag($said);
like($said, qr/^Replaced/m, 'replaces it');
soon { $rig->is_live($two->{t}) } 20, 'and serves';
$rig->ctl('machine', 'rm', $two->{m}{id});
soon { ($said, $rc) = adit('status'); $rc == 1 } 20, 'a key is revoked';
like($said, qr/ended with code 21: /, 'status says so');
($said, $rc) = adit('uninstall', '--service');
is($rc, 0, 'uninstall --service') or diag($said);
is_deeply([ files_in("$drive/Program Files/Adit") ], [], 'no file is left');
unlike(reg($SERVICES), qr/adit-my-pc/, 'and no key of the registry');
undef $signed_in;

unlink @files; # they hold keys
$rig->finish;
done_testing;
