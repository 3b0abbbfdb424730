#!/usr/bin/perl
# Each return acknowledges every stream anew; many returns with many streams are
# no flood of ACKs.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(soon);

my $STAY = 100;
my $CUTS = 25;
my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');
my $cutter = $rig->cutter;
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{echo}");
my $adit = $rig->client($rig->machine($t),
    server => "127.0.0.1:$cutter->{port}");
$rig->wait_live($t);
my $stay = $rig->visitor('idle', $t, { n => $STAY });
$stay->expect(qr/^up/);
for my $i (1 .. $CUTS) {
	$rig->cut($cutter, $i % 2 ? 'cut fin' : 'cut rst');
	soon { my $m = $rig->metrics;
		$m->{adit_returns_total} >= $i && $m->{adit_sessions_dark_now}
		== 0 } 10, "return $i" or last;
}
is($rig->metrics->{adit_sessions_broken_total}, 0, 'the session is whole');
is($rig->leave($stay)->{lost}, 0, "$STAY visitors have not noticed");
$rig->finish;
done_testing;
