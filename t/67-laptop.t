#!/usr/bin/perl
# A laptop goes from an office, where only a proxy leads out, home, where there
# is none, and back: the tunnel follows, and a talk goes on.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);

Rig::Net::own_world();
my $tinyproxy = Rig::Net::have('tinyproxy')
    or Rig::Net::skip('no tinyproxy here');
Rig::Net::skip('no nft here') unless Rig::Net::have('nft');

my $rig = Rig->new(host => '198.51.100.1', conf => { relay => { grace_s => 60 } });
my $dir = $rig->dir;
my $laptop = Rig::Net->node('laptop');
Rig::Net::wire($laptop, '198.51.100.2/24', undef, '198.51.100.1/24');
my $relayd = $rig->relayd;

my $proxy_port = 3128;
sub start_proxy {
	open my $f, '>', "$dir/tinyproxy.conf" or die "tinyproxy.conf: $!";
	print $f "Port $proxy_port\nListen 198.51.100.1\nTimeout 600\n"
	    . "Allow 198.51.100.0/24\nMaxClients 20\n";
	close $f;
	my $p = $rig->start('tinyproxy', [ $tinyproxy, '-d', '-c',
	    "$dir/tinyproxy.conf" ]);
	eventually { IO::Socket::INET->new(PeerAddr => "198.51.100.1:$proxy_port") }
	    10 or die "tinyproxy does not start\n";
	return $p;
}

# What does not go to the proxy gets no answer at all.
sub office {
	Rig::Net::firewall(undef, 'input', 'iifname "lo" accept',
	    "tcp dport $proxy_port accept", 'drop');
	return;
}

sub home { return Rig::Net::firewall(undef) }

my $service = $rig->service('ask:0', { under => [ $laptop->enter ] });
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}");
my $m = $rig->machine($t);

my $proxy = start_proxy();
office();
my $began = time;
my $adit = $rig->client($m, under => [ $laptop->enter ], args => ['--verbose'],
    server => "198.51.100.1:$rig->{port}",
    env => { https_proxy => "http://198.51.100.1:$proxy_port" });
$rig->wait_live($t, 30);
soon { $adit->errors =~ /linked to \S+ through 198\.51\.100\.1:$proxy_port/ } 10,
    'in the office the link goes through the proxy of the environment';
cmp_ok(time - $began, '<', 15, 'which was found soon');
soon { ($rig->lamp($t, 'reach'))[1] =~ /through a proxy/ } 20,
    'the public address cannot be tried from there';
is(scalar $rig->lamp($t, 'reach'), 'grey', 'which is no fault: grey');
my $talk = $rig->canary($t, a => 1, i => 50);

sub goes_on {
	my ($says) = @_;
	$talk->say('reset');
	soon { $rig->report($talk)->{answers} > 3 } 40, "$says: the talk goes on";
	is($rig->report($talk)->{ended}, '', "$says: it was never ended");
	return;
}
goes_on('in the office');

home();
$proxy->stop('KILL');
goes_on('at home');
soon { $adit->errors =~ /linked to \S+; what was open goes on/ } 10,
    'the link is a direct one now';
soon { $rig->lamp($t, 'reach') eq 'green' } 20, 'the lamp is green';

$proxy = start_proxy();
office();
goes_on('in the office again');
soon { $adit->errors =~ /linked to \S+;.*link \d+: to 198\.51\.100\.1:$proxy_port/s } 10,
    'through the proxy';
soon { $rig->lamp($t, 'reach') eq 'grey' } 20, 'and the lamp is grey again';
is($rig->metrics->{adit_sessions_total}, 1, 'all in one session');

home();
is($rig->leave($talk)->{ended}, '', 'the talk was never ended');
$rig->finish;
done_testing;
