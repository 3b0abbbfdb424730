#!/usr/bin/perl
# Where visitors may come, how often datagrams, how long a flow rests, how often
# a machine returns.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Test::More;

use Rig qw(eventually soon);
use Rig::Peer;

my $rig = Rig->new(host => '127.0.0.2', conf => {
	public_bind => ['127.0.0.2', '127.0.0.3'],
	limits => { flow_packets_per_s => 20, flow_idle_s => 1,
	    flow_answered_idle_s => 6, returns_per_s => 1, returns_burst => 4 },
});
my $relayd = $rig->relayd;
my $service = $rig->service('echo+udp:0');
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
    or die;
my $t = $rig->tunnel(kind => 'both',
    target => "127.0.0.1:$service->{port}{echo}");
my $mute = $rig->tunnel(kind => 'udp',
    target => '127.0.0.1:' . $silent->sockport);
my $adit = $rig->client($rig->machine($t, $mute));
$rig->wait_live($_) for $t, $mute;

sub now {
	my ($name) = @_;
	return $rig->metrics->{"adit_$name"};
}

# --- only where public_bind says ------------------------------------------------

sub answers {
	my ($host, $mode) = @_;
	return $rig->visit($mode, "$host:$t->{public_port}", 100, { t => 3 })
	    ->{ok};
}
is(answers("127.0.0.$_", 'echo'), 1, "127.0.0.$_ is bound") for 2, 3;
is(answers("127.0.0.$_", 'echo'), 0, "127.0.0.$_ is not") for 1, 4;
is(answers('127.0.0.3', 'udp'), 1, 'UDP: 127.0.0.3 is bound');
is(answers('127.0.0.1', 'udp'), 0, 'UDP: 127.0.0.1 is not');

# --- flows that rest ----------------------------------------------------------------

soon { now('flows_now') == 0 } 20, 'a flow that was answered ends in time';
sub speaks {
	my ($where, $from) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.2', Proto => 'udp',
	    PeerPort => $where->{public_port}, LocalAddr => $from) or die;
	$s->send('hello');
	return $s;
}
my $answered = speaks($t, '127.0.0.8');
soon { IO::Select->new($answered)->can_read(0) } 5, 'one is answered';
my $asks = speaks($mute, '127.0.0.8');
soon { now('flows_now') == 2 } 5, 'one is not';
soon { now('flows_now') == 1 } 4, 'which ends first';
like($relayd->errors, qr/visitor 127\.0\.0\.8:${\$asks->sockport} \(udp\).* idle$/m,
    'and has its line in the log');
soon { now('flows_now') == 0 } 20, 'then the other';

# --- datagrams of one source ---------------------------------------------------------

my $flood = speaks($t, '127.0.0.9');
$flood->send("number $_") for 2 .. 100;
my $got = 0;
my $ready = IO::Select->new($flood);
soon {
	$got++ while $ready->can_read(0) && defined $flood->recv(my $x, 100);
	$got + now('dropped_rate_total') == 100
} 10, 'each datagram is answered or counted';
cmp_ok($got, '>=', 20, 'so many a second are let in');
cmp_ok($got, '<=', 80, 'and not many more');
is(answers('127.0.0.2', 'udp'), 1, 'another source is not concerned');
is($rig->live($t)->{drops}, 100 - $got, 'the tunnel counts them as drops')
    if exists $rig->live($t)->{drops};
undef $flood;

# --- returns ----------------------------------------------------------------------------

my $machine = $rig->machine($rig->tunnel(target => '127.0.0.1:9'));
$rig->caught_up;
sub dial {
	my ($key) = @_;
	my $peer = Rig::Peer->new($rig);
	$peer->send(Rig::Peer::frame(Rig::Peer::HELLO,
	    body => Rig::Peer::fields(1 => pack('n2', 1, 1),
	    2 => pack('H*', $machine->{token}), $key ? (3 => $key) : (),
	    5 => 'r' x 16)));
	return ($peer, $peer->next_frame(20) || { type => 0 });
}
my ($first, $welcome) = dial();
my $key = Rig::Peer::field($welcome, 2);
my (@peers, $reject);
for (1 .. 20) {
	my ($peer, $frame) = dial($key);
	push @peers, $peer;
	next if $frame->{type} == Rig::Peer::WELCOME;
	$reject = $frame;
	last;
}
cmp_ok(scalar @peers, '>', 3, 'a start and three returns may come at once');
is($reject ? $reject->{type} : '', Rig::Peer::REJECT, 'then one is rejected');
is(unpack('n', Rig::Peer::field($reject, 1)), 8, 'busy');
my $ms = unpack 'N', Rig::Peer::field($reject, 2) // '';
cmp_ok($ms, '>', 0, 'and told to come again');
cmp_ok($ms, '<=', 1001, 'within a second');
is(now('refused_returns_total'), 1, 'it is counted');
soon { (dial($key))[1]{type} == Rig::Peer::WELCOME } 10, 'and then may';

undef @peers;
$rig->finish(unsettled => 1);
done_testing;
