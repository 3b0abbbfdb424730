#!/usr/bin/perl
# The relay's key is changed as docs/OPERATING.md says: clients that know both
# pins stay and return, those that know the old one alone are told.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);

plan skip_all => 'no openssl here' unless Rig::Net::have('openssl');

my $rig = Rig->new;
my $dir = $rig->dir;
$rig->configure(relay => { next_key => "$dir/next.key" });
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}");
my $pins = $rig->ctl('relay', 'pin');
like($pins->{next}, qr/^sha256:[0-9a-f]{64}$/, 'the next pin is told');
isnt($pins->{next}, $pins->{pin}, 'another one');

# Its links go through here, so that they can be cut.
my $cutter = $rig->cutter;
my $adit = $rig->client($rig->machine($t),
    server => "127.0.0.1:$cutter->{port}",
    pin => "$pins->{pin},$pins->{next}");
$rig->wait_live($t);
my $talk = $rig->canary($t, a => 1);

sub reload {
	my $lines = () = $relayd->errors =~ /certificate: read again/g;
	$relayd->signal('HUP');
	soon {
		my $now = () = $relayd->errors =~ /certificate: read again/g;
		$now > $lines
	} 10, 'it is read again';
	return;
}

system("openssl req -x509 -new -key $dir/next.key -days 30 "
    . "-subj /CN=changed -out $dir/relay.crt 2>/dev/null") == 0
    or die 'openssl';
rename "$dir/next.key", "$dir/relay.key" or die;
delete $rig->{conf}{relay}{next_key};
$rig->configure;
reload();
is($rig->ctl('relay', 'pin')->{pin}, $pins->{next}, 'the next pin is the pin');
is($rig->report($talk)->{ended}, '', 'nobody was cut off');
is($rig->metrics->{adit_links_lost_total}, 0, 'no link was lost');

$rig->cut($cutter, 'cut rst');
soon { $rig->metrics->{adit_returns_total} >= 1 } 20,
    'a client that has both pins returns';
is($rig->report($talk)->{ended}, '', 'its visitor stays');
my $late = $rig->client($rig->machine($t), pin => $pins->{pin});
is($late->wait(20 * $Rig::PATIENCE), 23, 'one that has the old pin ends');
like($late->errors, qr/new key/, 'and says why');
$rig->leave($talk);
$rig->finish;
done_testing;
