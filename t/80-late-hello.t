#!/usr/bin/perl
# HELLOs that come late, of dials that their client gave up long ago: a client
# never replaces itself, and one that was replaced never takes back over.
# Tokens that nobody knows (yet) are judged by what the database says now.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);
use Rig::Peer;

use constant { REPLACED => 5, TOKEN => 3, BUSY => 8, CLOSING => 9 };

my $rig = Rig->new(conf => { limits => { penalty_ms => 0 } });
my $relayd = $rig->relayd;
my $t = $rig->tunnel(target => '127.0.0.1:9');
my $machine = $rig->machine($t);
$rig->caught_up;

# A dial of this instance, with the key of a session or without.
sub dial {
	my ($instance, $key, $token) = @_;
	my $peer = Rig::Peer->new($rig);
	$peer->send(Rig::Peer::frame(Rig::Peer::HELLO,
	    body => Rig::Peer::fields(1 => pack('n2', 1, 1),
	    2 => pack('H*', $token || $machine->{token}),
	    $key ? (3 => $key) : (),
	    5 => substr($instance . '-' x 16, 0, 16),
	    6 => 'peer 1', 7 => 'test', 8 => $instance)));
	return $peer;
}

# Its answer: the key of WELCOME, and whether it resumed; or REJECT's code.
sub answer {
	my ($peer) = @_;
	my $f = $peer->next_frame(20) or return 'no answer';
	if ($f->{type} == Rig::Peer::WELCOME) {
		$peer->{key} = Rig::Peer::field($f, 2);
		return 'welcome ' . unpack 'C',
		    Rig::Peer::field($f, 4) // "\0";
	}
	return 'frame ' . $f->{type} if $f->{type} != Rig::Peer::REJECT;
	my $retry = defined Rig::Peer::field($f, 2) ? ', again' : '';
	return 'reject ' . unpack('n', Rig::Peer::field($f, 1)) . $retry;
}

# The codes of the GOAWAYs that came until the relay closed it.
sub farewell {
	my ($peer) = @_;
	my @codes;
	while (my $f = $peer->wait_frame(Rig::Peer::GOAWAY, 20)) {
		push @codes, unpack 'n', Rig::Peer::field($f, 1);
	}
	return $peer->{is_closed} ? "closed @codes" : 'open';
}

sub lives {
	my ($peer) = @_;
	$peer->send(Rig::Peer::frame(Rig::Peer::PING, offset => 77));
	while (my $f = $peer->wait_frame(Rig::Peer::PONG, 20)) {
		return 1 if $f->{offset} == 77;
	}
	return 0;
}

# --- one that meets itself ------------------------------------------------------

my $first = dial('A');
is(answer($first), 'welcome 0', 'a client starts');
my $again = dial('A');
is(answer($again), 'welcome 0', 'the same one starts again');
is(farewell($first), 'closed ', 'nobody was replaced');
my $back = dial('A', $first->{key});
is(answer($back), 'welcome 0', 'its return with an old key begins anew');
is(farewell($again), 'closed ', 'nobody was replaced');
is($rig->metrics->{adit_takeovers_total}, 0, 'and no takeover is counted');
my $joins = dial('A', $back->{key});
is(answer($joins), 'welcome 1', 'with the right key it joins');

# --- one that was replaced --------------------------------------------------------

my $other = dial('B');
is(answer($other), 'welcome 0', 'another takes over');
is(farewell($joins), 'closed ' . REPLACED, 'the first is told');
is(answer(dial('A')), 'reject ' . REPLACED, 'a late start is refused');
is(answer(dial('A', $back->{key})), 'reject ' . REPLACED,
    'so is a late return');
ok(lives($other), 'the other stays');
$other->send(Rig::Peer::frame(Rig::Peer::GOAWAY,
    body => Rig::Peer::fields(1 => pack 'n', CLOSING)));
soon { $rig->status->{sessions} == 0 } 10, 'the other ends';
is(answer(dial('A')), 'reject ' . REPLACED, 'which changes nothing');
is(answer(dial('C', 'k' x 32)), 'welcome 0', 'a stranger may return now');
is(answer(dial('D', 'k' x 32)), 'reject ' . REPLACED, 'but no second one');
is(answer(dial('D')), 'reject ' . REPLACED, 'who was told, too');

my @crowd = map { my $p = dial("E$_"); is(answer($p), 'welcome 0',
    "start $_"); $p } 1 .. 9;
is(answer(dial('A')), 'welcome 0', 'the last eight are remembered');
is(answer(dial('E9')), 'reject ' . REPLACED, 'these are');

# --- tokens that nobody knows -------------------------------------------------------

my $unknown = 'ab' x 32;
is(answer(dial('F', undef, $unknown)), 'reject ' . TOKEN,
    'a token that is not in the database');
rename "$rig->{dir}/adit.db", "$rig->{dir}/away.db" or die;
soon { ($rig->get('/readyz'))[0] eq '503' } 20, 'the database is away';
is(answer(dial('F', undef, $unknown)), 'reject ' . BUSY . ', again',
    'nobody can say whether a token is good');
is(answer(dial('G')), 'welcome 0', 'those that are known are good');
rename "$rig->{dir}/away.db", "$rig->{dir}/adit.db" or die;
soon { ($rig->get('/readyz'))[0] eq '200' } 20, 'it is back';
is(answer(dial('F', undef, $unknown)), 'reject ' . TOKEN, 'and asked');

$rig->finish(unsettled => 1);
done_testing;
