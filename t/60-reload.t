#!/usr/bin/perl
# The operator reloads, renews the certificate, and stops the relay: nobody is
# cut off who need not be.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Copy qw(copy);
use Test::More;
use Time::HiRes qw(sleep time);

use Rig qw(eventually soon seconds_until);

my $rig = Rig->new(conf => { relay => { drain_s => 20 } });
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}");
my $machine = $rig->machine($t);
my $adit = $rig->client($machine);
$rig->wait_live($t);
my $talk = $rig->canary($t, a => 1);
my $dir = $rig->dir;

sub comes_in {
	return $rig->visit('echo', $t, 10, { a => 1, t => 2 })->{ok};
}

sub reload {
	my ($pattern) = @_;
	my $from = length $relayd->errors;
	$relayd->signal('HUP');
	return soon { substr($relayd->errors, $from) =~ $pattern } 10,
	    "SIGHUP: the log says $pattern";
}

# --- configuration ---------------------------------------------------------------

$rig->configure(limits => { visitors_per_minute => 3 });
reload(qr/reload|read again|configuration/i);
soon { !comes_in() } 10, 'a new limit holds';
$rig->configure(limits => { visitors_per_minute => 0 });
reload(qr/reload|read again|configuration/i);
soon { comes_in() } 5, 'and goes';

open my $f, '>>', $rig->conf_path or die;
print $f "grase_s: 7\n";
close $f;
reload(qr/grase_s/);
ok($relayd->alive, 'a wrong file is refused, the relay goes on as it was');
ok(comes_in(), 'and serves');
$rig->configure;
$rig->configure(relay => { workers => 3, drain_s => 20 });
reload(qr/workers.*restart|restart.*workers/i);
$rig->configure(relay => { workers => 0 });

# --- the certificate ---------------------------------------------------------------

my $old_pin = $rig->pin;
SKIP: {
	skip 'no openssl here', 4 unless Rig::Net::have('openssl');
	my $from = 1;
	my $print = sub {
		# A dial without HELLO costs its address a second.
		$from++;
		my $dial = "openssl s_client -connect 127.0.0.1:$rig->{port} "
		    . "-bind 127.0.2.$from -alpn adit/1 </dev/null 2>/dev/null";
		my $text = `$dial | openssl x509 -noout -fingerprint -sha256`;
		return $text =~ /=(\S+)/ ? $1 : '';
	};
	my $before = $print->();
	# The same key, another certificate: the pin stays.
	system("openssl req -x509 -key $dir/relay.key -subj /CN=renewed "
	    . "-days 30 -out $dir/new.crt 2>/dev/null") == 0 or die 'openssl';
	rename "$dir/new.crt", "$dir/relay.crt";
	reload(qr/certificate/i);
	soon { my $s = $print->(); $s ne '' && $s ne $before } 5,
	    'new links see the new certificate';
	is($rig->ctl('relay', 'pin')->{pin}, $old_pin, 'the pin is the same');
	copy("$dir/relay.crt", "$dir/kept.crt");
	open $f, '>', "$dir/relay.crt" or die;
	print $f "rubbish\n";
	close $f;
	my $now = $print->();
	reload(qr/relay\.crt/);
	is($print->(), $now, 'a wrong one is refused, the old one stays');
	rename "$dir/kept.crt", "$dir/relay.crt";
	reload(qr/certificate/i);
}
my $r = $rig->report($talk);
is($r->{ended}, '', 'nobody was cut off');
cmp_ok($r->{gap_ms}, '<', 1000 * $Rig::PATIENCE, 'or had to wait');
is($rig->metrics->{adit_links_lost_total}, 0, 'no link was lost');
is($rig->metrics->{adit_returns_total}, 0, 'none came again');

# --- a storm of signals ----------------------------------------------------------------

$relayd->signal('HUP') for 1 .. 200;
soon { comes_in() } 10, '200 SIGHUPs are survived';
is($rig->report($talk)->{ended}, '', 'by the talk, too');

# --- SIGTERM: streams may end in peace -------------------------------------------------

my $down = $rig->visitor('down', $t, 500_000_000, { t => 60 });
soon { $rig->live($t)->{visitors} == 2 } 5, 'somebody downloads';
$relayd->signal('TERM');
soon { !comes_in() } 5, 'SIGTERM: newcomers are refused';
my $began = time;
is($rig->report($talk)->{ended}, '', 'those inside go on');
$r = $rig->result($down);
is($r->{ok}, 1, 'a download ends whole') or diag($r->{why});
ok($relayd->alive, 'as long as somebody is inside the relay waits');
my $probe = $rig->start('portprobe', [ "$Rig::TOOLS/portprobe",
    $t->{public_port} ], talk => 1);
$probe->expect(qr/^ready/);
sleep 0.5;
is($rig->leave($probe)->{won}, 0, 'and nobody else gets its port');
$talk->stop;
my $code = $relayd->wait(15 * $Rig::PATIENCE);
is($code, 0, 'when the last has gone it ends, with 0');
cmp_ok(time - $began, '<', 18 * $Rig::PATIENCE, 'before its time');
ok($adit->alive, 'the client waits for its return');

$relayd = $rig->relayd(again => 1);
$rig->wait_live($t, 40);
ok(comes_in(), 'which comes');

# --- the second SIGTERM -----------------------------------------------------------------

$talk = $rig->canary($t, a => 1);
$relayd->signal('TERM');
soon { !comes_in() } 5, 'again SIGTERM';
ok($relayd->alive, 'somebody is inside');
$relayd->signal('TERM');
is($relayd->wait(3 * $Rig::PATIENCE), 0, 'a second one ends it now');
soon { $rig->report($talk)->{ended} ne '' } 5, 'who was inside sees it';
$talk->stop;

# --- the time of the drain is over --------------------------------------------------------

$rig->configure(relay => { drain_s => 1 });
$relayd = $rig->relayd(again => 1);
$rig->wait_live($t, 40);
$talk = $rig->canary($t, a => 1);
$relayd->signal('TERM');
is($relayd->wait(10 * $Rig::PATIENCE), 0, 'after drain_s it ends all the same');
$talk->stop;

$relayd = $rig->relayd(again => 1);
$rig->wait_live($t, 40);
$rig->finish;
done_testing;
