#!/usr/bin/perl
# `adit install` on Linux: a machine's tunnels start by themselves, several
# side by side, and uninstall leaves nothing.  No systemd is asked: systemctl is
# a stand-in (t/lib/systemctl), which reads the units and starts what they say.
use strict;
use warnings;

use File::Find qw(find);
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);

my $house = $Rig::HOUSE;
my $adit = "$house/build/adit";
my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0');
my $t = $rig->tunnel(name => 'game', kind => 'tcp',
    target => "127.0.0.1:$service->{port}{ask}");
my $m = $rig->machine($t);
my $t2 = $rig->tunnel(name => 'other', kind => 'tcp',
    target => "127.0.0.1:$service->{port}{ask}");
my $m2 = $rig->machine($t2);
$rig->caught_up;

# A home with an awkward name, and a PATH on which systemctl is ours.
my $home = $rig->dir . '/my home 100% & $x ünï';
my $fake = $rig->dir . '/systemd';
make_path($home, $fake, $rig->dir . '/bin');
symlink "$house/t/lib/systemctl", $rig->dir . '/bin/systemctl';
my %env = (HOME => $home, FAKE_SYSTEMD => $fake,
    PATH => $rig->dir . "/bin:$ENV{PATH}", XDG_DATA_HOME => '/nowhere');

sub slurp {
	my ($path) = @_;
	open my $f, '<:raw', $path or return '';
	local $/;
	return scalar <$f>;
}

# A file as the dashboard gives it: "#adit" lines behind what cmd.exe runs.
sub file {
	my ($name, $machine, %o) = @_;
	my $path = $rig->dir . "/$name";
	open my $p, '-|', "$house/build/tools/bat", 'https://web.example/a.exe',
	    'ab' x 32, $o{token} || $machine->{token}, '-m', $o{name},
	    '-d', "127.0.0.1:$rig->{port}", $rig->pin,
	    '-a', $machine->{allow} or die "bat: $!";
	open my $f, '>:raw', $path or die "$path: $!";
	local $/;
	print $f scalar <$p>;
	close $f or die "$path: $!";
	return $path;
}

my $runs = 0;

# Runs adit; its exit status and what it said.
sub adit {
	my (@words) = @_;
	my $p = $rig->start('adit-' . ++$runs, [ $adit, @words ],
	    env => \%env);
	my $rc = $p->wait(30);
	return (defined $rc ? $rc : 'no end', $p->output . $p->errors);
}

# All that is in the home.
sub all_files {
	my @all;
	find({ no_chdir => 1, wanted => sub {
		push @all, substr $_, length $home;
	} }, $home);
	return sort @all;
}

# --- one machine -------------------------------------------------------------

my ($rc, $said) = adit('status');
is($rc, 0, 'nothing is installed');
like($said, qr/^Nothing is installed\.$/m, 'which is said');
($rc, $said) = adit('uninstall');
is($rc, 1, 'nothing can be taken away');

my $path = file('adit-game.bat', $m, name => 'my-pc-1');
($rc, $said) = adit('install', $path);
is($rc, 0, 'install') or diag($said);
like($said, qr/^Installed as "my-pc-1"/m, 'by the machine\'s name');
like($said, qr/enable-linger/, 'it says how to have it run signed out');
soon { $rig->is_live($t) } 20, 'the tunnel is live';
unlink $path;
my $folder = "$home/.local/share/adit/my-pc-1";
my $unit = "$home/.config/systemd/user/adit-my-pc-1.service";
is((stat "$folder/settings")[2] & 0777, 0600, 'its key is its owner\'s alone');
is((stat $folder)[2] & 0777, 0700, 'as its folder');
SKIP: {
	skip 'no systemd-analyze here', 1 unless grep { -x "$_/systemd-analyze" }
	    split /:/, $ENV{PATH};
	my $said = do {
		local @ENV{qw(HOME XDG_RUNTIME_DIR)} = ($home, $rig->dir);
		open my $p, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh',
		    'systemd-analyze', '--user', 'verify', '--man=no', $unit
		    or die $!;
		local $/;
		scalar <$p>;
	} // '';
	unlike($said, qr/adit-/, 'systemd understands the unit') or diag($said);
}
unlike(slurp($unit), qr/$m->{token}/, 'the unit does not hold it');
my $seen = 0;
for my $p (glob '/proc/[0-9]*') {
	$seen += () = slurp("$p/$_") =~ /\Q$m->{token}\E/ for
	    qw(cmdline environ);
}
is($seen, 0, 'nor does a command line or an environment');
($rc, $said) = (0, '');
soon { ($rc, $said) = adit('status'); $said =~ /: Online\.$/m } 20,
    'status says that it is online';
is($rc, 0, 'and that all is well');
like($said, qr/^my-pc-1: runs; starts by itself when you sign in$/m,
    'that it runs');
like($said, qr/^  linked to 127\.0\.0\.1:\d+$/m, 'whom it is linked to');
like($said, qr/^  game: tcp \S+ -> 127\.0\.0\.1:\d+: /m, 'each tunnel');
my $r = $rig->visit('echo', $t, 1000, { a => 1 });
is($r->{ok}, 1, 'bytes go through it') or diag($r->{why});

# --- two machines ------------------------------------------------------------

my $second = file('adit-other.bat', $m2, name => 'my-pc-2');
($rc, $said) = adit('install', $second);
is($rc, 0, 'a second machine') or diag($said);
soon { $rig->is_live($t2) } 20, 'is live';
ok($rig->is_live($t), 'beside the first');
($rc, $said) = adit('uninstall');
is($rc, 2, 'uninstall asks which of them');
like($said, qr/my-pc-1\n\s+my-pc-2/, 'and names them');
($rc, $said) = adit('uninstall', 'my-pc-2');
is($rc, 0, 'the second goes') or diag($said);
soon { !$rig->is_live($t2) } 10, 'at once';
ok($rig->is_live($t), 'the first stays');
ok(!-e "$home/.local/share/adit/my-pc-2", 'nothing is left of it');

# --- the same machine anew ---------------------------------------------------

my $key = $rig->ctl('machine', 'key', 'add', $m->{id});
push @{ $rig->{secrets} }, $key->{token};
$rig->caught_up;
$path = file('adit-game (1).bat', $m, name => 'my-pc-1',
    token => $key->{token});
($rc, $said) = adit('install', $path);
is($rc, 0, 'a new download of the same machine') or diag($said);
like($said, qr/^Replaced what was installed as "my-pc-1"/m, 'replaces it');
like(slurp("$folder/settings"), qr/^#adit token=$key->{token}$/m,
    'with its key');
soon { $rig->is_live($t) } 20, 'it serves';

# The file once more, as its double click starts it.
$env{ADIT_FILE} = $path;
($rc, $said) = adit('run');
is($rc, 26, 'the file started beside it leaves it alone');
like($said, qr/installed here for this file/, 'and says so');
ok($rig->is_live($t), 'it goes on');
delete $env{ADIT_FILE};

# A relay of another name may have a machine of the same name.
my $foreign = slurp($path);
$foreign =~ s/door=127\.0\.0\.1:/door=localhost:/;
open my $f, '>:raw', $rig->dir . '/foreign.bat' or die $!;
print $f $foreign;
close $f;
($rc, $said) = adit('install', $rig->dir . '/foreign.bat');
like($said, qr/^Installed as "my-pc-1-2"/m, 'another relay\'s stands beside');
adit('uninstall', 'my-pc-1-2');

# --- what ends ---------------------------------------------------------------

# The foreign one has taken over from the first, which ended.
soon { !$rig->is_live($t) } 10, 'nobody serves';
adit('install', $path);
soon { $rig->is_live($t) } 20, 'the first serves again';
$rig->ctl('machine', 'rm', $m->{id});
soon { ($rc, $said) = adit('status'); $rc == 1 } 20, 'a key is revoked';
like($said, qr/my-pc-1: does not run/, 'status says that it ended');
like($said, qr/ended with code 21: /, 'and why') or diag($said);
($rc, $said) = adit('uninstall', '--all');
is($rc, 0, 'all of them go') or diag($said);
is_deeply([ all_files() ], [ '', '/.config', '/.config/systemd',
    '/.config/systemd/user', '/.local', '/.local/share' ],
    'nothing is left');
like(slurp("$fake/log"), qr/^--user --quiet disable adit-my-pc-1\.service$/m,
    'systemd was told');

# --- what fails --------------------------------------------------------------

$path = file('again.bat', $m2, name => 'my-pc-2');
open $f, '>', "$fake/fails-enable" or die $!;
close $f;
($rc, $said) = adit('install', $path);
is($rc, 1, 'systemd refuses');
like($said, qr/systemctl enable: Failed to enable: said to fail/,
    'in its words');
is((grep { m{/adit} } all_files()), 0, 'then nothing is installed');
unlink "$fake/fails-enable";
{
	local $env{PATH} = $rig->dir . '/none';
	($rc, $said) = adit('install', $path);
	is($rc, 1, 'no systemd');
	like($said, qr/no systemctl here/, 'is said');
}
($rc, $said) = adit('install', $rig->dir . '/none.bat');
is($rc, 20, 'no file');
($rc, $said) = adit('install');
is($rc, 2, 'no words');
($rc, $said) = adit('install', '--name', 'A/B', $path);
is($rc, 20, 'no name');
($rc, $said) = adit('install', '--name', 'relayd', $path);
is($rc, 20, 'the server\'s own names are not for this');
is((grep { m{/adit} } all_files()), 0, 'nothing came of all that');

{
	local $env{HOME} = $rig->dir . '/a"b';
	($rc, $said) = adit('install', $path);
	is($rc, 1, 'a home that systemd starts nothing in');
	like($said, qr/systemd starts nothing whose name has quotes/, 'is told');
	ok(!-e "$env{HOME}/.local/share/adit", 'and left as it was');
}

# --- without a file ----------------------------------------------------------

($rc, $said) = adit('install', '--name', 'by-hand', '--server',
    "127.0.0.1:$rig->{port}", '--pin', $rig->pin, '--allow', $m2->{allow},
    '--token-file', $m2->{file});
is($rc, 0, 'install with the options of connect') or diag($said);
soon { $rig->is_live($t2) } 20, 'serves';
($rc, $said) = adit('uninstall');
is($rc, 0, 'the only one needs no name');
soon { !$rig->is_live($t2) } 10, 'and ends';

# --- the key in the console --------------------------------------------------

SKIP: {
	skip 'no script(1) here', 12
	    unless grep { -x "$_/script" } split /:/, $ENV{PATH};
	my $log = $rig->dir . '/console';
	my $p = $rig->start('console', [ 'script', '-qefc',
	    "exec $adit run '$path'", $log ], talk => 1,
	    env => { %env, TERM => 'xterm', SHELL => '/bin/sh' });
	soon { slurp($log) =~ /I: start it by itself/ } 20,
	    'the console offers it';
	soon { $rig->is_live($t2) } 20, 'while it serves';
	print { $p->{to} } 'i';
	soon { slurp($log) =~ m{\(y/n\)} } 10, 'I: it asks';
	print { $p->{to} } 'y';
	is($p->wait(20), 26, 'y: it ends with 26');
	like(slurp($log), qr/Installed as "my-pc-2"/, 'and says what it did');
	soon { $rig->is_live($t2) } 20, 'what it installed serves';
	($rc, $said) = adit('status');
	like($said, qr/^my-pc-2: runs/m, 'as status says');
	# The double click once more: leave it, then take it away.
	my $again = sub {
		return $rig->start('again', [ 'script', '-qefc',
		    "exec $adit run", shift ], talk => 1, env => { %env,
		    TERM => 'xterm', SHELL => '/bin/sh', ADIT_FILE => $path });
	};
	$p = $again->("$log-n");
	soon { slurp("$log-n") =~ m{in this window instead\? \(y/n\)} } 20,
	    'the file, started beside it, asks';
	print { $p->{to} } "n\n";
	is($p->wait(20), 26, 'n: it leaves it alone');
	$p = $again->("$log-y");
	soon { slurp("$log-y") =~ m{\(y/n\)} } 20, 'it asks again';
	print { $p->{to} } "y\n";
	soon { $rig->is_live($t2) && (adit('status'))[1] =~ /^Nothing/m } 20,
	    'y: it takes it away and serves by itself';
	print { $p->{to} } "\x03";
	is($p->wait(20), 0, 'until Ctrl-C');
}

# --- as a service ------------------------------------------------------------

# In mounts of our own, so that this computer's units are not touched.
SKIP: {
	my $own = 'mount -t tmpfs none /opt && mount -t tmpfs none /run'
	    . ' && mount -t tmpfs none /etc/systemd'
	    . ' && mkdir -p /etc/systemd/system';
	skip 'only root can try --service', 7 if $> != 0;
	skip 'no mounts of our own here', 7
	    if system("unshare -m sh -c 'mkdir -p /etc/systemd && $own'"
	    . ' 2>/dev/null');
	my $script = $rig->dir . '/service.sh';
	open $f, '>', $script or die $!;
	print $f "$own\n\"\$1\" install --service \"\$2\" || exit 11\n"
	    . "stat -c 'mode %a %u' /opt/adit/my-pc-2/settings\n"
	    . "cat /etc/systemd/system/adit-my-pc-2.service\n"
	    . "systemd-analyze verify --man=no"
	    . " /etc/systemd/system/adit-my-pc-2.service 2>&1 |"
	    . " sed -n '/adit-/s/^/verify: /p'\n"
	    . "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do\n"
	    . "\"\$1\" status >\"\$3\"; grep -q Online \"\$3\" && break\n"
	    . "sleep 0.5; done; cat \"\$3\"\n"
	    . "\"\$1\" uninstall --service || exit 12\n"
	    . "find /opt /run /etc/systemd -name '*adit*'\necho end\n";
	close $f;
	my $p = $rig->start('service', [ 'unshare', '-m', 'sh', $script,
	    $adit, $path, $rig->dir . '/shown' ], env => \%env);
	is($p->wait(60), 0, 'install --service') or diag($p->errors);
	my $all = $p->output;
	like($all, qr/^mode 600 0$/m, 'the key is root\'s alone');
	like($all, qr{^LoadCredential=settings:/opt/adit/my-pc-2/settings$}m,
	    'the service gets it from systemd');
	like($all, qr/^DynamicUser=yes$/m, 'as a user of its own');
	unlike($all, qr/^verify: /m, 'systemd understands every line')
	    or diag($all);
	like($all, qr/my-pc-2: runs; starts by itself with this computer\n.*: Online\.$/ms,
	    'it runs, and its tunnel is online');
	like($all, qr/my-pc-2 is taken away\.\nend$/m, 'and nothing is left');
}

opendir my $all, $rig->dir or die $!;
unlink map { $rig->dir . "/$_" } grep { /\.bat$/ } readdir $all; # keys
$rig->finish;
done_testing;
