#!/usr/bin/perl
# Hashing a password takes much memory and time, and with CGI each request is a
# process: the places are shared by all of them, whichever way they came.  Who
# finds the queue full is told so; who waits comes in.
use strict;
use warnings;

use Fcntl qw(F_UNLCK F_WRLCK SEEK_SET);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(soon);
use Rig::Api;

my $rig = Rig->new;
my $api = Rig::Api->new($rig);
my $key = $api->key('ann@example.org');
push @{ $rig->{secrets} }, $key;

# Signs in: the answer.
sub sign_in {
	my (%o) = @_;
	my $page = $api->ask(GET => '/signin', %o);
	my ($token) = $page->{body} =~ /name="token" value="([0-9a-f]+)"/;
	my $cookie = join '; ', map { /^([^;]+)/ } @{ $page->{cookies} };
	return $api->ask(POST => '/signin', %o,
	    type => 'application/x-www-form-urlencoded',
	    body => "token=$token&email=ann\@example.org"
	    . '&password=correct+horse+battery',
	    headers => { Cookie => $cookie,
		'Sec-Fetch-Site' => 'same-origin' });
}

# The places, and those in the queue, are locks in this file.
my $path = $rig->dir . '/adit.db.gate';
is(sign_in(cgi => 1)->{status}, 303, 'a sign-in by CGI');
ok(-e $path, 'which stood in line');
is((stat _)[2] & 0777, 0600, 'where nobody else stands');
is(-s _, 0, 'and left nothing');

# Takes or gives n of them from the first on, as another process that is hashing.
sub lock_places {
	my ($file, $type, $first, $n) = @_;
	my $set = 37;	# F_OFD_SETLK
	return fcntl $file, $set, pack 'ssx![q]qqix![q]', $type, SEEK_SET,
	    $first, $n, 0;
}
open my $file, '+<', $path or die "$path: $!";
ok(lock_places($file, F_WRLCK, 0, 8192), 'all places are taken');
for my $way ([ cgi => 1 ], []) {
	my $name = @$way ? 'CGI' : 'FastCGI';
	my $got = sign_in(@$way);
	is($got->{status}, 503, "$name: nobody comes in");
	like($got->{body}, qr/Too many people are signing in/,
	    '  and is told why');
	is($api->ask(GET => '/api/me', key => $key, @$way)->{status}, 200,
	    '  all else goes on');
}

# With a place in the queue one waits.
ok(lock_places($file, F_UNLCK, 4096, 4096), 'the queue is free');
pipe my $from, my $to or die "pipe: $!";
my $pid = fork // die "fork: $!";
if ($pid == 0) {
	close $_ for $file, $from;
	print $to sign_in(cgi => 1)->{status}, "\n";
	close $to;
	POSIX::_exit(0);
}
close $to;
# Looks without taking a place.
sub stands_in_line {
	my $get = 36;	# F_OFD_GETLK
	my $held = pack 'ssx![q]qqix![q]', F_WRLCK, SEEK_SET, 4096, 16, 0;
	fcntl $file, $get, $held or die "F_OFD_GETLK: $!";
	return unpack('s', $held) != F_UNLCK;
}
soon { stands_in_line() } 5, 'one stands in it';
ok(lock_places($file, F_UNLCK, 0, 4096), 'a place is free');
is(<$from>, "303\n", 'and is taken');
waitpid $pid, 0;
close $file;
is(sign_in(cgi => 1)->{status}, 303, 'then all is as before');

$api->{proc}->stop('TERM', 20);
$rig->verdict;
done_testing();
