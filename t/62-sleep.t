#!/usr/bin/perl
# Computers sleep, and clocks are set: silences start anew, nobody is taken for
# dead, nothing bursts.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Rig qw(eventually soon long_or);

my $NAP = long_or(30, 12); # longer than a silence that counts as death

my $rig = Rig->new;
my $has_faketime = Rig::Net::have('faketime');
my $shift = $rig->dir . '/clock';
sub clock {
	my ($text) = @_;
	open my $f, '>', "$shift.new" or die;
	print $f "$text\n";
	close $f;
	rename "$shift.new", $shift;
	return;
}
clock('+0');
my ($library) = glob '/usr/lib/*/faketime/libfaketimeMT.so.1';
# A sanitizer's library and this one do not get on.
$library = undef if $Rig::PATIENCE > 1;
my @clock = $library ? (env => { LD_PRELOAD => $library,
    DONT_FAKE_MONOTONIC => 1, FAKETIME_TIMESTAMP_FILE => $shift,
    FAKETIME_NO_CACHE => 1 }) : ();
my $relayd = $rig->relayd(@clock);
my $service = $rig->service('ask:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}");
my $adit = $rig->client($rig->machine($t), @clock);
$rig->wait_live($t);
my $talk = $rig->canary($t, a => 1);
my $stay = $rig->visitor('idle', $t, { a => 1, n => 100 });
$stay->expect(qr/^up/);

sub goes_on {
	my ($says) = @_;
	$talk->say('reset');
	soon { $rig->report($talk)->{answers} > 3 } 20, "$says: the talk goes on";
	is($rig->report($talk)->{ended}, '', "$says: it was never ended");
	is($rig->report($stay)->{lost}, 0, "$says: nobody was lost");
	is($rig->visit('echo', $t, 1000, { a => 1, t => 10 })->{ok}, 1,
	    "$says: newcomers are served");
	is($rig->metrics->{adit_sessions_total}, 1, "$says: the same session");
	return;
}

# --- naps -----------------------------------------------------------------------

for my $who ([ 'relay', $relayd ], [ 'client', $adit ]) {
	my ($name, $proc) = @$who;
	my @load = map { $rig->visitor($_, $t, 200_000_000, { t => 120 }) }
	    qw(up down);
	eventually { $rig->live($t)->{bytes_in} > 1_000_000 } 10;
	$proc->signal('STOP');
	sleep $NAP;
	$proc->signal('CONT');
	for my $load (@load) {
		my $r = $rig->result($load, 120);
		is($r->{ok}, 1, "the $name naps: a transfer is whole")
		    or diag($r->{why});
	}
	goes_on("the $name naps");
}

# --- clocks ------------------------------------------------------------------------

SKIP: {
	skip 'no libfaketime for this', 5 unless $library;
	for my $jump ('+400d', '-30d', '+0') {
		my $cpu = $relayd->cpu + $adit->cpu;
		my $began = time;
		clock($jump);
		goes_on("the clock jumps to $jump");
		sleep 1;
		cmp_ok(($relayd->cpu + $adit->cpu - $cpu) / (time - $began),
		    '<', 1, 'nothing bursts');
	}
}

$rig->leave($talk);
is($rig->leave($stay)->{lost}, 0, 'all the hundred are there');
$rig->finish;
done_testing;
