#!/usr/bin/perl
# The audit trail: every lasting change, by the pages, the API or aditctl, is one
# step with its line.  Whoever cannot write the line changes nothing and says so;
# with it both are there.
use strict;
use warnings;

use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig;
use Rig::Api;
use Rig::Web;

my $rig = Rig->new(conf => { limits => { api_reads_per_minute => 0,
    api_writes_per_minute => 0 } });
Rig::Api::lay_windows($rig);
my $web = Rig::Web->new($rig);
my $api = Rig::Api->new($rig);
my $PASSWORD = 'four plain words';
my $db = $rig->dir . '/adit.db';
my $count = 0;

sub sql {
	my ($sql) = @_;
	my $got = `sqlite3 -cmd '.timeout 5000' $db "$sql"`;
	BAIL_OUT("sqlite3: $sql") if $? != 0;
	chomp $got;
	return $got;
}

# All that is kept, but for the trail and the counting of wrong tries.
sub kept {
	my @lines = grep { !/^INSERT INTO (?:event|guess|sqlite_sequence)\b/ }
	    split /^/, `sqlite3 -cmd '.timeout 5000' $db .dump`;
	BAIL_OUT('no dump') if @lines < 100;
	return join '', grep { !/^CREATE TRIGGER no_event/ } @lines;
}

sub shut {
	sql('CREATE TRIGGER no_event BEFORE INSERT ON event BEGIN'
	    . q( SELECT RAISE(ABORT, 'no room'); END));
	return;
}

sub events { return sql('SELECT count(*) FROM event') }

sub newest { return sql('SELECT did FROM event ORDER BY id DESC LIMIT 1') }

# Does it twice: with the trail shut, and open.  refused and good are what
# comes of it, did is what the trail says then.
sub tried {
	my ($what, $did, $refused, $good, $act) = @_;
	shut();
	my $before = kept();
	my $got = $act->();
	is($got, $refused, "$what: without its line it is refused");
	is(kept(), $before, '  and nothing is changed');
	sql('DROP TRIGGER no_event');
	my $n = events();
	is($act->(), $good, '  with its line it is done');
	isnt(kept(), $before, '  and is there');
	cmp_ok(events(), '>', $n, '  as its line is');
	is(newest(), $did, "  which says $did");
	return;
}

# --- the first account ----------------------------------------------------------

my $ann = $web->browser;
$ann->get('/setup');
tried('the first account', 'user add', 503, 303, sub {
	return $ann->post('/setup', code => $web->setup_code,
	    email => 'ann@example.org', password => $PASSWORD)->status;
});
is($ann->get('/')->status, 200, 'who made it is inside');

# --- by the pages ----------------------------------------------------------------

my @posted = '/setup';

# A form of the browser, whose page is looked at first.
sub form {
	my ($who, $page, $path, @fields) = @_;
	push @posted, $path;
	return sub {
		$who->get($page);
		return $who->post($path, @fields)->status;
	};
}

sub pages {
	my ($what, $did, $good, @form) = @_;
	tried($what, $did, 503, $good, form(@form));
	return;
}

my $tunnel = $rig->ctl('tunnel', 'add', '--user', 'ann@example.org',
    '--name', 'web', '--kind', 'tcp', '--target', '127.0.0.1:80')->{id};
pages('a tunnel', 'tunnel add', 303, $ann, '/new', '/new', name => 'a',
    kind => 'tcp', local_port => 80);
pages('an edit', 'tunnel edit', 303, $ann, "/tunnels/$tunnel/edit",
    "/tunnels/$tunnel/edit", name => 'b', kind => 'tcp', local_port => 81);
pages('only me', 'tunnel edit', 303, $ann, "/tunnels/$tunnel",
    "/tunnels/$tunnel/only-me");
pages('a new link', 'tunnel link', 303, $ann, "/tunnels/$tunnel",
    "/tunnels/$tunnel/link");
my ($link) = $ann->get("/tunnels/$tunnel")->text
    =~ m{href="(/verify/[a-z2-7]{26})"};
my $phone = $web->browser;
pages('a verification', 'tunnel verify', 200, $phone, $link, $link);
pages('a pause', 'tunnel pause', 303, $ann, "/tunnels/$tunnel",
    "/tunnels/$tunnel/pause");
pages('a deletion', 'tunnel rm', 303, $ann, "/tunnels/$tunnel",
    "/tunnels/$tunnel/delete");
pages('a restoration', 'tunnel restore', 303, $ann, '/',
    "/tunnels/$tunnel/restore");
pages('a key for Linux', 'machine key add', 201, $ann, "/download/$tunnel",
    "/download/$tunnel", machine => 'new');
pages('a file for Windows', 'machine key add', 200, $ann,
    "/download/$tunnel", "/download/$tunnel", machine => 'new',
    for => 'windows');
pages('a key of a machine', 'machine key rm', 303, $ann, '/machines',
    '/keys/' . sql('SELECT max(id) FROM machine_key') . '/revoke');
pages('its name', 'machine edit', 303, $ann, '/machines', '/machines',
    machine => sql('SELECT max(id) FROM machine'), name => 'n');
pages('a machine', 'machine rm', 303, $ann, '/machines',
    '/machines/' . sql('SELECT max(id) FROM machine') . '/remove');
pages('an API key', 'key add', 201, $ann, '/account', '/account/keys',
    name => 'script', scope => 'write');
pages('its end', 'key rm', 303, $ann, '/account', '/account/keys/'
    . sql('SELECT max(id) FROM api_key') . '/revoke');
pages('an invitation', 'invite', 201, $ann, '/admin', '/admin/invite',
    note => 'kim');
pages('its end', 'uninvite', 303, $ann, '/admin', '/admin/invitations/'
    . sql('SELECT max(id) FROM invitation') . '/remove');

my $kim = $web->browser;
form($ann, '/admin', '/admin/invite', note => 'kim')->();
my ($invitation) = $ann->text =~ m{(/join/[0-9a-f]{64})};
pages('joining', 'user add', 303, $kim, $invitation, $invitation,
    email => 'kim@example.org', password => $PASSWORD);
pages('settings', 'setting set', 303, $ann, '/admin', '/admin/settings',
    sign_up => 'yes', abuse => 'abuse@example.org');
is(sql(q(SELECT group_concat(what, '; ') FROM event WHERE did = 'setting set')),
    'sign_up = yes; contact = abuse@example.org',
    'the trail tells each one that was changed');
my $n = events();
is(form($ann, '/admin', '/admin/settings', sign_up => 'yes')->(), 303,
    'saved as they are');
is(events(), $n, 'is nothing to tell');
my $tom = $web->browser;
pages('signing up', 'user add', 303, $tom, '/join', '/join',
    email => 'tom@example.org', password => $PASSWORD);
pages('signing in', 'sign in', 303, $web->browser, '/signin', '/signin',
    email => 'tom@example.org', password => $PASSWORD);
pages('another browser\'s end', 'sign out', 303, $tom, '/account',
    '/account/sessions/' . sql('SELECT max(id) FROM web_session') . '/end');
pages('one\'s own password', 'user passwd', 303, $tom, '/account',
    '/account/password', old => $PASSWORD, new => "$PASSWORD!");
pages('signing out', 'sign out', 303, $tom, '/account', '/signout');

my $tom_id = sql(q(SELECT id FROM user WHERE email = 'tom@example.org'));
pages("a user's $_->[0]", $_->[1], 303, $ann, '/admin',
    "/admin/users/$tom_id/$_->[0]", @$_[2 .. $#$_])
    for [ freeze => 'user freeze' ], [ thaw => 'user unfreeze' ],
	[ password => 'user passwd', new => 'quite other words' ],
	[ remove => 'user rm' ];
pages("a tunnel's $_->[0]", $_->[1], 303, $ann, '/admin',
    "/admin/tunnels/$tunnel/$_->[0]")
    for [ freeze => 'tunnel freeze' ], [ thaw => 'tunnel unfreeze' ];
my $other = $rig->ctl('tunnel', 'add', '--user', 'kim@example.org',
    '--name', 'k', '--kind', 'tcp', '--target', '127.0.0.1:80')->{id};
pages("a tunnel's verification", 'tunnel verify', 303, $ann, '/admin',
    "/admin/tunnels/$other/verify");

# What no form of the pages above has tried.
my %without = map { $_ => 1 } '/theme',	# is a cookie
    '/tunnels/{id}/test', '/tunnels/{id}/visitors/{id}/kick',	# ask the relay
    '/tunnels/{id}/resume';	# as /pause
my $table = Rig::Web::slurp("$Rig::HOUSE/webapp/route.c");
while ($table =~ /^\tPOST\("([^"]+)"/mg) {
	my $route = $1;
	next if $without{$route};
	(my $fits = $route) =~ s/\{\w+\}/[^\/]+/g;
	ok(scalar(grep { m{^$fits$} } @posted), "POST $route was tried");
}

# --- by the API --------------------------------------------------------------------

my $key = $api->key('admin@example.org', admin => 1);
push @{ $rig->{secrets} }, $key;
$api->ask(GET => '/api/me', key => $key);	# its use is noted

sub asked {
	my ($what, $did, $good, $verb, $path, $json) = @_;
	tried($what, $did, 503, $good, sub {
		return $api->ask($verb, $path, key => $key,
		    ref $json ? (json => $json) : ())->{status};
	});
	return;
}

# The number of what was made last.
sub last_of { return sql("SELECT max(id) FROM $_[0]") }

asked('a tunnel', 'tunnel add', 201, POST => '/api/tunnels',
    { name => 'a', kind => 'tcp', local_port => 80 });
my $t = last_of('tunnel');
asked('an edit', 'tunnel edit', 200, PATCH => "/api/tunnels/$t",
    { name => 'b' });
asked('a verification', 'tunnel verify', 200,
    POST => "/api/tunnels/$t/verify");
asked('a pause', 'tunnel pause', 200, POST => "/api/tunnels/$t/deactivate");
asked('an end of it', 'tunnel resume', 200,
    POST => "/api/tunnels/$t/activate");
asked('a freeze', 'tunnel freeze', 200, POST => "/api/tunnels/$t/freeze");
asked('an end of it', 'tunnel unfreeze', 200,
    POST => "/api/tunnels/$t/unfreeze");
asked('a machine', 'machine add', 201, POST => '/api/machines',
    { name => 'm' });
my $m = last_of('machine');
asked('its name', 'machine edit', 200, PATCH => "/api/machines/$m",
    { name => 'n' });
asked('what it serves', 'tunnel edit', 204,
    PUT => "/api/tunnels/$t/machines/$m");
asked('and no longer', 'tunnel edit', 204,
    DELETE => "/api/tunnels/$t/machines/$m");
asked('its key', 'machine key add', 201, POST => "/api/machines/$m/keys");
asked('and no longer', 'machine key rm', 204,
    DELETE => "/api/machines/$m/keys/" . last_of('machine_key'));
asked('a file for Windows', 'machine key add', 200, GET => "/download/$t");
asked('a machine less', 'machine rm', 204, DELETE => "/api/machines/$m");
asked('a deletion', 'tunnel rm', 204, DELETE => "/api/tunnels/$t");
asked('a restoration', 'tunnel restore', 200,
    POST => "/api/tunnels/$t/restore");
asked('an API key', 'key add', 201, POST => '/api/keys', { name => 'k' });
asked('and no longer', 'key rm', 204,
    DELETE => '/api/keys/' . last_of('api_key'));
asked('an account', 'user add', 201, POST => '/api/users',
    { email => 'u@example.org', password => $PASSWORD });
my $u = last_of('user');
asked('its freeze', 'user freeze', 200, PATCH => "/api/users/$u",
    { frozen => JSON::PP::true });
asked('its password', 'user passwd', 200, PATCH => "/api/users/$u",
    { password => 'quite other words' });
asked('its end', 'user rm', 204, DELETE => "/api/users/$u");
asked('an invitation', 'invite', 201, POST => '/api/invitations',
    { note => 'x' });
asked('and no longer', 'uninvite', 204,
    DELETE => '/api/invitations/' . last_of('invitation'));
asked('a setting', 'setting set', 200, PATCH => '/api/settings',
    { verify_hours => 9 });

# --- by aditctl ----------------------------------------------------------------------

sub ctl {
	my ($did, @words) = @_;
	tried("aditctl @words", $did, 1, 0, sub {
		return ($rig->try_ctl(@words))[0];
	});
	return;
}
ctl('tunnel add', 'tunnel', 'add', '--user', 'kim@example.org', '--name',
    'c', '--kind', 'tcp', '--target', '127.0.0.1:80');
$t = last_of('tunnel');
ctl('tunnel edit', 'tunnel', 'edit', $t, '--name', 'd');
ctl("tunnel $_", 'tunnel', $_, $t) for qw(link verify pause resume freeze
    unfreeze rm restore);
ctl('machine add', 'machine', 'add', '--user', 'kim@example.org', '--name',
    'c');
$m = last_of('machine');
ctl('machine serve', 'machine', 'serve', $m, '--tunnel', $t, '--tunnel',
    $other);
is(sql(q(SELECT count(*) FROM event WHERE did = 'machine serve')), 2,
    'a line for each tunnel');
ctl('machine unserve', 'machine', 'unserve', $m, '--tunnel', $t);
ctl('machine key add', 'machine', 'key', 'add', $m);
ctl('machine key rm', 'machine', 'key', 'rm', last_of('machine_key'));
ctl('machine rm', 'machine', 'rm', $m);
ctl('key add', 'key', 'add', '--user', 'kim@example.org', '--name', 'c');
ctl('key rm', 'key', 'rm', last_of('api_key'));
ctl('setting set', 'setting', 'set', 'verify_hours', 10);
ctl("user $_", 'user', $_, 'kim@example.org') for qw(freeze unfreeze rm);

# --- as it is read -------------------------------------------------------------------

my $trail = $ann->get('/admin?trail=all')->text;
my %listed = map { $_->{did} => $_ } @{ $rig->ctl('event', 'list', '--limit',
    1000) };
my $events = $api->ask(GET => '/api/events?user=all&limit=1000',
    key => $key)->{json}{items};
my %told = map { $_->{did} => 1 } @$events;
for my $did ('user add', 'user freeze', 'user unfreeze', 'user passwd',
    'user rm', 'sign in', 'sign out', 'key add', 'key rm', 'machine key add',
    'machine key rm', 'tunnel add', 'tunnel rm', 'invite', 'uninvite',
    'setting set') {
	like($trail, qr{<strong>\Q$did\E</strong>}, "the admin reads $did");
	ok($listed{$did}, '  and aditctl lists it');
	ok($told{$did}, '  and the API');
}
like($listed{'user add'}{who}, qr/\@example\.org|aditctl/, 'with who it was');

$api->{proc}->stop('TERM', 20);
$rig->verdict;
done_testing();
