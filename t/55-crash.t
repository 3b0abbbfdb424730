#!/usr/bin/perl
# relayd is killed under load and starts again: same ports, sessions start anew
# by themselves, the database is sound.  The database is taken away while it
# runs: tunnels go on, and it says what is wrong until it is right again.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy qw(copy);
use Test::More;
use Time::HiRes qw(sleep);

use Rig qw(eventually soon seconds_until long_or);

Rig::Net::own_world();

# The database lies on a small disk.
my $dir = File::Temp::tempdir('adit-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my $can_mount = system('mount', '-t', 'tmpfs', '-o', 'size=16m', 'none',
    $dir) == 0;
my $rig = Rig->new(dir => $dir, logs => File::Temp::tempdir(
    'adit-XXXXXXXX', TMPDIR => 1, CLEANUP => 1));
# Root without root's privilege to write what is read-only.
my @plain = $> == 0 && Rig::Net::have('setpriv') ? ('setpriv',
    '--bounding-set', '-dac_override,-dac_read_search',
    '--inh-caps', '-all') : ();
my $relayd = $rig->relayd(under => \@plain);
my $service = $rig->service('ask:0', 'udp:0');
my $target = "127.0.0.1:$service->{port}{ask}";
my $t = $rig->tunnel(target => $target);
my $udp = $rig->tunnel(name => 'udp', kind => 'udp',
    target => "127.0.0.1:$service->{port}{udp}");
my $adit = $rig->client($rig->machine($t, $udp));
$rig->wait_live($_) for $t, $udp;

sub serves {
	return $rig->visit('echo', $t, 10, { a => 1, t => 2 })->{ok};
}

# --- kill -9 -----------------------------------------------------------------

for my $i (1 .. long_or(10, 2)) {
	my @load = map { $rig->visitor($_, $t, 1_000_000_000, { t => 60 }) }
	    qw(up down);
	my $talk = $rig->visitor('canary', $t, { a => 1 });
	$talk->expect(qr/^up/);
	kill 'KILL', $relayd->pid;
	$relayd->wait(5);
	soon { $rig->report($talk)->{ended} ne '' } 5,
	    "kill $i: visitors see the end";
	$relayd = $rig->relayd(again => 1, under => \@plain);
	ok($relayd->alive, 'it starts again, nothing is done by hand');
	my $took = seconds_until { serves() } 35;
	ok(defined $took, 'the client came by itself, on the same port');
	diag(sprintf 'served again %.1f s after the start', $took // -1);
	is($rig->visit('udp', $udp, 1, 512)->{ok}, 2, 'UDP as well');
	my $check = $rig->ctl('db', 'check');
	is($rig->ctl('tunnel', 'show', $t->{id})->{public_port},
	    $t->{public_port}, 'the row is as it was');
}
ok($adit->alive, 'it is the same client all the time');
SKIP: {
	skip 'no sqlite3', 2 unless Rig::Net::have('sqlite3');
	my $ask = sub {
		my $text = `sqlite3 -readonly $dir/adit.db '$_[0]'`;
		chomp $text;
		return $text;
	};
	is($ask->('PRAGMA integrity_check'), 'ok', 'the database is sound');
	soon { $ask->('SELECT count(*) FROM session '
		. 'WHERE disconnected_at IS NULL') eq '1' } 5,
	    'sessions of the dead relay are closed, the new one is open';
}

# --- the database is taken away -------------------------------------------------

# It breaks, the relay says so and serves on; it is mended, all is well.
my $logged = 0;
sub without {
	my ($says, $break, $mend, $pattern) = @_;
	my $talk = $rig->visitor('canary', $t, { a => 1 });
	$talk->expect(qr/^up/);
	$break->();
	my ($status, $body) = ('', '');
	my $told = seconds_until {
		# Something to write, or nobody would notice a full disk.
		serves();
		($status, $body) = $rig->get('/readyz');
		$status eq '503' && $body =~ $pattern
	} 15;
	ok(defined $told, "$says: /readyz says so");
	like($body, $pattern, "$says: $body");
	my $log = substr $relayd->errors, $logged;
	like($log, $pattern, "$says: the log as well");
	is(serves(), 1, "$says: tunnels go on");
	is($rig->visit('down', $t, 3_000_000)->{ok}, 1, 'with many bytes');
	is(($rig->get('/healthz'))[0], '200', 'it is alive');
	is($rig->report($talk)->{ended}, '', 'nobody was sent away');
	$mend->();
	soon { ($rig->get('/readyz'))[0] eq '200' } 15,
	    "$says: well again, without a restart";
	$rig->ctl('tunnel', 'pause', $t->{id});
	soon { !serves() } 3, 'and it follows the database again';
	$rig->ctl('tunnel', 'resume', $t->{id});
	soon { serves() } 3, 'as before';
	$talk->stop;
	$logged = length $relayd->errors;
	return;
}

my @files = map { "adit.db$_" } '', '-wal', '-shm';
sub move_away {
	mkdir "$dir/away";
	rename "$dir/$_", "$dir/away/$_" for @files;
	return;
}

sub move_back {
	for (@files) {
		unlink "$dir/$_";
		rename "$dir/away/$_", "$dir/$_";
	}
	return;
}

without('removed', \&move_away, \&move_back, qr/adit\.db/);
without('replaced by an empty file', sub {
	move_away();
	open my $f, '>', "$dir/adit.db" or die;
	close $f;
}, \&move_back, qr/adit\.db|database/);
SKIP: {
	skip 'root writes what is read-only', 9 if $> == 0 && !@plain;
	without('read-only', sub {
		$rig->ctl('db', 'backup', "$dir/copy");
		unlink "$dir/copy.key";
		chmod 0400, "$dir/copy";
		unlink "$dir/adit.db-wal", "$dir/adit.db-shm";
		rename "$dir/copy", "$dir/adit.db";
	}, sub { chmod 0600, "$dir/adit.db" },
	    qr/adit\.db.*(?:read.?only|permission|writing)/i);
}
SKIP: {
	skip 'no small disk can be mounted', 2 unless $can_mount;
	without('a full disk', sub {
		open my $f, '>', "$dir/ballast" or die;
		$f->autoflush(1);
		my $piece = "\0" x 4096;
		1 while syswrite $f, $piece;
		close $f;
	}, sub { unlink "$dir/ballast" }, qr/full|space/i);
}

SKIP: {
	skip 'no sqlite3', 8 unless Rig::Net::have('sqlite3');
	my $is = `sqlite3 -readonly $dir/adit.db 'PRAGMA user_version'` + 0;
	without('from a newer version', sub {
		system('sqlite3', "$dir/adit.db", 'PRAGMA user_version=9999');
	}, sub {
		system('sqlite3', "$dir/adit.db", "PRAGMA user_version=$is");
	}, qr/newer|later/i);
}

# --- a backup is put in its place ---------------------------------------------

$rig->ctl('db', 'backup', "$dir/copy");
for (@files) {
	rename "$dir/$_", "$dir/was-$_" if -e "$dir/$_";
}
rename "$dir/copy", "$dir/adit.db";
is(serves(), 1, 'a restored backup cuts nobody off');
soon { ($rig->get('/readyz'))[0] eq '200' } 15, 'the relay takes it';
$rig->ctl('tunnel', 'pause', $t->{id});
soon { !serves() } 10, 'and follows it';
$rig->ctl('tunnel', 'resume', $t->{id});
soon { serves() } 10, 'both ways';

# --- nothing is lost ------------------------------------------------------------

$rig->ctl('db', 'check');
$rig->finish;
$_ = undef for $relayd, $adit, $service;
system('umount', '-l', $dir) if $can_mount;
done_testing;
