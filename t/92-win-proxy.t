#!/usr/bin/perl
# The Windows client, under Wine, where only a proxy leads to the relay: from
# Windows' settings, from a script (PAC), from the environment, from its file.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);
use Rig::Wine;

my $missing = Rig::Wine::missing();
plan skip_all => $missing if $missing;
my $wine = Rig::Wine->new;
my $exe = "$Rig::HOUSE/build/adit.exe";

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}");
my $m = $rig->machine($t);
# A name that only the proxy knows; this computer itself is never proxied.
my $server = "relay.invalid:$rig->{port}";

my @proxies;
sub proxy {
	my ($mode, %o) = @_;
	my $p = $rig->start("proxy-$mode", [ $^X, "$FindBin::Bin/peers/proxy.pl",
	    $mode ], $o{script} ? (stdin => $o{script}) : (), talk => 1);
	if ($o{say}) {
		$p->say($o{say});
		$p->hush;
	}
	push @proxies, $p;
	return ($p->expect(qr/^port (\d+)/), $p);
}

# Windows' settings, as its dialogue writes them: 1 direct, 2 a proxy, 4 a
# script, 8 what the network says; the proxies, whom they spare, the script.
sub settings {
	my ($flags, @texts) = @_;
	my $bytes = pack 'VVV', 0x46, 1, $flags;
	$bytes .= pack 'V/a*', $_ // '' for @texts[0 .. 2];
	$wine->run('reg', 'add', 'HKCU\\Software\\Microsoft\\Windows\\'
	    . 'CurrentVersion\\Internet Settings\\Connections', '/v',
	    'DefaultConnectionSettings', '/t', 'REG_BINARY', '/d',
	    uc unpack('H*', $bytes . "\0" x 32), '/f') == 0
	    or die "reg add\n";
	return;
}

sub client {
	my (%o) = @_;
	$rig->caught_up;
	return $rig->start('adit-exe', [ $wine->command($exe, 'connect',
	    '--server', $server, '--pin', $rig->pin, '--allow', $m->{allow},
	    '--token-file', $m->{file}, @{ $o{args} || [] }) ], stop => 'INT',
	    env => $o{env} || {}, patience => 20);
}

# It comes alive through that proxy, carries bytes, and ends.
sub goes_through {
	my ($says, $port, %o) = @_;
	my $adit = client(%o);
	soon { $rig->is_live($t) } 30, "$says: the tunnel is live";
	soon { $adit->errors =~ /linked to \Q$server\E through 127\.0\.0\.1:$port/ } 10,
	    "$says: through the proxy";
	is($rig->visit('echo', $t, 100_000, { a => 1 })->{ok}, 1,
	    "$says: bytes go through it");
	is($adit->stop('INT', 20), 0, "$says: Ctrl-C ends it");
	eventually { !$rig->is_live($t) } 5;
	return;
}

# The doctor's exit code and words.
sub doctor {
	my (%o) = @_;
	my $p = $rig->start('doctor', [ $wine->command($exe, 'doctor',
	    '--server', $server, '--pin', $rig->pin, '--allow', $m->{allow},
	    '--token-file', $m->{file}, @{ $o{args} || [] }) ],
	    env => $o{env} || {}, patience => 20);
	my $code = $p->wait(60);
	return (defined $code ? $code : 'no end',
	    ($p->output . $p->errors) =~ s/\r//gr);
}

my ($port, $proxy) = proxy('pass');
settings(3, "127.0.0.1:$port");
goes_through("Windows' settings", $port);
is($proxy->line(5), "CONNECT $server HTTP/1.1", 'the name is left to it');
my ($code, $said) = doctor();
is($code, 0, 'the doctor finds it, too') or diag($said);
like($said, qr/ok +\Q$server\E through 127\.0\.0\.1:$port: token/,
    'and that it works');

settings(3, "http=127.0.0.1:1;https=127.0.0.1:$port", '*.lan;<local>');
goes_through('one for each protocol', $port);

settings(3, "127.0.0.1:$port", '*.lan;relay.*');
($code, $said) = doctor();
is($code, 1, 'a name that is spared is not reached through it');
like($said, qr/proxy: none is set/, 'which the doctor says');

my $script = <<"END";
function FindProxyForURL(url, host) {
	if (shExpMatch(host, "*.invalid") && url.substring(0, 6) == "https:")
		return "PROXY 127.0.0.1:$port";
	return "DIRECT";
}
END
my ($web) = proxy('pac', say => $script);
settings(5, '', '', "http://127.0.0.1:$web/proxy.pac");
goes_through('a script', $port);

settings(1);
goes_through('the environment', $port,
    env => { https_proxy => "http://127.0.0.1:$port" });
goes_through('the command line', $port,
    args => ['--proxy', "127.0.0.1:$port"]);

# A password: by ADIT_PROXY, and by the line of a file, never in sight.
my ($asks) = proxy('407');
($code, $said) = doctor(args => ['--proxy', "127.0.0.1:$asks"]);
is($code, 1, 'a proxy that wants a password');
like($said, qr/wants a name and a password/, 'has its sentence');
my $secret = 'k4n4rienv0gel';
my $url = "http://ann:$secret\@127.0.0.1:$port";
($code, $said) = doctor(args => ['--proxy', $url]);
is($code, 20, 'none is taken from the command line');
like($said, qr/ADIT_PROXY/, 'the remedy is said');
my $adit = client(env => { ADIT_PROXY => $url });
soon { $rig->is_live($t) } 30, 'with one of the environment it is live';
my $kept = grep { Rig::Proc::slurp("$_/cmdline") =~ /\Q$secret\E/ }
    glob '/proc/[0-9]*';
is($kept, 0, 'no command line holds it');
unlike($adit->errors, qr/\Q$secret\E/, 'nor what is said');
is($adit->stop('INT', 20), 0, 'it ends');

my $file = "$rig->{dir}/adit.txt";
open my $f, '>', $file or die "$file: $!";
print $f "#adit door=$server pin=", $rig->pin, "\r\n",
    "#adit allow=$m->{allow}\r\n#adit token=$m->{token}\r\n",
    "#adit proxy=$url\r\n";
close $f;
$rig->caught_up;
$adit = $rig->start('adit-run', [ $wine->command($exe, 'run', $file) ],
    stop => 'INT', patience => 20);
soon { $rig->is_live($t) } 30, 'the line of a downloaded file does it, too';
is($adit->stop('INT', 20), 0, 'it ends');
unlink $file;

$rig->finish;
done_testing;
