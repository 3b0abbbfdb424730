#!/usr/bin/perl
# What programs may send: bad JSON, hostile text, the same request twice, many
# at once, more than is allowed; and that every way in gives the same answers.
use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8 decode_utf8);
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use Rig qw(long_or eventually soon free_port);
use Rig::Api;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $rig = Rig->new(conf => { limits => { api_reads_per_minute => 0,
    api_writes_per_minute => 0 } });
my $api = Rig::Api->new($rig);
my $admin = $api->key('admin@example.org', admin => 1);
my $key = $api->key('ann@example.org');
my $seeker = $api->key('seeker@example.org');
push @{ $rig->{secrets} }, $admin, $key, $seeker;

sub post {
	my ($path, $json, %o) = @_;
	return $api->ask(POST => $path, key => $key, json => $json, %o);
}

sub raw {
	my ($body, %o) = @_;
	return $api->ask(POST => '/api/tunnels', key => $key, body => $body,
	    %o);
}

sub total {
	return $api->ask(GET => '/api/tunnels', key => $key)->{json}{total};
}

my %good = (name => 'a', kind => 'tcp', local_port => 80);

# --- how it is written -----------------------------------------------------------

my $good = '"name":"a","kind":"tcp","local_port":80';
my @bad = (
	[ '', 400 ], [ 'nonsense', 400 ], [ '[]', 400 ], [ 'null', 400 ],
	[ '"a"', 400 ], [ '1', 400 ], [ "{$good", 400 ], [ "{$good}}", 400 ],
	[ "{$good,}", 400 ], [ "{$good} {}", 400 ], [ "{$good}x", 400 ],
	[ "{'name':'a'}", 400 ], [ "{$good,\"name\":\"b\"}", 400, 'name' ],
	[ "{$good,\"n\\u0061me\":\"b\"}", 400 ],
	[ "{\"a\\u0000b\":1}", 400 ], [ "{\"name\":\"\xff\xfe\"}", 400 ],
	[ "{\"name\":\"\xc0\xaf\"}", 400 ], [ "{\"name\":\"\\ud800\"}", 400 ],
	[ "{\"name\":\"a\x00\"}", 400 ], [ "{\"name\":\"a\nb\"}", 400 ],
	[ '{"a":' x 17 . '1' . '}' x 17, 400 ], [ '[' x 60000, 400 ],
	[ '{"a":' x 10000, 400 ], [ "{$good,\"local_port\":1e999}", 400 ],
	[ '{"local_port":99999999999999999999999}', 400 ],
	[ "\xef\xbb\xbf{$good}", 400 ], [ "{$good}\x00", 400 ],
	[ '{}', 422, 'name' ], [ '{"name":"a"}', 422, 'kind' ],
	[ '{"name":"a","kind":"tcp"}', 422, 'local_port' ],
);
# Mass assignment: what is told is not what may be said.
for my $field (qw(id user_id user status verified verified_at verify_url lamps
    machines created_at frozen frozen_at paused public_host public_url
    revision __proto__ constructor Name), '', 'name ', "<b>", 'x' x 500) {
	push @bad, [ "{$good," . JSON::PP->new->allow_nonref->encode($field)
	    . ':1}', 400, length $field > 60 || $field eq '' ? undef : $field ];
}
for my $case (
	[ name => 1 ], [ name => JSON::PP::null ], [ name => [] ],
	[ name => {} ], [ name => '' ], [ name => ' a' ], [ name => "a\tb" ],
	[ name => 'x' x 101 ], [ name => "\x{7f}" ], [ name => "\x{85}" ],
	[ kind => 'http' ], [ kind => 'TCP' ], [ kind => 1 ], [ kind => '' ],
	[ local_port => '80' ], [ local_port => 0 ], [ local_port => 65536 ],
	[ local_port => -1 ], [ local_port => 1.5 ],
	[ local_port => JSON::PP::true ], [ local_port => JSON::PP::null ],
	[ local_host => 'a b' ], [ local_host => '$(id)' ],
	[ local_host => 'x' x 300 ], [ local_host => '127.1' ],
	[ public_port => 1 ], [ public_port => 65535 ],
	[ public_port => 'x' ], [ public_port => $rig->{port} ],
	[ proxy_protocol => 'v3' ], [ proxy_protocol => JSON::PP::false ],
	[ allow => '10.0.0.0/8' ], [ allow => [ 1 ] ], [ allow => [ 'x' ] ],
	[ allow => [ '10.0.0.0/33' ] ], [ deny => [ map { "10.0.$_.1" } 1..65 ] ],
	[ allow => [ ('::1') x 1001 ] ], [ address_rate => -1 ],
	[ address_rate => 1000001 ], [ visitors_max => '1' ],
	[ expires_at => 1 ], [ expires_at => 'tomorrow' ],
	[ expires_at => '2001-01-01T00:00:00Z' ],
	[ expires_at => '2099-02-30T00:00:00Z' ], [ machine_id => 0 ],
	[ machine_id => 77 ]) {
	push @bad, [ JSON::PP->new->utf8->allow_nonref->encode({ %good,
	    $case->[0] => $case->[1] }), 422, $case->[0] ];
}
for my $case (@bad) {
	my ($body, $want, $field) = @$case;
	my $got = raw($body);
	(my $shown = substr $body, 0, 60) =~ s/[^ -~]/./g;
	is($got->{status}, $want, "$want: $shown") or diag($got->{body});
	is($got->{json}{status}, $want, 'as a problem, too');
	is($got->{json}{field}, $field, 'that names the field')
	    if defined $field;
}
is(total(), 0, 'nothing was made of it');

is(raw("{$good}", type => $_)->{status}, 415, "Content-Type: $_")
    for 'text/plain', 'application/x-www-form-urlencoded', 'text/json',
	'application/jsonx', 'multipart/form-data';
is(raw("{$good}", type => 'Application/JSON; charset=utf-8')->{status}, 201,
    'with a charset it is JSON, too');
is(raw('x' x 65537)->{status}, 413, 'a body of 64 kB and a byte');
is(raw("{$good}", length => 1000000)->{status}, 413, 'one that says so');
is(raw("{$good}", length => 10000)->{status}, 400, 'one that is cut off');
is(raw("{$good}", length => $_)->{status}, 400, "of length \"$_\"")
    for '-1', '0x10', ' 1', '18446744073709551616';
is(raw("{$good}" . ' ' x 60000)->{status}, 201, 'white space is no matter');

for my $q ('limit=0', 'limit=1001', 'limit=-1', 'limit=x', 'limit=', 'skip=-1',
    'skip=1e3', 'limit=1&limit=2', 'what=1', 'user=1x', 'limit=%00', '%zz=1',
    'a' x 5000) {
	my $got = $api->ask(GET => "/api/tunnels?$q", key => $admin);
	ok($got->{status} == 400 || $got->{status} == 414,
	    substr($q, 0, 20) . ': refused');
	like($got->{type}, qr/problem/, 'as a problem');
}
is($api->ask(POST => '/api/tunnels?name=b', key => $key, json => \%good)
    ->{status}, 400, 'what belongs into the body does not go into the address');

# --- pages of lists ----------------------------------------------------------------

post('/api/tunnels', { %good, name => "t$_" }) for 1 .. 5;
my $n = total();
my @all = map { $_->{id} } @{ $api->ask(GET => '/api/tunnels', key => $key)
    ->{json}{items} };
is(scalar @all, $n, 'a list tells all');
my @pages = map { my $skip = $_; map { $_->{id} } @{ $api->ask(GET =>
    "/api/tunnels?skip=$skip&limit=2", key => $key)->{json}{items} } }
    map { $_ * 2 } 0 .. $n / 2;
is("@pages", "@all", 'and so do its pages');
is($api->ask(GET => '/api/tunnels?skip=1000', key => $key)->{json}{total}, $n,
    'the total is told behind the end, too');

# --- searching and sorting -----------------------------------------------------------

# The names of a list, and its total.
sub names {
	my ($list, $query) = @_;
	my $got = $api->ask(GET => "/api/$list?$query", key => $seeker);
	return $got->{status} if $got->{status} != 200;
	return join ' ', $got->{json}{total},
	    map { $_->{name} } @{ $got->{json}{items} };
}

sub seek_post {
	my ($path, $json) = @_;
	return $api->ask(POST => $path, key => $seeker, json => $json)
	    ->{json}{id};
}
my @ids = map { seek_post('/api/tunnels', $_) }
    { %good, name => 'beta', local_port => 4711 },
    { %good, name => 'Alpha', local_host => 'nas.lan' },
    { %good, name => 'alphabet' }, { %good, name => 'delta' };
$rig->ctl('tunnel', 'verify', $ids[3]);
$rig->ctl('tunnel', 'pause', $ids[3]);
seek_post('/api/machines', { name => 'Laptop', tunnel_ids => [ $ids[0] ] });
seek_post('/api/machines', { name => 'desk' });
my $hour = int(time / 3600);
system('sqlite3', "$rig->{dir}/adit.db", 'INSERT INTO usage_hour VALUES '
    . "($hour, $ids[1], 5, 5, 0, 0, 0), ($hour - 1, $ids[0], 3, 3, 0, 0, 0),"
    . "($hour - 30, $ids[2], 99, 99, 0, 0, 0)");
is(names(@$_[0, 1]), $_->[2], "$_->[0]?$_->[1]") for
    [ tunnels => '', '4 beta Alpha alphabet delta' ],
    [ tunnels => 'sort=new', '4 delta alphabet Alpha beta' ],
    [ tunnels => 'sort=name', '4 Alpha alphabet beta delta' ],
    [ tunnels => 'sort=need', '4 alphabet Alpha beta delta' ],
    [ tunnels => 'sort=traffic', '4 Alpha beta delta alphabet' ],
    [ tunnels => 'q=ALPHA', '2 Alpha alphabet' ],
    [ tunnels => 'q=alpha&sort=new', '2 alphabet Alpha' ],
    [ tunnels => 'q=alpha&limit=1', '2 Alpha' ],
    [ tunnels => 'q=alpha&skip=1', '2 alphabet' ],
    [ tunnels => 'q=alpha&skip=9', '2' ],
    [ tunnels => 'q=4711', '1 beta' ], [ tunnels => 'q=nas.lan', '1 Alpha' ],
    [ tunnels => 'q=paused', '1 delta' ], [ tunnels => 'q=lapt', '1 beta' ],
    [ tunnels => 'q=nothing%25', '0' ], [ tunnels => 'q=', '4 beta Alpha alphabet delta' ],
    [ tunnels => 'sort=id', 400 ], [ tunnels => 'sort=', 400 ],
    [ machines => '', '2 Laptop desk' ], [ machines => 'sort=new', '2 desk Laptop' ],
    [ machines => 'sort=name', '2 desk Laptop' ],
    [ machines => 'sort=seen', '2 desk Laptop' ],
    [ machines => 'q=LAP', '1 Laptop' ], [ machines => 'q=DESK&sort=seen', '1 desk' ],
    [ machines => 'q=%25', '0' ], [ machines => 'sort=traffic', 400 ],
    [ machines => 'sort=', 400 ];
like($api->ask(GET => '/api/tunnels?user=all&q=alphabet', key => $admin)
    ->{json}{items}[0]{name}, qr/^alphabet$/, 'an admin searches in all');
is($api->ask(GET => '/api/tunnels?sort=x', key => $key)->{json}{field}, 'sort',
    'the parameter is named');

# --- as many as there may be ------------------------------------------------------------

my $last;
for (1 .. 100) {
	$last = $api->ask(POST => '/api/keys', key => $seeker,
	    json => { name => "k$_" });
	last if $last->{status} != 201;
}
is($last->{status}, 409, 'a hundred keys are enough');
like($last->{json}{detail}, qr/100 API keys.*revoke one/, 'and what to do');

# --- hostile text --------------------------------------------------------------------

my @text = ('"', "'", '\\', '\\"', '</script><script>alert(1)</script>',
    '<img src=x onerror=alert(1)>', '{{NAME}}', '{{>BODY}}', '${7*7}', '%s%n%x',
    '%00', '%0d%0aSet-Cookie: a=b', "'; DROP TABLE tunnel; --", '" OR 1=1 --',
    '../../etc/passwd', '&amp;', '&lt;', 'javascript:alert(1)', '`id`', '$(id)',
    '| calc', '=cmd()', "\x{202e}gnp.exe", "\x{200b}", "\x{feff}", "\x{2028}",
    "\x{1f600}\x{1f468}\x{200d}\x{1f469}", "\x{fdfa}" x 30, 'Ω≈ç√∫', 'null',
    'undefined', 'NaN', 'true', '-0', '1e309', 'COM1', 'a' x 100,
    "a\nb", "a\rb", "a\x00b", "a\x1b[31mb", "a\x{9b}b", ' a', 'a ', '',
    'x' x 10000, "\x{10ffff}", "e\x{301}" x 20);
# What makes it, what shows it again.
my @fields = (
	[ 'a tunnel\'s name', sub { post('/api/tunnels', { %good,
	    name => $_[0] }) }, sub { $api->ask(GET =>
	    "/api/tunnels/$_[0]{id}", key => $key)->{json}{name} } ],
	[ 'a tunnel\'s host', sub { post('/api/tunnels', { %good,
	    local_host => $_[0] }) }, sub { $api->ask(GET =>
	    "/api/tunnels/$_[0]{id}", key => $key)->{json}{local_host} } ],
	[ 'a machine\'s name', sub { post('/api/machines', {
	    name => $_[0] }) }, sub { $api->ask(GET =>
	    "/api/machines/$_[0]{id}", key => $key)->{json}{name} } ],
	[ 'a key\'s name', sub { post('/api/keys', { name => $_[0] }) },
	    sub { my $id = $_[0]{id}; (grep { $_->{id} == $id }
		@{ $api->ask(GET => '/api/keys', key => $key)->{json}{items} })
		[0]{name} } ],
	[ 'an invitation\'s note', sub { post('/api/invitations', {
	    note => $_[0] }, key => $admin) }, sub { $api->ask(GET =>
	    '/api/invitations', key => $admin)->{json}{items}[0]{note} } ],
	[ 'the contact', sub { $api->ask(PATCH => '/api/settings', key =>
	    $admin, json => { contact => $_[0] }) }, sub { $api->ask(GET =>
	    '/api/settings', key => $admin)->{json}{contact} } ],
	[ 'an email', sub { post('/api/users', { email => $_[0],
	    password => 'correct horse' }, key => $admin) }, sub {
	    $api->ask(GET => "/api/users/$_[0]{id}", key => $admin)
		->{json}{email} } ],
);
for my $field (@fields) {
	my ($says, $make, $show) = @$field;
	my ($kept, $refused, @wrong) = (0, 0);
	for my $text (@text) {
		my $got = $make->($text);
		if ($got->{status} == 422) {
			$refused++;
			push @wrong, "no field: $text"
			    unless $got->{json}{field};
		} elsif ($got->{status} =~ /^20[01]$/) {
			$kept++;
			my $back = $show->($got->{json});
			$back = '' unless defined $back;
			# an empty host is the usual one
			next if $text eq '' && $says =~ /host/;
			push @wrong, "\"$text\" became \"$back\""
			    if $back ne $text;
		} else {
			push @wrong, "$got->{status}: $text";
		}
	}
	is("@wrong", '', "$says: kept as it is, or refused with its field");
	cmp_ok($refused, '>=', 5, 'some are refused');
	cmp_ok($kept, '>', 20, 'most are kept') if $says =~ /name|note|contact/;
}
my $events = $api->ask(GET => '/api/events?limit=1000', key => $key);
is($events->{status}, 200, 'the audit trail can be read afterwards');
cmp_ok(scalar(grep { $_->{what} =~ /\Q<img src=x\E/ }
    @{ $events->{json}{items} }), '>=', 3, 'and shows what was typed');

# --- the same request twice ------------------------------------------------------------

my %idem = (headers => { 'Idempotency-Key' => 'one' });
my $once = post('/api/machines', { name => 'once' }, %idem);
my $again = post('/api/machines', { name => 'once' }, %idem);
is($once->{status}, 201, 'a machine');
is($again->{status}, 201, 'the same again');
is($again->{body}, $once->{body}, 'is the same answer, token and all');
is($again->{head}{'idempotency-replayed'}, 'true', 'and says so');
push @{ $rig->{secrets} }, $once->{json}{token};
my $other = post('/api/machines', { name => 'other' }, %idem);
is($other->{status}, 422, 'another request of this name is refused');
is($other->{json}{field}, 'Idempotency-Key', 'by its name');
is(post('/api/keys', { name => 'once' }, %idem)->{status}, 422,
    'and to another path');
isnt($api->ask(POST => '/api/machines', key => $admin, json =>
    { name => 'once' }, %idem)->{json}{id}, $once->{json}{id},
    'another key\'s request is another one');
is(post('/api/tunnels', { %good, name => '' }, headers =>
    { 'Idempotency-Key' => 'two' })->{status}, 422, 'what was refused');
is(post('/api/tunnels', \%good, headers =>
    { 'Idempotency-Key' => 'two' })->{status}, 201, 'may be mended');
is(post('/api/tunnels', \%good, headers =>
    { 'Idempotency-Key' => $_ })->{status}, 400, 'no name at all')
    for '', 'x' x 256;

# Runs fn(i) in n processes at once; what each returned.
sub at_once {
	my ($n, $fn) = @_;
	my @from;
	pipe my $go, my $start or die "pipe: $!";
	for my $i (0 .. $n - 1) {
		pipe $from[$i], my $to or die "pipe: $!";
		my $pid = fork;
		die "fork: $!" unless defined $pid;
		next if $pid;
		close $start;
		sysread $go, my $byte, 1; # until all are there
		syswrite $to, eval { $fn->($i) } // "died: $@";
		POSIX::_exit(0);
	}
	close $start;
	my @all = map { local $/; my $f = $_; scalar <$f> } @from;
	1 while wait > 0 && @all < 0;
	return @all;
}

my @same = at_once(12, sub { post('/api/tunnels', \%good, headers =>
    { 'Idempotency-Key' => 'race' })->{body} });
is(scalar(keys %{ { map { $_ => 1 } @same } }), 1,
    'twelve at once get one answer');
like($same[0], qr/"id":/, 'a tunnel');

# --- many at once ------------------------------------------------------------------------

# Ports of the range that no other program of this computer has just now.
sub is_free {
	my ($port) = @_;
	return 2 == grep { IO::Socket::INET->new(LocalAddr => '0.0.0.0',
	    LocalPort => $port, Proto => $_, $_ eq 'tcp' ? (Listen => 1) : ()) }
	    qw(tcp udp);
}

my %leased = map { $_->{public_port} => 1 } @{ $api->ask(GET =>
    '/api/tunnels?limit=1000', key => $key)->{json}{items} };
my @free = grep { !$leased{$_} } $rig->{range}[0] + 800 .. $rig->{range}[1];
for my $round (1 .. long_or(20, 4)) {
	my $port = shift @free;
	$port = shift @free until is_free($port);
	my @got = at_once(16, sub {
		my $a = post('/api/tunnels', { %good, public_port => $port });
		return "$a->{status} " . ($a->{json}{field} || $a->{json}{id});
	});
	is(scalar(grep { /^201/ } @got), 1, "port $port: one gets it");
	$api->ask(DELETE => "/api/tunnels/$_", key => $key)
	    for map { /^201 (\d+)/ } @got;
	is(scalar(grep { $_ eq '409 public_port' } @got), 15,
	    'the others are told of the port') or diag(join ', ', @got);
}

my $end = time + long_or(60, 5);
my @writers = at_once(32, sub {
	my ($done, $worst, %bad) = (0, 0);
	while (time < $end) {
		my $began = time;
		my $a = post('/api/tunnels', { %good, name => "w$_[0]" });
		my $b = $a->{status} == 201 ? $api->ask(DELETE =>
		    "/api/tunnels/$a->{json}{id}", key => $key) : $a;
		$bad{"$b->{status} $b->{body}"}++ unless $b->{status} == 204;
		$worst = time - $began if time - $began > $worst;
		$done++;
	}
	return join ' ', $done, sprintf('%.2f', $worst),
	    map { "$_:$bad{$_}" } sort keys %bad;
});
is(scalar(grep { !/^\d+ [\d.]+ ?$/ } @writers), 0,
    '32 writers, and nobody is told that others write') or
    diag(join "\n", @writers);
my ($done, $worst) = (0, 0);
for (@writers) {
	my ($n, $w) = split ' ';
	$done += $n;
	$worst = $w if $w > $worst;
}
diag("$done times made and deleted, the slowest in $worst s");

# --- every way in ---------------------------------------------------------------------------

sub nginx {
	my $dir = $rig->dir;
	my ($program) = grep { -x } '/usr/sbin/nginx', '/usr/bin/nginx';
	return undef unless $program;
	my $port = free_port();
	open my $f, '>', "$dir/nginx.conf" or die "nginx.conf: $!";
	my $user = $> == 0 ? 'user root;' : '';
	print $f <<"CONF";
$user daemon off; pid $dir/nginx.pid; error_log $dir/nginx.log;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $dir/tmp1; fastcgi_temp_path $dir/tmp2;
	proxy_temp_path $dir/tmp3; scgi_temp_path $dir/tmp4;
	uwsgi_temp_path $dir/tmp5;
	server {
		listen 127.0.0.1:$port;
		location / {
			include /etc/nginx/fastcgi_params;
			fastcgi_pass unix:$dir/web.sock;
		}
	}
}
CONF
	close $f or die "nginx.conf: $!";
	my $p = $rig->start('nginx', [ $program, '-c', "$dir/nginx.conf",
	    '-e', "$dir/nginx.log" ], stop => 'QUIT');
	eventually { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") } 10
	    or return undef;
	return ($p, $port);
}

sub by_nginx {
	my ($port, $method, $target, %o) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port")
	    or return {};
	my $body = Rig::Api::body(\%o);
	print $s "$method $target HTTP/1.1\r\nHost: localhost:8080\r\n"
	    . "Connection: close\r\nAuthorization: Bearer $o{key}\r\n"
	    . (defined $body ? "Content-Type: application/json\r\n"
		. 'Content-Length: ' . length($body) . "\r\n" : '') . "\r\n"
	    . (defined $body ? $body : '');
	local $/;
	my $text = <$s>;
	$text =~ s{^HTTP/1\.1 (\d+)}{Status: $1};
	return Rig::Api::answer($text);
}

my ($nginx, $port) = nginx();
for my $ask ([ GET => '/api' ], [ GET => '/api/me' ],
    [ GET => '/api/tunnels?limit=3' ], [ GET => '/api/tunnels/1' ],
    [ GET => '/api/tunnels/1/status' ], [ GET => '/api/nothing' ],
    [ GET => '/api/users' ], [ POST => '/api/tunnels', { name => 1 } ],
    [ POST => '/api/tunnels', { %good, kind => 'x' } ],
    [ PATCH => '/api/tunnels/1', { name => "\x{1f600}" } ],
    [ DELETE => '/api/tunnels/999' ], [ PUT => '/api/tunnels' ]) {
	my ($verb, $path, $json) = @$ask;
	my %o = (key => $key, $json ? (json => $json) : ());
	my $a = $api->ask($verb, $path, %o);
	my $b = $api->ask($verb, $path, %o, cgi => 1);
	is($b->{status}, $a->{status}, "$verb $path: CGI as FastCGI");
	is($b->{body}, $a->{body}, 'and the same words');
	next unless $port;
	my $c = by_nginx($port, $verb, $path, %o);
	is($c->{status}, $a->{status}, 'and behind nginx');
	is($c->{body}, $a->{body}, 'the same words');
}
$nginx->stop('QUIT', 10) if $nginx;

# --- too many --------------------------------------------------------------------------------

$rig->configure(limits => { api_reads_per_minute => 8,
    api_writes_per_minute => 3 });
my @codes = map { $api->ask(GET => '/api/me', key => $admin, cgi => 1) }
    1 .. 12;
is(scalar(grep { $_->{status} == 200 } @codes), 8, 'so many are granted');
is($codes[0]{head}{'ratelimit-limit'}, 8, 'the limit is told');
is($codes[0]{head}{'ratelimit-remaining'}, 7, 'and how many are left');
is($codes[11]{status}, 429, 'then no more');
cmp_ok($codes[11]{head}{'retry-after'}, '>=', 1, 'for so long');
like($codes[11]{type}, qr/problem/, 'as a problem');
@codes = map { $api->ask(POST => '/api/keys', key => $admin, cgi => 1,
    json => { name => 'k' })->{status} } 1 .. 4;
is("@codes", '201 201 201 429', 'writes count apart');
is($api->ask(GET => '/api/me', key => $key, cgi => 1)->{status}, 200,
    'and so does another user');

# --- below a path, and without a database -------------------------------------------------------

$rig->configure(limits => { api_reads_per_minute => 0,
    api_writes_per_minute => 0 }, dashboard_url => 'http://localhost:8080/a/b');
$api->{base} = '/a/b';
my $below = $api->ask(GET => '/api', cgi => 1);
is($below->{status}, 200, 'below a path');
is($below->{json}{links}{tunnels}, 'http://localhost:8080/a/b/api/tunnels',
    'and its links are there');
$api->{base} = '';

my $db = $rig->dir . '/adit.db';
for my $end ('', '-wal', '-shm') {
	rename "$db$end", "$db.away$end" if -e "$db$end";
}
mkdir $db or die "$db: $!"; # so that nobody makes a new one
my $away = post('/api/tunnels', \%good);
is($away->{status}, 503, 'the database is away');
cmp_ok($away->{head}{'retry-after'} || 0, '>', 0, 'come back later');
like($away->{type}, qr/problem/, 'as a problem');
rmdir $db or die "$db: $!";
for my $end ('', '-wal', '-shm') {
	rename "$db.away$end", "$db$end" if -e "$db.away$end";
}
soon { my $a = post('/api/tunnels', \%good); $a->{status} == 201 } 10,
    'it is back';

$api->{proc}->stop('TERM', 20);
is($api->{proc}->code, 0, 'the program ends by itself');
is($rig->ctl('db', 'check') && 1, 1, 'the database is sound');
$rig->verdict;
done_testing();
