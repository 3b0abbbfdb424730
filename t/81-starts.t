#!/usr/bin/perl
# A client that starts again and again is slowed like one that returns; one that
# asks for answers and reads none is cut off long before they fill the memory.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);
use Rig::Peer;

plan skip_all => 'no openssl here' unless Rig::Net::have('openssl');

my $rig = Rig->new(conf => { limits => { returns_per_s => 1,
    returns_burst => 5 } });
my $relayd = $rig->relayd;
my $t = $rig->tunnel(target => '127.0.0.1:9');
my $m = $rig->machine($t);
$rig->caught_up;

sub start {
	my $p = Rig::Peer->new($rig);
	$p->send(Rig::Peer::hello(token => $m->{token}));
	my $f = $p->next_frame(10 * $Rig::PATIENCE);
	return ($p, $f);
}

my ($rejected, @all);
for my $i (1 .. 60) {
	my ($p, $f) = start();
	push @all, $p;
	next if $f && $f->{type} == Rig::Peer::WELCOME;
	$rejected = $f;
	last;
}
ok($rejected && $rejected->{type} == Rig::Peer::REJECT, 'a start too many')
    or BAIL_OUT('nobody is ever refused');
is(unpack('n', Rig::Peer::field($rejected, 1)), 8, '... is told busy');
cmp_ok(unpack('N', Rig::Peer::field($rejected, 2)), '>', 0,
    '... and when to try again');
$_->leave for @all;

# Nothing is read from here on: openssl stops at a full pipe.
my $p;
my $f;
soon {
	($p, $f) = start();
	return 1 if $f && $f->{type} == Rig::Peer::WELCOME;
	$p->leave;
	return 0;
} 20, 'later it may start';
sub lost { return $rig->metrics->{adit_links_lost_total} }
my $lost = lost();
my $resets = join '', map { Rig::Peer::frame(Rig::Peer::RESET,
    stream => 2 * $_ + 1, body => "\0\x10") } 1 .. 2000;
my $sent = 0;
$sent += 2000 while $sent < 400000 && $p->send($resets);
soon { lost() > $lost } 10,
    'who reads no answers is cut off';
$p->leave;
$rig->finish;
done_testing;
