#!/usr/bin/perl
# The log: rotated, removed, its disk full, its reader asleep; the relay serves
# all the same.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon long_or);

my $VISITS = long_or(20_000, 3_000);

# --- a pipe that nobody reads ------------------------------------------------------

my $rig = Rig->new(conf => { log => { alike_per_s => 0 } });
my $relayd = $rig->relayd(under => [ 'bash', '-c',
    'exec "$@" 2> >(exec sleep 1000)', 'bash' ]);
my $service = $rig->service('echo:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{echo}");
my $adit = $rig->client($rig->machine($t));
$rig->wait_live($t);
my $canary = $rig->canary($t);
my $r = $rig->visit('echo', $t, 10, { n => $VISITS, b => 50, t => 120 });
is($r->{ok}, $VISITS, 'nobody reads the log: visitors are served')
    or diag($r->{why});
cmp_ok($rig->metrics->{adit_log_lines_dropped_total}, '>', 0,
    'what found no room is counted');
$r = $rig->leave($canary);
cmp_ok($r->{gap_ms}, '<', 1000 * $Rig::PATIENCE, 'nobody had to wait');
$rig->finish;

# --- a file -----------------------------------------------------------------------

$rig = Rig->new;
my $log = $rig->dir . '/relayd.log';
$rig->configure(log => { file => $log, rotate_mb => 1, keep => 2,
    alike_per_s => 0 });
$relayd = $rig->relayd;
$service = $rig->service('echo:0');
$t = $rig->tunnel(target => "127.0.0.1:$service->{port}{echo}");
$adit = $rig->client($rig->machine($t));
$rig->wait_live($t);
like(Rig::Proc::slurp($log), qr/ready/, 'it logs into its file');
rename $log, "$log.moved";
$relayd->signal('HUP');
soon { -s $log } 5, 'SIGHUP: moved away, it makes a new one';
unlink $log;
$relayd->signal('HUP');
soon { -s $log } 5, 'removed, too';
is($rig->visit('echo', $t, 10)->{ok}, 1, 'a visitor');
soon { Rig::Proc::slurp($log) =~ /visitor 127\.0\.0\.1/ } 5, 'has a line';
$r = $rig->visit('echo', $t, 10, { n => long_or(30_000, 12_000), b => 100,
    t => 200 });
is($r->{failed}, 0, 'many visitors') or diag($r->{why});
soon { -e "$log.1" } 5, 'the file is rotated at its size';
my @files = glob "$log.[0-9]*";
cmp_ok(scalar @files, '<=', 2, 'no more are kept than asked for');
my @wrong = grep { -s $_ > 1_200_000 } $log, @files;
is("@wrong", '', 'none grows beyond its size');
$rig->finish;
done_testing;
