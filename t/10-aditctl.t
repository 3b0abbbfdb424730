#!/usr/bin/perl
# aditctl, the real program, on a database of its own: every command for
# people and as JSON, wrong use, hostile names, broken surroundings.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();
use Test::More;

my $prog = $ENV{ADITCTL} // 'build/aditctl';
plan skip_all => "$prog is not built" unless -x $prog;

my $dir = tempdir('adit-ctl-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $conf = "$dir/adit.yaml";

sub spew {
	my ($file, $text) = @_;
	open my $f, '>', $file or die "$file: $!";
	print $f $text;
	close $f or die "$file: $!";
}

sub slurp {
	my ($file) = @_;
	open my $f, '<', $file or die "$file: $!";
	local $/;
	return scalar <$f>;
}

# Runs the program: exit code, standard output, standard error.
sub run_in {
	my ($in, @args) = @_;
	spew("$dir/in", $in);
	my $pid = fork // die "fork: $!";
	if ($pid == 0) {
		open STDIN, '<', "$dir/in" or POSIX::_exit(99);
		open STDOUT, '>', "$dir/out" or POSIX::_exit(99);
		open STDERR, '>', "$dir/err" or POSIX::_exit(99);
		{ no warnings 'exec'; exec { $prog } $prog, @args; }
		POSIX::_exit(99);
	}
	waitpid $pid, 0;
	return ($? >> 8 | ($? & 127) << 8, slurp("$dir/out"),
	    slurp("$dir/err"));
}

sub ctl { return run_in('', '-c', $conf, @_) }

sub says {
	my ($want, @args) = @_;
	my ($code, $out, $err) = ctl(@args);
	is($code, 0, "@args") or diag($err);
	like($out, $want, '  says so');
	is($err, '', '  and nothing else');
	return $out;
}

# With --json: one value on standard output.
sub json {
	my (@args) = @_;
	my ($code, $out, $err) = ctl('--json', @args);
	is($code, 0, "--json @args") or diag($err);
	is($err, '', '  says nothing else');
	like($out, qr/\A[^\n]+\n\z/, '  one line');
	return eval { JSON::PP->new->utf8->decode($out) };
}

sub fails {
	my ($code_want, $want, @args) = @_;
	my ($code, $out, $err) = ctl(@args);
	is($code, $code_want, "@args ends with $code_want");
	like($err, $want, '  says why');
	is($out, '', '  on standard error alone');
	unlike($err, qr/[\x00-\x09\x0b-\x1f\x7f]/, '  cleanly');
}

spew($conf, <<"END");
database: $dir/adit.db
public_host: relay.example.org
ports: {from: 6000, to: 7999}
relay: {listen: ["[::]:6007"]}
END

# --- wrong use ----------------------------------------------------------------

fails(2, qr/command is needed/);
fails(2, qr/no command/, 'tunnel');
fails(2, qr/no command/, 'fly', 'high');
fails(2, qr/"--nonsense"|--nonsense is not known/, 'user', 'list', '--nonsense');
fails(2, qr/-x is not known/, 'user', 'list', '-x');
fails(2, qr/EMAIL is missing/, 'user', 'add');
fails(2, qr/one word too many/, 'user', 'list', 'all');
fails(2, qr/--user is needed/, 'tunnel', 'add', '--name', 'x', '--kind',
    'tcp', '--target', '22');
fails(2, qr/--kind is not for this/, 'user', 'list', '--kind', 'tcp');
fails(2, qr/given twice/, 'key', 'list', '--user', '1', '--user', '2');
fails(2, qr/needs a value/, 'key', 'list', '--user');
fails(2, qr/takes no value/, 'tunnel', 'edit', '1', '--verified=yes');
fails(2, qr/not a number/, 'tunnel', 'show', 'x');
fails(2, qr/not a number/, 'tunnel', 'show', '0');
fails(2, qr/not a number/, 'tunnel', 'show', '99999999999999999999');
fails(2, qr/not an address/, 'user', 'add', 'nobody');
fails(2, qr/is no command/, "a\e[31m\nb", 'x');
ok(!-e "$dir/adit.db", 'wrong use makes no database');

like((ctl('--help'))[1], qr/tunnel add.*db backup/s, 'help tells all');
like((ctl('help', 'machine'))[1], qr/machine key rm/, 'help of a group');
like((ctl('tunnel', 'add', '--help'))[1], qr/--target HOST:PORT .*needed/,
    'help of a command');
like((ctl('version'))[1], qr/^aditctl \d+\.\d+/, 'version');
for my $words (map { /^  ((?:[a-z]+ )+)/ ? $1 : () }
    split /\n/, (ctl('--help'))[1]) {
	my @words = split ' ', $words;
	like((ctl(@words, '--help'))[1], qr/\Q@words\E/, "@words --help");
}

# --- users --------------------------------------------------------------------

my ($code, $out, $err) = run_in("correct horse\n", '-c', $conf, '--json',
    'user', 'add', 'alice@example.com', '--admin', '--password-stdin');
is($code, 0, 'a user') or diag($err);
is_deeply(decode_json($out), { id => 1, email => 'alice@example.com' },
    'told as JSON');
is((run_in("correct horse\n", '-c', $conf, 'user', 'add', 'bob@example.com',
    '--password-stdin'))[0], 0, 'another, for people');
is((stat "$dir/adit.db")[2] & 0777, 0600, 'the database is nobody else\'s');
fails(1, qr/no terminal/, 'user', 'add', 'carol@example.com');
fails(1, qr/address already/, 'user', 'add', 'ALICE@example.com');
is((run_in("short\n", '-c', $conf, 'user', 'add', 'c@example.com',
    '--password-stdin'))[0], 1, 'a short password is refused');
is((run_in('', '-c', $conf, 'user', 'add', 'c@example.com',
    '--password-stdin'))[0], 1, 'no password is refused');
says(qr/EMAIL.*alice\@example\.com +admin/s, 'user', 'list');
my $users = json('user', 'list');
is(scalar @$users, 2, '  two users');
is((run_in("another one\n", '-c', $conf, 'user', 'passwd', '2',
    '--password-stdin'))[0], 0, 'a new password');
says(qr/frozen/, 'user', 'freeze', 'bob@example.com');
is(json('user', 'list')->[1]{frozen}, JSON::PP::true, '  it is frozen');
says(qr/not frozen/, 'user', 'unfreeze', '2');
fails(1, qr/there is none/, 'user', 'rm', '77');
fails(1, qr/there is none/, 'user', 'rm', "x' OR 1=1 --");

# --- tunnels ------------------------------------------------------------------

my $t = json('tunnel', 'add', '--user', 'alice@example.com', '--name', 'game',
    '--kind', 'both', '--target', '127.0.0.1:25565', '--allow',
    '10.1.2.3/8,2001:DB8::/32', '--proxy-protocol', 'v2');
is($t->{id}, 1, '  its number');
ok($t->{public_port} >= 6000 && $t->{public_port} <= 7999, '  its port');
like($t->{verify_code}, qr/\A[a-z2-7]{26}\z/, '  its code');
is($t->{verify_url},
    "https://relay.example.org/verify/$t->{verify_code}", '  its link');
is((stat "$dir/adit.key")[2] & 0777, 0600, 'the key is nobody else\'s');
says(qr/relay\.example\.org:6500\nIt is verified/, 'tunnel', 'add', '--user',
    '1', '--name', 'ssh', '--kind', 'tcp', '--target', '22', '--port',
    '6500', '--verified');
fails(1, qr/another tunnel has it/, 'tunnel', 'add', '--user', '2', '--name',
    'x', '--kind', 'udp', '--target', '22', '--port', '6500');
fails(1, qr/outside of the range/, 'tunnel', 'add', '--user', '2', '--name',
    'x', '--kind', 'tcp', '--target', '22', '--port', '80');
fails(1, qr/reserved/, 'tunnel', 'add', '--user', '2', '--name', 'x',
    '--kind', 'tcp', '--target', '22', '--port', '6007');
fails(2, qr/choose tcp, udp or both/, 'tunnel', 'add', '--user', '2',
    '--name', 'x', '--kind', 'ftp', '--target', '22');
fails(2, qr/^aditctl: target:/, 'tunnel', 'add', '--user', '2', '--name', 'x',
    '--kind', 'tcp', '--target', 'a b:22');
fails(2, qr/^aditctl: allow:/, 'tunnel', 'add', '--user', '2', '--name', 'x',
    '--kind', 'tcp', '--target', '22', '--allow', '10.0.0.0/40');
fails(2, qr/--port: "0"/, 'tunnel', 'add', '--user', '2', '--name', 'x',
    '--kind', 'tcp', '--target', '22', '--port', '0');
fails(1, qr/there is none/, 'tunnel', 'add', '--user', '9', '--name', 'x',
    '--kind', 'tcp', '--target', '22');

says(qr/ID +USER +NAME.*\n1 +1 +game +both +relay/, 'tunnel', 'list');
is(scalar @{ json('tunnel', 'list', '--user', '2') }, 0, '  bob has none');
is((ctl('tunnel', 'list', '--user', '2'))[1] =~ tr/\n//, 1,
    'an empty list is a sentence');
my $show = json('tunnel', 'show', '1');
is($show->{status}, 'pending', '  it waits');
is_deeply($show->{allow}, ['10.0.0.0/8', '2001:db8::/32'], '  its list');
is($show->{verify_code}, $t->{verify_code}, '  its code');
says(qr/public address +relay\.example\.org:\d+\n/, 'tunnel', 'show', '1');
my $link = json('tunnel', 'link', '1');
isnt($link->{verify_code}, $t->{verify_code}, '  a new code');
says(qr/verified/, 'tunnel', 'verify', '1');
fails(1, qr/needs no link/, 'tunnel', 'link', '1');
is(json('tunnel', 'show', '1')->{status}, 'active', '  it is active');
my $edit = json('tunnel', 'edit', '1', '--name', 'other', '--target',
    '[::1]:80', '--deny', '192.0.2.7', '--address-rate', '60', '--port',
    '6501', '--visitors', '9', '--allow', '');
is($edit->{name}, 'other', '  changed');
is($edit->{target}, '[::1]:80', '  its target');
is($edit->{public_port}, 6501, '  its port');
is_deeply($edit->{allow}, [], '  its list is empty');
is($edit->{kind}, 'both', '  its kind stays');
fails(2, qr/no option/, 'tunnel', 'edit', '1');
for (['pause', 'paused'], ['resume', 'active'], ['freeze', 'frozen'],
    ['unfreeze', 'active']) {
	my ($word, $status) = @$_;
	is(json('tunnel', $word, '1')->{id}, 1, "  $word");
	is(json('tunnel', 'show', '1')->{status}, $status, "  it is $status");
}
says(qr/deleted/, 'tunnel', 'rm', '2');
fails(1, qr/there is none/, 'tunnel', 'show', '2');
fails(1, qr/rests/, 'tunnel', 'add', '--user', '2', '--name', 'x', '--kind',
    'tcp', '--target', '22', '--port', '6500');
says(qr/taken back/, 'tunnel', 'restore', '2');
fails(1, qr/was deleted/, 'tunnel', 'restore', '2');

# --- hostile names ------------------------------------------------------------

for my $name ("\e[31mred", "a\nb", "a\rb", "\xff\xfe", '', ' x', 'x ',
    'y' x 101, "a\x7f", "a\xc2\x9b31m") {
	my ($c, undef, $e) = ctl('tunnel', 'add', '--user', '1', '--name',
	    $name, '--kind', 'tcp', '--target', '22');
	is($c, 2, 'a name that is none') or diag(unpack 'H*', $name);
	unlike($e, qr/[\x00-\x09\x0b-\x1f\x7f]/, '  and is not obeyed');
}
for my $name ('"quoted"', '\\back\\slash', '%s%n%s', '$(id)', '& del *',
    "x'); DROP TABLE tunnel; --", '<script>', "\xe6\x97\xa5\xe6\x9c\xac",
    '--json', 'y' x 100) {
	my $id = json('machine', 'add', '--user', '1', "--name=$name")->{id};
	my ($row) = grep { $_->{id} == $id } @{ json('machine', 'list') };
	my $is = $row->{name};
	utf8::encode($is);
	is($is, $name, '  a name is only a name');
}

# --- machines and keys --------------------------------------------------------

my $m = json('machine', 'add', '--user', 'alice@example.com', '--name',
    'DESKTOP-4711', '--tunnel', '1', '--tunnel', '2');
like($m->{token}, qr/\A[0-9a-f]{64}\z/, '  its token');
my ($row) = grep { $_->{id} == $m->{id} } @{ json('machine', 'list') };
is_deeply($row->{tunnels}, [1, 2], '  it serves both');
{
	my %name = map { $_->{id} => $_->{name} } @{ json('tunnel', 'list') };
	my $names = quotemeta "$name{1},$name{2}";
	says(qr/DESKTOP-4711 +$names /, 'machine', 'list');
	my @many = map { json('tunnel', 'add', '--user', 'alice@example.com',
	    '--kind', 'tcp', '--target', '127.0.0.1:22', '--name',
	    ('w' x 30) . $_)->{id} } 1 .. 5;
	my $many = json('machine', 'add', '--user', 'alice@example.com',
	    '--name', 'many', map { ('--tunnel', $_) } @many);
	my $short = ('w' x 24) . '\.\.\.';
	says(qr/ many  +$short,$short,$short,\+2 /, 'machine', 'list');
	json('machine', 'rm', $many->{id});
	json('tunnel', 'rm', $_) for @many;
}
is_deeply(json('tunnel', 'show', '1')->{machines}, [$m->{id}], '  as told');
fails(1, qr/tunnel 1: the user has none/, 'machine', 'add', '--user', '2',
    '--name', 'x', '--tunnel', '1');
is_deeply(json('machine', 'unserve', $m->{id}, '--tunnel', '2')->{tunnels},
    [1], '  one less');
is_deeply(json('machine', 'serve', $m->{id}, '--tunnel', '2')->{tunnels},
    [1, 2], '  one more');
my $k = json('machine', 'key', 'add', $m->{id});
isnt($k->{token}, $m->{token}, '  another token');
says(qr/revoked/, 'machine', 'key', 'rm', $k->{id});
fails(1, qr/revoked already/, 'machine', 'key', 'rm', $k->{id});
is_deeply([map { $_->{state} } @{ json('machine', 'key', 'list', $m->{id}) }],
    ['good', 'revoked'], '  one good, one revoked');
says(qr/STATE/, 'machine', 'key', 'list', $m->{id});
says(qr/shown only now:\n[0-9a-f]{64}\n/, 'machine', 'key', 'add', $m->{id});
says(qr/keys are revoked/, 'machine', 'rm', $m->{id});
fails(1, qr/there is none/, 'machine', 'rm', $m->{id});
my $key = json('key', 'add', '--user', '1', '--name', 'ci');
like($key->{key}, qr/\A[0-9a-f]{64}\z/, 'an API key');
is(json('key', 'list')->[0]{name}, 'ci', '  is listed');
says(qr/NAME/, 'key', 'list', '--user', '1');
says(qr/deleted/, 'key', 'rm', $key->{id});
fails(1, qr/there is none/, 'key', 'rm', $key->{id});
for my $secret ($m->{token}, $k->{token}, $key->{key}) {
	my $found = grep { index(slurp($_), $secret) >= 0 }
	    glob "$dir/adit.db*";
	is($found, 0, 'no secret is in the database');
}

# --- settings and events ------------------------------------------------------

is(scalar @{ json('setting', 'list') }, 5, '  five settings');
says(qr/verify_by is admin/, 'setting', 'set', 'verify_by', 'admin');
says(qr/verify_by +admin/, 'setting', 'list');
fails(1, qr/choose link\|admin/, 'setting', 'set', 'verify_by', 'x');
fails(1, qr/none of this name/, 'setting', 'set', 'x', 'x');
my $events = json('event', 'list', '--limit', '1000');
like($events->[-1]{who}, qr/^aditctl \(/, '  who');
my %did = map { $_->{did} => 1 } @$events;
ok($did{$_}, "  $_ was noted") for 'user add', 'user passwd', 'user freeze',
    'tunnel add', 'tunnel edit', 'tunnel verify', 'tunnel pause', 'tunnel rm',
    'tunnel restore', 'tunnel freeze', 'tunnel link', 'machine add',
    'machine rm', 'machine key add', 'machine key rm', 'machine serve',
    'key add', 'key rm', 'setting set';
is(scalar @{ json('event', 'list', '--limit', '3') }, 3, '  at most three');
says(qr/AT +WHO/, 'event', 'list', '--user', '1');

# --- the database -------------------------------------------------------------

my $check = json('db', 'check');
ok($check->{ok} && $check->{schema} >= 1, '  sound');
says(qr/sound, schema \d/, 'db', 'check');
is(json('db', 'backup', "$dir/copy.db")->{key}, "$dir/copy.db.key",
    '  with its key');
is((stat "$dir/copy.db")[2] & 0777, 0600, '  nobody else\'s');
is(slurp("$dir/copy.db.key"), slurp("$dir/adit.key"), '  the same key');
fails(1, qr/File exists|exists already/, 'db', 'backup', "$dir/copy.db");
fails(1, qr/./, 'db', 'backup', "$dir/no/folder/copy.db");
spew("$dir/copy.yaml", "database: $dir/copy.db\npublic_host: x.example\n");
is(scalar @{ decode_json((run_in('', '-c', "$dir/copy.yaml", '--json',
    'user', 'list'))[1]) }, 2, 'the copy is a database');

# --- the relay ----------------------------------------------------------------

fails(1, qr/relayd is not running \(control socket \Q$dir\E\/control\.sock\)/,
    'relay', 'status');
fails(1, qr/not made yet/, 'relay', 'pin');

# A relay that answers what it is told to.
sub relay {
	my ($answer) = @_;
	unlink "$dir/control.sock";
	my $l = IO::Socket::UNIX->new(Local => "$dir/control.sock",
	    Listen => 5) or die "control.sock: $!";
	my $pid = fork // die "fork: $!";
	return $pid if $pid != 0;
	$SIG{ALRM} = sub { POSIX::_exit(1) };
	alarm 20;
	my $c = $l->accept;
	my $got = '';
	sysread $c, $got, 4096, length $got while $got !~ /\r\n\r\n/;
	syswrite $c, $answer if defined $answer;
	sysread $c, $got, 1 unless defined $answer;
	close $c;
	POSIX::_exit($got =~ m{^GET /status HTTP/1\.1\r\n} ? 0 : 1);
}

sub http {
	my ($body, $status) = @_;
	return 'HTTP/1.1 ' . ($status // '200 OK') . "\r\nContent-Type: "
	    . "application/json\r\nContent-Length: " . length($body)
	    . "\r\nConnection: close\r\n\r\n$body";
}

my $pid = relay(http('{"sessions":1,"tunnels":2,"version":"1.0.0"}'));
is_deeply(json('relay', 'status'),
    { sessions => 1, tunnels => 2, version => '1.0.0' }, '  as it was told');
waitpid $pid, 0;
is($?, 0, '  it was asked for /status');
$pid = relay(http('{"sessions":1,"links":2}'));
says(qr/^sessions +1\nlinks +2\n/, 'relay', 'status');
waitpid $pid, 0;
for (['<html>', qr/not JSON/], ['{"a":1,"a":2}', qr/not JSON/],
    ['[1]', qr/not JSON/]) {
	$pid = relay(http($_->[0]));
	fails(1, $_->[1], 'relay', 'status');
	waitpid $pid, 0;
}
$pid = relay(http('{}', '503 Service Unavailable'));
fails(1, qr/answered 503/, 'relay', 'status');
waitpid $pid, 0;
$pid = relay("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{");
fails(1, qr/./, 'relay', 'status');
waitpid $pid, 0;
$pid = relay(undef);
fails(1, qr/is not running/, 'relay', 'status');
waitpid $pid, 0;

SKIP: {
	system("openssl req -x509 -newkey ec -pkeyopt"
	    . " ec_paramgen_curve:prime256v1 -nodes -subj /CN=x -days 2"
	    . " -keyout $dir/relay.key -out $dir/relay.crt >$dir/log 2>&1") == 0
	    or skip 'no openssl program', 1;
	my $want = `openssl x509 -in $dir/relay.crt -noout -pubkey |
	    openssl pkey -pubin -outform der | openssl dgst -sha256 -r`;
	my ($hex) = $want =~ /^([0-9a-f]{64})/;
	is_deeply(json('relay', 'pin'),
	    { pin => "sha256:$hex", next => undef }, '  the public key\'s');
	says(qr/sha256:$hex/, 'relay', 'pin');
}

# --- surroundings that are broken ---------------------------------------------

($code, $out, $err) = run_in('', '-c', "$dir/nothing.yaml", 'user', 'list');
is($code, 1, 'a missing configuration');
like($err, qr/\Q$dir\E\/nothing\.yaml/, '  is named');
spew("$dir/bad.yaml", "database: $dir/adit.db\ncolour: red\n");
($code, $out, $err) = run_in('', '-c', "$dir/bad.yaml", 'user', 'list');
is($code, 1, 'an unknown key');
like($err, qr/colour/, '  is named');
spew("$dir/far.yaml", "database: $dir/none/adit.db\npublic_host: x.example\n");
($code, $out, $err) = run_in('', '-c', "$dir/far.yaml", 'user', 'list');
is($code, 1, 'a missing folder');
like($err, qr/folder of \Q$dir\E\/none\/adit\.db/, '  is named');

rename "$dir/adit.key", "$dir/kept.key";
spew("$dir/adit.key", 'x');
chmod 0600, "$dir/adit.key";
fails(1, qr/adit\.key is not an installation key/, 'tunnel', 'add', '--user',
    '1', '--name', 'x', '--kind', 'tcp', '--target', '22');
rename "$dir/kept.key", "$dir/adit.key";
chmod 0644, "$dir/adit.key";
fails(1, qr/chmod 600/, 'db', 'backup', "$dir/again.db");
ok(!-e "$dir/again.db", '  half a backup is none');
chmod 0600, "$dir/adit.key";

# Somebody else than the owner: nobody, when this runs as root.
SKIP: {
	chmod 0755, $dir;
	if ($> == 0) {
		my $nobody = getpwnam 'nobody' or skip 'nobody is not known', 1;
		my $copy = "$dir/prog";
		system('cp', $prog, $copy) == 0 or skip 'no copy', 1;
		my $why = `perl -e '\$< = \$> = $nobody; exec \@ARGV' $copy \\
		    -c $conf user list 2>&1`;
		like($why, qr/cannot be opened for writing; give it/,
		    'who may not is told what to do');
	} else {
		chmod 0400, "$dir/adit.db.lock";
		fails(1, qr/cannot be opened for writing; give it/, 'user',
		    'list');
		chmod 0600, "$dir/adit.db.lock";
	}
}

# What root makes belongs to the folder's owner, so that relayd may use it.
SKIP: {
	skip 'this is not root', 1 if $> != 0;
	my $nobody = getpwnam 'nobody' or skip 'nobody is not known', 1;
	mkdir "$dir/theirs" or die "theirs: $!";
	chown $nobody, -1, "$dir/theirs";
	spew("$dir/theirs.yaml",
	    "database: $dir/theirs/adit.db\npublic_host: x.example\n");
	is((run_in('', '-c', "$dir/theirs.yaml", 'db', 'backup',
	    "$dir/theirs.db"))[0], 0, 'root makes a database and a key');
	is((stat "$dir/theirs/$_")[4], $nobody, "$_ is the owner's")
	    for 'adit.db', 'adit.db.lock', 'adit.key';
}

says(qr/deleted, with 2 tunnels/, 'user', 'rm', 'alice@example.com');
is(scalar @{ json('tunnel', 'list') }, 0, '  all that was theirs went');

open my $db, '+<', "$dir/copy.db" or die "copy.db: $!";
seek $db, 60, 0; # user_version
print $db pack 'N', 77;
close $db;
($code, $out, $err) = run_in('', '-c', "$dir/copy.yaml", 'user', 'list');
is($code, 1, 'a database of a later Adit');
like($err, qr/later Adit/, '  is refused');

spew("$dir/copy.db", 'x' x 4096);
($code, $out, $err) = run_in('', '-c', "$dir/copy.yaml", 'db', 'check');
is($code, 1, 'a file that is no database');
like($err, qr/damaged/, '  is refused');

($code, $out, $err) = (0, '', '');
SKIP: {
	skip 'no /dev/full', 1 unless -c '/dev/full';
	my $rc = system("$prog -c $conf --json setting list"
	    . " >/dev/full 2>$dir/err");
	is($rc >> 8, 1, 'output that cannot be written is a failure');
}

done_testing();
