#!/usr/bin/perl
# A tunnel that waits for its verification: a telephone can read the link from
# the console.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);
use Rig::Screen qw(screen squares read_code);

Rig::Net::have('zbarimg') or Rig::Net::skip('no zbarimg here');
my $script = Rig::Net::have('script') or Rig::Net::skip('no script here');
my $rig = Rig->new(conf => {
	dashboard_url => 'https://tunnel.example.org:8443' });
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}",
    verified => 0);
my $m = $rig->machine($t);
my $url = "https://tunnel.example.org:8443/verify/$t->{verify_code}";

# A client on a terminal of that size; what it has drawn is its output.
sub on_terminal {
	my ($lines, $columns, %o) = @_;
	$rig->caught_up;
	my $words = join ' ', "stty rows $lines cols $columns; exec",
	    "$Rig::BUILD/adit", 'connect', '--server', "127.0.0.1:$rig->{port}",
	    '--pin', $rig->pin, '--allow', $m->{allow}, '--token-file',
	    $m->{file}, @{ $o{args} || [] };
	return $rig->start('adit-screen', [ $script, '-qefc', $words,
	    '/dev/null' ], stop => 'INT', env => { TERM => 'xterm-256color',
	    LC_ALL => 'C.UTF-8', SHELL => '/bin/sh', %{ $o{env} || {} } });
}

for my $size ([ 40, 120 ], [ 30, 120 ], [ 26, 80 ]) {
	my ($lines, $columns) = @$size;
	my $adit = on_terminal($lines, $columns);
	my @rows;
	soon { @rows = squares(screen($adit->output)) } 20,
	    "$columns x $lines: there is a code";
	is(read_code("$rig->{dir}/code.pbm", @rows), $url, 'which holds the link');
	cmp_ok(scalar screen($adit->output), '<=', $lines, 'the screen has room for it');
	like(join("\n", screen($adit->output)), qr/\Q$url\E/, 'it is there in letters');
	$adit->stop('INT', 20);
}
for my $o ([ 'a low terminal', 20, 80 ], [ 'a narrow one', 40, 30 ],
    [ 'one without colours', 40, 120, args => ['--no-color'] ],
    [ 'one without UTF-8', 40, 120, env => { LC_ALL => 'C' } ]) {
	my ($says, $lines, $columns, %o) = @$o;
	my $adit = on_terminal($lines, $columns, %o);
	soon { join('', screen($adit->output)) =~ m{/verify/} } 20,
	    "$says has the link";
	is(scalar squares(screen($adit->output)), 0, 'and no code');
	$adit->stop('INT', 20);
}

my $adit = on_terminal(40, 120);
soon { scalar squares(screen($adit->output)) } 20, 'a code';
$rig->ctl('tunnel', 'verify', $t->{id});
soon { !squares(screen($adit->output)) } 20, 'goes when it is verified';
$adit->stop('INT', 20);
$rig->finish;
done_testing;
