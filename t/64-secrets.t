#!/usr/bin/perl
# A key on its whole way: from the file, the environment or a line that is typed
# to the relay, directly, in a WebSocket and through a proxy.  No process list, no
# environment, no log, no address and no file shows it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon);
use Rig::Canary;
use Rig::Web;

my $rig = Rig->new(conf => { log => { level => 'debug' } });
my $dir = $rig->dir;
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0');
my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{ask}");
my $m = $rig->machine($t);
my $web = Rig::Web->new($rig, tls => 1);
my $key = $rig->ctl('key', 'add', '--user', $rig->user, '--name', 'quick')
    ->{key};
push @{ $rig->{secrets} }, $key;
my $may = qr{/token-\d+$|/settings$|-aditctl\.out$};
my $canary = Rig::Canary->new($m->{token}, $key);

# It comes alive, carries bytes, and ends.
sub serves {
	my ($says, $adit, $tunnel) = @_;
	$tunnel ||= $t;
	soon { $rig->is_live($tunnel) } 30, "$says: live";
	is($rig->visit('echo', $tunnel, 1000, { a => 1 })->{ok}, 1,
	    "$says: bytes go through it");
	is($adit->stop('INT', 20), 0, "$says: it ends");
	eventually { !$rig->is_live($tunnel) } 5;
	return;
}

my @verbose = (args => ['--verbose']);
serves('from a file', $rig->client($m, @verbose));
serves('in a WebSocket', $rig->client($m, @verbose, name => 'adit-ws',
    server => "wss://127.0.0.1:$web->{tls}/link"));

my $proxy = $rig->start('proxy', [ $^X, "$FindBin::Bin/peers/proxy.pl", 'pass' ],
    talk => 1);
my $port = $proxy->expect(qr/^port (\d+)/);
serves('through a proxy', $rig->client($m, name => 'adit-proxied',
    args => ['--verbose', '--proxy', "127.0.0.1:$port"]));

my $settings = "$dir/settings";
open my $f, '>', $settings or die "$settings: $!";
chmod 0600, $settings;
print $f "#adit door=127.0.0.1:$rig->{port} pin=", $rig->pin, "\n",
    "#adit allow=$m->{allow}\n#adit token=$m->{token}\n";
close $f;
$rig->caught_up;
serves('by a downloaded file', $rig->start('adit-run', [ "$Rig::BUILD/adit",
    'run', '--verbose', $settings ], stop => 'INT'));

my $doctor = $rig->start('doctor', [ "$Rig::BUILD/adit", 'doctor', '--server',
    "127.0.0.1:$rig->{port}", '--pin', $rig->pin, '--allow', $m->{allow},
    '--token-file', $m->{file} ]);
is($doctor->wait(30), 0, 'the doctor looks') or diag($doctor->output);

my $words = [ 'connect', '--server', "127.0.0.1:$rig->{port}", '--pin',
    $rig->pin, '--allow', $m->{allow}, '--verbose' ];
serves('typed', $rig->start('adit-typed', [ "$Rig::BUILD/adit", @$words ],
    stdin => $m->{file}, stop => 'INT'));

# An API key makes a tunnel; the machine's own key is then asked for.
my $key_file = $rig->token_file($key);
my $quick = $rig->start('adit-quick', [ "$Rig::BUILD/adit", 'tcp',
    $service->{port}{ask}, '--dashboard', $web->dashboard, '--pin', $rig->pin,
    '--api-key-file', $key_file, '--verbose' ], stop => 'INT');
soon { $quick->errors =~ /linked to/ } 20, 'by an API key it links';
is($quick->stop('INT', 20), 0, 'it ends');

is(join(', ', $canary->seen), '', 'no command line and no environment shows a key');
cmp_ok($canary->looks, '>', 5, 'which was looked at often');

# One that comes by the environment is wiped from it at once.
my $by_env = $rig->start('adit-env', [ "$Rig::BUILD/adit", @$words ],
    env => { ADIT_TOKEN => $m->{token} }, stop => 'INT');
soon { $rig->is_live($t) } 20, 'one from the environment';
unlike(Rig::Proc::slurp('/proc/' . $by_env->pid . "/$_"),
    qr/\Q$m->{token}\E/, "is not in its $_") for qw(cmdline environ);
is($by_env->stop('INT', 20), 0, 'it ends');

# Databases, logs, access logs, sockets' answers, all that lies there.
like(Rig::Proc::slurp("$web->{dir}/log/access.log"), qr{/api/machines},
    'there are logs');
is(join(' ', $canary->files($dir, except => $may)), '',
    'no file holds one but those that are to hold it');
unlink $settings;
$rig->finish;
done_testing;
