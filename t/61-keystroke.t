#!/usr/bin/perl
# Somebody types while a large file fills the same thin link: keys stay quick.
# 5 Mbit/s, 20 ms each way; a key's echo may come 40 ms later than without.  The
# same through an nginx, whose buffers relayd cannot see.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);

use Rig qw(eventually soon long_or);
use Rig::Front;

Rig::Net::own_world();
Rig::Net::skip('no TUN device can be made')
    unless -r '/dev/net/tun' && -w '/dev/net/tun';
Rig::Net::skip('needs tc') unless Rig::Net::have('tc');

my $SECONDS = long_or(20, 4);
my $ROUNDS = long_or(5, 3);
my $RATE = '5mbit';
my ($RELAY, $HOME) = ('10.9.0.1', '10.9.0.2');
my $home = Rig::Net->node('home');
my $rig = Rig->new(host => $RELAY);
my $wire = $rig->start('delaywire', [ "$Rig::TOOLS/delaywire", $$, 'far',
    $home->pid, 'near', 20, 0 ], talk => 1);
$wire->expect(qr/^ready/);
for ([ undef, 'far', $RELAY, $HOME ], [ $home, 'near', $HOME, $RELAY ]) {
	my ($node, $dev, $own, $peer) = @$_;
	Rig::Net::run_in($node, 'ip', 'addr', 'add', $own, 'peer', $peer,
	    'dev', $dev);
	Rig::Net::run_in($node, 'ip', 'link', 'set', $dev, 'mtu', 1500, 'up');
	Rig::Net::run_in($node, 'tc', 'qdisc', 'add', 'dev', $dev, 'root',
	    'tbf', 'rate', $RATE, 'burst', '5kb', 'latency', '200ms');
}
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0', { under => [ $home->enter ] });
my $port = $service->{port}{ask};
my $front;
my ($t, $keys, $adit);

# A client of the machine `name`, and somebody who types.
sub begin {
	my ($name, %o) = @_;
	$t = $rig->tunnel(name => $name, target => "127.0.0.1:$port");
	$adit = $rig->client($rig->machine($t, { name => $name }),
	    under => [ $home->enter ], %o);
	$rig->wait_live($t);
	$keys = $rig->visitor('canary', $t, { a => 1, i => 25 });
	$keys->expect(qr/^up/);
	return;
}

# The figures of so many seconds, in ms.
sub measure {
	$keys->say('reset');
	sleep $SECONDS;
	my $r = $rig->report($keys);
	return { map { ($_ => $r->{"${_}_us"} / 1000) } qw(p50 p90 p99) };
}

sub median {
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[@sorted / 2];
}

# factor: so much more room than a link of its own has.
sub try_way {
	my ($says, $way, $rounds, $factor, $judged) = @_;
	my (@rise, @rise50);
	$judged ||= 'p99';
	for my $round (1 .. $rounds) {
		my $alone = measure();
		my $bulk = $rig->visitor($way, $t, 100_000_000, { t => 300 });
		sleep 2; # the pipe fills
		my $beside = measure();
		$bulk->stop;
		eventually { $rig->live($t)->{visitors} == 1 } 20;
		sleep 1; # and runs empty
		push @rise, $beside->{$judged} - $alone->{$judged};
		push @rise50, $beside->{p50} - $alone->{p50};
		diag(sprintf '%s, round %d: alone p50 %.1f p99 %.1f ms, '
		    . 'beside a bulk stream p50 %.1f p90 %.1f p99 %.1f ms',
		    "$says $way", $round, @$alone{qw(p50 p99)},
		    @$beside{qw(p50 p90 p99)});
	}
	my ($rise, $rise50) = (median(@rise), median(@rise50));
	diag(sprintf '%s: p50 rises by %.1f ms, %s by %.1f ms (median of %d '
	    . 'rounds)', "$says $way", $rise50, $judged, $rise, $rounds);
	# The promise is 40 ms; twice that is a noisy machine's room.
	cmp_ok($rise, '<', 80 * $factor * $Rig::PATIENCE,
	    "$says $way: a key's $judged rises by little");
	cmp_ok($rise50, '<', 40 * $factor * $Rig::PATIENCE,
	    "$says $way: its median as well");
	return;
}

begin('direct', server => "$RELAY:$rig->{port}");
try_way('direct,', $_, $ROUNDS, 1) for qw(down up);
$keys->stop;
$adit->stop;

SKIP: {
	skip 'no nginx here', 4 unless Rig::Net::have('nginx');
	$front = Rig::Front->new($rig, host => $RELAY,
	    doors => [ { path => '/link' } ]);
	begin('through nginx', trust => [ '--ca', $front->{ca} ],
	    server => "wss://$RELAY:$front->{port}[0]/link");
	# From relayd to the client.  Without its marks a key waited 317 ms
	# more, and one in a hundred 449; a round that begins is slower.
	try_way('through nginx,', 'up', $ROUNDS, 2);
	# A key in a hundred may wait 120 ms there: told, not judged.
	try_way('through nginx,', 'down', $ROUNDS, 2, 'p90');
	$keys->stop;
	$front->{proc}->stop;
}

$rig->finish;
done_testing;
