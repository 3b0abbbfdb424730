#!/usr/bin/perl
# The web application without descriptors: no request can be taken then, and as
# soon as there are some again all of its threads answer, as before.
use strict;
use warnings;

use FindBin;
use IO::Socket::UNIX;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually);
use Rig::Api;

Rig::Net::skip('no prlimit here') unless Rig::Net::have('prlimit');

my $rig = Rig->new;
my $api = Rig::Api->new($rig);
my $key = $api->key('ann@example.org');
my $pid = $api->{proc}{pid};
is($api->ask(GET => '/api/me', key => $key)->{status}, 200, 'it answers');

sub limit {
	my ($files) = @_;
	is(system('prlimit', '--pid', $pid, "--nofile=$files:4096"), 0,
	    "it may have $files descriptors");
	return;
}

sub threads {
	my @all = glob "/proc/$pid/task/*";
	return scalar @all;
}

my $threads = threads();
limit(4); # all of which are in use
# each of these is more than it can take
my @waiting = map { IO::Socket::UNIX->new(Peer => $api->{path}) }
    1 .. 2 * $threads;
ok((eventually { $api->{proc}->errors =~ /no request can be taken/ } 20),
    'it says that it can take no request');
@waiting = ();
limit(1024);
ok((eventually { $api->ask(GET => '/api/me', key => $key)->{status} == 200 } 20),
    'it answers again');
is(threads(), $threads, 'with all its threads');
$api->{proc}->stop;
ok(!$api->{proc}->alive, 'and ends when it is told to');

done_testing;
