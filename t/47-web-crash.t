#!/usr/bin/perl
# The web application is killed between two system calls of a sign-in, of making
# a tunnel (through the API and by the page), of opening its link and of deleting
# it, of freezing a user, making an API key and joining: whatever was
# acknowledged is there, nothing is there by half, and the next request finds
# all in order.  Looking writes nothing.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(long_or);
use Rig::Api;

Rig::Net::skip('no strace here') unless Rig::Net::have('strace');
Rig::Net::skip('sanitizers and strace are not friends')
    if $Rig::BUILD =~ m{/(?:asan|tsan)$};

my $rig = Rig->new(conf => { limits => { api_writes_per_minute => 0,
    api_reads_per_minute => 0 } });
$rig->relayd;
my $api = Rig::Api->new($rig);
my $key = $api->key('ann@example.org', admin => 1);
my $log = $rig->dir . '/strace';

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	return scalar <$f>;
}

Rig::Net::skip('strace may not look here')
    if system("strace -o $log true 2>/dev/null") != 0;

# --- asking as a browser does -----------------------------------------------------

# The program's own system calls in their order, from the first that names the
# database on: each with how often that call was made before.
sub calls {
	my (%count, @all, $begun);
	for (split /\n/, slurp($log)) {
		my ($name) = /^(\w+)\(/ or next;
		$count{$name}++;
		$begun ||= /adit\.db/;
		push @all, [ $name, $count{$name} ]
		    if $begun && $name ne 'exit_group';
	}
	return @all;
}

# One request as a CGI program; at: where it is killed.
sub ask {
	my ($at, $method, $target, %o) = @_;
	my @kill = $at ? ('-e', "inject=$at->[0]:signal=KILL:when=$at->[1]")
	    : ();
	local $api->{under} = [ 'strace', '-qq', '-o', $log, @kill ];
	return $api->ask($method, $target, cgi => 1, %o);
}

sub form {
	my (%f) = @_;
	my @pairs;
	for my $name (sort keys %f) {
		(my $v = $f{$name}) =~ s/([^A-Za-z0-9_.-])/sprintf '%%%02X',
		    ord $1/ge;
		push @pairs, "$name=$v";
	}
	return join '&', @pairs;
}

sub cookies {
	my ($a) = @_;
	return map { /^([^;]+)/ } @{ $a->{cookies} || [] };
}

# A page's form token and the cookies that go with it.
sub page {
	my ($path, @cookies) = @_;
	my $a = $api->ask(GET => $path, headers => @cookies
	    ? { Cookie => join '; ', @cookies } : {});
	my ($token) = $a->{body} =~ /name="token" value="([0-9a-f]+)"/;
	return ($token || '', @cookies, cookies($a));
}

sub post {
	my ($at, $path, $token, $cookies, %fields) = @_;
	return ask($at, POST => $path,
	    type => 'application/x-www-form-urlencoded',
	    body => form(token => $token, %fields),
	    headers => { Cookie => join('; ', @$cookies),
		'Sec-Fetch-Site' => 'same-origin' });
}

sub get { return $api->ask(GET => $_[0], key => $key)->{json} }

sub tunnels {
	my ($name) = @_;
	return grep { $_->{name} eq $name }
	    @{ get('/api/tunnels?limit=1000')->{items} };
}

sub keys_of {
	my ($name) = @_;
	return grep { $_->{name} eq $name } @{ get('/api/keys')->{items} };
}

sub users {
	my ($email) = @_;
	return grep { $_->{email} eq $email }
	    @{ get('/api/users?limit=1000')->{items} };
}

# How often the audit trail says it.
sub said {
	my ($did, $what) = @_;
	return scalar grep { $_->{did} eq $did && $_->{what} =~ /^$what\b/ }
	    @{ get('/api/events?user=all&limit=1000')->{items} };
}

# --- what is done, and what must be true of it ----------------------------------------

sub sign_in {
	my ($token, @c) = page('/signin');
	my $a = post(undef, '/signin', $token, \@c, email =>
	    'ann@example.org', password => 'correct horse battery');
	is($a->{status}, 303, 'signed in');
	return grep { /^adit=/ } cookies($a);
}

my @inside = sign_in();
my $machine = $api->ask(POST => '/api/machines', key => $key,
    json => { name => 'desk', tunnel_ids => [] })->{json}{id};
ok($machine, 'a machine');

# Each: prepare, which gives what the others get; act, which gives the answer;
# good, the status of an acknowledged one; is_done; whole, asked when it is done;
# again, which does what was not done; most, so many places at most, where the
# same step was tried everywhere for another.
my %story = (
	'making by the API' => {
		prepare => sub { return { name => "a$_[0]" } },
		act => sub {
			my ($t, $at) = @_;
			return ask($at, POST => '/api/tunnels', key => $key,
			    headers => { 'Idempotency-Key' => $t->{name} },
			    json => { name => $t->{name}, kind => 'tcp',
				local_port => 80, machine_id => $machine });
		},
		good => 201,
		is_done => sub { return scalar tunnels($_[0]{name}) },
		whole => sub {
			my ($t) = tunnels($_[0]{name});
			return @{ $t->{machines} } == 1
			    && said('tunnel add', "tunnel $t->{id}") == 1;
		},
		always => 1, # asked again it is the same answer
	},
	'making by the page' => {
		prepare => sub {
			my ($token, @c) = page('/new', @inside);
			return { name => "p$_[0]", token => $token, c => \@c };
		},
		act => sub {
			my ($t, $at) = @_;
			return post($at, '/new', $t->{token}, $t->{c},
			    name => $t->{name}, kind => 'tcp',
			    local_port => 80, machine => $machine);
		},
		good => 303,
		is_done => sub { return scalar tunnels($_[0]{name}) },
		whole => sub {
			my ($t) = tunnels($_[0]{name});
			return @{ $t->{machines} } == 1
			    && said('tunnel add', "tunnel $t->{id}") == 1;
		},
	},
	'opening the link' => {
		prepare => sub {
			my $t = make("v$_[0]");
			my ($link) = $t->{verify_url} =~ m{(/verify/\w+)$};
			my ($token, @c) = page($link);
			return { id => $t->{id}, link => $link,
				token => $token, c => \@c };
		},
		act => sub {
			my ($t, $at) = @_;
			return post($at, $t->{link}, $t->{token}, $t->{c});
		},
		good => 200,
		is_done => sub {
			return get("/api/tunnels/$_[0]{id}")->{verified};
		},
		whole => sub {
			return said('tunnel verify', "tunnel $_[0]{id}") == 1;
		},
	},
	'deleting' => {
		prepare => sub { return make("d$_[0]") },
		act => sub {
			my ($t, $at) = @_;
			return ask($at, DELETE => "/api/tunnels/$t->{id}",
			    key => $key);
		},
		good => 204,
		is_done => sub {
			return $api->ask(GET => "/api/tunnels/$_[0]{id}",
			    key => $key)->{status} == 404;
		},
		whole => sub {
			return said('tunnel rm', "tunnel $_[0]{id}") == 1;
		},
	},
	'deleting by the page' => {
		prepare => sub {
			my $t = make("e$_[0]");
			my ($token, @c) = page("/tunnels/$t->{id}/delete",
			    @inside);
			return { id => $t->{id}, token => $token, c => \@c };
		},
		act => sub {
			my ($t, $at) = @_;
			return post($at, "/tunnels/$t->{id}/delete",
			    $t->{token}, $t->{c});
		},
		good => 303,
		is_done => sub {
			return $api->ask(GET => "/api/tunnels/$_[0]{id}",
			    key => $key)->{status} == 404;
		},
		whole => sub {
			return said('tunnel rm', "tunnel $_[0]{id}") == 1;
		},
	},
	'freezing a user' => {
		most => 60,
		prepare => sub {
			my $id = $api->ask(POST => '/api/users', key => $key,
			    json => { email => "f$_[0]\@example.org",
				password => 'four plain words' })->{json}{id};
			my ($token, @c) = page('/admin', @inside);
			return { id => $id, token => $token, c => \@c };
		},
		act => sub {
			my ($t, $at) = @_;
			return post($at, "/admin/users/$t->{id}/freeze",
			    $t->{token}, $t->{c});
		},
		good => 303,
		is_done => sub {
			return get("/api/users/$_[0]{id}")->{frozen};
		},
		whole => sub {
			return said('user freeze', "user $_[0]{id}") == 1;
		},
	},
	'making an API key by the page' => {
		most => 60,
		prepare => sub {
			# there may be a hundred
			$api->ask(DELETE => "/api/keys/$_->{id}", key => $key)
			    for grep { $_->{name} =~ /^k/ }
				@{ get('/api/keys')->{items} };
			my ($token, @c) = page('/account', @inside);
			return { name => "k$_[0]", token => $token, c => \@c };
		},
		act => sub {
			my ($t, $at) = @_;
			return post($at, '/account/keys', $t->{token},
			    $t->{c}, name => $t->{name}, scope => 'write');
		},
		good => 201,
		is_done => sub { return scalar keys_of($_[0]{name}) },
		whole => sub {
			my ($k) = keys_of($_[0]{name});
			return said('key add', "API key $k->{id}") == 1;
		},
	},
	'joining' => {
		most => 60,
		prepare => sub {
			my ($link) = $api->ask(POST => '/api/invitations',
			    key => $key, json => {})->{json}{url}
			    =~ m{(/join/\w+)$};
			my ($token, @c) = page($link);
			return { email => "j$_[0]\@example.org",
				link => $link, token => $token, c => \@c };
		},
		act => sub {
			my ($t, $at) = @_;
			return post($at, $t->{link}, $t->{token}, $t->{c},
			    email => $t->{email},
			    password => 'four plain words');
		},
		good => 303,
		is_done => sub { return scalar users($_[0]{email}) },
		whole => sub {
			my ($u) = users($_[0]{email});
			return said('user add', "user $u->{id}") == 1;
		},
	},
	'signing in' => {
		prepare => sub {
			my ($token, @c) = page('/signin');
			return { token => $token, c => \@c };
		},
		act => sub {
			my ($t, $at) = @_;
			my $a = post($at, '/signin', $t->{token}, $t->{c},
			    email => 'ann@example.org',
			    password => 'correct horse battery');
			$t->{c} = [ cookies($a) ] if $a->{status} == 303;
			return $a;
		},
		good => 303,
		is_done => sub {
			my $a = $api->ask(GET => '/account', headers => {
			    Cookie => join '; ', @{ $_[0]{c} } });
			return $a->{status} == 200;
		},
		whole => sub { return 1 },
	},
);

sub make {
	my ($name) = @_;
	return $api->ask(POST => '/api/tunnels', key => $key, json => {
	    name => $name, kind => 'tcp', local_port => 80 })->{json};
}

# Which of n to try: all, or some with the last, where the answer is.
sub choose {
	my ($n, $most) = @_;
	my $some = long_or($most || $n, 10);
	return 0 .. $n - 1 if $some >= $n;
	my %chosen = map { int($_ * ($n - 1) / ($some - 1)) => 1 }
	    0 .. $some - 1;
	return sort { $a <=> $b } keys %chosen;
}

# Killed there: true when all is as it must be.
sub survives {
	my ($s, $i, $at) = @_;
	my $t = $s->{prepare}->($i);
	my $a = $s->{act}->($t, $at);
	my $acknowledged = $a->{status} == $s->{good};
	my $done = $s->{is_done}->($t);
	my $where = "killed before $at->[0] $at->[1]";
	return "$where: acknowledged, and lost" if $acknowledged && !$done;
	return "$where: half done" if $done && !$s->{whole}->($t);
	return '' if $done && !$s->{always};
	$a = $s->{act}->($t, undef);
	return "$where: and then $a->{status}"
	    if $a->{status} != $s->{good};
	return "$where: not whole at the second time"
	    unless $s->{is_done}->($t) == 1 && $s->{whole}->($t);
	return '';
}

for my $what (sort keys %story) {
	my $s = $story{$what};
	my $t = $s->{prepare}->('x');
	my $a = $s->{act}->($t, undef);
	is($a->{status}, $s->{good}, "$what, undisturbed") or diag($a->{body});
	ok($s->{is_done}->($t) && $s->{whole}->($t), 'is done, and whole');
	my @calls = calls();
	cmp_ok(scalar @calls, '>', 30, 'its system calls are known');
	my @chosen = choose(scalar @calls, $s->{most});
	my @bad = grep { $_ ne '' } map { survives($s, $_, $calls[$_]) } @chosen;
	is(scalar @bad, 0, @chosen . ' of ' . @calls . ' places to be killed')
	    or diag(join "\n", @bad);
	my ($code, $out) = $rig->try_ctl('db', 'check');
	is($code, 0, 'the database is sound') or diag($out);
}

# --- looking writes nothing -------------------------------------------------------------

@inside = sign_in(); # so many have come since that the oldest had to go
for my $path ('/api/me', '/api/tunnels', '/api/events', '/') {
	my %o = $path eq '/' ? (headers => { Cookie => join '; ', @inside })
	    : (key => $key);
	ask(undef, GET => $path, %o); # may note, once in minutes, who was here
	my $a = ask(undef, GET => $path, %o);
	is($a->{status}, 200, "GET $path");
	my @writes = grep { !/ENOENT/ }
	    grep { /^(?:pwrite64|fsync|fdatasync|rename|unlink)\(/ } split /\n/, slurp($log);
	is(scalar @writes, 0, 'writes nothing')
	    or diag(join "\n", @writes);
}

# their ports are the relay's until they are gone
$api->ask(DELETE => "/api/tunnels/$_->{id}", key => $key)
    for @{ get('/api/tunnels?limit=1000')->{items} };
$rig->finish;
done_testing;
