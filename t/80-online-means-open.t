#!/usr/bin/perl
# A tunnel is called online when its port listens, not a moment before; and a
# session that has ended serves nothing, not for a moment.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;

use Rig qw(eventually soon);

my $rig = Rig->new(conf => { limits => { returns_per_s => 100 } });
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');
my @t = map { $rig->tunnel(target => "127.0.0.1:$service->{port}{echo}") }
    1 .. 8;
my $machine = $rig->machine(@t);
$rig->caught_up;
my $refused = 0;
for my $round (1 .. 5) {
	my $adit = $rig->client($machine);
	my %left = map { $_->{id} => $_ } @t;
	soon {
		for my $one (grep { $rig->is_live($_) } values %left) {
			IO::Socket::INET->new("127.0.0.1:$one->{public_port}")
			    or $refused++;
			delete $left{$one->{id}};
		}
		!%left
	} 20, "round $round: online";
	is($adit->stop('INT', 10), 0, 'its client ends');
	soon { !grep { $rig->is_live($_) } @t } 5, 'offline';
}
is($refused, 0, 'whoever was called online was open');

my (%begun, %ended, @early, @late);
for (split /\n/, $relayd->errors) {
	$begun{$1}++ if /session (\d+) \(.*link 1 from .* begins it/;
	$ended{$1}++ if /session (\d+) \(.*: ended,/;
	next unless /served by session (\d+)/;
	push @early, $_ unless $begun{$1};
	push @late, $_ if $ended{$1};
}
is(scalar keys %ended, 5, 'five sessions');
is("@early", '', 'none served before it began');
is("@late", '', 'none after its end');
$rig->finish(unsettled => 1);
done_testing;
