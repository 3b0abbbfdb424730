#!/usr/bin/perl
# A machine that was made a moment ago may connect at once: relayd looks at the
# database before it calls a token unknown.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(soon);

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');
for my $i (1 .. 5) {
	my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{echo}");
	my $adit = $rig->client($rig->machine($t), at_once => 1);
	soon { !$adit->alive || $rig->is_live($t) } 10, "client $i: an answer";
	ok($adit->alive, 'it is known') or diag($adit->errors);
}
$rig->finish;
done_testing;
