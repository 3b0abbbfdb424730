#!/usr/bin/perl
# Somebody behind the same address says rubbish all the time: an honest client
# waits its second and is heard.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use IO::Socket::UNIX;
use MIME::Base64 qw(encode_base64);

use Rig qw(eventually soon);
use Rig::Peer;

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{echo}");
my $machine = $rig->machine($t);
$rig->caught_up;

my $rubbish = <<'RUBBISH';
use IO::Socket::INET;
my ($port) = @ARGV;
$SIG{PIPE} = 'IGNORE';
while (1) {
	my $s = IO::Socket::INET->new("127.0.0.1:$port");
	print $s "GET / HTTP/1.0\r\n\r\n" if $s;
	select undef, undef, undef, 0.2;
}
RUBBISH
my $junk = $rig->start('junk', [ $^X, '-e', $rubbish, $rig->{port} ]);
soon { $rig->metrics->{adit_refused_handshake_total} > 0 } 10,
    'somebody says rubbish';
my $held = $rig->metrics->{adit_held_dials_total};
for my $i (1 .. 3) {
	my $adit = $rig->client($machine);
	soon { $rig->is_live($t) } 10, "client $i: heard all the same";
	unlike($adit->errors, qr/reset|closed|trying/i, 'at its first dial');
	is($adit->stop('INT', 10), 0, 'it ends');
	soon { !$rig->is_live($t) } 10, 'and is gone';
}
cmp_ok($rig->metrics->{adit_held_dials_total} - $held, '>', 0,
    'dials were held');
is($rig->metrics->{adit_refused_penalty_total}, 0, 'and none was reset');
$junk->stop;

# --- the same through the web server ---------------------------------------------

# What nginx hands over for somebody at this address; a HELLO with this token.
sub dial_ws {
	my ($address, $token) = @_;
	my $s = IO::Socket::UNIX->new(Peer => "$rig->{dir}/link.sock")
	    or die "link.sock: $!";
	my $key = encode_base64('k' x 16, '');
	syswrite $s, "GET /link HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
	    . "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    . "Sec-WebSocket-Key: $key\r\nX-Real-IP: $address\r\n"
	    . "Sec-WebSocket-Protocol: adit.1\r\n\r\n";
	my $held = '';
	while ($held !~ /\r\n\r\n/) {
		sysread $s, $held, 4096, length $held or return 'no answer';
	}
	my $hello = Rig::Peer::hello(token => $token);
	my $mask = 'mask';
	my $n = length $hello;
	syswrite $s, ($n < 126 ? pack 'C C', 0x82, 0x80 | $n
	    : pack 'C C n', 0x82, 0x80 | 126, $n) . $mask
	    . ($hello ^ substr $mask x length $hello, 0, length $hello);
	$held =~ s/.*?\r\n\r\n//s;
	while (length $held < 20) {
		sysread $s, $held, 4096, length $held or last;
	}
	(undef, $n) = unpack 'C C', $held;
	my $type = unpack 'C', substr $held, $n < 126 ? 2 : 4;
	return $type == Rig::Peer::WELCOME ? 'welcome'
	    : $type == Rig::Peer::REJECT ? 'reject' : "frame $type";
}
$held = $rig->metrics->{adit_held_dials_total};
is(dial_ws('192.0.2.7', 'ab' x 32), 'reject', 'a wrong token');
is(dial_ws('192.0.2.7', $machine->{token}), 'welcome',
    'a right one from next door');
is($rig->metrics->{adit_held_dials_total}, $held + 1, 'had to wait');
is(dial_ws('192.0.2.8', $machine->{token}), 'welcome',
    'from elsewhere it need not');
is($rig->metrics->{adit_held_dials_total}, $held + 1, 'indeed');
$rig->finish(unsettled => 1);
done_testing;
