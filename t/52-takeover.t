#!/usr/bin/perl
# A start takes over, a return never does; nobody else gets the port meanwhile.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Rig qw(eventually soon seconds_until long_or);

Rig::Net::own_world();

my $TIMES = long_or(200, 10);
my $SERVICE = 4000; # the same in every home
my (%home, %service);
my $n = 0;
for my $name (qw(a b)) {
	$n++;
	$home{$name} = Rig::Net->node($name);
	Rig::Net::wire(undef, "10.$n.0.1/24", $home{$name}, "10.$n.0.2/24");
	$home{$name}->run('ip', 'route', 'add', 'default', 'via', "10.$n.0.1");
}
my $rig = Rig->new(host => '10.1.0.1',
    conf => { relay => { grace_s => 30, hold_s => 1 } });
my $relayd = $rig->relayd;
$service{$_} = $rig->service("ask+udp:$SERVICE",
    { under => [ $home{$_}->enter ] }) for keys %home;
my $t = $rig->tunnel(kind => 'both', target => "127.0.0.1:$SERVICE");
my $machine = $rig->machine($t);

$rig->caught_up;

# Neighbours on the relay's machine who want the port, all the time.
my @probes = map { $rig->start("probe$_", [ "$Rig::TOOLS/portprobe",
    $t->{public_port}, $_ ? 'udp' : () ], talk => 1) } 0, 1;
$_->expect(qr/^ready/) for @probes;

sub start_in {
	my ($name, %o) = @_;
	return $rig->client($machine, under => [ $home{$name}->enter ],
	    name => "adit-$name", server => "10.1.0.1:$rig->{port}", %o);
}

# An echo through it, answered by this home.
sub served_from {
	my ($name) = @_;
	my $live = $rig->live($t) or return 0;
	my $address = $name eq 'a' ? '10.1.0.2' : '10.2.0.2';
	return 0 unless $live->{machine}
	    && $live->{machine}{address} =~ /\b\Q$address\E\b/;
	return $rig->visit('echo', $t, 10, { a => 1, t => 2 })->{ok};
}

# --- one vanishes without a word, one starts elsewhere ------------------------

my $now = start_in('a');
my ($here, $there) = qw(a b);
soon { served_from('a') } 10, 'served from the first address';
my ($late, $slowest, $missing) = (0, 0, 0);
for my $i (1 .. $TIMES) {
	Rig::Net::firewall($home{$here}, 'output', 'oif != "lo" drop');
	kill 'KILL', $now->pid;
	$now->wait(5);
	my $began = time;
	my $next = start_in($there);
	my $took = seconds_until { served_from($there) } 20;
	$missing++ unless defined $took;
	$slowest = $took if ($took || 0) > $slowest;
	$late++ if !defined $took || $took > 1 * $Rig::PATIENCE;
	Rig::Net::firewall($home{$here});
	$now = $next;
	($here, $there) = ($there, $here);
}
is($missing, 0, "$TIMES of $TIMES are served from another address");
is($late, 0, 'each within a second') or diag("$late late");
diag(sprintf 'the slowest took %.2f s', $slowest);

# --- five starts of a second client ------------------------------------------

my $sessions = $rig->metrics->{adit_sessions_total};
for my $i (1 .. 5) {
	my $old = $now;
	$now = start_in($i % 2 ? $there : $here, name => "adit-again$i");
	is($old->wait(10), 24, "start $i: the one before ends with 24");
	like($old->errors . $old->output, qr/DESKTOP|10\.[12]\.0\.2|replaced/i,
	    'and says by whom');
	soon { served_from($i % 2 ? $there : $here) } 5, 'the new one serves';
}
my $m = $rig->metrics;
is($m->{adit_sessions_total} - $sessions, 5, 'nobody has dialled again');
is($m->{adit_sessions_now}, 1, 'one session is here');

# --- one that slept through it -----------------------------------------------

my $asleep = $now;
$asleep->signal('STOP');
$now = start_in($there, name => 'adit-while-asleep');
soon { served_from($there) } 10, 'a sleeper is replaced';
$asleep->signal('CONT');
is($asleep->wait(20), 24, 'it is told when it wakes');

my $cutter = $rig->cutter(listen => '10.1.0.1:0',
    to => "10.1.0.1:$rig->{port}");
my $before = $now;
$asleep = start_in($here, name => 'adit-cut-asleep',
    server => "10.1.0.1:$cutter->{port}");
soon { $rig->live($t)->{machine} && ($before->code // 0) == 24 } 10,
    'again one who will sleep';
soon { $rig->visit('echo', $t, 10, { a => 1, t => 2 })->{ok} } 10,
    'it serves';
$asleep->signal('STOP');
$rig->cut($cutter, 'cut rst');
$now = start_in($there, name => 'adit-after-cut');
soon { served_from($there) } 10, 'another starts while its link is gone';
$asleep->signal('CONT');
is($asleep->wait(20), 24, 'it returns, and is told');
ok($now->alive, 'the other one stays');
soon { served_from($there) } 5, 'and serves';

# --- two starts at once ------------------------------------------------------

my @both = map { start_in($_, name => "adit-race-$_") } qw(a b);
is($now->wait(10), 24, 'two at once replace the third');
soon { 1 == grep { $_->alive } @both } 10, 'one of them stays';
my ($lost) = grep { !$_->alive } @both;
is($lost ? $lost->code : 'none', 24, 'the other is told');
soon { $rig->visit('echo', $t, 10, { a => 1, t => 2 })->{ok} } 5,
    'people are served';

# --- and the port -------------------------------------------------------------

my ($stayed) = grep { $_->alive } @both;
is($stayed->stop('INT'), 0, 'Ctrl-C ends the last with 0');
soon { ($rig->live($t)->{status} // '') eq 'offline' } 2,
    'the tunnel is offline at once';
is($rig->visit('echo', $t, 10, { a => 1, t => 2 })->{ok}, 0,
    'visitors are refused');
for my $probe (@probes) {
	my $r = $rig->leave($probe);
	cmp_ok($r->{tries}, '>', 100, 'a neighbour tried the port');
	is($r->{won}, 0, 'and never got it')
	    or diag("$r->{won} of $r->{tries}, last $r->{how}");
}

$rig->finish;
done_testing;
