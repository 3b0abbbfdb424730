#!/usr/bin/perl
# Links inside a WebSocket: through a real nginx, against WebSocket as others
# speak it, and against strangers at the link socket.
use strict;
use warnings;

use FindBin;
use IO::Socket::UNIX;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Rig qw(eventually soon long_or);
use Rig::Front;

my $MB = 1_000_000;
Rig::Net::skip('no nginx here') unless Rig::Net::have('nginx');
my $rig = Rig->new(conf => { limits => { returns_per_s => 100,
    heartbeat_ms => 1000 } });
my $dir = $rig->dir;
my $relayd = $rig->relayd;

is((stat "$dir/link.sock")[2] & 0777, 0660, 'the link socket is 0660');

# --- a web server before the relay -------------------------------------------

# `hasty` waits for 3 s instead of 75 s.
my $front = Rig::Front->new($rig, doors => [ { path => '/adit/link' },
    { path => '/link', seconds => 3, tls => 'TLSv1.2' } ]);
my ($web, $hasty) = @{ $front->{port} };

my $service = $rig->service('ask:0', 'echo:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}");
my $machine = $rig->machine($t);
my $cutter = $rig->cutter(to => "127.0.0.1:$web");
my @trust = (trust => [ '--ca', "$dir/web.crt" ]);
my $adit = $rig->client($machine, @trust, args => ['--verbose'],
    server => "wss://localhost:$cutter->{port}/adit/link");
$rig->wait_live($t);
soon { $adit->errors =~ m{linked to wss://localhost:\d+/adit/link} } 5,
    'the client is linked through nginx';
like($adit->errors, qr{WebSocket, TLSv1\.3}, 'in a WebSocket');
like($relayd->errors, qr{begun from 127\.0\.0\.1,},
    'the relay knows its address from nginx');

my $doctor = $rig->start('doctor', [ "$Rig::BUILD/adit", 'doctor', '--server',
    "wss://localhost:$web/adit/link", '--ca', "$dir/web.crt", '--allow',
    $machine->{allow}, '--token-file', $machine->{file} ]);
is($doctor->wait(20 * $Rig::PATIENCE), 0, 'the doctor finds nothing wrong')
    or diag($doctor->output);
like($doctor->output, qr/a client of this machine runs \(\S+ at 127\.0\.0\.1\)/,
    'and that a client runs');
like($relayd->errors, qr/asked whether its token is good, of machine "DESKTOP/,
    'the relay takes it calmly');
my $lost = $rig->start('doctor', [ "$Rig::BUILD/adit", 'doctor', '--server',
    "wss://localhost:$web/elsewhere", '--ca', "$dir/web.crt", '--allow',
    $machine->{allow}, '--token-file', $machine->{file} ]);
is($lost->wait(20 * $Rig::PATIENCE), 1, 'at a wrong path something');
like($lost->output . $lost->errors, qr/status 404/, 'which it names');

# --- bytes -------------------------------------------------------------------

my $size = long_or(1000, 100) * $MB;
for my $way (qw(up down)) {
	my $r = $rig->visit($way, $t, $size, { t => 300 });
	is($r->{ok}, 1, $size / $MB . " MB $way, byte for byte")
	    or diag($r->{why});
}
my $r = $rig->visit('echo', $t, 50_000, { a => 1, n => 100 });
is($r->{ok}, 100, '100 visitors at once') or diag($r->{why});
is($rig->visit('half', $t, 5 * $MB)->{ok}, 1, 'the service may end first');

# --- links end, nobody notices -----------------------------------------------

my $canary = $rig->canary($t, a => 1, i => 50);
my $stay = $rig->visitor('idle', $t, { a => 1, n => 20 });
$stay->expect(qr/^up/);

# Transfers go on, one after the other, while it is done so many times.
sub under_load {
	my ($says, $times, $do) = @_;
	my ($bad, $runs, $done) = ('', 0, 0);
	my $end = time + 300;
	my %run;
	while (!$bad && time < $end && ($done < $times || %run)) {
		for my $way (qw(up down)) {
			$run{$way} ||= $rig->visitor($way, $t, 30 * $MB,
			    { t => 200 }) if $done < $times;
			next if !$run{$way} || $run{$way}->alive;
			$r = $rig->result(delete $run{$way});
			$runs++;
			$bad = "$way: $r->{why}" if $r->{ok} != 1;
		}
		$do->($done++) if $done < $times;
		sleep 0.2;
	}
	is($bad, '', "$says: $runs transfers are whole");
	$canary->say('reset');
	soon { $rig->report($canary)->{answers} > 0 } 20,
	    "$says: a talk goes on";
	is($rig->report($canary)->{ended}, '', "$says: it was never ended");
	return;
}

sub returns { return $rig->metrics->{adit_returns_total} }

my $before = returns();
under_load('cut by FIN', 5, sub { $rig->cut($cutter, 'cut fin') });
under_load('cut by RST', 5, sub { $rig->cut($cutter, 'cut rst') });
cmp_ok(returns(), '>=', $before + 5, 'the links were cut, and came back');

$before = returns();
under_load('nginx -s reload', 3, sub {
	my $n = returns();
	$front->{proc}->signal('HUP');
	eventually { returns() > $n } 20;
});
cmp_ok(returns(), '>=', $before + 3, 'each reload has cut the link');

is($rig->leave($stay)->{lost}, 0, 'twenty who said nothing are still there');
is($rig->leave($canary)->{ended}, '', 'the talk was never ended');
is($rig->metrics->{adit_streams_broken_total}, 0, 'no stream is broken');

# --- heartbeats stay below nginx's patience ----------------------------------

my $quiet = $rig->tunnel(target => "127.0.0.1:$service->{port}{echo}");
my $other = $rig->machine($quiet, { name => 'other' });
my $patience = $rig->client($other, @trust, name => 'adit-quiet',
    server => "wss://127.0.0.1:$hasty");
$rig->wait_live($quiet);

SKIP: {
	my $curl = Rig::Net::have('curl') or skip('no curl', 2);
	my @ask = ($curl, '-skN', '--http1.1', '-o', '/dev/null', '-w',
	    '%{http_code}', '-H', 'Upgrade: websocket', '-H',
	    'Connection: Upgrade', '-H', 'Sec-WebSocket-Version: 13', '-H',
	    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==', '-H',
	    'Sec-WebSocket-Protocol: adit.1', "https://127.0.0.1:$hasty/link");
	my $codes = '';
	for (1 .. 2) {
		my $p = $rig->start('silent', \@ask);
		$p->wait(20);
		$codes .= $p->output . ' ';
	}
	is($codes, '101 101 ', 'nginx cuts twice who says nothing for 3 s');
	is(scalar(() = $patience->errors =~ /linked to/g), 1,
	    'the client was not');
}

# --- what the link socket answers --------------------------------------------

my @good = ('GET /link HTTP/1.1', 'Host: localhost', 'Upgrade: websocket',
    'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: adit.1', 'X-Real-IP: 192.0.2.99');

# The status of a request with some lines more, or without those that match.
sub status {
	my ($without, @more) = @_;
	my $s = IO::Socket::UNIX->new(Peer => "$dir/link.sock") or return "$!";
	my @lines = grep { !defined $without || !/$without/ } @good, @more;
	local $SIG{ALRM} = sub { die "late\n" };
	local $SIG{PIPE} = 'IGNORE'; # it may be refused before its end
	my $line = eval {
		alarm 10 * $Rig::PATIENCE;
		$s->print(join("\r\n", @lines), "\r\n\r\n");
		my $first = <$s>;
		alarm 0;
		$first;
	};
	alarm 0;
	return defined $line && $line =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'none';
}
is(status(), 101, 'a good request is granted');
is(status(undef, 'Origin: https://example.org'), 403, 'web pages are not');
is(status('^X-Real'), 400, 'nor those of whom nginx says nothing');
is(status('^X-Real', 'X-Real-IP: unix:'), 400, 'or nothing useful');
is(status('^Upgrade'), 426, 'a page is refused');
is(status('^Host'), 400, 'so is a request without Host');
is(status('Protocol'), 400, 'or without a subprotocol');
is(status('^GET', 'X: y'), 400, 'or without anything');
is(status('^Host', 'Host: a', 'Y: ' . 'y' x 40000), 431, 'or one that is too long');
ok($relayd->alive, 'relayd goes on');
like($relayd->errors, qr/at the link socket: ended, refused with 403/,
    'and says in its log whom it refused');

# --- WebSocket as others speak it --------------------------------------------

$ENV{NODE_PATH} = join ':', grep { defined } $ENV{NODE_PATH},
    '/usr/share/nodejs', '/usr/lib/nodejs';
my %peer = (
	'python3-websockets' => [ '/usr/bin/python3',
	    "$FindBin::Bin/peers/websocket.py" ],
	'npm ws' => [ Rig::Net::have('node') || 'node',
	    "$FindBin::Bin/peers/websocket.js" ],
);
my %probe = ('python3-websockets' => '/usr/bin/python3 -c "import websockets"',
    'npm ws' => 'node -e "require(\'ws\')"');
my $token = Rig::Proc::slurp($other->{file});
chomp $token;

sub said {
	my ($peer, @args) = @_;
	my $p = $rig->start('peer', [ @{ $peer{$peer} }, @args ]);
	$p->wait(30 * $Rig::PATIENCE);
	return join ' ', split /\n/, $p->output;
}

my $last = 20;
for my $name (sort keys %peer) {
	my $stranger = '192.0.2.' . $last++;	# waits a moment afterwards
	SKIP: {
		skip "$name is not here", 6 if system("$probe{$name} 2>/dev/null");
		like(said($name, 'link', "$dir/link.sock", $stranger,
		    '0' x 64), qr/^subprotocol adit\.1 (?:pong )?REJECT 3/,
		    "$name: a token that nobody knows is refused");
		like(said($name, 'link', "$dir/link.sock", '2001:db8::9',
		    $token), qr/^subprotocol adit\.1 (?:pong )?WELCOME/,
		    "$name: a good one is welcome");
		soon { $relayd->errors =~ /from \[?2001:db8::9/ } 5,
		    'as the one that X-Real-IP names';
		my $server = $rig->start('server', [ @{ $peer{$name} },
		    'server', 0, "$dir/web.crt", "$dir/web.key", 4 ],
		    talk => 1);
		my $port = $server->expect(qr/^port (\d+)/);
		my $one = $rig->client($machine, @trust, at_once => 1,
		    name => 'adit-to-peer',
		    server => "wss://localhost:$port/some/link");
		is($server->line(10 * $Rig::PATIENCE),
		    "HELLO /some/link localhost:$port",
		    "$name: our client says HELLO");
		is($one->wait(20 * $Rig::PATIENCE), 21,
		    'and hears that it was revoked');
		like($server->line(10 * $Rig::PATIENCE) // '', qr/^closed 100[0-6]/,
		    'it closes');
		$server->stop;
	}
}
SKIP: {
	my $name = 'python3-websockets';
	skip "$name is not here", 2 if system("$probe{$name} 2>/dev/null");
	like(said($name, 'link', "$dir/link.sock", '192.0.2.8', '1' x 64,
	    'halves'), qr/^subprotocol adit\.1 pong REJECT 3/,
	    'HELLO in pieces, a ping between them');
	like(said($name, 'link', "$dir/link.sock", '192.0.2.10', '1' x 64,
	    'text'), qr/^subprotocol adit\.1 closed 1003/,
	    'text is answered by a close with 1003');
}

# --- the end -----------------------------------------------------------------

$patience->wait(20) if $patience->alive;	# replaced by those peers
is($patience->code, 24, 'the client that was replaced ended');
$front->{proc}->stop;
$rig->finish;
done_testing;
