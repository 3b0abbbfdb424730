#!/usr/bin/perl
# What moves is told: streams of events through a real nginx with the
# configuration that is shipped, each user's own and nobody else's, a thousand
# at a time; and who is connected, and cutting one off.
use strict;
use warnings;

use FindBin;
use IO::Select;
use IO::Socket::INET;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);

use Rig qw(eventually long_or soon);
use Rig::Api;
use Rig::Web;

my $STREAMS = 1000;
my $PASSWORD = 'correct horse battery';

# nginx has two sockets for each stream, and this test one.
system("prlimit --pid $$ --nofile=20000:20000 2>/dev/null");

my $rig = Rig->new(conf => { http => { streams_per_user => $STREAMS },
    limits => { api_reads_per_minute => 0 } });
my $relayd = $rig->relayd;
my $web = Rig::Web->new($rig);
my $service = $rig->service('echo:0', 'udp:0');
my %tunnel;
for my $who (qw(ann bob)) {
	$tunnel{$who} = $rig->tunnel(user => "$who\@example.org",
	    name => "of $who", target => "127.0.0.1:$service->{port}{echo}");
}
my $udp = $rig->tunnel(user => 'ann@example.org', name => 'datagrams',
    kind => 'udp', target => "127.0.0.1:$service->{port}{udp}");
my ($a, $b) = map { $tunnel{$_}{id} } qw(ann bob);
my $anns = $rig->machine($tunnel{ann}, $udp, { user => 'ann@example.org' });
my $bobs = $rig->machine($tunnel{bob}, { user => 'bob@example.org' });
my @clients = map { $rig->client($_) } $anns, $bobs;
$rig->wait_live($_) for $tunnel{ann}, $tunnel{bob}, $udp;
my $ann = $web->signed_in('ann@example.org', $PASSWORD);
my $bob = $web->signed_in('bob@example.org', $PASSWORD);

# --- streams -----------------------------------------------------------------

# A stream as a browser opens it, from this address.
sub stream {
	my ($browser, %o) = @_;
	my $web = $browser->{web};
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $web->{port}, LocalAddr => $o{from} || '127.0.0.1')
	    or die "nginx: $!";
	my $cookie = join '; ', map { "$_=$browser->{jar}{$_}" }
	    sort keys %{ $browser->{jar} };
	$s->autoflush(1);
	print $s "GET $web->{base}/events", $o{about} // '',
	    " HTTP/1.0\r\nHost: localhost:$web->{port}\r\n",
	    length $cookie ? "Cookie: $cookie\r\n" : '',
	    $o{header} ? "$o{header}\r\n" : '', "\r\n";
	$s->blocking(0);
	return { s => $s, text => '', browser => $browser };
}

# Takes what has come.
sub take {
	my ($st) = @_;
	return if $st->{ended};
	while (1) {
		my $n = sysread $st->{s}, $st->{text}, 65536,
		    length $st->{text};
		return unless defined $n;
		next if $n;
		$st->{ended} = 1;
		return;
	}
}

sub has {
	my ($st, $pattern, $seconds) = @_;
	return eventually { take($st); $st->{text} =~ $pattern } $seconds || 15;
}

sub ended {
	my ($st) = @_;
	return eventually { take($st); $st->{ended} } 15;
}

my $mine = stream($ann);
ok(has($mine, qr/^data: \[.*"id":$a,.*\n\n/m), 'a stream begins with all');
like($mine->{text}, qr{^HTTP/1\.1 200 }, 'it is one');
like($mine->{text}, qr{^Content-Type: text/event-stream}mi, 'of events');
ok(has($mine, qr/"id":$a,"status":"online","lamps":\{"reach":"green"/),
    'that tell how it is');
unlike($mine->{text}, qr/"id":$b\b/, 'of her own tunnels alone');
my $his = stream($bob);
ok(has($his, qr/"id":$b,/), 'the other one hears of his');
unlike($his->{text}, qr/"id":$a\b/, 'alone');

my ($ann_id) = $rig->ctl('user', 'list');
($ann_id) = map { $_->{id} } grep { $_->{email} eq 'ann@example.org' } @$ann_id;
my $liar = stream($bob, header => "X-Adit-Scope: $ann_id");
ok(has($liar, qr/"id":$b,/), 'one who says that he is somebody else');
unlike($liar->{text}, qr/"id":$a\b/, 'is not believed');
for my $nobody (stream($web->browser),
    stream($web->browser, header => "X-Adit-Scope: $ann_id")) {
	ok(ended($nobody), 'who is not signed in');
	like($nobody->{text}, qr{^HTTP/1\.1 204 }, 'hears nothing');
	unlike($nobody->{text}, qr/data:/, 'at all');
}

$mine->{text} = $his->{text} = '';
my $visitor = $rig->visitor('canary', $tunnel{ann}, { i => 50 });
ok(has($mine, qr/"id":$a,[^\n]*"visitors":1,/), 'a visitor is told');
ok(has($mine, qr/"id":$a,[^\n]*"bytes_in":[1-9]/), 'and its bytes');
$ann->get("/tunnels/$a");
$ann->post("/tunnels/$a/pause");
ok(has($mine, qr/"id":$a,"status":"paused"/), 'a pause');
$ann->get("/tunnels/$a");
$ann->post("/tunnels/$a/resume");
ok(has($mine, qr/"id":$a,"status":"online"/), 'and its end');
take($his);
unlike($his->{text}, qr/"id":$a\b/, 'the other heard of nothing');
$rig->leave($visitor);
my $new = $rig->tunnel(user => 'ann@example.org', name => 'new',
    target => '127.0.0.1:1');
ok(has($mine, qr/"id":$new->{id},/), 'a new tunnel comes into the stream');
$rig->ctl('tunnel', 'rm', $new->{id});
ok(has($mine, qr/\{"id":$new->{id},"gone":true\}/), 'and goes');

# --- an admin looks at another's tunnel --------------------------------------------

my $password = "$rig->{dir}/password";
Rig::Web::spew($password, "$PASSWORD\n");
$rig->ctl({ stdin => $password }, 'user', 'add', 'root@example.org',
    '--admin', '--password-stdin');
my $root = $web->signed_in('root@example.org', $PASSWORD);
like($root->get("/tunnels/$a")->text, qr/id="live" data-tunnel="$a"/,
    'the page asks for what it shows');
unlike($ann->get("/tunnels/$a")->text, qr/data-tunnel/,
    'but for its owner all is in one stream');
my $over = stream($root, about => "?tunnel=$a");
ok(has($over, qr/"id":$a,"status":"online"/), 'an admin hears of it');
my $alone = stream($root);
ok(has($alone, qr/^data: \[\]/m), 'and else of her own, which are none');
my $about_own = stream($ann, about => "?tunnel=$a");
ok(has($about_own, qr/"id":$a,/), 'its owner may ask, too');
for my $not ("?tunnel=$a", '?tunnel=999999', '?tunnel=x', '?tunnel=',
    "?tunnel=$b&tunnel=$a") {
	my $no = stream($bob, about => $not);
	ok(ended($no), "not another member: $not");
	like($no->{text}, qr{^HTTP/1\.1 204 }, 'who hears nothing');
	unlike($no->{text}, qr/data:/, 'at all');
}
$over->{text} = '';
$visitor = $rig->visitor('canary', $tunnel{ann}, { i => 50 });
ok(has($over, qr/"id":$a,[^\n]*"visitors":1,/), 'the admin sees it move');
$rig->leave($visitor);
unlike($over->{text}, qr/"id":$b\b/, 'and nothing of others');
take($alone);
unlike($alone->{text}, qr/"id":/, 'where she did not ask, nothing');
$root->get('/account');
$root->post('/signout');
ok(ended($_), 'her sign-out ends what she hears') for $over, $alone;
take($about_own);
ok(!$about_own->{ended}, 'and not what the owner does');
close $_->{s} for $over, $alone, $about_own;

# --- the API, through the same file --------------------------------------------

my $key = $rig->ctl('key', 'add', '--user', 'ann@example.org', '--name', 'k')
    ->{key};
push @{ $rig->{secrets} }, $key;
my $program = $web->browser;

sub api {
	my ($method, $path) = @_;
	$program->ask($method, $path, headers =>
	    { Authorization => "Bearer $key" });
	return $program->status;
}

sub json { return JSON::PP::decode_json($program->text) }

is(api(GET => '/api/me'), 200, 'nginx hands Authorization on');
is(json()->{email}, 'ann@example.org', 'to the right one');

# --- who is connected ------------------------------------------------------------

# A visitor that can be asked whether it is still one.
sub come {
	my ($t) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $t->{public_port}, Timeout => 10) or die "visit: $!";
	return $s if speaks($s);
	die 'no echo';
}

sub heard {
	my ($s) = @_;
	return '' unless IO::Select->new($s)->can_read(15 * $Rig::PATIENCE);
	my $n = sysread $s, my $text, 100;
	return defined $n ? $text : "end: $!";
}

sub speaks {
	my ($s) = @_;
	local $SIG{PIPE} = 'IGNORE';
	return 0 unless syswrite $s, "hello\n";
	return heard($s) eq "hello\n";
}

sub visitors {
	my ($t) = @_;
	return [] unless api(GET => "/api/tunnels/$t/visitors") == 200;
	return json()->{items};
}

soon { @{ visitors($a) } == 0 } 10, 'nobody is there';
my @both = map { come($tunnel{ann}) } 1 .. 2;
soon { @{ visitors($a) } == 2 } 10, 'two are';
my $list = visitors($a);
is(json()->{total}, 2, 'so many');
my ($first) = grep { $_->{address} =~ /:@{[ $both[0]->sockport ]}$/ } @$list;
ok($first, 'with their addresses');
like($first->{address}, qr/^127\.0\.0\.1:/, 'as people write them');
is($first->{protocol}, 'tcp', 'by TCP');
is($first->{bytes_in}, 6, 'what they sent');
is($first->{bytes_out}, 6, 'and got');
like($first->{since}, qr/^20\d\d-/, 'since when');
like($ann->get("/tunnels/$a")->text, qr/Connected now.*Cut off/s,
    'the page shows them');
is(() = $ann->text =~ m{/visitors/\d+/kick"}g, 2, 'with a button for each');
like($ann->text, qr/<code>\Q$first->{address}\E</, 'and its address');
like($ann->get("/tunnels/$udp->{id}")->text, qr/Nobody is connected/,
    'or says that there are none');
$bob->get('/account');
is($bob->post("/tunnels/$a/visitors/$first->{number}/kick")->status, 404,
    'another cannot cut them off');
is($bob->post("/tunnels/$b/visitors/$first->{number}/kick")->status, 303,
    'not even by way of his own tunnel');
is($bob->header('location'), "/tunnels/$b?said=left", 'where nobody is');
ok(speaks($both[0]), 'they are all there');
$ann->get("/tunnels/$a");
$ann->post("/tunnels/$a/visitors/$first->{number}/kick");
is($ann->header('location'), "/tunnels/$a?said=kicked", 'its owner can');
like(heard($both[0]) // '', qr/^(?:end: .*|)$/, 'that one is cut off');
ok(speaks($both[1]), 'the other one is not');
$ann->post("/tunnels/$a/visitors/$first->{number}/kick");
is($ann->header('location'), "/tunnels/$a?said=left", 'once');
like($ann->get("/tunnels/$a")->text, qr/cut a visitor off/, 'it is noted');
my $other = visitors($a)->[0]{number};
is(api(DELETE => "/api/tunnels/$a/visitors/999"), 404, 'the API: nobody');
is(api(DELETE => "/api/tunnels/$b/visitors/$other"), 404, 'another\'s');
is(api(DELETE => "/api/tunnels/$a/visitors/$other"), 204, 'the right one');
like(heard($both[1]) // '', qr/^(?:end: .*|)$/, 'is cut off');
soon { @{ visitors($a) } == 0 } 10, 'nobody is left';
is(api(GET => "/api/tunnels/$a/visitors?limit=0"), 400, 'a wrong part');
close $_ for @both;

my $flow = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '127.0.0.1',
    PeerPort => $udp->{public_port}) or die "udp: $!";
my $echo = eventually {
	$flow->send('x');
	IO::Select->new($flow)->can_read(0.5) && defined $flow->recv($_, 10);
} 10;
ok($echo, 'a visitor by UDP');
$list = visitors($udp->{id});
is($list->[0]{protocol}, 'udp', 'is one, too');
is(api(DELETE => "/api/tunnels/$udp->{id}/visitors/$list->[0]{number}"), 204,
    'and can be cut off');
isnt(visitors($udp->{id})->[0]{number} // 0, $list->[0]{number},
    'it is gone, or another one');
is(api(POST => "/api/tunnels/$a/test"), 202, 'the test asks the client');
$ann->get("/tunnels/$a");
$ann->post("/tunnels/$a/test");
is($ann->header('location'), "/tunnels/$a?said=testing", 'by the button, too');

# --- signing out -----------------------------------------------------------------

my $second = $web->signed_in('ann@example.org', $PASSWORD);
my $stays = stream($second);
ok(has($stays, qr/"id":$a,/), 'a second browser of hers listens');
my %jar = %{ $ann->{jar} };
$ann->get('/account');
$ann->post('/signout');
ok(ended($mine), 'the sign-out ends the stream');
my $back = Rig::Web::Browser->new($web);
$back->{jar} = \%jar;
my $refused = stream($back);
ok(ended($refused), 'and when its browser comes again');
like($refused->{text}, qr{^HTTP/1\.1 204 }, 'it is refused');
my $again = stream($second);
ok(has($again, qr/"id":$a,/), 'the other browser comes again');
take($his);
ok(!$his->{ended}, 'and others have felt nothing');

# --- a thousand -------------------------------------------------------------------

close $_->{s} for $his, $liar, $again, $stays;
soon { $rig->metrics->{adit_feed_streams_now} == 0 } 10,
    'streams end with their browsers';
my $canary = $rig->canary($tunnel{bob});
my $web_files = $web->{program}->files;
my @all = map { stream($_ % 2 ? $second : $bob,
    from => '127.0.1.' . (1 + $_ % ($STREAMS / 10))) } 1 .. $STREAMS;
my $open = sub { scalar grep { take($_); $_->{text} =~ /^data: \[/m } @all };
soon { $open->() == $STREAMS } 60, "$STREAMS streams";
is($rig->metrics->{adit_feed_streams_now}, $STREAMS, 'are open');
soon { $web->{program}->files <= $web_files } 10,
    'no thread of the web application has one of them';
for (1 .. 20) {
	my $n = Rig::Web::Browser->new($web);
	$n->{jar} = { %{ $second->{jar} } };
	is($n->get('/')->status, 200, 'the dashboard answers') or last;
}
is(api(GET => '/api/tunnels'), 200, 'and the API');
is(($rig->get('/live?tunnel=' . $a))[0], 200, 'and the relay');

# What they cost while half of them are told of the canary each second.
sub cpu_of {
	my ($p) = @_;
	my ($pid, $sum) = ($p->pid, $p->cpu);
	for my $child (map { m{(\d+)$} } glob '/proc/[0-9]*') {
		$sum += Rig::Proc::cpu({ pid => $child })
		    if Rig::Proc::slurp("/proc/$child/stat")
		    =~ /^\d+ \(.*\) \S $pid /;
	}
	return $sum;
}

sub each_cpu { return map { cpu_of($_) } $relayd, $web->{nginx}, $web->{program} }

my $heard = sub {
	my $n = 0;
	$n += () = $_->{text} =~ /^data: /mg for @all;
	return $n;
};
my $seconds = long_or(30, 5);
$_->{text} = '' for @all;
my @before = each_cpu();
my $began = time;
while (time < $began + $seconds) {
	take($_) for @all;
	sleep 0.5;
}
my $took = time - $began;
my @after = each_cpu();
diag(sprintf '%d streams, %.0f events/s to them: relayd %.1f %%, nginx '
    . '%.1f %%, webapp %.1f %% of a processor', $STREAMS, $heard->() / $took,
    map { 100 * ($after[$_] - $before[$_]) / $took } 0 .. 2);
cmp_ok($heard->(), '>', $STREAMS / 2, 'half of them are told, again and again');
$_->{text} = '' for @all;
$rig->ctl('tunnel', 'pause', $a);
my $told = sub {
	scalar grep { take($_); $_->{text} =~ /"id":$a,"status":"paused"/ }
	    @all;
};
soon { $told->() == $STREAMS / 2 } 30, 'half of them hear of a change';
is(scalar(grep { $_->{text} =~ /"id":$a\b/ && $_->{text} =~ /"id":$b\b/ }
    @all), 0, 'and nobody of two users');
$rig->ctl('tunnel', 'resume', $a);
my $r = $rig->leave($canary);
is($r->{ended}, '', 'a visitor has felt nothing') or diag(explain($r));
close $_->{s} for @all;
soon { $rig->metrics->{adit_feed_streams_now} == 0 } 20, 'all have gone';
is($rig->metrics->{adit_feed_streams_late_total}, 0, 'nobody was cut');

# --- under a path of its own, with the limits that are shipped --------------------

my $adit = Rig::Web->new($rig, limited => 1, base => '/adit');
my $below = stream($adit->signed_in('bob@example.org', $PASSWORD));
ok(has($below, qr/"id":$b,/), 'a stream under a path');
unlike($below->{text}, qr/"id":$a\b/, 'of one user');
close $below->{s};
soon { $rig->metrics->{adit_feed_streams_now} == 0 } 20, 'which goes';
my @many = map { stream($below->{browser}) } 1 .. 30;
my $refused_n = sub { scalar grep { take($_); $_->{text} =~ m{^HTTP/1.1 204 } } @many };
soon { $refused_n->() == 10 } 15, 'twenty streams from one address, not more';
close $_->{s} for @many;
my (%health, %door);
for (1 .. 60) {
	$health{ $adit->browser->get('/health')->status }++;
	$door{ $adit->browser->get('/signin')->status }++;
}
is($health{429} || 0, 0, 'who watches /health is not turned away');
is($health{200} || 0, 60, 'it is well');
cmp_ok($door{429} || 0, '>', 0, 'who knocks at the door is');
$rig->finish;
done_testing();
