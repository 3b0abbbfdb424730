#!/usr/bin/perl
# Many tunnels, many machines, many visitors who sit still: what each costs, and
# that nothing is left when they have gone.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon long_or);

my $TUNNELS = long_or(1000, 200);
my $MACHINES = long_or(1000, 60);
my $VISITORS = long_or(10_000, 2_000);

# A sanitizer's memory tells nothing, and there are fewer at its pace.
my $IS_SLOW = $Rig::PATIENCE > 1;
($TUNNELS, $MACHINES, $VISITORS) = (60, 20, 300) if $IS_SLOW && !$Rig::IS_LONG;

my $base = 10000 + 100 * int rand 50;
my $rig = Rig->new(range => [ $base, $base + 2 * $TUNNELS + 1000 ],
    conf => { limits => { handshakes => 2000 } });
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');
my $target = "127.0.0.1:$service->{port}{echo}";

sub settle {
	my $kb = 0;
	eventually {
		my $now = $relayd->memory_kb;
		my $still = $now == $kb;
		$kb = $now;
		select undef, undef, undef, 0.3;
		return $still;
	} 20;
	return $kb;
}

sub costs {
	my ($what, $n, $before) = @_;
	my $now = settle();
	diag(sprintf '%d %s: %.2f kB each (%d kB in all)', $n, $what,
	    ($now - $before) / $n, $now - $before);
	return ($now - $before) / $n;
}

# --- idle visitors ----------------------------------------------------------------

my $one = $rig->tunnel(name => 'one', target => $target);
my $machine = $rig->machine($one);
my $adit = $rig->client($machine);
$rig->wait_live($one);
$rig->visit('echo', $one, 1000, { n => 50 });
my $before = settle();
my $client_before = $adit->memory_kb;
my $crowd = $rig->visitor('idle', $one, { n => $VISITORS, t => 120,
    b => 200 });
$crowd->expect(qr/^up/, 150);
my $r = $rig->report($crowd);
is($r->{ok}, $VISITORS, "$VISITORS visitors sit still")
    or diag("$r->{ok}: $r->{why}");
is($rig->live($one)->{visitors}, $VISITORS, 'the relay counts them');
my $each = costs('idle visitors', $VISITORS, $before);
diag(sprintf 'the client: %.2f kB each',
    ($adit->memory_kb - $client_before) / $VISITORS);
cmp_ok($each, '<', 1.0, 'a visitor who sits still costs the relay little')
    unless $IS_SLOW;
is($rig->metrics->{adit_held_bytes}, 0, 'no buffer is held for them');
my $canary = $rig->canary($one);
is($rig->leave($crowd)->{lost}, 0, 'none was sent away');
soon { $rig->live($one)->{visitors} == 1 } 20, 'they are gone';
$r = $rig->leave($canary);
cmp_ok($r->{gap_ms}, '<', 1000 * $Rig::PATIENCE,
    'their leaving makes nobody wait');
soon { $rig->metrics->{adit_visitors_now} == 0 } 5,
    'the relay counts nobody';

# --- many tunnels of one machine -------------------------------------------------

sub many_tunnels {
	my ($n) = @_;
	return map { $rig->tunnel(name => "n$_", target => $target) } 1 .. $n;
}

$before = settle();
my @tunnels = many_tunnels($TUNNELS);
$rig->ctl('machine', 'serve', $machine->{id},
    map { ('--tunnel', $_->{id}) } splice @{[ @tunnels ]}, $_ * 20, 20)
    for 0 .. $TUNNELS / 20 - 1;
soon { $rig->metrics->{adit_tunnels_served} == $TUNNELS + 1 } 60,
    "$TUNNELS tunnels of one machine are served";
costs('tunnels', $TUNNELS, $before);
is($rig->visit('echo', $tunnels[$_], 1000)->{ok}, 1, "tunnel $_ is")
    for 0, int $TUNNELS / 2, $TUNNELS - 1;
is($adit->stop('INT'), 0, 'the client goes');
soon { $rig->metrics->{adit_tunnels_served} == 0 } 10, 'none is served';
$adit = $rig->client($machine);
soon { $rig->metrics->{adit_tunnels_served} == $TUNNELS + 1 } 30,
    'it comes again: all at once';

# --- many machines ------------------------------------------------------------------

$before = settle();
my (@clients, @machines);
for my $i (1 .. $MACHINES) {
	my $m = $rig->machine($tunnels[$i % @tunnels], { name => "m$i" });
	push @machines, $m;
}
push @clients, $rig->client($_) for @machines;
soon { $rig->metrics->{adit_sessions_now} == $MACHINES + 1 } 120,
    "$MACHINES machines are here";
costs('sessions', $MACHINES, $before);
is($rig->visit('echo', $tunnels[0], 1000)->{ok}, 1, 'visitors are served');

# They all lose the relay at once, and all come again.
kill 'KILL', $relayd->pid;
$relayd->wait(5);
$relayd = $rig->relayd(again => 1);
soon { $rig->metrics->{adit_sessions_now} == $MACHINES + 1 } 120,
    'all come again after a crash of the relay';
soon { $rig->metrics->{adit_tunnels_served} == $TUNNELS + 1 } 60,
    'all tunnels are served';
kill 'INT', $_->pid for @clients;
my $bad = grep { ($_->wait(30) // 'no end') ne '0' } @clients;
is($bad, 0, 'all end with 0');
soon { $rig->metrics->{adit_sessions_now} == 1 } 20, 'one is left';

$rig->finish;
done_testing;
