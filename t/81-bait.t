#!/usr/bin/perl
# A relay that names another machine as its public address cannot make the client
# knock there.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Select;
use IO::Socket::INET;
use Test::More;

use Rig qw(soon);

# The relay is at 127.0.0.1, and says 127.0.0.2: an inner address that is not its.
my $rig = Rig->new(host => '127.0.0.2', conf => { public_bind => ['127.0.0.1'] });
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');

for my $kind (qw(tcp udp)) {
	my $t = $rig->tunnel(kind => $kind, name => $kind,
	    target => "127.0.0.1:$service->{port}{echo}");
	my $bait = IO::Socket::INET->new(LocalAddr => '127.0.0.2',
	    LocalPort => $t->{public_port}, Proto => $kind,
	    $kind eq 'tcp' ? (Listen => 5) : ()) or die "bait: $!";
	my $adit = $rig->client($rig->machine($t, { name => $kind }));
	soon { my (undef, $why) = $rig->lamp($t, 'reach'); $why =~ /neither where/ } 10,
	    "$kind: the lamp says that it was not tried";
	is($rig->lamp($t, 'reach'), 'grey', "$kind: nothing is known");
	is(scalar(my @came = IO::Select->new($bait)->can_read(0)), 0,
	    "$kind: nobody came to the bait");
	$adit->stop;
}
$rig->finish;
done_testing;
