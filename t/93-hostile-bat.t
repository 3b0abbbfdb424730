#!/usr/bin/perl
# Hundreds of names and hosts that mean harm go through the API into the file
# to double-click, which Wine's cmd.exe runs: nothing of them is run, nothing
# breaks, and the program gets its lines to the byte.
use strict;
use warnings;
use utf8;

use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8);
use File::Copy qw(copy);
use File::Find qw(find);
use File::Path qw(make_path);
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually long_or);
use Rig::Net;
use Rig::Web;
use Rig::Wine;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);

my $COUNT = long_or(500, 20);
my $house = $Rig::HOUSE;
my $missing = Rig::Wine::missing();
plan skip_all => $missing if $missing;
plan skip_all => 'no nginx here' unless Rig::Net::have('nginx');
my %tool = (curl => "$house/build/cache/curl.exe");
system("$house/deploy/clients.sh curl >/dev/null 2>&1");
for my $name (qw(certutil reader)) {
	$tool{$name} = "$house/build/win/t/$name.exe";
	system("make -s -C $house SYS=win build/win/t/$name.exe"
	    . ' >/dev/null 2>&1');
}
for my $name (sort keys %tool) {
	plan skip_all => "$name.exe could not be built" unless -e $tool{$name};
}

my $rig = Rig->new(conf => { limits => { api_reads_per_minute => 0,
    api_writes_per_minute => 0 } });
my $relayd = $rig->relayd;
my $web = Rig::Web->new($rig, tls => 1);
my $b = $web->browser;
my $key = $rig->ctl('key', 'add', '--user', $rig->user, '--name', 'test')->{key};

sub ask {
	my ($method, $path, $json) = @_;
	my $body = defined $json ? JSON::PP->new->utf8->encode($json) : undef;
	$b->ask($method, $path, headers => { Authorization => "Bearer $key",
	    defined $body ? ('Content-Type' => 'application/json') : () },
	    defined $body ? (body => $body) : ());
	return $b->status;
}

# What the dashboard gives as the program is the reader.
my $program = Rig::Web::slurp($tool{reader});
mkdir "$rig->{dir}/client";
Rig::Web::spew("$rig->{dir}/client/adit-" . substr(sha256_hex($program), 0, 12)
    . '.exe', $program);

my $wine = Rig::Wine->new;
my $sys = $wine->c_drive . '/windows/system32';
for my $name (qw(curl certutil)) {
	unlink "$sys/$name.exe";
	copy($tool{$name}, "$sys/$name.exe") or die "$name.exe: $!";
}
my $folder = encode_utf8($wine->c_drive . '/My Files & Co (1) !wow! ^up ünï');
make_path($folder);

# --- what means harm -----------------------------------------------------------

# What it would leave behind wherever it is run.
my $mark = 'harm-was-done';
my @parts = ('"', "'", '&', '&&', '|', '||', '>', '<', '^', '%', '!', '(', ')',
    '`', ';', ',', '=', '@', '#', ':', '*', '?', '~', '$', '{', '}', '[', ']',
    '/', '\\', ' ', '..', '%PATH%', '%~f0', '%%H', '%A_EXE%', '!A_EXE!',
    '%COMSPEC%', '^&', '^^', '"&', '&"', '"|"', '")', "echo x>$mark",
    "&echo x>$mark&", "\"&echo x>$mark&\"", "|echo x>$mark", "&&type nul>$mark",
    "%COMSPEC% /c echo x>$mark", "';echo x>$mark;'", "`echo x>$mark`",
    "\$(echo x>$mark)", ') & (', 'goto run', 'goto :eof', ':run', 'exit /b 0',
    'exit /b', 'rem ', '::', '@echo on', 'set "A_SHA=0"', 'pause', 'call %0',
    '#adit token=', '#adit door=evil:1', '@URL@', '@SHA@', '@', 'COM1', 'nul',
    'con', 'aux.bat', '.exe', 'ü', '日本', '🎮', 'مرحبا', "\x{202e}", "\x{200b}",
    "\x{85}", "\t", "\r", "\n", "\r\n#adit door=evil:1 ca=system\r\n", "\0",
    "\x{1a}", "\x{1b}]0;x\x{07}", "\x{feff}", 'a', 'B', '7', '-', '_', '.');

my $seed = $ENV{ADIT_SEED} || time;
srand $seed;
diag("ADIT_SEED=$seed");
sub harm { return join '', map { $parts[rand @parts] } 1 .. 1 + rand 6 }

# A few that must be there, then whatever comes.
my @names = ("\"&echo x>$mark&\"", "%PATH%!x!^&|<>\"'`()", "a\r\necho x>$mark",
    "x & echo x>$mark & rem ", '..\\..\\evil', 'con', '%~f0', '@URL@');
my @hosts = ('127.0.0.1', '[::1]', '::1', 'nas.lan', 'localhost', 'xn--4ca.lan',
    "127.0.0.1&echo x>$mark", "a\r\n#adit door=evil:1", '%PATH%', 'a b', 'a"b',
    '-x', 'a_b', 'fe80::1%eth0', "\$(echo x>$mark)");
push @names, harm() while @names < $COUNT;
push @hosts, rand() < 0.3 ? 'a' . harm() : harm() while @hosts < $COUNT;

# --- one file --------------------------------------------------------------------

my (%taken, %refused, @bad);
$taken{$_} = $refused{$_} = 0 for qw(names hosts);
sub bad {
	my ($i, $why) = @_;
	(my $shown = "$names[$i] / $hosts[$i]") =~ s/([^ -~])/sprintf '\\x{%x}', ord $1/ge;
	push @bad, "$why: $shown" if @bad < 20;
	return;
}

my $port = 1;
sub make {
	my ($name, $host) = @_;
	return ask(POST => '/api/tunnels', { name => $name, kind => 'tcp',
	    local_host => $host, local_port => $port++ });
}

# Saves what the dashboard gives for the tunnel; its path, bytes and token.
sub download {
	my ($i, $id) = @_;
	my $status = ask(GET => "/download/$id");
	return bad($i, "download: $status") if $status != 200;
	my $text = $b->text;
	my ($file) = ($b->header('content-disposition') // '') =~ /="([^"]*)"/;
	return bad($i, 'no plain name')
	    unless defined $file && $file =~ /^adit[-a-z0-9_]*\.bat$/;
	return bad($i, 'not plain ASCII with CR LF')
	    if $text =~ /[^ -~\r\n]/ || $text =~ /\r(?!\n)|(?<!\r)\n/;
	my ($token) = $text =~ /^#adit token=([0-9a-f]{64})\r$/m
	    or return bad($i, 'no token');
	push @{ $rig->{secrets} }, $token;
	Rig::Web::spew("$folder/$file", $text);
	return ($file, $text);
}

# The part that cmd.exe runs is the same for everybody.
my $code;
sub check_text {
	my ($i, $text, $host) = @_;
	my ($run, $lines) = $text =~ /^(.*^exit \/b[^\n]*\n)(.*)$/ms
	    or return bad($i, 'no end of the code');
	$code //= $run;
	bad($i, 'another code') if $run ne $code;
	my $allow = ($host =~ /:/ ? '[' . ($host =~ tr/[]//dr) . ']' : $host)
	    . ':' . ($port - 1);
	my @lines = $lines =~ /^#adit (.*)\r$/mg;
	bad($i, "its lines: @lines") unless
	    1 == grep { $_ eq "allow=$allow" } @lines
	    and !grep { !/^(?:door|allow|token)=\S|^machine=[-\w]+$/ } @lines
	    and !grep { /^door=evil/ } @lines;
	return;
}

# Runs it as Explorer does: the program has got it to the byte.
my $got = "$rig->{dir}/got";
sub run_file {
	my ($i, $file, $text) = @_;
	unlink $got;
	my $p = $rig->start("cmd", [ 'sh', '-c', 'cd "$0" && exec "$@"',
	    $folder, $wine->command('cmd', '/c', $file) ],
	    env => { ADIT_NOPAUSE => 1, ADIT_GOT => 'Z:' . $got });
	my $rc = $p->wait(60) // 'no end';
	$p->stop('KILL') if $rc eq 'no end';
	return bad($i, "cmd ends with $rc") if $rc ne '0';
	bad($i, 'the program got something else')
	    if !-e $got || Rig::Web::slurp($got) ne $text;
	unlink $got;
	return;
}

# The client of this system understands it, and links.
sub run_here {
	my ($i, $file) = @_;
	my $p = $rig->start('adit', [ "$Rig::BUILD/adit", 'run', '--plain',
	    "$folder/$file" ], stop => 'INT');
	eventually { !$p->alive || $p->errors =~ /linked to/ } 20;
	bad($i, 'the client: ' . $p->errors) unless $p->errors =~ /linked to/;
	$p->stop('INT', 10);
	return;
}

# A tunnel of it, if the API takes it, its file, run.
sub try_one {
	my ($i, $what, $name, $host) = @_;
	my $status = make($name, $host);
	if ($status != 201) {
		$refused{$what}++;
		bad($i, "POST: $status") unless $status =~ /^4/;
		return;
	}
	$taken{$what}++;
	my $id = JSON::PP::decode_json($b->text)->{id};
	my ($file, $text) = download($i, $id);
	if (defined $file) {
		check_text($i, $text, $host);
		run_file($i, $file, $text);
		run_here($i, $file) if $i < 3;
		unlink "$folder/$file";
	}
	ask(DELETE => "/api/tunnels/$id") == 204 or bad($i, 'DELETE');
	return;
}

for my $i (0 .. $COUNT - 1) {
	try_one($i, 'names', $names[$i], '127.0.0.1');
	try_one($i, 'hosts', 'plain', $hosts[$i]);
}

is("@bad", '', "$COUNT names and hosts: nothing breaks");
for my $what (qw(names hosts)) {
	diag("$what: $taken{$what} taken, $refused{$what} refused");
	cmp_ok($taken{$what}, '>=', 5, "many $what are taken");
	cmp_ok($refused{$what}, '>=', 1, 'others are refused');
}

my @marks;
find({ no_chdir => 1, wanted => sub {
	push @marks, $_ if index($_, $mark) >= 0 || /evil/ && -f;
} }, $wine->dir, $rig->{dir});
is("@marks", '', 'none of them was run');
opendir my $d, $folder or die "$folder: $!";
is(join(' ', grep { !/^\.\.?$/ } readdir $d), '',
    'and nothing was left in the folder');
ok(!-e $mark, 'nor here');
my @there = glob $wine->c_drive . '/users/*/AppData/Local/Adit/bin/*';
is(scalar @there, 1, 'of the program there is one file')
    or diag("@there");
$rig->finish;
done_testing;
