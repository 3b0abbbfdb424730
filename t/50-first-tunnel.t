#!/usr/bin/perl
# From nothing: a user, a tunnel, its verification, a machine, a client; then
# people come through the public port with what they use every day.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon long_or free_port);

my $MB = 1_000_000;
my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('ask+udp:0', 'echo:0');
my $port = $service->{port};

# --- a tunnel that is not verified says so, and goes live by itself ----------

my $t = $rig->tunnel(name => 'game', kind => 'both', verified => 0,
    target => "127.0.0.1:$port->{ask}");
my $machine = $rig->machine($t);
my $adit = $rig->client($machine);

soon { $adit->errors . $adit->output =~ /\Q$t->{verify_code}\E/ } 10,
    'the client shows the verification link';
is($rig->live($t)->{status}, 'pending', 'the tunnel waits for it');
is($rig->visit('echo', $t, 10, { a => 1, t => 5 })->{ok}, 0,
    'nobody gets in before');
$rig->ctl('tunnel', 'verify', $t->{id});
soon { $rig->is_live($t) } 2, 'once verified it is live, the client stays';
ok($adit->alive, 'the same client');
soon { $rig->lamp($t, 'reach') eq 'green'
	&& $rig->lamp($t, 'service') eq 'green' } 10,
    'reach and service are proven';
is($rig->lamp($t, 'machine'), 'green', 'the machine is there');

# --- TCP and UDP on one number -----------------------------------------------

my $r = $rig->visit('echo', $t, 100_000, { a => 1 });
is($r->{ok}, 1, 'an echo') or diag($r->{why});
soon { $rig->lamp($t, 'visitor') eq 'green' } 2,
    'the visitor lamp has seen bytes';
$r = $rig->visit('echo', $t, 50_000, { a => 1, n => 200, b => 200 });
is($r->{ok}, 200, '200 visitors at once') or diag($r->{why});
my @sizes = (0, 1, 512, 1472, 9000, 65507);
$r = $rig->visit('udp', $t, @sizes);
is($r->{ok}, scalar @sizes, "datagrams of @sizes bytes keep their bounds")
    or diag($r->{why});

# --- a large file, both ways -------------------------------------------------

my $size = long_or(1000, 100) * $MB;
for my $way (qw(up down)) {
	$r = $rig->visit($way, $t, $size, { t => 300 });
	is($r->{ok}, 1, $size / $MB . " MB $way, byte for byte")
	    or diag($r->{why});
}
$r = $rig->visit('half', $t, 5 * $MB);
is($r->{ok}, 1, 'the service may end first') or diag($r->{why});

# --- ssh ---------------------------------------------------------------------

sub tunnel_to {
	my ($name, $to) = @_;
	my $tunnel = $rig->tunnel(name => $name, target => "127.0.0.1:$to");
	my $m = $rig->machine($tunnel, { name => $name });
	my $client = $rig->client($m);
	$rig->wait_live($tunnel);
	return ($tunnel, $client);
}

SKIP: {
	my $sshd = Rig::Net::have('sshd');
	skip 'no sshd here', 2 unless $sshd && Rig::Net::have('ssh');
	my $dir = $rig->dir;
	my $to = free_port();
	system('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f',
	    "$dir/$_") for qw(host_key user_key);
	rename "$dir/user_key.pub", "$dir/authorized";
	open my $f, '>', "$dir/sshd_config" or die;
	print $f "Port $to\nListenAddress 127.0.0.1\nHostKey $dir/host_key\n"
	    . "AuthorizedKeysFile $dir/authorized\nStrictModes no\n"
	    . "PidFile none\nUsePAM no\nPermitRootLogin yes\n";
	close $f;
	# As root it wants a folder of its own, which this machine may lack.
	my @room = $> != 0 || -d '/run/sshd' ? () : ('unshare', '-m', 'sh',
	    '-c', 'mount -t tmpfs none /run && mkdir /run/sshd && exec "$@"',
	    'sh');
	my $daemon = $rig->start('sshd', [ @room, $sshd, '-D', '-e', '-f',
	    "$dir/sshd_config" ]);
	soon { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$to") } 10,
	    'a private sshd stands';
	my ($tunnel, $client) = tunnel_to('ssh', $to);
	my $who = getpwuid $>;
	my $ssh = $rig->start('ssh', [ 'ssh', '-F', 'none', '-i',
	    "$dir/user_key", '-o', 'StrictHostKeyChecking=no', '-o',
	    'BatchMode=yes', '-o', 'ConnectTimeout=20', '-o',
	    "UserKnownHostsFile=$dir/known", '-p', $tunnel->{public_port},
	    "$who\@127.0.0.1", 'echo through the hill' ]);
	my $code = $ssh->wait(30);
	skip 'sshd lets this account not in', 2
	    if $daemon->errors =~ /account is locked/;
	is($code, 0, 'ssh logs in');
	is($ssh->output, "through the hill\n", 'and runs a command');
	$ssh = undef;
}

# --- iperf3 ------------------------------------------------------------------

SKIP: {
	skip 'no iperf3 here', 2 unless Rig::Net::have('iperf3');
	my $to = free_port();
	my $server = $rig->start('iperf3-server', [ 'iperf3', '-s', '-p', $to,
	    '-B', '127.0.0.1' ]);
	eventually { $server->output =~ /listening/ } 10;
	my ($tunnel, $client) = tunnel_to('iperf3', $to);
	# It serves one at a time, and the client tries it once.
	eventually { $rig->lamp($tunnel, 'service') eq 'green'
		&& 2 == (() = $server->output =~ /listening/g) } 5;
	for my $way ([], ['-R']) {
		my $run = $rig->start('iperf3', [ 'iperf3', '-c', '127.0.0.1',
		    '-p', $tunnel->{public_port}, '-t', 1, '-P', 2, @$way ]);
		is($run->wait(30), 0, "iperf3 @$way")
		    or diag($run->errors . $run->output);
		diag("iperf3 @$way: $1")
		    if $run->output =~ /SUM.*?([\d.]+ \w+bits\/sec).*receiver/;
	}
}

# --- what is said afterwards -------------------------------------------------

my $live = $rig->live($t);
cmp_ok($live->{bytes_in}, '>', $size, 'bytes in are counted');
cmp_ok($live->{bytes_out}, '>', $size, 'bytes out, too');
soon { $rig->metrics->{adit_visitors_now} == 0 } 5, 'nobody is left';
like($relayd->errors, qr/visitor 127\.0\.0\.1:\d+ of tunnel \d+ "game"/,
    'one line a visitor in the log');
soon { ($rig->ctl('tunnel', 'show', $t->{id})->{last_connected_at} // '')
    =~ /^20/ } 10, 'the owner reads when it was last connected';
is($rig->ctl('db', 'check')->{ok} // 1, 1, 'the database is sound');

$rig->finish;
done_testing;
