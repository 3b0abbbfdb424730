#!/usr/bin/perl
# The pages, through a real nginx: the first account, sign-in, forms of
# strangers, other people's things, limits, hostile text; and that FastCGI, CGI
# and a path of their own give the same answers.
use strict;
use warnings;

use FindBin;
use IO::Socket::INET;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(soon);
use Rig::Api;
use Rig::Web;

my $rig = Rig->new;
$rig->relayd;
my $web = Rig::Web->new($rig);
my $PASSWORD = 'four plain words';

# The routes of the pages: method, path, what is demanded.
sub routes {
	my $text = Rig::Web::slurp("$Rig::HOUSE/webapp/route.c");
	my @all;
	push @all, [ $1, $2, $3 ]
	    while $text =~ /^\t(GET|POST)\("([^"]+)",\s*([^,]+),/mg;
	return grep { $_->[1] !~ m{^/api} } @all;
}

my @routes = routes();
cmp_ok(scalar @routes, '>', 40, 'the routes are read');

# A route's path with this id and word.
sub path {
	my ($pattern, $id, $word) = @_;
	$pattern =~ s/\{id\}/$id/g;
	$pattern =~ s/\{word\}/$word/;
	return $pattern;
}

# --- the first account ----------------------------------------------------------

my $ann = $web->browser;
is($ann->get('/')->status, 303, 'nobody is inside');
is($ann->header('location'), '/setup', 'the first one is led to the setup');
is($ann->follow->status, 200, 'which is a page');
is((stat "$rig->{dir}/setup.code")[2] & 0777, 0600, 'its code is a secret');
my $code = $web->setup_code;
like($code, qr/^[2-9A-Z]{4}(?:-[2-9A-Z]{4}){2}$/, 'and legible');
$ann->post('/setup', code => 'AAAA-AAAA-AAAA', email => 'ann@example.org',
    password => $PASSWORD);
is($ann->status, 422, 'another code makes no account');
like($ann->text, qr/That is not the code/, 'and it says so');
$ann->post('/setup', code => $code, email => 'nobody', password => 'x');
is($ann->status, 422, 'nor do a wrong address and a short password');
like($ann->text, qr/id="email-?e?"|id="email"/, 'the form comes back');
unlike($ann->text, qr/value="x"/, 'without the password');
my $typed = lc $code;
$typed =~ tr/-/ /;
$ann->post('/setup', code => $typed, email => 'ann@example.org',
    password => $PASSWORD);
is($ann->status, 303, 'the code, as people type it, makes one');
is($ann->follow->status, 200, 'and it is inside');
ok(!-e "$rig->{dir}/setup.code", 'the code is gone');
is($web->browser->get('/setup')->status, 404, 'and so is its page');

# --- sign-in ---------------------------------------------------------------------

my $cookie = $ann->{jar}{adit};
like($cookie, qr/^[0-9a-f]{64}$/, 'a session is 32 random bytes');
unlike(Rig::Web::slurp("$rig->{dir}/adit.db"), qr/\Q$cookie\E/,
    'which the database does not hold');
my $b = $web->browser;
$b->get('/signin?next=/machines');
$b->post('/signin', email => 'ann@example.org', password => 'wrong',
    next => '/machines');
is($b->status, 403, 'a wrong password');
my $wrong = $b->text;
$b->post('/signin', email => 'nobody@example.org', password => 'wrong',
    next => '/machines');
is($b->status, 403, 'a wrong account');
is(length $b->text, length($wrong) + length('nobody') - length('ann'),
    'is told the same');
for my $to ('//evil.example', 'https://evil.example', '/\\evil', "/a\nb: c") {
	my $n = $web->browser;
	$n->get('/signin');
	$n->post('/signin', email => 'ann@example.org',
	    password => $PASSWORD, next => $to);
	is($n->header('location'), '/', 'no way out by next');
}
$b->{jar}{adit} = 'f' x 64;
$b->post('/signin', email => 'ANN@example.org', password => $PASSWORD,
    next => '/machines', token => $b->get('/signin')->token);
is($b->header('location'), '/machines', 'then on to where it was');
isnt($b->{jar}{adit}, 'f' x 64, 'with a session of its own');
my $set = $b->{r}{headers}{'set-cookie'};
my ($session) = grep { /^adit=/ } ref $set ? @$set : $set;
like($session, qr/; Path=\/;.*HttpOnly; SameSite=Lax$/, 'the cookie is shut');
my $old = $b->{jar}{adit};
$b->get('/account');
$b->post('/signout');
is($b->status, 303, 'signed out');
is($web->browser->get('/', headers => { Cookie => "adit=$old" })->status, 303,
    'the old session is nobody');

my $guesser = $web->browser;
my $tries = 0;
$guesser->get('/signin');
for (1 .. 8) {
	$guesser->post('/signin', email => 'victim@example.org',
	    password => "guess $_");
	last if $guesser->status == 429;
	$tries++;
}
is($tries, 5, 'five guesses are free');
cmp_ok($guesser->header('retry-after'), '<=', 60, 'then there is a pause');

# --- members ----------------------------------------------------------------------

sub join_as {
	my ($email) = @_;
	$ann->get('/admin');
	$ann->post('/admin/invite', note => $email);
	my ($link) = $ann->text =~ m{(/join/[0-9a-f]{64})} or die 'no link';
	my $n = $web->browser;
	$n->get($link);
	$n->post($link, email => $email, password => $PASSWORD);
	is($n->status, 303, "$email joins");
	is($web->browser->get($link)->status, 404, 'an invitation works once');
	return $n;
}

my $bob = join_as('bob@example.org');
my $eve = join_as('eve@example.org');
is($web->browser->get('/join')->status, 404, 'nobody joins without one');

sub make_tunnel {
	my ($who, %o) = @_;
	$who->get('/new');
	my %form = (name => 'ssh', kind => 'tcp', local_port => 22, %o);
	$who->post('/new', map { $_ => $form{$_} } sort keys %form);
	my ($id) = ($who->header('location') || '') =~ m{/tunnels/(\d+)$};
	return $id;
}

my $tunnel = make_tunnel($bob);
ok($tunnel, 'bob makes a tunnel');
$bob->get("/tunnels/$tunnel");
my ($link) = $bob->text =~ m{href="(/verify/[a-z2-7]{26})"};
ok($link, 'its page has the link');

# --- verification --------------------------------------------------------------------

my $phone = $web->browser;
is($phone->get($link)->status, 200, 'the link is a page');
is($phone->get($link)->status, 200, 'to look opens nothing');
like($phone->text, qr/<svg class="qr"/, 'with a QR code');
$phone->post($link);
is($phone->status, 200, 'its button does');
is($phone->get($link)->status, 410, 'once');
like($phone->text, qr/has done its work/, 'and then it says so');
is($phone->get('/verify/' . 'a' x 26)->status, 404, 'another is none');
$bob->get("/download/$tunnel");
$bob->post("/download/$tunnel", machine => 'new');
is($bob->status, 201, 'a key is made');
my ($key) = $bob->text =~ m{<code id="key">([0-9a-f]{64})</code>};
push @{ $rig->{secrets} }, $key;
unlike($bob->get("/download/$tunnel")->text, qr/\Q$key\E/,
    'and shown once');

# --- the real thing ------------------------------------------------------------------

my $service = $rig->service('echo:0');
my $live = make_tunnel($bob, name => 'echo',
    local_port => $service->{port}{echo});
$bob->get("/tunnels/$live");
($link) = $bob->text =~ m{href="(/verify/[a-z2-7]{26})"};
$bob->get($link);
$bob->post($link);
$bob->get("/download/$live");
$bob->post("/download/$live", machine => 'new');
($key) = $bob->text =~ m{<code id="key">([0-9a-f]{64})</code>};
my ($command) = $bob->text =~ m{id="cmd-run">adit (.*?)</pre>}s;
$command =~ s/\\\n//g;
my @words = split ' ', $command;
$words[-1] = $rig->token_file($key);
$rig->caught_up;
my $adit = $rig->start('adit', [ "$Rig::BUILD/adit", @words ]);
soon { $bob->get("/tunnels/$live")->text =~
    /class="state lit"[^>]*>online/ } 20,
    'what the page says, run as it stands, brings the lamps up'
    or diag($adit->errors . $adit->output);
$bob->post("/tunnels/$live/test");
like($bob->header('location'), qr/said=testing/, 'it is tried on demand');
$bob->get("/tunnels/$live");
$bob->post("/tunnels/$live/pause");
is($bob->status, 303, 'paused');
like($bob->get('/')->text, qr/>paused</, 'and seen so');
$bob->post("/tunnels/$live/resume");
soon { $bob->get('/')->text =~ />online</ } 10, 'and resumed';
$bob->get("/tunnels/$live/delete");
$bob->post("/tunnels/$live/delete");
is($bob->follow->status, 200, 'deleted');
like($bob->text, qr/Take it back/, 'and can be taken back');
is($bob->get("/tunnels/$live")->status, 404, 'it is gone');
$bob->get('/?said=deleted&id=' . $live);
$bob->post("/tunnels/$live/restore");
is($bob->follow->status, 200, 'and is back');

# --- the door, and other people's things -------------------------------------------------

for (@routes) {
	my ($method, $pattern, $demands) = @$_;
	my $path = path($pattern, $tunnel, 'x' x 26);
	my $n = $web->browser;
	if ($method eq 'GET' && $demands =~ /SIGNED_IN/) {
		$n->get($path);
		is($n->status, 303, "GET $pattern: nobody is sent to the door");
		like($n->header('location'), qr{^/signin}, '  which is there');
		next if $demands !~ /ADMIN/;
		is($eve->get($path)->status, 404, "GET $pattern: is no page of members");
	}
	next unless $method eq 'POST';
	$n->get('/signin');
	my $ours = $n->token;
	is($n->post($path, token => '')->status, 403, "POST $pattern: needs a token");
	is($n->post($path, token => 'a' x 32)->status, 403, '  a good one')
	    if $demands !~ /FORM$/;
	my $who = $demands =~ /ADMIN/ ? $ann : $eve;
	$who->get('/account');
	my $token = $who->token;
	is($who->post($path, { Origin => 'https://evil.example' },
	    token => $token)->status, 403, '  from a page of ours');
	is($who->post($path, { 'Sec-Fetch-Site' => 'cross-site' },
	    token => $token)->status, 403, '  which a browser would tell');
	is($who->ask(POST => $path, body => "token=$token", headers => {
	    'Content-Type' => 'text/plain' })->status, 415, '  as a form')
	    if $demands =~ /FORM/;
	next if $demands !~ /ADMIN/;
	$eve->get('/account');
	is($eve->post($path)->status, 404, '  and not of members');
}
like($eve->get('/account')->text, qr/eve\@example/, 'eve is still inside');

# Another's thing and an absent one look the same.
sub plain {
	my ($text) = @_;
	$text =~ s/value="[^"]*"//g;
	return $text;
}
for (grep { $_->[1] =~ /\{id\}/ && $_->[2] !~ /ADMIN/ } @routes) {
	my ($method, $pattern) = @$_;
	my @got;
	for my $id ($tunnel, 999999) {
		$eve->get('/account');
		my $path = path($pattern, $id, '');
		$method eq 'GET' ? $eve->get($path) : $eve->post($path);
		push @got, [ $eve->status, plain($eve->text) ];
	}
	next if $pattern =~ m{^/account/(?:keys|sessions)/};
	is($got[0][0], 404, "$method $pattern: another's is not there");
	is($got[0][1], $got[1][1], '  and looks so');
}
is($bob->get("/tunnels/$tunnel")->status, 200, 'all is as it was');
is($ann->get("/tunnels/$tunnel")->status, 200, 'an admin sees it');

# --- the file for Windows ----------------------------------------------------------------

$bob->get("/download/$tunnel");
$bob->post("/download/$tunnel", machine => 'new', for => 'windows');
is($bob->status, 503, 'without the program there is no file');
unlike($bob->get("/download/$tunnel")->text, qr/Download for Windows/,
    'and no button');
my $exe_hash = Rig::Api::lay_windows($rig);
my $exe = 'adit-' . substr($exe_hash, 0, 12) . '.exe';

# What ./adit.db says.
sub ask_db {
	my ($sql) = @_;
	chomp(my $got = `sqlite3 $rig->{dir}/adit.db "$sql"`);
	return $got;
}
my $games = make_tunnel($bob, name => '& calc "%PATH%" ^!x!',
    local_port => 8080);
like($bob->get("/download/$games")->text,
    qr/Download for Windows.*protected your PC.*Make a key and show/s,
    'with it Windows comes first');
my $bats = 0;

# Presses the button; the lines behind the part that cmd.exe runs.
sub press {
	my (@fields) = @_;
	$bob->get("/download/$games");
	$bob->post("/download/$games", @fields, for => 'windows');
	is($bob->status, 200, 'a file for Windows');
	$bats++;
	my ($line) = $bob->text =~ /^#adit token=([0-9a-f]{64})\r$/m;
	push @{ $rig->{secrets} }, $line;
	return $line;
}
my $first = press(machine => 'new', first => 1);
is($bob->header('content-type'), 'application/octet-stream', '  is a file');
is($bob->header('content-disposition'),
    'attachment; filename="adit-calc-path-x.bat"', '  to keep');
is($bob->header('cache-control'), 'no-store', '  and nobody else keeps it');
is($bob->header('x-content-type-options'), 'nosniff', '  nor guesses');
my $bat = $bob->text;
unlike($bat, qr/[^\r]\n|\r[^\n]/, 'its lines end in CR LF');
unlike($bat, qr/[^\x20-\x7e\r\n]/, 'it is ASCII');
my ($code_part, @data) = split /^(?=#adit)/m, $bat;
unlike($code_part, qr/calc/, 'nothing that a person typed is in what runs');
my ($called) = $bat =~ /^#adit machine=([a-z0-9-]+)\r$/m;
like($called, qr/^calc-path-x-\d+$/, 'letters of it name the machine');
like($code_part,
    qr/\A\@echo off\r\n.*exit \/b \S+\r\n\r\nThe settings\..*\z/s,
    'what cmd.exe runs ends before the settings');
unlike($code_part, qr/\Q$first\E/, 'and has no key');
like($code_part, qr/"A_URL=\Q@{[ $web->url ]}\E\/client\/\Q$exe\E"/,
    'it knows where the program is');
like($code_part, qr/"A_SHA=$exe_hash"/, 'and its SHA-256');
like($code_part, qr/"A_CURL="/, 'and trusts no server more than it must');
is($web->browser->get("/client/$exe")->status, 200, 'which is there');
is(join('', @data), "#adit door=127.0.0.1:$rig->{port} pin=" . $rig->pin .
    "\r\n#adit allow=127.0.0.1:8080\r\n#adit machine=$called\r\n"
    . "#adit token=$first\r\n",
    'the settings are the relay, its pin, what is served and the key');
isnt(press(machine => 'new', first => 1), $first, 'each file has its own key');
is(ask_db("SELECT count(DISTINCT machine_id) FROM machine_tunnel WHERE"
    . " tunnel_id = $games"), 1, 'of the same machine');
is(ask_db("SELECT count(*) FROM machine_key WHERE machine_id IN"
    . " (SELECT machine_id FROM machine_tunnel WHERE tunnel_id = $games)"), $bats,
    'one key for each file');
unlike(Rig::Web::slurp("$rig->{dir}/adit.db"), qr/\Q$first\E/,
    'which the database does not hold');
my ($games_machine) = $bob->get("/download/$games")->text =~
    /value="(\d+)" checked/;
my $more = make_tunnel($bob, name => 'more', local_port => 80);
$bob->get("/download/$more");
$bob->post("/download/$more", machine => $games_machine, for => 'windows');
is(join(' ', $bob->text =~ /^#adit allow=(\S+)\r$/mg),
    '127.0.0.1:8080 127.0.0.1:80', 'all that the machine serves, each once');
$eve->get('/account');
$eve->post("/download/$games", machine => 'new', for => 'windows');
is($eve->status, 404, 'nobody gets a file for another\'s tunnel');
my $none = plain($eve->text);
$eve->get('/account');
$eve->post('/download/999999', machine => 'new', for => 'windows');
is(plain($eve->text), $none, '  which looks like one that is not there');
my $eves = make_tunnel($eve);
$eve->get("/download/$eves");
$eve->post("/download/$eves", machine => $games_machine, for => 'windows');
is($eve->status, 404, 'nor one for another\'s machine');

# --- another name for a machine ------------------------------------------------------------

sub rename_machine {
	my ($who, $name) = @_;
	$who->get('/machines');
	return $who->post('/machines', machine => $games_machine,
	    name => $name)->status;
}
is(rename_machine($bob, 'Workshop "1"'), 303, 'a machine is renamed');
like($bob->follow->text, qr{<bdi>Workshop &quot;1&quot;</bdi>}, '  and shown so');
is(rename_machine($bob, ' spaced'), 422, 'not to any name');
like($bob->text, qr{value=" spaced"[^>]*aria-invalid.*class="wrong"}s,
    '  which comes back, with what is wrong');
like($bob->text, qr{href="#name-$games_machine"}, '  and where');
is(rename_machine($eve, 'Mine'), 404, 'nor by somebody else');
is($eve->post('/machines', name => 'Mine')->status, 404, 'nor any machine');
is(ask_db("SELECT name FROM machine WHERE id = $games_machine"),
    'Workshop "1"', '  so it keeps its name');

# --- what an admin may --------------------------------------------------------------------

sub admin {
	my ($path, @fields) = @_;
	$ann->get('/admin');
	return $ann->post("/admin/$path", @fields)->status;
}

sub rename_tunnel {
	$bob->get("/tunnels/$tunnel/edit");
	return $bob->post("/tunnels/$tunnel/edit", name => 'ssh', kind => 'tcp',
	    local_port => 22)->status;
}
is(rename_tunnel(), 303, 'an owner edits');
is(admin("tunnels/$tunnel/freeze"), 303, 'an admin freezes a tunnel');
like(rename_tunnel(), qr/^4(?:09|22)$/, 'and its owner does no more');
like($bob->get("/tunnels/$tunnel")->text, qr/>frozen</, 'but sees why');
$bob->post("/tunnels/$tunnel/resume");
like($bob->get("/tunnels/$tunnel")->text, qr/>frozen</, 'nor undoes it');
is(admin("tunnels/$tunnel/thaw"), 303, 'thawed');
is(rename_tunnel(), 303, 'and all is well');
my ($bob_id) = $ann->get('/admin')->text =~
    m{/admin/users/(\d+)">bob\@example} or die 'no bob';
is(admin("users/$bob_id/freeze"), 303, 'a user, too');
like(rename_tunnel(), qr/^4(?:09|22)$/, 'with all that is theirs');
is(make_tunnel($bob), undef, 'who makes no tunnel');
is(admin("users/$bob_id/thaw"), 303, 'thawed');
is(admin('users/1/freeze'), 409, 'nobody freezes himself');
is(admin('settings', verify_hours => 'x1', tunnels_max => 7,
    abuse => 'not@example.org'), 422, 'a setting has a range');
like($ann->text, qr/value="x1".*value="7".*value="not\@example\.org"/s,
    'the form has what was typed');
unlike($web->browser->get('/nothing')->text, qr/not\@example/,
    'and nothing of it was changed');
is(admin('settings', abuse => 'abuse@example.org'), 303, 'a contact');
like($web->browser->get('/nothing')->text, qr/abuse\@example\.org/,
    'stands on every page');
is(admin('settings', sign_up => 'yes'), 303, 'the door is opened');
my $kim = $web->browser;
is($kim->get('/join')->status, 200, 'so anybody may come in');
$kim->post('/join', email => 'kim@example.org', password => $PASSWORD);
is($kim->status, 303, 'as kim does');
is(admin('settings', sign_up => 'no'), 303, 'and closed');
my ($kim_id) = $ann->get('/admin')->text =~
    m{/admin/users/(\d+)">kim\@example} or die 'no kim';
is(admin("users/$kim_id/password", new => 'another four words'), 303,
    'a new password');
is($kim->get('/')->status, 303, 'signs kim out');
$kim = $web->signed_in('kim@example.org', 'another four words');
$kim->get('/account');
$kim->post('/account/password', old => 'wrong', new => $PASSWORD);
is($kim->status, 422, 'who changes it with the old one only');
$kim->post('/account/password', old => 'another four words',
    new => $PASSWORD);
is($kim->status, 303, 'and does');
is($kim->get('/account')->status, 200, 'this browser stays inside');
like($kim->text, qr{<li><a href="/account" aria-current="page">Account</a>},
    'the head leads to the account');
like($kim->text, qr{<option value="write">read and write</option>},
    'a new key may write unless it is told not to');
like($kim->text, qr{<code>adit tcp</code>.*need read and write},
    'as the client needs it, which stands beside it');
$kim->post('/account/keys', name => '', scope => 'read');
like($kim->text, qr{<option value="read" selected>},
    'what was chosen stays chosen');
$kim->post('/account/keys', name => 'script', scope => 'read');
is($kim->status, 201, 'a key for a program');
is($kim->get('/account')->text =~ /script/ ? 1 : 0, 1, 'is listed');
is(admin("users/$kim_id/remove"), 303, 'an account is deleted');
is($kim->get('/account')->status, 303, 'and nobody is inside');

# --- headers, hosts, methods --------------------------------------------------------------

my %want = (
	'content-security-policy' => qr/default-src 'none'.*frame-ancestors 'none'/,
	'x-content-type-options' => qr/^nosniff$/,
	'referrer-policy' => qr/^no-referrer$/,
	'x-frame-options' => qr/^DENY$/,
	'cross-origin-resource-policy' => qr/^same-origin$/,
	'cache-control' => qr/no-store|immutable/,
);
for (@routes, [ 'GET', '/nothing-here', '' ]) {
	my ($method, $pattern) = @$_;
	my $path = path($pattern, $tunnel, 'x');
	for my $who ($ann, $web->browser) {
		my $n = Rig::Web::Browser->new($web);
		$n->{jar} = { %{ $who->{jar} } };
		$n->ask($method, $path, $method eq 'POST' ? (body => '') : ());
		next if $pattern =~ m{^/events}; # nginx answers
		my @lacks = grep { ($n->header($_) // '') !~ $want{$_} }
		    sort keys %want;
		is("@lacks", '', "$method $pattern: has all headers");
		unlike($n->header('content-security-policy') // '',
		    qr/unsafe|\*/, '  and no hole in them');
	}
}
is($web->browser->ask(PUT => '/new')->status, 405, 'PUT is no method');
like($web->browser->ask(DELETE => '/tunnels/1')->header('allow') // '',
    qr/GET/, '  and it says which are');
my $head = $web->browser->ask(HEAD => '/signin');
is($head->status, 200, 'HEAD is a GET');
is($head->text, '', '  without a body');
for my $host ('evil.example', "localhost.evil.example:$web->{port}", 'a b',
    'localhost@evil.example') {
	my $s = IO::Socket::INET->new("127.0.0.1:$web->{port}") or die "$!";
	print $s "GET /signin HTTP/1.1\r\nHost: $host\r\n" .
	    "Connection: close\r\n\r\n";
	my ($status) = (<$s> // '') =~ m{ (\d+)};
	like($status, qr/^4(?:00|21)$/, "we are not \"$host\"");
}
for my $path ('/static/../webapp/main.c', '/static/%2e%2e/GNUmakefile',
    '/static/', '/static/nothing.000000000000.css', '/tunnels/01', '/tunnels/-1',
    '/tunnels/0', '/tunnels/99999999999999999999', '//',
    '/tunnels/1/', '/%74unnels/1') {
	is($ann->get($path)->status, 404, "$path is not there")
	    or diag($ann->text);
}
my ($css) = $ann->get('/')->text =~ m{href="(/static/look\.[0-9a-f]{12}\.css)"};
is($web->browser->get($css)->status, 200, 'the style is there');
cmp_ok(length($ann->text), '<', 100_000, 'the dashboard is small');

# --- limits ------------------------------------------------------------------------------------

$bob->get('/new');
my $form = 'token=' . $bob->token;
my %type = ('Content-Type' => 'application/x-www-form-urlencoded');
sub send_form {
	my ($body, $path) = @_;
	return $bob->ask(POST => $path || '/new', body => $body,
	    headers => \%type)->status;
}
is(send_form("$form&name=a&name=b"), 400, 'a field twice');
is(send_form("$form&name=a", '/new?name=b'), 400, 'in the address, too');
is(send_form("$form&name=%ff%fe"), 400, 'no UTF-8');
is(send_form("$form&name=a%00b"), 400, 'a NUL');
is(send_form("$form&name=%zz"), 400, 'half an escape');
is(send_form("$form&" . join '&', map { "f$_=1" } 1 .. 300), 400, 'many fields');
is(send_form("$form&name=" . 'a' x 70_000), 413, 'a large form');
like($bob->get('/?q=' . 'a' x 5000)->status, qr/^414$/, 'a long question');
like($bob->get('/' . 'a' x 40_000)->status, qr/^4(?:00|14)$/, 'a long address');
is($bob->get('/', headers => { 'X-Long' => 'a' x 40_000 })->status, 400,
    'a large header');

# --- hostile text ---------------------------------------------------------------------------------

my @hostile = ('<script>alert(1)</script>', '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)", '{{X}}{{#SECTION}}', '{{%AUTOESCAPE}}',
    '%00%0d%0aSet-Cookie: a=b', '&amp;&lt;', 'javascript:alert(1)', '`$(id)`',
    "\xe2\x80\xaegnp.exe", "\xf0\x9f\x8e\xae", '../../etc/passwd',
    "'; DROP TABLE tunnel; --", '</title><svg onload=alert(1)>', '--><b>',
    'a' x 100, '%s%n%d', '\\u003cb\\u003e');
for my $text (@hostile) {
	my $id = make_tunnel($bob, name => $text);
	ok($id, 'a tunnel called ' . substr $text, 0, 30) or next;
	for my $path ('/', "/tunnels/$id", "/tunnels/$id/edit",
	    "/tunnels/$id/delete", "/download/$id", '/?q=' .
	    Rig::Web::Browser::escape($text)) {
		my $page = $bob->get($path)->text;
		is($bob->status, 200, "  $path");
		unlike($page, qr/<(?:script>|img |svg onload)|--><b>/,
		    '  is not taken in');
	}
	my $want = $text;
	$want =~ s/&/&amp;/g;
	$want =~ s/</&lt;/g;
	$want =~ s/>/&gt;/g;
	$want =~ s/"/&quot;/g;
	$want =~ s/'/&#39;/g;
	like($bob->get("/tunnels/$id")->text, qr/<h1>\Q$want\E<\/h1>/,
	    '  and shown as it is');
}
is(make_tunnel($bob, name => "a\nb"), undef, 'control characters are no name');
like($bob->text, qr/class="wrong"/, 'and the form says so');
is(make_tunnel($bob, name => 'a' x 10_000), undef, 'nor 10,000 letters');
is($ann->get('/admin')->status, 200, 'the admin page stands');
unlike($ann->text, qr/<(?:script>|img |svg onload)|--><b>/, 'and shows text');

# --- the same answers by every way --------------------------------------------------------------------

my %ways = (cgi => Rig::Web->new($rig, cgi => 1),
    path => Rig::Web->new($rig, base => '/adit'));
# What differs by nature: tokens, the address of the pages.
sub same {
	my ($b, $web) = @_;
	my $text = $b->text;
	my $url = $web->url;
	$text =~ s/\Q$url\E/URL/g;
	$text =~ s/(href|action|src|data-base)="\Q$web->{base}\E/$1="/g
	    if $web->{base};
	$text =~ s/\b(?:M\d+ \d+h\d+v1h-\d+z)+/QR/g;
	$text =~ s/viewBox="0 0 \d+ \d+" width="144"/QR/g;
	$text =~ s/value="[0-9a-f]{32}"/TOKEN/g;
	$text =~ s/data-moved="\d+"//g;
	$text =~ s/just now|today \d\d:\d\d/NOW/g;
	return join "\n", $b->status, $b->header('location') ? 'moves' : '',
	    $b->header('content-type') // '', $text;
}
my $idle = make_tunnel($bob, name => 'idle');
for my $way (sort keys %ways) {
	my $other = $ways{$way};
	my $n = $other->browser;
	$n->{jar} = { %{ $bob->{jar} } };
	for my $path ('/', '/new', '/new?for=ssh', "/tunnels/$idle",
	    "/tunnels/$idle/edit", "/tunnels/$idle/delete", "/download/$idle",
	    '/machines', '/account', '/nothing', '/admin', '/tunnels/999999',
	    '/verify/' . 'b' x 26, '/signin') {
		is(same($n->get($path), $other), same($bob->get($path), $web),
		    "$way: $path");
	}
	$n->get('/new');
	$n->post('/new', name => '', kind => 'tcp', local_port => 'x');
	my $got = same($n, $other);
	$bob->get('/new');
	$bob->post('/new', name => '', kind => 'tcp', local_port => 'x');
	is($got, same($bob, $web), "$way: a form with mistakes");
	$n->get('/new');
	$n->post('/new', name => "by $way", kind => 'tcp', local_port => 1);
	is($n->follow->status, 200, "$way: makes a tunnel");
	like($n->text, qr/<h1>by $way</, '  and shows it');
	is($n->post('/new', { Origin => 'http://evil.example' })->status, 403,
	    '  and knows a stranger');
}

# --- without the database, and the end --------------------------------------------------------------------

rename "$rig->{dir}/adit.db", "$rig->{dir}/hidden.db";
$bob->get('/');
is($bob->status, 503, 'without its database the dashboard is out');
like($bob->text, qr/the tunnels go on/, 'and says what that means');
is($web->browser->get($css)->status, 200, 'the style is still there');
rename "$rig->{dir}/hidden.db", "$rig->{dir}/adit.db";
soon { $bob->get('/')->status == 200 } 10, 'and it comes back';

$adit->stop;
for my $w ($web, values %ways) {
	my $log = Rig::Web::slurp("$w->{dir}/log/access.log");
	unlike($log, qr{/verify/[a-z2-7]{26}|/join/[0-9a-f]{64}|\?},
	    'no code and no question is logged');
}
is($web->{program}->stop, 0, 'it ends when it is told to');
$rig->finish;
done_testing();
