#!/usr/bin/perl
# The page that connects a computer: which program it offers while the server
# has none, builds one, has one for its own system, or for any Linux; and what
# stands in the file for Windows, by the server's ways and certificates.
use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig;
use Rig::Api;
use Rig::Web;

my $rig = Rig->new;
$rig->relayd;
my $web = Rig::Web->new($rig);
my $ann = $web->browser;
$ann->get('/setup');
$ann->post('/setup', code => $web->setup_code, email => 'ann@example.org',
    password => 'four plain words');
$ann->get('/new');
$ann->post('/new', name => 'web', kind => 'tcp', local_port => 80);
my ($id) = $ann->header('location') =~ m{/tunnels/(\d+)$};
ok($id, 'a tunnel');
my $folder = "$rig->{dir}/client";
mkdir $folder or die "$folder: $!";

# The page with a key.
sub page {
	$ann->get("/download/$id");
	$ann->post("/download/$id", machine => 'new');
	is($ann->status, 201, 'a key');
	return $ann->text;
}

# Puts a program there, named by its hash.
sub lay {
	my ($before, $text) = @_;
	my $name = $before . substr sha256_hex($text), 0, 12;
	Rig::Web::spew("$folder/$name", $text);
	return $name;
}

sub links { return $_[0] =~ m{href="(/client/[^"]+)"}g }

my $page = page();
like($page, qr/has no program to download yet/, 'none: it says so');
is_deeply([ links($page) ], [], 'and offers none');

Rig::Web::spew("$folder/building", "building <b>OpenSSL</b>\n");
$page = page();
like($page, qr{being built at this moment: <code>building &lt;b&gt;},
    'being built: it says how far');
unlike($page, qr/has no program/, 'instead');
is($web->browser->get('/client/building')->status, 404,
    'what is said there is no program');

my $own = lay('adit-debian-12-x86_64-', 'own');
$page = page();
is_deeply([ links($page) ], [ "/client/$own" ], 'one for its own system');
like($page, qr{Program for debian 12 x86_64</a>}, 'which says for what');
like($page, qr/being built/, 'beside the one to come');
is($web->browser->get("/client/$own")->text, 'own', 'it can be had');

my $any = lay('adit-linux-x86_64-', 'any');
unlink "$folder/building";
$page = page();
is_deeply([ links($page) ], [ "/client/$any" ], 'then the one for any Linux');
unlike($page, qr/being built|debian 12/, 'alone');
is($web->browser->get('/client/adit-linux-x86_64')->header('location'),
    "/client/$any", 'also without its hash');
is($web->browser->get("/client/$any")->text, 'any', 'as it lies there');

# What comes from the program nginx keeps on its disk for each slow taker.
ok(defined $web->browser->get("/client/$any")->header('etag'),
    'from nginx itself');

for my $name ('adit-0123456789ab', 'adit--0123456789ab', '-0123456789ab',
    'adit-Debian-0123456789ab', 'adit-x-0123456789abc', 'adit-', 'adit') {
	is($web->browser->get("/client/$name")->status, 404,
	    "$name is no program");
}

# --- for Windows --------------------------------------------------------------------

# The page before a key is made.
sub start_page { return $ann->get("/download/$id")->text }

like(start_page(), qr/which this server does not have yet/,
    'nothing for Windows: it says so');
Rig::Web::spew("$folder/building", "building <b>OpenSSL</b>\n");
like(start_page(),
    qr{Windows: the program is being built at this moment: <code>building &lt;b},
    'being built: it says how far');
unlike(start_page(), qr/does not have yet|Download for Windows/, 'instead');
unlink "$folder/building";
my $liar = "$folder/adit-0123456789ab.exe";
Rig::Web::spew($liar, 'MZ');
$ann->get("/download/$id");
$ann->post("/download/$id", machine => 'new', for => 'windows');
is($ann->status, 503, 'a program that is not what its name says: no file');
unlike($ann->text, qr/#adit/, 'and nothing of one');
unlink $liar;

# With a dashboard behind TLS, and a relay whose key is about to change.
my $far = Rig->new(conf => { dashboard_url => 'https://adit.example/sub' });
$far->configure(relay => { next_key => "$far->{dir}/next.key" });
$far->relayd;
my $api = Rig::Api->new($far, base => '/sub');
$api->{host} = 'adit.example';
my $key = $api->key('ann@example.org');
push @{ $far->{secrets} }, $key;
my $tunnel = $api->ask(POST => '/api/tunnels', key => $key, json =>
    { name => 'Web', kind => 'tcp', local_port => 80 })->{json}{id};
my $got = $api->ask(GET => "/download/$tunnel", key => $key);
is($got->{status}, 503, 'no program: no file');
like($got->{type}, qr/problem/, 'as a problem');
my $hash = substr Rig::Api::lay_windows($far), 0, 12;
$got = $api->ask(HEAD => "/download/$tunnel", key => $key);
is($got->{status}, 405, 'HEAD makes no key');
is($api->ask(GET => '/api/machines', key => $key)->{json}{total}, 0,
    'nor a machine');
my $pins = $far->ctl('relay', 'pin');

# The lines of the file that name the ways, and the option of curl.
sub doors {
	my ($said, %o) = @_;
	my $bat = $api->ask(GET => "/download/$tunnel", key => $key,
	    variables => { ADIT_OWN_CERTIFICATE => $o{own} });
	is($bat->{status}, 200, $said) or diag($bat->{body});
	my ($url) = $bat->{body} =~ /"A_URL=([^"]*)"/;
	is($url, "https://adit.example/sub/client/adit-$hash.exe",
	    '  its program is where the pages are');
	my ($curl) = $bat->{body} =~ /"A_CURL=([^"]*)"/;
	push @{ $far->{secrets} }, $bat->{body} =~ /#adit token=(\w+)/;
	return ($curl, $bat->{body} =~ /^#adit door=(.*)\r$/mg);
}
my $both = "pin=$pins->{pin},$pins->{next}";
is_deeply([ doors('a public certificate', own => '') ], [ '',
    "127.0.0.1:$far->{port} $both", 'wss://adit.example/sub/link ca=system' ],
    'both pins of the relay; then the pages, as the system trusts them');
is_deeply([ doors('one of its own', own => '1') ], [ '--insecure',
    "127.0.0.1:$far->{port} $both", "wss://adit.example/sub/link $both" ],
    'both ways by the relay\'s pins');
is($api->ask(GET => '/api/machines', key => $key)->{json}{total}, 1,
    'one machine, however often it is asked for');
my $other = $api->ask(POST => '/api/machines', key => $key,
    json => { name => 'second' })->{json}{id};
is($api->ask(GET => "/download/$tunnel?machine=$other", key => $key)
    ->{status}, 200, 'or the one that is named');
is($api->ask(GET => "/download/$tunnel?machine=9999", key => $key)
    ->{status}, 404, 'which there must be');
is($api->ask(GET => "/download/$tunnel?machin=1", key => $key)->{status}, 400,
    'and nothing unknown');

# How often text stands in what a process can write to; undef: not readable.
sub in_memory {
	my ($pid, $text) = @_;
	no warnings 'portable';
	open my $maps, '<', "/proc/$pid/maps" or return undef;
	open my $mem, '<:raw', "/proc/$pid/mem" or return undef;
	my $n = 0;
	while (<$maps>) {
		my ($from, $to) = map { hex } /^(\w+)-(\w+) rw/ or next;
		next if $to - $from > 100_000_000;
		sysseek $mem, $from, 0 or next;
		sysread $mem, my $bytes, $to - $from or next;
		$n += () = $bytes =~ /\Q$text\E/g;
	}
	return $n;
}
my $bat = $api->ask(GET => "/download/$tunnel", key => $key)->{body};
my ($token) = $bat =~ /#adit token=(\w+)/;
push @{ $far->{secrets} }, $token;
SKIP: {
	my $pid = $api->{proc}{pid};
	skip 'the memory of others is not to be read here', 2
	    unless in_memory($pid, 'adit.example/sub');
	is(in_memory($pid, $token), 0, 'no copy of the key is left in memory');
	is(in_memory($pid, "allow=127.0.0.1:80\r\n#adit token"), 0,
	    'nor of its place');
}
$api->{proc}->stop('TERM', 20);
$far->finish;

$rig->finish;
done_testing;
