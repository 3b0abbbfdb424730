#!/usr/bin/perl
# Whatever strangers, visitors and clients do, an uninvolved tunnel never waits
# a second.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

use Rig qw(eventually soon long_or);
use Rig::Peer;

my $rig = Rig->new(conf => { relay => { grace_s => 5, hold_s => 2 },
    limits => { hello_ms => 4000, handshake_ms => 2000 } });
my $relayd = $rig->relayd;
my $service = $rig->service('ask+udp:0', 'echo:0', 'hang:0', 'rst:0');
my %at = map { $_ => "127.0.0.1:$service->{port}{$_}" } qw(ask echo hang rst);
my $calm = $rig->tunnel(name => 'calm', target => $at{echo});
my $t = $rig->tunnel(name => 'busy', target => $at{ask});
my $hang = $rig->tunnel(name => 'hang', target => $at{hang});
my $rst = $rig->tunnel(name => 'rst', target => $at{rst});
my $neighbour = $rig->client($rig->machine($calm, { name => 'calm' }));
my $machine = $rig->machine($t, $hang, $rst);
my $adit = $rig->client($machine);
$rig->wait_live($_) for $calm, $t, $hang, $rst;
my $canary = $rig->canary($calm);
my $cpu = $relayd->cpu;

# After each attack: nobody else has noticed.
sub calm {
	my ($says) = @_;
	my $r = $rig->report($canary);
	is($r->{ended}, '', "$says: the canary sings");
	cmp_ok($r->{gap_ms}, '<', 1000 * $Rig::PATIENCE,
	    "$says: without a gap of a second");
	is($rig->visit('echo', $t, 1000, { a => 1, t => 20 })->{ok}, 1,
	    "$says: newcomers are served");
	$canary->say('reset');
	return;
}

sub counter {
	my ($name) = @_;
	return $rig->metrics->{"adit_${name}_total"} // 0;
}

# From ever other addresses: one alone would have to wait after its first.
my $dials = 0;
sub dial {
	my ($port) = @_;
	my $from = sprintf '127.0.%d.%d', 2 + $dials / 250, 1 + $dials % 250;
	$dials++;
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $port, LocalAddr => $from, Timeout => 5);
}

# All of these are closed by the other side within so many seconds.
sub all_closed {
	my ($seconds, @sockets) = @_;
	my $select = IO::Select->new(@sockets);
	my $end = time + $seconds * $Rig::PATIENCE;
	while ($select->count && time < $end) {
		for my $s ($select->can_read(0.5)) {
			my $n = sysread $s, my $scrap, 4096;
			$select->remove($s) unless $n;
		}
	}
	return $select->count == 0;
}

# --- strangers on the relay's port ----------------------------------------------

{
	local $SIG{PIPE} = 'IGNORE';
	my @all;
	for my $i (1 .. 100) {
		my $s = dial($rig->{port}) or next;
		syswrite $s, join '', map { chr int rand 256 } 1 .. 20 * $i;
		push @all, $s;
	}
	ok(all_closed(10, @all), 'a hundred who say junk are sent away');
	calm('junk');

	@all = ();
	for my $i (1 .. 100) {
		my $s = dial($rig->{port}) or next;
		# The head of a ClientHello that never ends.
		syswrite $s, substr "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
		    . 'x' x 32, 0, $i % 43 + 1;
		push @all, $s;
	}
	ok(all_closed(10, @all), 'a hundred half handshakes have an end');
	calm('half handshakes');

	@all = grep { defined } map { dial($rig->{port}) } 1 .. 600;
	calm('600 who say nothing');
	ok(all_closed(20, @all), 'they are sent away as well');
	my $refused = 0;
	$refused += counter("refused_$_") for qw(handshake dials penalty hello);
	cmp_ok($refused, '>=', 780, 'all are counted');
	$_ = dial($rig->{port}) for my @quick = (1 .. 500);
	close $_ for grep { defined } @quick;
	calm('500 who come and go');
}

# --- peers who speak TLS, but not adit/1 --------------------------------------------

my $last = 66;
sub peer {
	my (%o) = @_;
	$last = $last % 200 + 1;
	return Rig::Peer->new($rig, from => "127.0.1.$last", %o);
}

SKIP: {
	skip 'no openssl here', 1 unless Rig::Net::have('openssl');
	my $good = Rig::Peer::hello(token => 'ab' x 32);
	my %wrong = (
		'64 kB of HELLO' => Rig::Peer::frame(Rig::Peer::HELLO,
		    length => 65535, body => 'x' x 65535),
		'a HELLO just too long' => Rig::Peer::frame(Rig::Peer::HELLO,
		    body => Rig::Peer::fields(100 => 'x' x 4100)),
		'DATA first' => Rig::Peer::frame(Rig::Peer::DATA, stream => 1,
		    body => 'x'),
		'a frame of 16,369' => Rig::Peer::frame(0x90,
		    body => 'x' x 16369),
		'HTTP' => "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		'a HELLO and more' => $good . Rig::Peer::frame(Rig::Peer::PING),
		'a HELLO without a token' => Rig::Peer::frame(Rig::Peer::HELLO,
		    body => Rig::Peer::fields(1 => pack('n2', 1, 1),
		    5 => 'x' x 16)),
		'a field twice' => Rig::Peer::frame(Rig::Peer::HELLO, body =>
		    substr($good, 16) . Rig::Peer::fields(8 => 'again')),
		'zeros' => "\0" x 5000,
	);
	for my $what (sort keys %wrong) {
		my $p = peer();
		$p->send($wrong{$what});
		ok($p->is_closed(8 * $Rig::PATIENCE), "$what: sent away");
		$p->leave;
	}
	calm('wrong HELLOs');

	my $p = peer();
	$p->send(Rig::Peer::hello(token => 'ab' x 32,
	    versions => pack 'n2', 7, 9));
	my $f = $p->wait_frame(Rig::Peer::REJECT, 5);
	is($f ? unpack 'n', Rig::Peer::field($f, 1) : 'nothing', 2,
	    'an unknown version is rejected as such');
	$p = peer();
	$p->send($good);
	$f = $p->wait_frame(Rig::Peer::REJECT, 5);
	is($f ? unpack 'n', Rig::Peer::field($f, 1) : 'nothing', 3,
	    'an unknown token, too');
	$p = peer();
	$p->send(substr $good, 0, 20);
	ok($p->is_closed(10 * $Rig::PATIENCE), 'half a HELLO has an end');
	$p = peer(alpn => 'h2');
	ok($p->is_closed(5 * $Rig::PATIENCE), 'another ALPN is refused');
	$p = peer(args => [ '-tls1_2' ]);
	ok($p->is_closed(5 * $Rig::PATIENCE), 'so is TLS 1.2');
	calm('strangers with TLS');
	soon { $rig->metrics->{adit_dials_now} == 0 } 10,
	    'whoever was rejected counts no more';

	# --- one with a good token who breaks the rules -----------------------------

	my $evil_t = $rig->tunnel(name => 'evil', target => $at{ask});
	my $evil = $rig->machine($evil_t, { name => 'evil' });
	$rig->caught_up;
	my $come = sub {
		my $q = peer();
		$q->send(Rig::Peer::hello(token => $evil->{token}));
		ok($q->wait_frame(Rig::Peer::WELCOME, 5), 'WELCOME');
		return $q;
	};
	my $q = $come->();
	$q->send(Rig::Peer::frame(Rig::Peer::PING, offset => 42));
	$f = $q->wait_frame(Rig::Peer::PONG, 5);
	is($f && $f->{offset}, 42, 'a PING is answered');
	$q->send(Rig::Peer::frame(0x90, body => 'from the future'));
	$q->send(Rig::Peer::frame(Rig::Peer::PING, offset => 43));
	$f = $q->wait_frame(Rig::Peer::PONG, 5);
	is($f && $f->{offset}, 43, 'an unknown type from 0x80 is passed over');
	$q->send(Rig::Peer::frame(Rig::Peer::DATA, stream => 77, body => 'x'));
	$f = $q->wait_frame(Rig::Peer::RESET, 5);
	is($f && $f->{stream}, 77, 'DATA of an unknown stream is answered by RESET');
	$q->send(Rig::Peer::frame(Rig::Peer::PING, offset => $_))
	    for 1 .. long_or(50_000, 5_000);
	ok($q->is_closed(10 * $Rig::PATIENCE), 'a flood of PINGs breaks the link');
	my %breaks = (
		'type 0x70' => Rig::Peer::frame(0x70),
		'a second HELLO' => Rig::Peer::hello(token => $evil->{token}),
		'a frame of 65,535' => Rig::Peer::frame(Rig::Peer::DATA,
		    stream => 1, length => 65535, body => 'x' x 100),
		'DATA on stream 0' => Rig::Peer::frame(Rig::Peer::DATA,
		    body => 'x'),
		'WELCOME from the client' => Rig::Peer::frame(
		    Rig::Peer::WELCOME, body => 'x'),
		'an ACK without a limit' => Rig::Peer::frame(Rig::Peer::ACK,
		    stream => 1),
	);
	for my $what (sort keys %breaks) {
		$q = $come->();
		$q->send($breaks{$what});
		ok($q->is_closed(8 * $Rig::PATIENCE), "$what breaks it");
		$q->leave;
	}
	calm('broken frames');

	# Opens by a client: none of its tunnels calls for one.
	$q = $come->();
	my $open = Rig::Peer::fields(1 => "\1", 2 => pack('N', $evil_t->{id}));
	$q->send(join '', map { Rig::Peer::frame(Rig::Peer::OPEN,
	    stream => 2 * $_, body => $open) } 1 .. long_or(20_000, 3_000));
	calm('a flood of OPENs');
	$q->leave;

	# REPORTs: as many as somebody with many tunnels may need, then more.
	$q = $come->();
	my $report = Rig::Peer::frame(Rig::Peer::REPORT,
	    stream => $evil_t->{id}, body =>
	    Rig::Peer::fields(1 => "\1", 2 => "\2", 3 => pack('n', 10)));
	$q->send($report x 10_000);
	$q->send(Rig::Peer::frame(Rig::Peer::PING, offset => 44));
	ok($q->wait_frame(Rig::Peer::PONG, 10), '10,000 REPORTs are heard');
	my $broken = counter('sessions_broken');
	$q->send($report x 100_000);
	ok($q->is_closed(10 * $Rig::PATIENCE),
	    'a flood of REPORTs breaks the session');
	cmp_ok(counter('sessions_broken'), '>', $broken, 'which is counted');
	calm('a flood of REPORTs');
	$q->leave;

	# A visitor's bytes are not acknowledged, and more is sent than allowed.
	$q = $come->();
	soon { $rig->live($evil_t)->{serving} } 5, 'it serves';
	my $v = $rig->visitor('hold', $evil_t, 'never');
	$f = $q->wait_frame(Rig::Peer::OPEN, 5);
	ok($f, 'a visitor is announced');
	my $stream = $f ? $f->{stream} : 1;
	$q->send(Rig::Peer::frame(Rig::Peer::ACK, stream => $stream,
	    offset => 1 << 40, body => pack 'Q>', 1 << 41));
	ok($q->is_closed(8 * $Rig::PATIENCE),
	    'an ACK of bytes that were never sent breaks the session');
	$q = $come->();
	soon { $rig->live($evil_t)->{serving} } 5, 'it serves';
	my $w = $rig->visitor('hold', $evil_t, 'never');
	$f = $q->wait_frame(Rig::Peer::OPEN, 5);
	$stream = $f ? $f->{stream} : 1;
	$q->send(Rig::Peer::frame(Rig::Peer::ACK, stream => $stream,
	    body => pack 'Q>', 262144));
	my $at = 0;
	for (1 .. 400) {
		$q->send(Rig::Peer::frame(Rig::Peer::DATA, stream => $stream,
		    offset => $at, body => 'x' x 16368)) or last;
		$at += 16368;
	}
	ok($q->is_closed(8 * $Rig::PATIENCE),
	    'more DATA than the window allows, too');
	calm('windows overrun');
}

# --- visitors ----------------------------------------------------------------------

my $zero = $rig->visitor('hold', $t, 'source 100000000',
    { n => long_or(1000, 100), r => 1024 });
$zero->expect(qr/^up/);
calm('visitors who never read');
my $r = $rig->visit('down', $t, 20_000_000);
is($r->{ok}, 1, 'a reader beside them gets all') or diag($r->{why});
my $held = $rig->metrics->{adit_held_bytes};
cmp_ok($held, '<=', 256 << 20, "what is held is bounded: $held bytes");
$rig->leave($zero);

my $mute = $rig->visitor('up', $t, 100_000_000, { n => 10, t => 60 });
my $never = $rig->visitor('hold', $t, 'never', { n => 50 });
$never->expect(qr/^up/);
my $into_wall = $rig->visitor('idle', $hang, { n => 20 });
calm('services that never read');
undef $_ for $mute, $into_wall;
$rig->leave($never);
my $slow = $rig->start('slow', [ 'perl', '-e', q{
	use IO::Socket::INET; $| = 1;
	my $s = IO::Socket::INET->new($ARGV[0]) or die;
	print $s "slow 1000\n"; print "up\n";
	$SIG{PIPE} = 'IGNORE';
	print $s 'x' x 1000 or last for 1 .. 1000;
	<STDIN>;
}, "127.0.0.1:$t->{public_port}" ], talk => 1);
$slow->expect(qr/^up/);
calm('a service that reads slowly');
$slow->stop;

my $bad = 0;
for my $i (1 .. 50) {
	$bad += $rig->visit('echo', $rst, 100, { t => 5 })->{ok};
}
is($bad, 0, 'a service that resets everybody');
calm('resets');

$r = $rig->visit('echo', $t, 100, { a => 1, n => long_or(20_000, 2_000),
    b => 300, t => 120 });
is($r->{failed}, 0, "a flood of connections: $r->{n} in $r->{ms} ms")
    or diag($r->{why});
calm('a flood of connections');

# --- a tunnel that leads to itself ------------------------------------------------------

{
	my $snake = $rig->tunnel(name => 'snake', target => $at{ask},
	    visitors => 200);
	$rig->ctl('tunnel', 'edit', $snake->{id}, '--target',
	    "127.0.0.1:$snake->{public_port}");
	$snake->{target} = "127.0.0.1:$snake->{public_port}";
	my $bitten = $rig->client($rig->machine($snake, { name => 'snake' }));
	my $before = counter('refused_tunnel');
	soon { $rig->live($snake)->{serving} } 10, 'a tunnel leads to itself';
	my $v = $rig->visitor('idle', $snake, { t => 5 });
	soon { counter('refused_tunnel') > $before } 10,
	    'its limit ends that, and counts it';
	calm('a tunnel that leads to itself');
	soon { $rig->live($snake)->{visitors} < 200 } 20, 'it winds down';
	$v->stop;
	$bitten->stop('INT');
}

# --- a byte at a time -----------------------------------------------------------------

my $cutter = $rig->cutter;
my $thin_t = $rig->tunnel(name => 'thin', target => $at{ask});
my $thin = $rig->client($rig->machine($thin_t, { name => 'thin' }),
    server => "127.0.0.1:$cutter->{port}");
$rig->wait_live($thin_t);
$rig->cut($cutter, 'slice 1');
for my $way (qw(up down)) {
	$r = $rig->visit($way, $thin_t, long_or(1_000_000, 60_000),
	    { t => 120 });
	is($r->{ok}, 1, "$way in segments of one byte") or diag($r->{why});
}
$rig->cut($cutter, 'cut rst');
ok($rig->visit('echo', $thin_t, 1000, { a => 1, t => 60 })->{ok},
    'a return in segments of one byte');
calm('segments of one byte');
$thin->stop;

$rig->leave($canary);
diag(sprintf 'relayd used %.1f s of processor time', $relayd->cpu - $cpu);
$rig->finish;

# --- no open file is left -------------------------------------------------------------

my $poor = Rig->new;
my $few = $poor->relayd(under => [ 'prlimit', '--nofile=700' ]);
like($few->errors, qr/open files|descriptors|files/i,
    'it says how many open files it has');
$service = $poor->service('ask:0');
my $pt = $poor->tunnel(target => "127.0.0.1:$service->{port}{ask}");
my $pc = $poor->client($poor->machine($pt));
$poor->wait_live($pt);
my $inside = $poor->canary($pt, a => 1);
my $crowd = $poor->visitor('idle', $pt, { a => 1, n => 500, b => 500,
    t => 5 });
eventually { $poor->metrics->{adit_refused_files_total} } 10;
$cpu = $few->cpu;
my $began = time;
sleep 2;
cmp_ok(($few->cpu - $cpu) / (time - $began), '<', 0.5,
    'near the limit it does not spin');
$r = $poor->report($inside);
is($r->{ended}, '', 'who is inside goes on');
cmp_ok($r->{gap_ms}, '<', 1000 * $Rig::PATIENCE, 'without a gap');
is(($poor->get('/healthz'))[0], '200', 'its sockets answer');
cmp_ok($few->files, '<=', 700, 'it stays below');
cmp_ok($poor->metrics->{adit_refused_files_total}, '>', 0, 'and counts it');
my $lines = () = $few->errors =~ /\n/g;
cmp_ok($lines, '<', 2000, 'the log is not flooded');
$crowd->stop;
soon { $poor->visit('echo', $pt, 10, { a => 1, t => 2 })->{ok} } 15,
    'when they have gone there is room again';
$poor->leave($inside);
$poor->finish;
done_testing;
