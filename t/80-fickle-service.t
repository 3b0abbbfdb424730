#!/usr/bin/perl
# A service that resets whoever comes is there all the same; one that comes and
# goes gives the console a line once in a while, not at every visitor.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);

use Rig qw(eventually soon);

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $rude = $rig->service('rst:0');
my $port = Rig::free_port();
my $service = $rig->service("ask:$port");
my $t = $rig->tunnel(name => 'rude', target => "127.0.0.1:$rude->{port}{rst}");
my $fickle = $rig->tunnel(name => 'fickle', target => "127.0.0.1:$port");
my $adit = $rig->client($rig->machine($t, $fickle));
$rig->wait_live($_) for $t, $fickle;
soon { $rig->lamp($_, 'service') eq 'green' } 15, "$_->{id}: is there"
    for $t, $fickle;

sub lines {
	my ($pattern) = @_;
	my $n = () = ($adit->errors . $adit->output) =~ /$pattern/g;
	return $n;
}

$rig->visit('echo', $t, 10, { n => 10, t => 5 }) for 1 .. 5;
soon { $rig->live($t)->{visitors} == 0 } 5, 'fifty visitors were reset';
is(lines(qr/127\.0\.0\.1:$rude->{port}{rst} refuses/), 0,
    'nobody says that nothing listens there');
is($rig->lamp($t, 'service'), 'green', 'the lamp is green');

my $began = time;
for my $i (1 .. 4) {
	$service->stop;
	$rig->visit('echo', $fickle, 10, { a => 1, t => 5 });
	$service = $rig->service("ask:$port");
	soon { $rig->visit('echo', $fickle, 10, { a => 1, t => 5 })->{ok} } 5,
	    "it was away, time $i";
}
my $took = time - $began;
my $may = 1 + int($took / 10);
cmp_ok(lines(qr/127\.0\.0\.1:$port refuses/), '<=', $may,
    'the console hears of it once in ten seconds');
cmp_ok(lines(qr/127\.0\.0\.1:$port refuses/), '>=', 1, 'but it does');
soon { lines(qr/127\.0\.0\.1:$port works again/)
    == lines(qr/127\.0\.0\.1:$port refuses/) } 15, 'and of its return';
$service->stop;
$rig->visit('echo', $fickle, 10, { a => 1, t => 5 });
soon { lines(qr/127\.0\.0\.1:$port refuses/)
    > lines(qr/127\.0\.0\.1:$port works again/) } 20,
    'the last word is the truth';
$rig->finish;
done_testing;
