#!/usr/bin/perl
# The tools of the end-to-end tests see what they are meant to see.  Without a
# relay: visitors, a service, and a bad network between them.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);

my $rig = Rig->new(tools_only => 1);
my $service = $rig->service('ask+udp:0', 'echo:0', 'rst:0', 'hang:0',
    'full:0');
my $cutter = $rig->cutter(to => "127.0.0.1:$service->{port}{ask}");
my $through = "127.0.0.1:$cutter->{port}";
my $echo = "127.0.0.1:$service->{port}{echo}";
my $r;

$r = $rig->visit('echo', $echo, 3_000_000, { n => 20 });
is($r->{ok}, 20, 'echoes') or diag($r->{why});
for my $mode (qw(up down half)) {
	$r = $rig->visit($mode, $through, 5_000_000, { n => 3 });
	is($r->{ok}, 3, "$mode") or diag($r->{why});
}
is($service->expect(qr/^(half ok \d+)/), 'half ok 5000000',
    'the service tells what came after its own end');

$r = $rig->visit('udp', "127.0.0.1:$service->{port}{udp}", 0, 1, 65507);
is($r->{ok}, 3, 'datagrams');

$r = $rig->visit('echo', "127.0.0.1:$service->{port}{rst}", 10);
is($r->{failed}, 1, 'a reset is seen');
like($r->{why}, qr/reset|Broken pipe/i, 'and named');
$r = $rig->visit('echo', "127.0.0.1:$service->{port}{hang}", 10, { t => 1 });
is($r->{failed}, 1, 'so is one who does not answer');
$r = $rig->visit('echo', "127.0.0.1:$service->{port}{full}", 10, { t => 1 });
is($r->{failed}, 1, 'and one who does not accept');

$rig->cut($cutter, 'slice 1');
$r = $rig->visit('echo', $through, 3000, { a => 1 });
is($r->{ok}, 1, 'a byte at a time is an echo as well');
$rig->cut($cutter, 'slice 0');

$rig->cut($cutter, 'at rst 1234');
$r = $rig->visit('up', $through, 1_000_000);
is($r->{failed}, 1, 'a cut is seen');
$rig->cut($cutter, 'random mix 1 90000 3');
for (1 .. 3) {
	$r = $rig->visit('down', $through, 100_000);
	is($r->{failed}, 1, 'at a random byte, too');
}
is($rig->cut($cutter, 'stat')->{left}, 0, 'only so many cuts');
is($rig->visit('down', $through, 100_000)->{ok}, 1, 'then no more');
$rig->cut($cutter, 'never');

my $canary = $rig->canary($through, a => 1, i => 20);
$rig->cut($cutter, 'dark');
my $gap;
eventually { ($gap = $rig->report($canary)->{gap_ms}) > 300 } 5;
cmp_ok($gap, '>', 300, 'a canary tells of the dark');
$rig->cut($cutter, 'light');
$canary->say('reset');
eventually { $rig->report($canary)->{answers} > 5 } 5;
is($rig->report($canary)->{ended}, '', 'and goes on');
$rig->cut($cutter, 'cut fin');
soon { $rig->report($canary)->{ended} ne '' } 5, 'until it is cut off';

my $idle = $rig->visitor('idle', $echo, { n => 500 });
$idle->expect(qr/^up/);
is($rig->report($idle)->{ok}, 500, 'five hundred who stay');
is($rig->leave($idle)->{lost}, 0, 'and are not sent away');

my $probe = $rig->start('portprobe',
    [ "$Rig::TOOLS/portprobe", $service->{port}{echo} ], talk => 1);
$probe->expect(qr/^ready/);
$service->stop;
select undef, undef, undef, 0.1;
$r = $rig->leave($probe);
cmp_ok($r->{won}, '>', 0, 'a port that nobody has is won');

$rig->finish;
done_testing;
