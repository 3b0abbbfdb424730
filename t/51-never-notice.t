#!/usr/bin/perl
# Links end in every way that there is; no visitor is disconnected, no byte is
# lost, doubled or out of place.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Rig qw(eventually soon long_or);

Rig::Net::own_world();

my $MB = 1_000_000;
my $CUTS = long_or(1000, 100);
my $DARK = long_or(20, 6);
my ($RELAY, $HOME) = ('10.1.0.1', '10.1.0.2');

my $home = Rig::Net->node('home');
my ($in_world, $in_home) = Rig::Net::wire(undef, "$RELAY/24", $home,
    "$HOME/24");
my $rig = Rig->new(host => $RELAY,
    conf => { limits => { returns_per_s => 100 } });
my $relayd = $rig->relayd;
my @in_home = (under => [ $home->enter ]);
my $service = $rig->service('ask:0', 'echo:0', { @in_home });
my $cutter = $rig->cutter(listen => "$RELAY:0", to => "$RELAY:$rig->{port}");

my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}");
my $machine = $rig->machine($t);
my $adit = $rig->client($machine, @in_home,
    server => "$RELAY:$cutter->{port}");

# Somebody who has nothing to do with all this.
my $near = $rig->service('echo:0');
my $other = $rig->tunnel(target => "127.0.0.1:$near->{port}{echo}");
my $neighbour = $rig->client($rig->machine($other, { name => 'other' }));
$rig->wait_live($_) for $t, $other;
my $canary = $rig->canary($other);
my $talk = $rig->visitor('canary', $t, { a => 1, i => 50 });
$talk->expect(qr/^up/);
my $stay = $rig->visitor('idle', $t, { a => 1, n => 50 });
$stay->expect(qr/^up/);

# Loads go on, one after the other, until `until` says that it was enough.
sub under_load {
	my ($says, $size, $until) = @_;
	my %run;
	my ($runs, $bad) = (0, '');
	my $end = time + 600;
	do {
		for my $way (qw(up down)) {
			$run{$way} ||= $rig->visitor($way, $t, $size,
			    { t => 400 });
			next if $run{$way}->alive;
			my $r = $rig->result(delete $run{$way});
			$runs++;
			$bad ||= "$way: $r->{why}" if $r->{ok} != 1;
		}
		sleep 0.02;
	} until ($until->() || $bad || time > $end);
	for my $way (keys %run) {
		my $r = $rig->result($run{$way}, 400);
		$runs++;
		$bad ||= "$way: $r->{why}" if $r->{ok} != 1;
	}
	is($bad, '', "$says: $runs transfers are whole");
	return;
}

# The talk has gone on: answers come again.
sub still_talking {
	my ($says) = @_;
	$talk->say('reset');
	soon { $rig->report($talk)->{answers} > 0 } 20,
	    "$says: the talk goes on";
	is($rig->report($talk)->{ended}, '', "$says: it was never ended");
	return;
}

# Does it, some times, a moment after each other, while bytes flow.
sub each_way {
	my ($says, $times, $do) = @_;
	my ($next, $done) = (time + 0.2, 0);
	under_load($says, 20 * $MB, sub {
		return 1 if $done >= $times;
		return 0 if time < $next;
		$do->($done++);
		$next = time + 0.4;
		return 0;
	});
	still_talking($says);
	return;
}

# --- every way ---------------------------------------------------------------

each_way('FIN', 5, sub { $rig->cut($cutter, 'cut fin') });
each_way('RST', 5, sub { $rig->cut($cutter, 'cut rst') });

SKIP: {
	skip 'ss -K is not possible here', 6
	    unless Rig::Net::quiet($home, 'ss', '-K', 'dst', '192.0.2.1');
	each_way('ss -K at the client', 5, sub {
		Rig::Net::quiet($home, 'ss', '-K', 'dst', $RELAY) });
	each_way('ss -K at the relay', 5, sub {
		Rig::Net::quiet(undef, 'ss', '-K', 'sport', '=',
		    ":$rig->{port}") });
}

each_way("$DARK s of darkness", 1, sub {
	$rig->cut($cutter, 'dark');
	sleep $DARK;
	$rig->cut($cutter, 'light');
});
each_way('dropped packets', 1, sub {
	Rig::Net::firewall($home, 'output', 'oif != "lo" drop');
	sleep long_or(12, 4);
	Rig::Net::firewall($home);
});
my $last = 2;
each_way('another address', 3, sub {
	my $old = "10.1.0.$last/24";
	$last++;
	$home->run('ip', 'addr', 'add', "10.1.0.$last/24", 'dev', $in_home);
	$home->run('ip', 'addr', 'del', $old, 'dev', $in_home);
	# Its first goes, and the second would go with it.
	eval { $home->run('ip', 'addr', 'replace', "10.1.0.$last/24", 'dev',
	    $in_home) };
});
each_way('a cable out and in again', 2, sub {
	$home->run('ip', 'link', 'set', $in_home, 'down');
	sleep 0.3;
	$home->run('ip', 'link', 'set', $in_home, 'up');
});

# --- cuts anywhere -----------------------------------------------------------

my $seed = $ENV{ADIT_SEED} || int rand 1_000_000;
diag("ADIT_SEED=$seed repeats these cuts");
$rig->cut($cutter, "seed $seed");
my $left;
$rig->cut($cutter, "random mix 1 100000 " . int $CUTS / 2);
under_load("$CUTS cuts, small pieces", 5 * $MB, sub {
	($left = $rig->cut($cutter, 'stat')->{left}) == 0 });
is($left, 0, 'so many cuts were made');
$rig->cut($cutter, "random mix 1 3000000 " . ($CUTS - int $CUTS / 2));
under_load("$CUTS cuts, larger pieces", 20 * $MB, sub {
	($left = $rig->cut($cutter, 'stat')->{left}) == 0 });
is($left, 0, 'so many cuts were made');
$rig->cut($cutter, 'never');
still_talking("$CUTS cuts");

# --- nobody has noticed ------------------------------------------------------

my $r = $rig->report($stay);
is($r->{lost}, 0, 'fifty who said nothing are still there')
    or diag($r->{why});
is($rig->leave($stay)->{lost}, 0, 'to the end');
$r = $rig->leave($canary);
is($r->{ended}, '', 'the neighbour goes on');
cmp_ok($r->{gap_ms}, '<', 1000 * $Rig::PATIENCE,
    'without a gap of a second');
$rig->leave($talk);
my $m = $rig->metrics;
cmp_ok($m->{adit_returns_total}, '>=', $CUTS, 'the relay has counted returns');
is($m->{adit_streams_broken_total}, 0, 'and no broken stream');
is($m->{adit_sessions_broken_total}, 0, 'nor a broken session');
is($m->{adit_takeovers_total}, 0, 'nobody was replaced');

$rig->finish;
done_testing;
