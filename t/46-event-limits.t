#!/usr/bin/perl
# Where streams of events end: how many there may be, of one user and in all; one
# who takes nothing is cut, and a silent one is told that the relay is there.
# The last two take half a minute of waiting: make check-all.
use strict;
use warnings;

use FindBin;
use IO::Select;
use IO::Socket::UNIX;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Rig qw(eventually soon);
use Rig::Web;

my $rig = Rig->new(conf => { http => { streams => 5, streams_per_user => 3 } });
my $relayd = $rig->relayd;
my $web = Rig::Web->new($rig);
my %id;
for my $who (qw(ann bob cid)) {
	$rig->user("$who\@example.org");
}
$id{ $_->{email} =~ s/@.*//r } = $_->{id} for @{ $rig->ctl('user', 'list') };

# A stream as nginx asks for it.
sub stream {
	my ($who) = @_;
	my $s = IO::Socket::UNIX->new(Peer => "$rig->{dir}/feed.sock")
	    or die "feed.sock: $!";
	$s->autoflush(1);
	print $s "GET /events HTTP/1.1\r\nHost: x\r\n"
	    . "X-Adit-Scope: $id{$who} $id{$who}\r\n\r\n";
	$s->blocking(0);
	return { s => $s, text => '' };
}

sub take {
	my ($st) = @_;
	while (!$st->{ended}) {
		my $n = sysread $st->{s}, $st->{text}, 65536,
		    length $st->{text};
		return unless defined $n;
		$st->{ended} = 1 if !$n;
	}
	return;
}

sub has {
	my ($st, $pattern, $seconds) = @_;
	return eventually { take($st); $st->{text} =~ $pattern } $seconds || 15;
}

sub count { return $rig->metrics->{"adit_feed_streams_$_[0]"} }

# --- how many --------------------------------------------------------------------

my @anns = map { stream('ann') } 1 .. 3;
ok(has($_, qr/^data: \[\]/m), 'a stream of ann') for @anns;
my $fourth = stream('ann');
ok(has($fourth, qr/http\.streams_per_user/), 'one more than she may');
like($fourth->{text}, qr{^HTTP/1\.1 503 }, 'is refused');
my @others = map { stream($_) } qw(bob cid);
ok(has($_, qr/^data: \[\]/m), 'others have theirs') for @others;
my $sixth = stream('bob');
ok(has($sixth, qr/http\.streams is reached/), 'up to http.streams');
like($sixth->{text}, qr{^HTTP/1\.1 503 }, 'in all');
is(count('refused_total'), 2, 'both are counted');
my $browser = $web->signed_in('bob@example.org', 'correct horse battery');
is($browser->get('/events')->status, 204,
    'to a browser nginx says: do not ask again');
is($browser->get('/')->status, 200, 'and its pages come all the same');
close $anns[0]{s};
soon { count('now') == 4 } 10, 'one has gone';
my $next = stream('bob');
ok(has($next, qr/^data: \[\]/m), 'there is room for another');
close $_->{s} for @anns[ 1, 2 ], @others, $next;
soon { count('now') == 0 } 10, 'all have gone';

# --- who takes nothing, and who hears nothing --------------------------------------

SKIP: {
	skip 'this takes half a minute: make check-all', 7 unless $Rig::IS_LONG;
	my $sqlite = Rig::Net::have('sqlite3') or skip 'no sqlite3 here', 7;
	# more than a socket holds
	system($sqlite, "$rig->{dir}/adit.db", 'INSERT INTO tunnel (user_id,'
	    . ' name, kind, local_host, local_port, public_port,'
	    . " verify_until, created_at) SELECT $id{ann}, 'n', 'tcp',"
	    . " 'localhost', 1, 40000 + value, 9000000000000, 1"
	    . ' FROM generate_series(1, 3000)') == 0 or die 'sqlite3';
	my $quick = stream('ann');
	ok(has($quick, qr/^data: \[\{.*\]\n\n/m, 20), 'one who takes all');
	my $slow = stream('ann');
	my $quiet = stream('bob');
	ok(has($quiet, qr/^data: \[\]\n\n/m), 'one to whom nothing is said');
	my $began = time;
	soon { take($quick); take($quiet); count('late_total') == 1 } 40,
	    'one who takes nothing is cut';
	my $took = time - $began;
	diag(sprintf 'cut after %.1f s', $took);
	cmp_ok($took, '>', 10, 'not at once');
	take($_) for $slow, $quick;
	ok($slow->{ended}, 'that one');
	ok(!$quick->{ended}, 'and not the one who takes all');
	ok(has($quiet, qr/^data: \[\]\n\n:\n\n/m),
	    'a silent stream has a comment now and then');
	close $_->{s} for $slow, $quick, $quiet;
}
$rig->finish(unsettled => 1);
done_testing();
