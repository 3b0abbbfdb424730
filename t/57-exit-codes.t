#!/usr/bin/perl
# Whoever gives something wrong is told what it was and what to do, by the exit
# code that the manual promises.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon free_port);

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('echo:0');
my $target = "127.0.0.1:$service->{port}{echo}";
my $t = $rig->tunnel(target => $target);
my $machine = $rig->machine($t);

# A program ends with this code and says that.
sub ends {
	my ($says, $proc, $code, $pattern) = @_;
	is($proc->wait(20 * $Rig::PATIENCE), $code, "$says: ends with $code")
	    or diag($proc->errors);
	like($proc->errors . $proc->output, $pattern, "$says: says why");
	return;
}

# --- adit ---------------------------------------------------------------------

# It asks and goes: nobody else's session ends, none of its own begins.
ends('the doctor', $rig->start('doctor', [ "$Rig::BUILD/adit", 'doctor',
    '--server', "127.0.0.1:$rig->{port}", '--pin', $rig->pin, '--allow',
    $target, '--token-file', $machine->{file} ]), 0,
    qr/no client of this machine runs now/);
is($rig->metrics->{adit_sessions_total}, 0, 'the doctor: begins no session');
like($relayd->errors, qr/asked whether its token is good, of machine "DESKTOP/,
    'the doctor: has a calm line in the log');

my $wrong = $rig->token_file('0' x 64);
ends('a wrong token', $rig->client($machine, file => $wrong), 22,
    qr/token|not known|download/i);
sub file_with {
	my ($text) = @_;
	my $path = $rig->dir . '/file-' . $rig->{count}++;
	open my $f, '>', $path or die;
	print $f $text;
	close $f;
	return $path;
}
ends('half a token', $rig->client($machine,
    file => file_with("abcdef\n")), 20, qr/token/i);
ends('an empty token', $rig->client($machine, file => file_with('')), 20,
    qr/token/i);
ends('no token file', $rig->client($machine, file => '/nonexistent/token'),
    20, qr{/nonexistent/token});

my $pin = 'sha256:' . 'ab' x 32;
ends('a wrong pin', $rig->client($machine, pin => $pin), 23,
    qr/certificate|pin|key/i);
ends('an unknown authority', $rig->client($machine,
    trust => [ '--ca', 'system' ]), 23, qr/certificate|self.signed/i);
ends('half a pin', $rig->client($machine, pin => 'sha256:abcd'),
    $_, qr/sha256|pin/i) for 20;
ends('no way to trust', $rig->start('adit', [ "$Rig::BUILD/adit", 'connect',
    '--server', "127.0.0.1:$rig->{port}", '--allow', $target,
    '--token-file', $machine->{file} ]), $_, qr/--pin|--ca/) for 2;
ends('an unknown option', $rig->client($machine, args => [ '--insecure' ]),
    2, qr/--insecure/);
ends('an unknown command', $rig->start('adit', [ "$Rig::BUILD/adit",
    'dig' ]), 2, qr/dig/);
ends('no command', $rig->start('adit', [ "$Rig::BUILD/adit" ]), 2, qr/./);
ends('a wrong server', $rig->client($machine, server => '127.0.0.1:99999'),
    20, qr/99999/);
ends('a wrong allow-list', $rig->client($machine, allow => 'everything'),
    20, qr/everything/);
is($rig->start('adit', [ "$Rig::BUILD/adit", 'version' ])->wait(5), 0,
    'version ends with 0');

my $keys = $rig->ctl('machine', 'key', 'list', $machine->{id});
my $more = $rig->ctl('machine', 'key', 'add', $machine->{id});
$rig->ctl('machine', 'key', 'rm', $keys->[0]{id});
eventually { $rig->metrics->{adit_dials_now} == 0 } 5;
ends('a revoked key', $rig->client($machine), 21, qr/revoked/i);
$machine->{file} = $rig->token_file($more->{token});
my $good = $rig->client($machine);
$rig->wait_live($t);
ok($good->alive, 'the other key of the machine is good');
is($rig->visit('echo', $t, 10)->{ok}, 1, 'and serves');

# One that cannot reach the relay goes on trying.
my $lonely = $rig->client($machine, name => 'adit-lonely',
    server => '127.0.0.1:' . free_port());
soon { $lonely->errors . $lonely->output =~ /refused/i } 10,
    'nobody at that port: it says so';
ok($lonely->alive, 'and tries again');
is($lonely->stop('INT'), 0, 'until Ctrl-C');

# --- an expired certificate -----------------------------------------------------

SKIP: {
	skip 'no openssl here', 3 unless Rig::Net::have('openssl');
	my $dir = $rig->dir;
	my $run = sub { system("openssl @_ 2>/dev/null") == 0 };
	# An authority, and a certificate of it that ended long ago.
	my $made = $run->("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
	    . " -nodes -subj /CN=ca -days 30 -keyout $dir/ca.key"
	    . " -out $dir/ca.crt")
	    && $run->("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	    . " -subj /CN=localhost -keyout $dir/old.key -out $dir/old.csr");
	open my $f, '>', "$dir/ca.cnf" or die;
	print $f "[ca]\ndefault_ca=d\n[d]\ndatabase=$dir/ca.txt\n"
	    . "new_certs_dir=$dir\nrand_serial=yes\ndefault_md=sha256\n"
	    . "policy=p\nunique_subject=no\n"
	    . "x509_extensions=e\n[p]\ncommonName=supplied\n"
	    . "[e]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n";
	close $f;
	open $f, '>', "$dir/ca.txt" or die;
	close $f;
	my $sign = "ca -batch -config $dir/ca.cnf -cert $dir/ca.crt -keyfile "
	    . "$dir/ca.key -in $dir/old.csr -notext -out";
	$made &&= $run->("$sign $dir/old.crt -startdate 20200101000000Z"
	    . ' -enddate 20210101000000Z')
	    && $run->("$sign $dir/new.crt -days 2");
	skip 'openssl makes no certificates', 3 unless $made;
	my $other = Rig->new(conf => { relay => { cert => "$dir/old.crt",
	    key => "$dir/old.key" } });
	my $p = $other->start('relayd', [ "$Rig::BUILD/relayd", '-c',
	    $other->conf_path ], patience => 20);
	eventually { ($other->get("/healthz"))[0] eq "200" } 20;
	my $t2 = $other->tunnel(target => $target);
	my $m2 = $other->machine($t2);
	my @ca = (trust => [ '--ca', "$dir/ca.crt" ]);
	ends('an expired certificate', $other->client($m2, @ca), 23,
	    qr/expired/i);
	$p->stop('TERM', 20);
	$other->configure(relay => { cert => "$dir/new.crt" });
	$p = $other->start('relayd', [ "$Rig::BUILD/relayd", '-c',
	    $other->conf_path ], patience => 20);
	eventually { ($other->get("/healthz"))[0] eq "200" } 20;
	my $c = $other->client($m2, @ca);
	$other->wait_live($t2);
	ok($c->alive, 'a good one of that authority is trusted');
	$c->stop;
	$p->stop;
}

# --- relayd ---------------------------------------------------------------------

sub relayd_with {
	my ($conf, @args) = @_;
	return $rig->start('relayd-wrong', [ "$Rig::BUILD/relayd",
	    '-c', file_with($conf), @args ]);
}

ends('an unknown key', relayd_with("public_host: x\nrelay:\n  grase_s: 5\n",
    '-n'), $_, qr/:3\b.*grase_s/s) for 20;
ends('a wrong value', relayd_with("relay:\n  grace_s: soon\n"), $_,
    qr/:2\b.*grace_s/s) for 20;
ends('no such file', $rig->start('relayd-wrong', [ "$Rig::BUILD/relayd",
    '-c', '/nonexistent/adit.yaml' ]), $_, qr{/nonexistent/adit\.yaml})
    for 20;
ends('an unknown option', $rig->start('relayd-wrong',
    [ "$Rig::BUILD/relayd", '-x' ]), 2, qr/-x|usage/i);
is($rig->start('relayd', [ "$Rig::BUILD/relayd", '-n', '-c',
    $rig->conf_path ])->wait(5), 0, 'a good configuration: -n ends with 0');

my $second = Rig->new(port => $rig->{port});
ends("the relay's port is taken", $second->relayd(unready => 1), $_,
    qr/\b$rig->{port}\b.*(in use|taken)/si) for 1;
$second->{relayd} = undef;
my $twice = $rig->start('relayd-twice', [ "$Rig::BUILD/relayd", '-c',
    $rig->conf_path ]);
ok(defined $twice->wait(10) && $twice->code, 'it does not start twice');
ok($relayd->alive, 'the first one goes on');
is(($rig->get('/readyz'))[0], '200', 'with its sockets');

SKIP: {
	skip 'no sqlite3', 2 unless Rig::Net::have('sqlite3');
	my $future = Rig->new;
	$future->user;
	system('sqlite3', $future->dir . '/adit.db',
	    'PRAGMA user_version=9999');
	ends('a newer database', $future->relayd(unready => 1), $_,
	    qr/newer|later/i) for 1;
	$future->{relayd} = undef;
	my ($code, undef, $err) = $future->try_ctl('user', 'list');
	is($code, 1, 'aditctl refuses it, too');
	like($err, qr/newer|later/i, 'and says why');
}

# --- aditctl ----------------------------------------------------------------------

sub ctl_fails {
	my ($says, $want, $pattern, @args) = @_;
	my ($code, $out, $err) = $rig->try_ctl(@args);
	is($code, $want, "$says: ends with $want") or diag($err);
	like($err, $pattern, "$says: says why");
	is($out, '', "$says: nothing on standard output");
	return;
}

my @new = ('tunnel', 'add', '--user', 'ann@example.org', '--name', 'x',
    '--kind', 'tcp', '--target');
ctl_fails('no such tunnel', 1, qr/77/, 'tunnel', 'show', 77);
ctl_fails('no such user', 1, qr/eve\@example\.org/, 'tunnel', 'list',
    '--user', 'eve@example.org');
ctl_fails('no such command', 2, qr/dig/, 'tunnel', 'dig');
ctl_fails('a wrong option', 2, qr/--colour/, 'tunnel', 'list', '--colour');
ctl_fails('a target without a port', 2, qr/target.*port/, @new, '127.0.0.1');
ctl_fails('a public port out of range', 1, qr/\b80\b/, @new, $target,
    '--port', 80);
ctl_fails('a port that is leased', 1, qr/\b$t->{public_port}\b/, @new,
    $target, '--port', $t->{public_port});

my $small = Rig->new(range => [ $rig->{range}[0], $rig->{range}[0] + 1 ]);
$small->tunnel(target => $target) for 1 .. 2;
my ($code, undef, $err) = $small->try_ctl(@new, $target);
is($code, 1, 'no port is left');
like($err, qr/port.*$small->{range}[0]/s, 'it names the range');

$good->stop;
$rig->finish;
done_testing;
