#!/usr/bin/perl
# The Windows client, under Wine: its file, its parts, and the whole against a
# real relay.
use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon long_or);
use Rig::Wine;

my $MB = 1_000_000;
my $house = $Rig::HOUSE;
my $exe = "$house/build/adit.exe";

my $missing = Rig::Wine::missing();
plan skip_all => $missing if $missing;
my $wine = Rig::Wine->new;

# --- the file ----------------------------------------------------------------

my $head = `x86_64-w64-mingw32-objdump -p $exe`;
my @dlls = sort map { lc } $head =~ /DLL Name: (\S+)/g;
my %system = map { ("$_.dll" => 1) } qw(advapi32 crypt32 iphlpapi kernel32
	msvcrt user32 winhttp ws2_32);
is_deeply([ grep { !$system{$_} } @dlls ], [],
    "it stands on Windows' own libraries: @dlls");
like($head, qr/\b$_\b/, "$_ is on") for qw(HIGH_ENTROPY_VA DYNAMIC_BASE
	NX_COMPAT);
my $bytes = do {
	open my $f, '<:raw', $exe or die "$exe: $!";
	local $/;
	<$f>;
};
unlike($bytes, qr/\Q$house\E/, 'no path of the machine that built it');
like($bytes, qr/level="asInvoker"/, 'its manifest asks for no rights');
like($bytes, qr/>UTF-8</, 'and for UTF-8');
my $wide = join '', map { "$_\0" } split //, 'FileDescription';
like($bytes, qr/\Q$wide\E/, 'it has a version that Explorer shows');
cmp_ok(length $bytes, '<', 6 * $MB, 'it is small');
diag('adit.exe: ' . length($bytes) . ' bytes');

# Built anew in another place, from the same source, it is the same.
SKIP: {
	skip 'only in make check-all', 1 unless $Rig::IS_LONG;
	my $copy = tempdir('adit-copy-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	system("cd $house && git ls-files -z | xargs -0 cp --parents -t $copy"
	    . " && mkdir $copy/build && ln -s $house/build/cache $copy/build/"
	    . " && make -s -C $copy -j2 SYS=win SYS_READY=1 client"
	    . ' >/dev/null 2>&1');
	is(system('cmp', '-s', $exe, "$copy/build/win/adit.exe"), 0,
	    'built in another folder it is the same, byte for byte');
}

# --- its parts ---------------------------------------------------------------

is(system("make -s -C $house -j2 SYS=win unit-sys >/dev/null 2>&1"), 0,
    'the unit tests are built for Windows');
for my $t (glob "$house/build/win/t/*.t") {
	local $ENV{SIM_SEEDS} = long_or(3000, 200);
	chdir $wine->dir;
	my ($said, $rc) = $wine->ask($t);
	my ($name) = $t =~ m{([^/]+)\.t$};
	my $run = () = $said =~ /^ok /mg;
	my @not = $said =~ /^(not ok .*(?:\n#.*)*)/mg;
	ok($rc == 0 && !@not && $run > 0 && $said =~ /^1\.\.$run$/m,
	    "$name: $run claims hold") or diag("rc $rc", @not);
}

# --- the program -------------------------------------------------------------

my ($said, $rc) = $wine->ask($exe, 'version');
like($said, qr{^adit \d+\.\d+\.\d+, protocol adit/1$}m, 'version');
is($rc, 0, 'ends with 0');
is($wine->run($exe, 'dig'), 2, 'wrong use is 2');

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('ask+udp:0');
my $t = $rig->tunnel(name => 'game', kind => 'both',
    target => "127.0.0.1:$service->{port}{ask}");
my $m = $rig->machine($t);
my $cutter = $rig->cutter;

# adit.exe connect, as Rig's client() starts the other one.
sub client {
	my (%o) = @_;
	$rig->caught_up;
	return $rig->start('adit-exe', [ $wine->command($exe, 'connect',
	    '--server', $o{server} || "127.0.0.1:$rig->{port}",
	    '--pin', $o{pin} || $rig->pin, '--allow', $m->{allow},
	    '--token-file', $o{file} || $m->{file}) ], stop => 'INT',
	    patience => 20);
}

sub code_of {
	my (%o) = @_;
	my $p = client(%o);
	my $code = $p->wait(30);
	return defined $code ? $code : 'no end';
}

is(code_of(pin => 'sha256:' . '0' x 64), 23, 'a wrong pin is 23');
is(code_of(file => $rig->token_file('ab' x 32)), 22, 'a wrong token is 22');
is(code_of(pin => 'sha256:zz'), 20, 'wrong settings are 20');
chmod 0644, my $open = $rig->token_file('cd' x 32);
is(code_of(file => $open), 20, 'a token that others may read is refused');

my $adit = client(server => "127.0.0.1:$cutter->{port}");
soon { $rig->is_live($t) } 30, 'the tunnel is live';
soon { $rig->lamp($t, 'reach') eq 'green'
	&& $rig->lamp($t, 'service') eq 'green' } 20, 'its lamps are green';
my $size = long_or(1000, 100) * $MB;
for my $way (qw(up down)) {
	my $began = Time::HiRes::time();
	my $r = $rig->visit($way, $t, $size, { t => 300 });
	is($r->{ok}, 1, $size / $MB . " MB $way, byte for byte")
	    or diag($r->{why});
	diag(sprintf '%s: %.0f MB/s', $way,
	    $size / $MB / (Time::HiRes::time() - $began));
}
my @sizes = (0, 1, 512, 1472, 9000, 65507);
my $r = $rig->visit('udp', $t, @sizes);
is($r->{ok}, scalar @sizes, "datagrams of @sizes bytes") or diag($r->{why});
$r = $rig->visit('echo', $t, 20_000, { a => 1, n => 100, b => 100 });
is($r->{ok}, 100, '100 visitors at once') or diag($r->{why});

$rig->cut($cutter, 'random rst 1000000 8000000 3');
$r = $rig->visit('down', $t, 60 * $MB, { t => 120 });
is($r->{ok}, 1, 'a download goes on over three links that break')
    or diag($r->{why});

kill 'INT', $adit->pid;
is($adit->wait(20), 0, 'Ctrl-C ends it with 0');
soon { !$rig->is_live($t) } 2, 'which the relay is told at once';
like($relayd->errors, qr/goodbye|GOAWAY|stopped|left|ended/i,
    'in words of its own');

$rig->finish;
done_testing;
