#!/usr/bin/perl
# Thirty-two users who all write at once, by the API and by forms, through a real
# nginx, while the relay writes too: nobody is told that the database is busy,
# everybody is answered, and what was acknowledged is there.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use Rig qw(long_or);
use Rig::Web;

my $SECONDS = long_or(60, 10);
my $PROGRAMS = 24;
my $BROWSERS = 8;
my $KEPT = 5; # every fifth tunnel stays

my $rig = Rig->new(range => [ 1024, 60_000 ], conf => { limits => {
    api_writes_per_minute => 0, api_reads_per_minute => 0 } });
$rig->relayd;
my $web = Rig::Web->new($rig);

# --- one writer ----------------------------------------------------------------

my (@took, @bad, %kept);

# One request, its time and whether it went as it should.
sub ask {
	my ($b, $want, $method, $path, %o) = @_;
	my $began = time;
	if ($method eq 'FORM') {
		$b->post($path, %o);
	} else {
		$b->ask($method, $path, %o);
	}
	push @took, time - $began;
	push @bad, "$method $path: " . $b->status . ' '
	    . substr $b->text, 0, 200 if $b->status ne $want;
	return $b->status eq $want;
}

sub by_api {
	my ($b, $key, $n) = @_;
	my $call = sub {
		my ($want, $method, $path, $json) = @_;
		return ask($b, $want, $method, $path, headers => {
		    Authorization => "Bearer $key",
		    'Content-Type' => 'application/json' },
		    body => $json ? JSON::PP::encode_json($json) : '');
	};
	$call->(201, POST => '/api/tunnels', { name => "new $n",
	    kind => 'tcp', local_port => 80 }) or return;
	my $id = JSON::PP::decode_json($b->text)->{id};
	$call->(200, PATCH => "/api/tunnels/$id", { name => "kept $n" })
	    or return;
	$call->(200, POST => "/api/tunnels/$id/verification");
	$call->(200, POST => "/api/tunnels/$id/deactivate");
	if ($n % $KEPT == 0) {
		$kept{$id} = "kept $n";
	} else {
		$call->(204, DELETE => "/api/tunnels/$id");
	}
	return;
}

sub by_forms {
	my ($b, undef, $n) = @_;
	ask($b, 303, FORM => '/new', name => "kept $n", kind => 'tcp',
	    local_port => 80) or return;
	my ($id) = $b->header('location') =~ m{/tunnels/(\d+)} or return;
	ask($b, 303, FORM => "/tunnels/$id/pause");
	ask($b, 303, FORM => "/tunnels/$id/resume");
	if ($n % $KEPT == 0) {
		$kept{$id} = "kept $n";
	} else {
		ask($b, 303, FORM => "/tunnels/$id/delete");
	}
	return;
}

# A child that writes until the time is over, and then tells how it was.
sub writer {
	my ($path, $until, $fn, @with) = @_;
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	my $n = 0;
	while (time < $until) {
		$fn->(@with, ++$n);
		last if @bad > 20;
	}
	open my $f, '>', $path or POSIX::_exit(1);
	print $f JSON::PP::encode_json({ took => \@took, bad => \@bad,
	    kept => \%kept });
	close $f;
	POSIX::_exit(0);
}

# --- all of them ---------------------------------------------------------------

my %who;
for my $i (1 .. $PROGRAMS + $BROWSERS) {
	my $email = $rig->user("user$i\@example.org");
	my $key = $rig->ctl('key', 'add', '--user', $email, '--name', 'k')
	    ->{key};
	my $b = $i > $PROGRAMS ? $web->signed_in($email,
	    'correct horse battery') : $web->browser;
	$b->get('/new') if $i > $PROGRAMS; # the token of its forms
	$who{$i} = { key => $key, b => $b };
}
my $until = time + $SECONDS;
for my $i (sort { $a <=> $b } keys %who) {
	$who{$i}{file} = "$rig->{dir}/writer-$i";
	$who{$i}{pid} = writer($who{$i}{file}, $until,
	    $i > $PROGRAMS ? \&by_forms : \&by_api, @{ $who{$i} }{qw(b key)});
}
for my $i (keys %who) {
	waitpid $who{$i}{pid}, 0;
	$who{$i}{said} = eval {
		JSON::PP::decode_json(Rig::Web::slurp($who{$i}{file}));
	};
}
my @said = map { $_->{said} || () } values %who;
is(scalar @said, $PROGRAMS + $BROWSERS, 'all writers came to their end');
@bad = map { @{ $_->{bad} } } @said;
is(scalar @bad, 0, 'and each request went as it should')
    or diag(join "\n", @bad[ 0 .. ($#bad < 9 ? $#bad : 9) ]);
@took = sort { $a <=> $b } map { @{ $_->{took} } } @said;
cmp_ok(scalar @took, '>', scalar @said, 'they have written');
diag(sprintf '%d writers, %d s: %.0f writes/s, p50 %.0f ms, p99 %.0f ms, '
    . 'longest %.0f ms', scalar @said, $SECONDS, @took / $SECONDS,
    map { 1000 * $took[ int($_ * $#took) ] } 0.5, 0.99, 1);

# --- what is there -------------------------------------------------------------

my ($wrong, $whole) = (0, 0);
for my $w (values %who) {
	my $b = $web->browser;
	$b->get('/api/tunnels?limit=1000', headers =>
	    { Authorization => "Bearer $w->{key}" });
	my %is = map { $_->{id} => $_->{name} }
	    @{ JSON::PP::decode_json($b->text)->{items} };
	my $kept = $w->{said}{kept} || {};
	$whole += keys %$kept;
	$wrong += grep { ($is{$_} // '') ne $kept->{$_} } keys %$kept;
	$wrong += grep { !exists $kept->{$_} } keys %is;
}
cmp_ok($whole, '>', 0, 'some of it was to stay');
is($wrong, 0, "what was acknowledged is there, and nothing else: $whole");
if (my $sqlite = Rig::Net::have('sqlite3')) {
	chomp(my $check = `$sqlite '$rig->{dir}/adit.db' 'PRAGMA integrity_check'`);
	is($check, 'ok', 'the database is whole');
}
$rig->finish(unsettled => 1);
done_testing();
