#!/usr/bin/perl
# Clients that allow their visitors everything and acknowledge nothing fill the
# relay's memory up to their user's share: however many they are, the neighbour's
# newcomers are served.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep);

use Rig;
use Rig::Peer;

plan skip_all => 'no openssl here' unless Rig::Net::have('openssl');

my $MANY = 16; # would come to 84 percent, each for itself
my $rig = Rig->new(conf => { relay => { memory_mb => 16, hold_s => 1,
    grace_s => 2 } });
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');
my $calm = $rig->tunnel(name => 'calm',
    target => "127.0.0.1:$service->{port}{echo}");
my $adit = $rig->client($rig->machine($calm, { name => 'calm' }));
$rig->wait_live($calm);

my (@peers, @tunnels, @visitors);
for my $i (1 .. $MANY) {
	my $t = $rig->tunnel(name => "greedy $i", user => 'eve@example.org',
	    target => '127.0.0.1:9');
	my $m = $rig->machine($t,
	    { name => "greedy $i", user => 'eve@example.org' });
	push @tunnels, $t;
	$rig->caught_up;
	my $p = Rig::Peer->new($rig);
	$p->send(Rig::Peer::hello(token => $m->{token}));
	$p->wait_frame(Rig::Peer::CONFIG, 10 * $Rig::PATIENCE)
	    or BAIL_OUT('a peer is not welcome');
	push @peers, $p;
}

sub held {
	my (undef, $body) = $rig->get('/status', 'control.sock');
	return JSON::PP::decode_json($body)->{held_bytes};
}

for my $t (@tunnels) {
	my $v = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $t->{public_port}, Timeout => 5) or die "visitor: $!";
	$v->blocking(0);
	push @visitors, $v;
}
my ($bytes, $rest, $last) = ('x' x 65536, 0, -1);
$SIG{PIPE} = 'IGNORE';
for (1 .. 2000) {
	my $took = 0;
	for my $v (@visitors) {
		$took += syswrite($v, $bytes) || 0 for 1 .. 16;
	}
	for my $p (@peers) {
		while (my $f = $p->next_frame(0.001)) {
			$p->send(Rig::Peer::frame(Rig::Peer::ACK,
			    stream => $f->{stream}, body => "\xff" x 8))
			    if $f->{type} == Rig::Peer::OPEN;
			$took++;
		}
	}
	my $held = held();
	$rest = $took == 0 && $held == $last ? $rest + 1 : 0;
	$last = $held;
	last if $rest == 20;
	sleep 0.02 unless $took;
}
cmp_ok($last, '>', 4 << 20, 'they hold more than one of them may');
cmp_ok($last, '<', 0.6 * (16 << 20), '... and hardly more than a half');
is($rig->visit('echo', $calm, 100000)->{ok}, 1, 'the neighbour is served');
is($rig->metrics->{adit_refused_memory_total}, 0, 'nobody was refused');
close $_ for @visitors;
$_->leave for @peers;
$rig->finish;
done_testing;
