#!/usr/bin/perl
# Who wants more than is theirs: an admin who is frozen, a member who makes and
# deletes in turns, a stranger whose address is chosen well, many accounts or
# many guesses at once, and who reads nginx's log of errors.
use strict;
use warnings;

use FindBin;
use JSON::PP ();
use POSIX ();
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually);
use Rig::Api;
use Rig::Web;

my $PASSWORD = 'correct horse battery';
my $READS = 60;
my ($FROM, $TO) = (20000, 20011);

my $rig = Rig->new(conf => { ports => { from => $FROM, to => $TO },
    limits => { api_reads_per_minute => $READS,
	api_writes_per_minute => 0 } });
my $relayd = $rig->relayd;
my $api = Rig::Api->new($rig);
my %key = map { $_ => $api->key("$_\@example.org",
    admin => scalar(/^(?:chief|bad)$/)) } qw(chief bad ann bob);
my %id = map { $_ => $api->{user}{"$_\@example.org"} } keys %key;

sub status {
	my ($who, $verb, $path, $json) = @_;
	return $api->ask($verb => $path, key => $key{$who},
	    $json ? (json => $json) : ())->{status};
}

# --- an admin who is frozen ----------------------------------------------------

is(status('chief', PATCH => "/api/users/$id{bad}",
    { frozen => JSON::PP::true }), 200, 'an admin freezes another');
is(status('bad', POST => '/api/users', { email => 'friend@example.org',
    password => $PASSWORD, role => 'admin' }), 404,
    'who makes no admin to be thawed by');
is(status('bad', GET => '/api/users'), 404, 'sees no users');
is(status('bad', DELETE => "/api/users/$id{chief}"), 404, 'deletes nobody');
is(status('bad', GET => '/api/me'), 200, 'but looks at their own');
is(status('chief', PATCH => "/api/users/$id{bad}",
    { frozen => JSON::PP::false }), 200, 'thawed');
is(status('bad', GET => '/api/users'), 200, 'an admin again');

# --- more tunnels, and more ports, than are anybody's ----------------------------

sub tunnel {
	my ($who, %more) = @_;
	return $api->ask(POST => '/api/tunnels', key => $key{$who}, json => {
	    name => 'x', kind => 'tcp', local_port => 80, %more });
}

sub remove {
	my ($who, $id) = @_;
	return status($who, DELETE => "/api/tunnels/$id");
}

status('chief', PATCH => '/api/settings', { tunnels_max => 2 });
my @first = map { tunnel('ann')->{json}{id} } 1 .. 2;
is(tunnel('ann')->{status}, 409, 'two are all');
remove('ann', $_) for @first;
my @second = map { tunnel('ann')->{json}{id} } 1 .. 2;
is(status('ann', POST => "/api/tunnels/$first[0]/restore"), 409,
    'what was deleted does not come back beside others');
remove('ann', $second[0]);
is(status('ann', POST => "/api/tunnels/$first[0]/restore"), 200,
    'but in their place');
is(status('chief', POST => "/api/tunnels/$first[1]/restore"), 200,
    'an admin may');
remove('ann', $_) for @first, $second[1];

my @last;
for my $port ($FROM .. $TO) {
	my $t = tunnel('ann', public_port => $port);
	is(remove('ann', $t->{json}{id}), 204, "$port is made and given up");
	push @last, $port;
}
is(tunnel('bob', public_port => $last[-1])->{status}, 409,
    'the last one rests');
is(tunnel('bob')->{status}, 201, 'and others are left for others');

# --- a stranger in somebody's place ----------------------------------------------

# FNV-1a, as webapp/api_rate.c has it, in two halves.
sub slot {
	my ($text) = @_;
	my ($hi, $lo) = (0xcbf29ce4, 0x84222325);
	for my $c (unpack 'C*', $text) {
		$lo ^= $c;
		# times 2^40 + 0x1b3
		my $low = $lo * 0x1b3;
		$hi = ($hi * 0x1b3 + ($low >> 32) + ($lo << 8)) & 0xffffffff;
		$lo = $low & 0xffffffff;
	}
	return ($lo ^ $hi) % 4096;
}

my ($near) = grep { slot("from $_") == slot("user $id{bob}") }
    map { sprintf '203.0.%d.%d', $_ >> 8, $_ & 255 } 0 .. 65535;
ok(defined $near, 'an address that is counted where a user is');
$api->ask(GET => '/api', from => $near) for 0 .. $READS;
is($api->ask(GET => '/api', from => $near)->{status}, 429,
    'has used up its own');
is(status('bob', GET => '/api/me'), 200, 'and nobody else\'s');
for my $i (1 .. $READS + 5) {
	$api->ask(GET => '/api', from => sprintf '2001:db8::%x', $i);
}
is($api->ask(GET => '/api', from => '2001:db8::ffff')->{status}, 429,
    'a network is one asker');

# --- at the door ------------------------------------------------------------------

# A cookie and the token that goes with it.
sub door {
	my ($path, $from) = @_;
	my $got = $api->ask(GET => $path, from => $from);
	my ($cookie) = map { /^(adit-form=[0-9a-f]+)/ } @{ $got->{cookies} };
	my ($token) = $got->{body} =~ /name="token" value="([0-9a-f]+)"/;
	return ($cookie, $token);
}

sub send_form {
	my ($path, $from, $cookie, @fields) = @_;
	return $api->ask(POST => $path, from => $from,
	    body => Rig::Web::Browser::encode(@fields),
	    type => 'application/x-www-form-urlencoded',
	    headers => { Cookie => $cookie })->{status};
}

status('chief', PATCH => '/api/settings', { sign_up => 'yes' });
my ($cookie, $token) = door('/join', '192.0.2.11');
my %got;
for my $i (1 .. 25) {
	$got{ send_form('/join', '192.0.2.11', $cookie, token => $token,
	    email => "many$i\@example.org", password => $PASSWORD) }++;
}
is_deeply(\%got, { 303 => 20, 429 => 5 },
    'twenty accounts from an address, and no more');
($cookie, $token) = door('/join', '192.0.2.12');
is(send_form('/join', '192.0.2.12', $cookie, token => $token,
    email => 'other@example.org', password => $PASSWORD), 303,
    'others sign up');

# Many guesses at once, the right one among them: what the first wrong ones have
# shut stays shut to it, unless it came before them.
($cookie, $token) = door('/signin', '192.0.2.13');
my @children;
for my $i (1 .. 40) {
	my $pid = fork;
	die "fork: $!" unless defined $pid;
	if ($pid == 0) {
		POSIX::_exit(send_form('/signin', '192.0.2.13', $cookie,
		    token => $token, email => 'ann@example.org',
		    password => "wrong wrong $i") == 403 ? 1 : 0);
	}
	push @children, $pid;
}
my $tried = 0;
for (@children) {
	waitpid $_, 0;
	$tried += $? >> 8;
}
cmp_ok($tried, '<', 40, "$tried of 40 guesses at once were looked at");
is(send_form('/signin', '192.0.2.13', $cookie, token => $token,
    email => 'ann@example.org', password => $PASSWORD), 429,
    'and the right one behind them is not');

# --- what nginx writes down -----------------------------------------------------------

my $web = Rig::Web->new($rig, limited => 1);
my $url = $api->ask(POST => '/api/invitations', key => $key{chief},
    json => { note => 'x' })->{json}{url};
my ($secret) = $url =~ m{/join/(\w+)};
my $b = $web->browser;
ok(eventually { $b->get("/join/$secret")->status == 429 },
    'who knocks too often is slowed');
$web->{program}->stop;
ok(eventually { $b->get("/join/$secret")->status == 503 },
    'who comes while the program is gone is told so');
$b->get('/');
like($web->{nginx}->errors, qr/connect\(\) to unix:/, 'as the log of errors is');
unlike($web->{nginx}->errors, qr/\Q$secret/, 'and the code is not there');
unlike(Rig::Web::slurp("$web->{dir}/log/access.log"), qr/\Q$secret/,
    'nor of requests');

done_testing;
