#!/usr/bin/perl
# Who may do what: every route of the API, asked by everybody.  The routes are
# those of docs/openapi.yaml and of the table in webapp/route.c, which must be
# the same; a route for which nothing is said below fails the run.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig;
use Rig::Api;

my $rig = Rig->new(conf => { limits => { api_reads_per_minute => 0,
    api_writes_per_minute => 0 } });
my $api = Rig::Api->new($rig);

my %key = (
	owner => $api->key('owner@example.org'),
	other => $api->key('other@example.org'),
	admin => $api->key('admin@example.org', admin => 1),
);
push @{ $rig->{secrets} }, values %key;
$api->ask(PATCH => '/api/settings', key => $key{admin},
    json => { tunnels_max => 0 });

# --- what each route needs, and what its owner gets ---------------------------

# Asks as the owner, who may.
sub make {
	my ($path, $json) = @_;
	my $got = $api->ask(POST => $path, key => $key{owner}, json => $json);
	BAIL_OUT("$path: $got->{status} $got->{body}")
	    unless $got->{status} == 201;
	return $got->{json}{id};
}

sub tunnel {
	return make('/api/tunnels',
	    { name => 'his', kind => 'tcp', local_port => 80 });
}

sub verified {
	my $id = tunnel();
	$rig->ctl('tunnel', 'verify', $id);
	return $id;
}

sub deleted {
	my $id = tunnel();
	$api->ask(DELETE => "/api/tunnels/$id", key => $key{owner});
	return $id;
}

sub machine { return make('/api/machines', { name => 'his' }) }

sub machine_key {
	my $m = machine();
	return ($m, make("/api/machines/$m/keys", {}));
}

sub pair {
	my ($t, $m) = (tunnel(), machine());
	$api->ask(PUT => "/api/tunnels/$t/machines/$m", key => $key{owner});
	return ($t, $m);
}

my $count = 0;

sub user {
	my $got = $api->ask(POST => '/api/users', key => $key{admin}, json =>
	    { email => 'u' . $count++ . '@example.org',
		password => 'correct horse' });
	return $got->{json}{id};
}

sub invitation {
	$api->ask(POST => '/api/invitations', key => $key{admin}, json => {});
	return $api->ask(GET => '/api/invitations', key => $key{admin})
	    ->{json}{items}[0]{id};
}

# A browser that is signed in as the owner.
sub browser {
		my $sql = "INSERT INTO web_session (user_id, hash, created_at, seen_at,"
	    . " expires_at) SELECT id, randomblob(32), 1, 1, 9e15 FROM user"
	    . " WHERE email = 'owner\@example.org'; "
	    . 'SELECT max(id) FROM web_session;';
	$sql =~ s/9e15/9000000000000000/;
	chomp(my $got = `sqlite3 $rig->{dir}/adit.db "$sql"`);
	return $got;
}

# What the file for Windows starts.
Rig::Api::lay_windows($rig);

# ids: makes what the path names.  json: a good body.  want: what is right.
my %case = (
	'GET /api' => { want => 200 },
	'GET /health' => { want => 503 }, # there is no relay here
	'GET /api/tunnels' => { want => 200 },
	'POST /api/tunnels' => { want => 201, json => { name => 'a',
	    kind => 'udp', local_port => 1 } },
	'GET /api/tunnels/{id}' => { ids => \&tunnel, want => 200 },
	'PATCH /api/tunnels/{id}' => { ids => \&tunnel, want => 200,
	    json => { name => 'b' } },
	'DELETE /api/tunnels/{id}' => { ids => \&tunnel, want => 204 },
	'GET /api/tunnels/{id}/status' => { ids => \&tunnel, want => 200 },
	'POST /api/tunnels/{id}/activate' =>
	    { ids => \&verified, want => 200 },
	'POST /api/tunnels/{id}/deactivate' =>
	    { ids => \&tunnel, want => 200 },
	'POST /api/tunnels/{id}/verification' =>
	    { ids => \&tunnel, want => 200 },
	'POST /api/tunnels/{id}/restore' => { ids => \&deleted, want => 200 },
	'POST /api/tunnels/{id}/test' => { ids => \&tunnel, want => 409 },
	'GET /api/tunnels/{id}/visitors' => { ids => \&tunnel, want => 503 },
	'DELETE /api/tunnels/{id}/visitors/{id}' =>
	    { ids => sub { (tunnel(), 257) }, want => 503 },
	'POST /api/tunnels/{id}/verify' => { ids => \&tunnel, want => 200 },
	'POST /api/tunnels/{id}/freeze' => { ids => \&tunnel, want => 200 },
	'POST /api/tunnels/{id}/unfreeze' => { ids => \&tunnel, want => 200 },
	'PUT /api/tunnels/{id}/machines/{id}' =>
	    { ids => sub { (tunnel(), machine()) }, want => 204 },
	'DELETE /api/tunnels/{id}/machines/{id}' =>
	    { ids => \&pair, want => 204 },
	# makes a key; without one it is a page, which sends to the door
	'GET /download/{id}' =>
	    { ids => \&tunnel, want => 200, writes => 1, page => 1 },
	'GET /api/machines' => { want => 200 },
	'POST /api/machines' => { want => 201, json => { name => 'm' } },
	'GET /api/machines/{id}' => { ids => \&machine, want => 200 },
	'PATCH /api/machines/{id}' => { ids => \&machine, want => 200,
	    json => { name => 'b' } },
	'DELETE /api/machines/{id}' => { ids => \&machine, want => 204 },
	'GET /api/machines/{id}/keys' => { ids => \&machine, want => 200 },
	'POST /api/machines/{id}/keys' => { ids => \&machine, want => 201 },
	'DELETE /api/machines/{id}/keys/{id}' =>
	    { ids => \&machine_key, want => 204 },
	'GET /api/sessions' => { want => 200 },
	'GET /api/usage' => { want => 200 },
	'GET /api/events' => { want => 200 },
	'GET /api/me' => { want => 200 },
	'GET /api/keys' => { want => 200 },
	'POST /api/keys' => { want => 201, json => { name => 'k' } },
	'DELETE /api/keys/{id}' =>
	    { ids => sub { make('/api/keys', { name => 'k' }) }, want => 204 },
	'GET /api/browsers' => { want => 200 },
	'DELETE /api/browsers/{id}' =>
	    { ids => \&browser, want => 204, own => 1 },
	'GET /api/users' => { want => 200 },
	'POST /api/users' => { want => 201, json => sub { { email => 'v'
	    . $count++ . '@example.org', password => 'correct horse' } } },
	'GET /api/users/{id}' => { ids => \&user, want => 200 },
	'PATCH /api/users/{id}' => { ids => \&user, want => 200,
	    json => { frozen => JSON::PP::true } },
	'DELETE /api/users/{id}' => { ids => \&user, want => 204 },
	'GET /api/invitations' => { want => 200 },
	'POST /api/invitations' => { want => 201, json => {} },
	'DELETE /api/invitations/{id}' => { ids => \&invitation, want => 204 },
	'GET /api/settings' => { want => 200 },
	'PATCH /api/settings' => { want => 200, json => { tunnels_max => 0 } },
	'GET /api/relay' => { want => 200 },
);

# --- the matrix ----------------------------------------------------------------

my %routed = Rig::Api::routed();
my @described = Rig::Api::described();
for my $d (@described) {
	(my $path = $d->{path}) =~ s/\{\w+\}/{id}/g;
	$d->{name} = "$d->{verb} $path";
}
is_deeply([ sort map { $_->{name} } @described ], [ sort keys %routed ],
    'docs/openapi.yaml and the table of routes name the same');
is_deeply([ sort keys %case ], [ sort keys %routed ],
    'and so does this test');

sub writes {
	my ($d) = @_;
	return $d->{verb} ne 'GET' || $case{ $d->{name} }{writes};
}

# May be reached with nothing, for admins alone, by a key that only reads: both
# tell the same.
for my $d (@described) {
	my $demands = $routed{ $d->{name} } || '';
	is($demands !~ /READ|WRITE/ ? 1 : 0, $d->{open} ? 1 : 0,
	    "$d->{name}: open or not");
	is($demands =~ /ADMIN/ ? 1 : 0, $d->{tag} eq 'admin' ? 1 : 0,
	    "$d->{name}: for admins or not");
	is($demands =~ /WRITE/ ? 1 : 0, writes($d) ? 1 : 0,
	    "$d->{name}: writes or not");
}

my $revoked = $api->ask(POST => '/api/keys', key => $key{owner},
    json => { name => 'revoked' })->{json};
$api->ask(DELETE => "/api/keys/$revoked->{id}", key => $key{owner});
my $reads = $api->ask(POST => '/api/keys', key => $key{owner},
    json => { name => 'reads', scope => 'read' })->{json};
is($reads->{scope}, 'read', 'a key that only reads');

my %who = (
	'nobody' => {},
	'other member' => { key => $key{other} },
	'owner' => { key => $key{owner} },
	'admin' => { key => $key{admin} },
	'revoked key' => { key => $revoked->{key} },
	'key that only reads' => { key => $reads->{key} },
	'signed-out cookie' => { headers =>
	    { Cookie => 'adit=' . 'ab' x 32 } },
);

# What is right for who asks d.
sub expected {
	my ($who, $d, $case) = @_;
	my $has_object = $d->{path} =~ /\{/;
	return $case->{want} if $d->{open};
	return 303 if $case->{page} && $who =~ /nobody|cookie/;
	return 401 if $who =~ /nobody|revoked|cookie/;
	if ($d->{tag} eq 'admin') {
		return $who eq 'admin' ? $case->{want} : 404;
	}
	return 403 if $who =~ /only reads/ && writes($d);
	return 404 if $who eq 'other member' && $has_object;
	return 404 if $who eq 'admin' && $case->{own};
	return $case->{want};
}

# The path with these in place of {id}, in order.
sub path_of {
	my ($d, @ids) = @_;
	(my $path = $d->{path}) =~ s/\{\w+\}/shift @ids/ge;
	return $path;
}

my $asked = 0;
for my $d (@described) {
	my $case = $case{ $d->{name} } or next;
	for my $who (sort keys %who) {
		my @ids = $case->{ids} ? $case->{ids}->() : ();
		my $json = ref $case->{json} eq 'CODE' ? $case->{json}->()
		    : $case->{json};
		my %o = (%{ $who{$who} }, $json ? (json => $json) : ());
		my $got = $api->ask($d->{verb}, path_of($d, @ids), %o);
		my $want = expected($who, $d, $case);
		$asked++;
		is($got->{status}, $want, "$d->{name}: $who: $want")
		    or diag($got->{body});
		like($got->{type}, qr{^application/problem\+json},
		    "$d->{name}: $who: a problem") if $want >= 400
		    && $d->{path} ne '/health';
		next unless $want == 404 && @ids;
		my $none = $api->ask($d->{verb},
		    path_of($d, map { 999999 } @ids), %o);
		is($got->{body}, $none->{body},
		    "$d->{name}: $who: the same as where nothing is");
	}
}
is($asked, @described * keys %who, 'everybody has asked for everything');

# --- what the matrix does not see ------------------------------------------------

for my $path (qw(tunnels machines keys events sessions browsers)) {
	my $list = $api->ask(GET => "/api/$path?limit=1000",
	    key => $key{other})->{json};
	is(scalar(grep { ($_->{name} || '') eq 'his'
		|| ($_->{who} || '') eq 'owner@example.org' }
	    @{ $list->{items} }), 0, "$path: nothing of another's");
}
is($api->ask(GET => '/api/tunnels?user=all', key => $key{other})->{status},
    403, 'a member does not ask for all');
cmp_ok($api->ask(GET => '/api/tunnels?user=all', key => $key{admin})
    ->{json}{total}, '>', 10, 'an admin does');

# A machine of one does not come to serve a tunnel of another.
my ($mine) = $api->ask(POST => '/api/tunnels', key => $key{other}, json =>
    { name => 'x', kind => 'tcp', local_port => 1 })->{json}{id};
my $his = machine();
is($api->ask(PUT => "/api/tunnels/$mine/machines/$his", key => $key{$_})
    ->{status}, 404, "$_: not across users") for qw(owner other admin);
is($api->ask(POST => '/api/tunnels', key => $key{other}, json =>
    { name => 'x', kind => 'tcp', local_port => 1, machine_id => $his })
    ->{json}{field}, 'machine_id', 'nor when it is made');
is($api->ask(POST => '/api/machines', key => $key{other}, json =>
    { name => 'x', tunnel_ids => [ tunnel() ] })->{json}{field},
    'tunnel_ids', 'nor a machine for a tunnel of another');
is($api->ask(GET => '/api/tunnels', key => $key{other})->{json}{total}, 2,
    'what was refused was not made');

# Other verbs, other paths, other sites.
for my $d (@described) {
	my %has = map { $_->{verb} => 1 }
	    grep { $_->{path} eq $d->{path} } @described;
	my ($verb) = grep { !$has{$_} } qw(PUT DELETE PATCH POST);
	my $got = $api->ask($verb, path_of($d, 1, 1), key => $key{owner});
	is($got->{status}, 405, "$verb $d->{path}: 405");
	like($got->{head}{allow} || '', qr/\b$d->{verb}\b/, 'and what may be');
}
for my $path ('/api/', '/api/tunnels/', '/api/tunnels/0', '/api/tunnels/01',
    '/api/tunnels/1e1', '/api/tunnels/-1', '/api/tunnels/99999999999999999999',
    '/api/tunnels/1/nothing', '/api/%74unnels', '/api/../api/tunnels') {
	my $got = $api->ask(GET => $path, key => $key{owner});
	is($got->{status}, 404, "$path: 404");
	like($got->{type}, qr/problem/, 'as a problem') if $path =~ m{^/api/\w};
}
my $cors = $api->ask(OPTIONS => '/api/tunnels', key => $key{owner}, headers =>
    { Origin => 'https://evil.example', 'Access-Control-Request-Method'
	=> 'GET' });
is($cors->{status}, 405, 'no preflight');
is(scalar(grep { /^access-control/ } keys %{ $cors->{head} }), 0, 'no CORS');
for my $bad ('', 'Bearer', 'Bearer ', "Bearer $key{owner}x", 'Basic abc',
    'Bearer ' . 'g' x 64, 'Bearer ' . 'A' x 64) {
	my $got = $api->ask(GET => '/api/me',
	    headers => { Authorization => $bad });
	is($got->{status}, 401, "Authorization: \"" . substr($bad, 0, 12)
	    . '...": 401');
	like($got->{head}{'www-authenticate'} || '', qr/^Bearer/, 'and why');
}

# Frozen by an admin: the owner's edits are a conflict.
my $t = verified();
$api->ask(POST => "/api/tunnels/$t/freeze", key => $key{admin});
is($api->ask(GET => "/api/tunnels/$t", key => $key{owner})->{json}{status},
    'frozen', 'a frozen tunnel says so');
for my $what ([ PATCH => '', { name => 'x' } ], [ POST => '/activate' ],
    [ POST => '/deactivate' ], [ DELETE => '' ]) {
	my ($verb, $end, $json) = @$what;
	is($api->ask($verb, "/api/tunnels/$t$end", key => $key{owner},
	    $json ? (json => $json) : ())->{status}, 409,
	    "$verb $end: its owner cannot");
}
my $admin_id = $api->ask(GET => '/api/me', key => $key{admin})->{json}{id};
is($api->ask(DELETE => "/api/users/$admin_id", key => $key{admin})->{status},
    409, 'an admin does not delete themselves');

$api->{proc}->stop('TERM', 20);
is($api->{proc}->code, 0, 'the program ends by itself');
$rig->verdict;
done_testing();
