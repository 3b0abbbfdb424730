#!/usr/bin/perl
# What the relay shows on its two sockets, how they bear bad company, and what
# it tells systemd.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use JSON::PP qw(decode_json);
use Socket qw(SOCK_DGRAM SOCK_STREAM);
use Test::More;

use Rig qw(eventually soon);
use Rig::Net;

my $rig = Rig->new(conf => { http => { connections => 8, request_ms => 500,
    idle_ms => 500 } });
my $dir = $rig->dir;

# --- started as systemd does ---------------------------------------------------

my $notify = IO::Socket::UNIX->new(Local => "$dir/notify", Type => SOCK_DGRAM)
    or die "notify: $!";
$notify->blocking(0);

# The next word to systemd that is one of these; '' when none comes.
sub told {
	my ($pattern) = @_;
	my $word = '';
	eventually {
		defined $notify->recv($word, 4096) && $word =~ $pattern
	} 10 or return '';
	return $word;
}

my $relayd = $rig->relayd(env => { NOTIFY_SOCKET => "$dir/notify" });
is(told(qr/READY/), 'READY=1', 'systemd hears that it is ready');

# --- who may look ---------------------------------------------------------------

is(sprintf('%o', (stat "$dir/control.sock")[2] & 0777), '600',
    'control.sock is for its owner');
is(sprintf('%o', (stat "$dir/feed.sock")[2] & 0777), '660',
    'feed.sock for its group too');

# --- feed.sock -------------------------------------------------------------------

is_deeply([ $rig->get('/healthz') ], [ 200, "ok\n" ], '/healthz');
is_deeply([ $rig->get('/readyz') ], [ 200, "ready\n" ], '/readyz');
is_deeply([ $rig->get('/live?tunnel=77') ], [ 200, "[]\n" ],
    '/live of a tunnel that is not there');
is(($rig->get('/live?tunnel=x'))[0], 400, '/live of no number');
is(($rig->get('/event'))[0], 404, 'another path');
is(($rig->get('/events'))[0], 403, '/events for nobody');

my $service = $rig->service('ask:0');
my $t = $rig->tunnel(name => "\"<b>\xc3\xa9", target =>
    "127.0.0.1:$service->{port}{ask}");
my $machine = $rig->machine($t, { name => '<desk> "1"' });
my $other = $rig->tunnel(target => '127.0.0.1:1');
soon { $rig->live($other) } 5, 'the relay knows them';
my $adit = $rig->client($machine);
$rig->wait_live($t);
is($rig->visit('up', $t, 100_000)->{ok}, 1, 'a visitor sends 100 kB');
soon { $rig->live($t)->{bytes_in} >= 100_000 } 5, '/live counts them';
my $live = $rig->live($t);
is($live->{machine}{name}, '<desk> "1"', 'names come as they were typed');
ok($live->{serving}, 'it is served');
like($live->{since}, qr/^\d{13}$/, 'since a time');
like($live->{rtt_ms}, qr/^\d+$/, 'with a round trip');
is_deeply([ sort keys %{ $live->{lamps} } ],
    [ qw(machine reach service visitor) ], 'four lamps');
is($rig->live($other)->{machine}, undef, 'nobody serves the other');
my ($status, $body) = $rig->get("/live?tunnel=$other->{id},$t->{id}");
is_deeply([ map { $_->{id} } @{ decode_json($body) } ],
    [ $other->{id}, $t->{id} ], 'several, in the order of the question');

SKIP: {
	skip 'no promtool', 1 unless Rig::Net::have('promtool');
	open my $f, '>', "$dir/metrics" or die;
	print $f +($rig->get('/metrics'))[1];
	close $f;
	my $said = `promtool check metrics <$dir/metrics 2>&1`;
	is($? . $said, '0', 'promtool has nothing to say about /metrics');
}
soon { $rig->metrics->{adit_bytes_in_total} >= 100_000 } 5, 'bytes';
my $m = $rig->metrics;
is($m->{adit_sessions_now}, 1, 'a session');
is($m->{adit_links_now}, 1, 'a link');
is($m->{adit_tunnels}, 2, 'two tunnels');
is($m->{adit_tunnels_served}, 1, 'one is served');
cmp_ok($m->{adit_store_lag_seconds}, '<', 5, 'the database is looked at');
cmp_ok($m->{adit_resident_memory_bytes}, '>', 1_000_000, 'memory');
is($m->{adit_ready}, 1, 'ready');

# --- control.sock ------------------------------------------------------------------

my $all = $rig->status;
is($all->{sessions}, 1, 'aditctl relay status: sessions');
is($all->{tunnels}, 2, 'tunnels');
is($all->{links}, 1, 'links');
like($all->{uptime_s}, qr/^\d+$/, 'uptime');
ok(exists $all->{refused_token}, 'what limits have refused');
is_deeply($all->{problems}, [], 'no problems');
($status, $body) = $rig->get('/sessions', 'control.sock');
is(decode_json($body)->[0]{machine}, '<desk> "1"', '/sessions');
is(($rig->get('/test?tunnel=1', 'control.sock'))[0], 405,
    'GET starts nothing');

# --- bad company ---------------------------------------------------------------------

sub dial {
	my $s = IO::Socket::UNIX->new(Peer => "$dir/feed.sock",
	    Type => SOCK_STREAM) or die "feed.sock: $!";
	return $s;
}
my $refused = $rig->metrics->{adit_feed_refused_total};
my @silent = map { dial() } 1 .. 8;
print {$_} 'GET /live?' for @silent;
$_->flush for @silent;
soon { ($rig->get('/healthz'))[0] eq '503' } 5, 'the ninth of eight hears 503';
is(join('', map { my $s = $_; $s->getlines } @silent), '',
    'who does not finish is cut');
is(($rig->get('/healthz'))[0], 200, 'then there is room again');
cmp_ok($rig->metrics->{adit_feed_refused_total}, '>', $refused,
    'they are counted');
cmp_ok($rig->metrics->{adit_feed_late_total}, '>=', 8, 'and these');
my $junk = dial();
print $junk "\x16\x03\x01 no HTTP\r\n\r\n";
like(join('', $junk->getlines), qr{^HTTP/1\.1 400 }, 'junk hears 400');
is($rig->visit('echo', $t, 1000, { a => 1 })->{ok}, 1,
    'visitors were served all the time');

# --- a new limit without a restart ---------------------------------------------------

$rig->configure(http => { connections => 2 });
$relayd->signal('HUP');
like(told(qr/RELOADING/), qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/,
    'systemd hears that it reads its settings');
is(told(qr/READY/), 'READY=1', 'and when it has');
my @two = (dial(), dial());
soon { ($rig->get('/healthz'))[0] eq '503' } 5, 'the third of two hears 503';
undef @two;
soon { ($rig->get('/healthz'))[0] eq '200' } 5, 'and is served later';

# --- the end ---------------------------------------------------------------------------

$adit->stop;
$relayd->signal('TERM');
like(told(qr/STOPPING/), qr/^STOPPING=1\n/, 'systemd hears that it ends');
is($relayd->wait(40 * $Rig::PATIENCE), 0, 'it does, with 0');
ok(!-e "$dir/$_", "$_ is gone") for qw(control.sock feed.sock);
done_testing;
