#!/usr/bin/perl
# The console of the Windows client, under Wine, whose window is a terminal
# here: the view, and the code of a tunnel that waits for its verification.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);
use Rig::Screen qw(screen squares read_code);
use Rig::Wine;

my $missing = Rig::Wine::missing();
plan skip_all => $missing if $missing;
my $script = Rig::Net::have('script') or Rig::Net::skip('no script here');
Rig::Net::have('zbarimg') or Rig::Net::skip('no zbarimg here');
my $wine = Rig::Wine->new;
my $rig = Rig->new(conf => {
	dashboard_url => 'https://tunnel.example.org:8443' });
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}",
    verified => 0);
my $m = $rig->machine($t);
my $url = "https://tunnel.example.org:8443/verify/$t->{verify_code}";
$rig->caught_up;

my @words = $wine->command("$Rig::HOUSE/build/adit.exe", 'connect',
    '--server', "127.0.0.1:$rig->{port}", '--pin', $rig->pin, '--allow',
    $m->{allow}, '--token-file', $m->{file});
my $adit = $rig->start('console', [ $script, '-qefc',
    join(' ', 'stty rows 45 cols 120; exec', map { "'$_'" } @words),
    '/dev/null' ], stop => 'INT', patience => 20,
    env => { TERM => 'xterm-256color', SHELL => '/bin/sh' });

# Wine draws what changes: what came until now makes the screen.
my @rows;
soon { @rows = squares(split /\r+\n/, $adit->output);
	read_code("$rig->{dir}/code.pbm", @rows) eq $url } 30,
    'the code holds the link';
like($adit->output, qr/\Q$url\E/, 'it is there in letters');
like($adit->output, qr/\e\]0;Adit/, 'the window is called Adit');
like($adit->output, qr/Waits for its verification/, 'its sentence');
$rig->ctl('tunnel', 'verify', $t->{id});
soon { $adit->output =~ /Online\./ } 20, 'verified, it goes on by itself';
$adit->stop('INT', 20);
unlike($adit->output, qr/\Q$m->{token}\E/, 'the key is not shown');
$rig->finish;
done_testing;
