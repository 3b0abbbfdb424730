#!/usr/bin/perl
# A link with nothing to carry is left alone: its silence is no reason to dial
# another one.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);

use Rig qw(eventually);

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{echo}");
my $adit = $rig->client($rig->machine($t));
$rig->wait_live($t);
eventually { $rig->lamp($t, 'service') eq 'green' } 10;

# 5 s after the last word a sign of life is asked for, and given.
my $more = eventually { $rig->metrics->{adit_dials_total} > 1 }
    9 / $Rig::PATIENCE;
ok(!$more, 'nobody dials a second time') or diag($adit->errors);
is($rig->metrics->{adit_links_now}, 1, 'one link is enough');
is($rig->visit('echo', $t, 1000)->{ok}, 1, 'and it works');
$rig->finish;
done_testing;
