#!/usr/bin/perl
# Each leg is broken in turn: the right lamp, and a sentence that says which
# and what to do, within ten seconds.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon seconds_until);

Rig::Net::own_world();

my $home = Rig::Net->node('home');
Rig::Net::wire(undef, '10.1.0.1/24', $home, '10.1.0.2/24');
my $rig = Rig->new(host => '10.1.0.1');
my $relayd = $rig->relayd;
my @in_home = (under => [ $home->enter ]);
my @server = (@in_home, server => "10.1.0.1:$rig->{port}");

# Within ten seconds the lamp is so and says this.
sub lamp_is {
	my ($tunnel, $which, $state, $pattern) = @_;
	my ($now, $sentence);
	my $took = seconds_until {
		($now, $sentence) = $rig->lamp($tunnel, $which);
		$now eq $state && $sentence =~ $pattern
	} 10;
	ok(defined $took, "$which is $state: $sentence")
	    or diag("it is $now: $sentence, not like $pattern");
	return;
}

sub all_green {
	my ($tunnel, $says) = @_;
	lamp_is($tunnel, $_, 'green', qr/./) for qw(machine service);
	is($rig->live($tunnel)->{status}, 'online', "$says: online");
	return;
}

# --- nobody there ---------------------------------------------------------------

my $port = 4000;
my $t = $rig->tunnel(target => "127.0.0.1:$port");
my $machine = $rig->machine($t);
lamp_is($t, 'machine', 'grey', qr/no computer/i);
is($rig->lamp($t, 'service'), 'grey', 'the service is not known');
is($rig->live($t)->{status}, 'offline', 'it is offline');

# --- service -----------------------------------------------------------------------

my $adit = $rig->client($machine, @server);
lamp_is($t, 'service', 'red', qr/127\.0\.0\.1:$port/);
lamp_is($t, 'service', 'red', qr/refus|nothing listens|no program/i);
is($rig->live($t)->{status}, 'error', 'status error');
my $service = $rig->service("ask:$port", { @in_home });
soon { $rig->lamp($t, 'service') eq 'green' } 15,
    'a service that comes up is noticed without a visitor';
all_green($t, 'all is well');
lamp_is($t, 'reach', 'green', qr/./);
lamp_is($t, 'visitor', 'grey', qr//);
$rig->visit('echo', $t, 10, { a => 1 });
lamp_is($t, 'visitor', 'green', qr/./);

$service->stop;
$rig->visit('echo', $t, 10, { a => 1, t => 3 });
lamp_is($t, 'service', 'red', qr/refus|nothing listens|no program/i);
soon { $adit->errors . $adit->output =~ /127\.0\.0\.1:$port.*refus/is } 10,
    'the console says it as well';
$service = $rig->service("ask:$port", { @in_home });
soon { $rig->lamp($t, 'service') eq 'green' } 15, 'and it comes back';
$service->stop;

my $full = $rig->service("full:$port", { @in_home });
$rig->visitor('idle', $t, { a => 1 });
my $hung = $rig->visitor('idle', $t, { a => 1 });
my $took = seconds_until { $rig->lamp($t, 'service') eq 'red' } 14;
ok(defined $took, 'a service that hangs is red after the 10 s of a dial');
undef $hung;
$full->stop;
$service = $rig->service("ask+udp:$port", { @in_home });
soon { $rig->lamp($t, 'service') eq 'green' } 15, 'and it comes back';

# --- a target that the client does not allow -----------------------------------

my $forbidden = $rig->tunnel(name => 'forbidden', target => '127.0.0.1:22');
$rig->ctl('machine', 'serve', $machine->{id}, '--tunnel', $forbidden->{id});
lamp_is($forbidden, 'service', 'red', qr/127\.0\.0\.1:22/);
lamp_is($forbidden, 'service', 'red', qr/allow/i);
soon { $adit->errors . $adit->output =~ /127\.0\.0\.1:22/ } 5,
    'the console names the target, too';
my $r = $rig->visit('echo', $forbidden, 10, { t => 5 });
is($r->{ok}, 0, 'nobody gets there');
$rig->ctl('machine', 'unserve', $machine->{id}, '--tunnel',
    $forbidden->{id});

my $nowhere = $rig->tunnel(name => 'nowhere',
    target => 'no-such-host.invalid:22');
$rig->ctl('machine', 'serve', $machine->{id}, '--tunnel', $nowhere->{id});
lamp_is($nowhere, 'service', 'red', qr/no-such-host\.invalid/);

# --- the public port is taken ----------------------------------------------------

my $taken = $rig->tunnel(name => 'taken', verified => 0,
    target => "127.0.0.1:$port");
my $thief = IO::Socket::INET->new(LocalAddr => '0.0.0.0', Listen => 1,
    LocalPort => $taken->{public_port}) or die "bind: $!";
$rig->ctl('machine', 'serve', $machine->{id}, '--tunnel', $taken->{id});
$rig->ctl('tunnel', 'verify', $taken->{id});
lamp_is($taken, 'reach', 'red', qr/$taken->{public_port}/);
lamp_is($taken, 'reach', 'red', qr/in use|taken|another program/i);
is($rig->live($taken)->{status}, 'error', 'status error');
close $thief;
soon { $rig->lamp($taken, 'reach') eq 'green' } 15,
    'when it is free again the relay takes it';
is($rig->visit('echo', $taken, 10, { a => 1 })->{ok}, 1, 'and serves');

# --- a firewall before the public port --------------------------------------------

my $walled = $rig->tunnel(name => 'walled', kind => 'both',
    target => "127.0.0.1:$port");
Rig::Net::firewall(undef, 'input', 'iifname != "lo" '
    . "meta l4proto { tcp, udp } th dport $walled->{public_port} drop");
$rig->ctl('machine', 'serve', $machine->{id}, '--tunnel', $walled->{id});
lamp_is($walled, 'reach', 'red', qr/firewall/i);
lamp_is($walled, 'reach', 'red', qr/\b$walled->{public_port}\b/);
Rig::Net::firewall(undef);

# --- the machine falls silent -----------------------------------------------------

$adit->signal('STOP');
my $caller = $rig->visitor('echo', $t, 10, { a => 1, t => 60 });
lamp_is($t, 'machine', 'red', qr/./);
my (undef, $sentence) = $rig->lamp($t, 'machine');
like($sentence, qr/DESKTOP-4711|answer|silent|silence|hear/i,
    'it says who and what');
$adit->signal('CONT');
soon { $rig->lamp($t, 'machine') eq 'green' } 10, 'it is back';
$r = $rig->result($caller, 60);
is($r->{ok}, 1, 'the visitor has waited, and is served') or diag($r->{why});

# --- the machine is gone --------------------------------------------------------

is($adit->stop('INT'), 0, 'Ctrl-C');
soon { $rig->live($t)->{status} eq 'offline' } 2, 'it is offline at once';
isnt($rig->lamp($t, 'machine'), 'green', 'the machine is not there');
is($rig->lamp($t, 'service'), 'grey', 'the service is not known');

$rig->finish;
done_testing;
