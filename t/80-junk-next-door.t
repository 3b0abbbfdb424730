#!/usr/bin/perl
# Somebody behind the same address says rubbish all the time: an honest client
# waits its second and is heard.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);

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
$rig->finish;
done_testing;
