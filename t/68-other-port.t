#!/usr/bin/perl
# A tunnel whose port another program has: as long as nobody has used it, it
# gets another one after a while; once it was online it keeps its own.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;

use Rig qw(eventually soon);

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');
my %o = (target => "127.0.0.1:$service->{port}{echo}");
my $new = $rig->tunnel(%o, name => 'new', verified => 0);
my $old = $rig->tunnel(%o, name => 'old');
my $adit = $rig->client($rig->machine($old, $new));
$rig->wait_live($old);
soon { $rig->ctl('tunnel', 'show', $old->{id})->{last_connected_at} } 10,
    'it is written down that one was online';

sub thief {
	my ($tunnel) = @_;
	my $s;
	eventually { $s = IO::Socket::INET->new(LocalAddr => '0.0.0.0',
	    Listen => 1, LocalPort => $tunnel->{public_port}) } 10;
	return $s || die "bind: $!";
}
sub port {
	my ($tunnel) = @_;
	return $rig->ctl('tunnel', 'show', $tunnel->{id})->{public_port};
}

# The port is free as long as the tunnel waits to be verified, or is gone.
my $first = thief($new);
$rig->ctl('tunnel', 'verify', $new->{id});
soon { $rig->lamp($new, 'reach') eq 'red' } 10, 'its port is taken';
is($relayd->stop('TERM', 20), 0, 'the relay ends');
my $second = thief($old);
$relayd = $rig->relayd(again => 1);
soon { $rig->lamp($old, 'reach') eq 'red' } 10, 'the port of the other is';
soon { port($new) != $new->{public_port} } 60, 'the new one gets another';
$new->{public_port} = port($new);
$rig->wait_live($new, 20);
is($rig->visit('echo', $new, 100)->{ok}, 1, 'and serves there');
soon { $relayd->errors =~ /tunnel $new->{id}: nobody has used port/ } 5,
    'the log says so';
is(port($old), $old->{public_port}, 'the old one keeps its own');
close $second;
$rig->wait_live($old, 20);
is($rig->visit('echo', $old, 100)->{ok}, 1, 'and gets it back');
$rig->finish(unsettled => 1);
done_testing;
