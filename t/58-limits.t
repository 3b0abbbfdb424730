#!/usr/bin/perl
# Who may come, how many and how often; whose address the service is told; and
# how a connection ends is passed on.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use IO::Socket::IP;
use Socket qw(inet_aton SOL_SOCKET SO_LINGER);
use Test::More;

use Rig qw(eventually soon);

my $rig = Rig->new(conf => { limits => { streams_per_user => 30,
    streams => 40, flows_per_tunnel => 10 } });
my $relayd = $rig->relayd;
my $service = $rig->service('ask+udp:0', 'echo:0');
my $second = $rig->service('ask:0');
my %at = map { $_ => "127.0.0.1:$service->{port}{$_}" } qw(ask echo);
my %t = (
	plain => $rig->tunnel(name => 'plain', target => $at{ask}),
	allow => $rig->tunnel(name => 'allow', target => $at{ask},
	    allow => '127.0.0.2,127.0.1.0/24,::1/128'),
	deny => $rig->tunnel(name => 'deny', target => $at{ask},
	    deny => '127.0.0.2/31,::1'),
	rate => $rig->tunnel(name => 'rate', target => $at{ask},
	    address_rate => 5),
	few => $rig->tunnel(name => 'few": served by', target => $at{ask}, visitors => 3),
	v1 => $rig->tunnel(name => 'v1', target => $at{echo},
	    proxy_protocol => 'v1'),
	v2 => $rig->tunnel(name => 'v2', target => $at{echo},
	    proxy_protocol => 'v2'),
	udp2 => $rig->tunnel(name => 'udp2', kind => 'udp',
	    target => $at{ask}, proxy_protocol => 'v2'),
	udp => $rig->tunnel(name => 'udp', kind => 'udp', target => $at{ask}),
);
my $adit = $rig->client($rig->machine(values %t));
$rig->wait_live($_) for values %t;
like($relayd->errors, qr/"few\\x22: served by": served by session 1 /,
    'a name stays in its quotes in the log');
my $has_v6 = -e '/proc/net/if_inet6' && IO::Socket::IP->new(
    LocalHost => '::1', Listen => 1);
sub six { return "[::1]:$t{$_[0]}{public_port}" }

sub gets_in {
	my ($name, $from) = @_;
	return $rig->visit('echo', $t{$name}, 10,
	    { a => 1, t => 5, $from ? (s => $from) : () })->{ok};
}

sub counted {
	my ($name) = @_;
	return $rig->metrics->{"adit_refused_${name}_total"};
}

# --- lists --------------------------------------------------------------------

is(gets_in('plain', '127.0.0.9'), 1, 'no list: everybody');
is(gets_in('allow', '127.0.0.2'), 1, 'allowed: an address');
is(gets_in('allow', '127.0.1.77'), 1, 'allowed: a network');
my $before = counted('list');
is(gets_in('allow', '127.0.0.3'), 0, 'not allowed: another');
is(gets_in('deny', '127.0.0.3'), 0, 'denied: one of two');
is(gets_in('deny', '127.0.0.1'), 1, 'not denied: others');
is(counted('list') - $before, 2, 'each is counted');
soon { $relayd->errors =~ /visitor 127\.0\.0\.3:\d+ of tunnel \d+ "allow": /
    } 2, 'and has a line in the log';
SKIP: {
	skip 'no IPv6', 2 unless $has_v6;
	is($rig->visit('echo', six('allow'), 10, { a => 1, t => 5 })->{ok}, 1,
	    'allowed: an IPv6 address');
	is($rig->visit('echo', six('deny'), 10, { a => 1, t => 5 })->{ok}, 0,
	    'denied: an IPv6 address');
}

# --- how often -------------------------------------------------------------------

$before = counted('rate');
is((grep { gets_in('rate') } 1 .. 8), 5, 'five a minute from one address');
is(counted('rate') - $before, 3, 'the others are counted');
is(gets_in('rate', '127.0.0.7'), 1, 'another address has its own');

# --- how many ---------------------------------------------------------------------

sub stay {
	my ($name, $n) = @_;
	my $p = $rig->visitor('idle', $t{$name}, { a => 1, n => $n, t => 5 });
	$p->expect(qr/^up/);
	return $p;
}

$before = counted('tunnel');
my $crowd = stay('few', 3);
is(gets_in('few'), 0, 'the fourth of three is refused');
is(counted('tunnel') - $before, 1, 'and counted');
is(gets_in('plain'), 1, 'another tunnel is not concerned');
is($rig->leave($crowd)->{lost}, 0, 'the three stay');
soon { gets_in('few') } 5, 'and make room';

$before = counted('user');
$crowd = stay('plain', 30);
is(gets_in('allow', '127.0.0.2'), 0, 'a user has so many in all');
is(counted('user') - $before, 1, 'and counted');
is($rig->leave($crowd)->{lost}, 0, 'the thirty stay');
soon { gets_in('plain') } 5, 'and make room';

$before = $rig->metrics->{adit_evicted_flows_total};
my $r = $rig->visit('udp', $t{udp}, (100) x 25);
is($r->{ok}, 25, 'the youngest flow is always served');
cmp_ok($rig->metrics->{adit_evicted_flows_total} - $before, '>=', 10,
    'the oldest of ten is forgotten, and counted');

# --- whose address ------------------------------------------------------------------

sub say_and_hear {
	my ($port, $from, $text, $n, $type) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $port, LocalAddr => $from, Proto => $type || 'tcp')
	    or return ('', 0);
	my $local = $s->sockport;
	$s->send($text);
	my $got = '';
	eval {
		local $SIG{ALRM} = sub { die };
		alarm 10;
		while (length $got < $n) {
			my $piece = '';
			defined $s->recv($piece, 65536) && length $piece
			    or last;
			$got .= $piece;
		}
		alarm 0;
	};
	alarm 0;
	return ($got, $local);
}

my ($got, $from) = say_and_hear($t{v1}{public_port}, '127.0.0.5', 'hello',
    length("PROXY TCP4 127.0.0.5 127.0.0.1 00000 00000\r\nhello"));
is($got, "PROXY TCP4 127.0.0.5 127.0.0.1 $from $t{v1}{public_port}\r\nhello",
    'PROXY v1 says who and where');
my $v2 = sub {
	my ($kind, $port) = @_;
	return "\r\n\r\n\0\r\nQUIT\n\x21" . pack('C n a4 a4 n n', $kind, 12,
	    inet_aton('127.0.0.5'), inet_aton('127.0.0.1'), $from, $port);
};
($got, $from) = say_and_hear($t{v2}{public_port}, '127.0.0.5', 'hello', 33);
is(unpack('H*', $got), unpack('H*', $v2->(0x11, $t{v2}{public_port})
    . 'hello'), 'PROXY v2 as well');
($got, $from) = say_and_hear($t{udp2}{public_port}, '127.0.0.5', 'hello', 33,
    'udp');
is(unpack('H*', $got), unpack('H*', $v2->(0x12, $t{udp2}{public_port})
    . 'hello'), 'PROXY v2 before the first datagram');
SKIP: {
	skip 'no IPv6', 1 unless $has_v6;
	my $s = IO::Socket::IP->new(PeerHost => '::1', Type => 1,
	    PeerPort => $t{v1}{public_port}) or die "::1: $@";
	print $s "x\n";
	my $line = <$s>;
	is($line, 'PROXY TCP6 ::1 ::1 ' . $s->sockport
	    . " $t{v1}{public_port}\r\n", 'PROXY v1 with IPv6');
}

# --- how it ends ----------------------------------------------------------------------

$r = $rig->visit('up', $t{plain}, 2_000_000);
is($r->{ok}, 1, 'the visitor ends first: the answer comes all the same');
$r = $rig->visit('half', $t{plain}, 2_000_000);
is($r->{ok}, 1, 'the service ends first: the rest is taken all the same');
is($service->expect(qr/^half (ok \d+)/), 'ok 2000000', 'all of it');

my $v = $rig->visitor('hold', $t{plain}, 'watch');
$v->expect(qr/^up/);
$rig->leave($v);
is($service->expect(qr/^watch (\w+)/), 'eof', 'an end comes as an end');
my $s = IO::Socket::INET->new("127.0.0.1:$t{plain}{public_port}") or die;
print $s "watch\n";
$s->flush;
eventually { $rig->live($t{plain})->{visitors} == 1 } 5;
setsockopt $s, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
close $s;
is($service->expect(qr/^watch (\w+)/), 'reset', 'a reset as a reset');
for my $how (qw(rst close)) {
	$r = $rig->visit('echo', $t{plain}, 100_000, { t => 10 });
	my $p = $rig->visitor('hold', $t{plain}, "$how 5");
	$p->expect(qr/^up/);
	$p->stop;
}
$s = IO::Socket::INET->new("127.0.0.1:$t{plain}{public_port}") or die;
print $s "rst 5\nabcde";
$s->flush;
is(sysread($s, my $byte, 1), undef, "the service's reset is a reset");
like($!, qr/reset/i, 'to the visitor');
$s = IO::Socket::INET->new("127.0.0.1:$t{plain}{public_port}") or die;
print $s "close 5\nabcde";
$s->flush;
is(sysread($s, $byte, 1), 0, 'its end is an end');
close $s;

# --- the counters ----------------------------------------------------------------------

SKIP: {
	skip 'no promtool here', 1 unless Rig::Net::have('promtool');
	my (undef, $body) = $rig->get('/metrics');
	open my $p, '|-', 'promtool check metrics >&2' or die;
	print $p $body;
	close $p;
	is($? >> 8, 0, 'promtool finds nothing in /metrics');
}
soon { $rig->live($t{plain})->{visitors} == 0 } 5, 'nobody is left';

$rig->finish;
done_testing;
