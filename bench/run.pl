#!/usr/bin/perl
# Measures Adit beside its peers: the same service behind each of them, the same
# load, interleaved round by round in one run, so that a noisy machine is noisy
# for all.  Prints the medians and their ratio to the direct way over loopback,
# and keeps everything as JSON in build/bench/result.json.
#
#	bench/run.pl [--rounds N] [--seconds N] [--only NAME,...] [--peers NAME,...]
#
# Peers that are not installed are left out: ssh, nginx (stream module),
# stunnel, frp (frps, frpc), rathole, bore, chisel.
use strict;
use warnings;
use Cwd 'getcwd';
use File::Path 'remove_tree';
use File::Temp 'tempdir';
use Getopt::Long;
use IO::Socket::INET;
use JSON::PP;
use POSIX ':sys_wait_h';
use Time::HiRes qw(sleep time);

my ($rounds, $seconds, $only, $peers, $help) = (5, 2, '', '');
GetOptions(
	'rounds=i'  => \$rounds,
	'seconds=i' => \$seconds,
	'only=s'    => \$only,
	'peers=s'   => \$peers,
	'help'      => \$help
) or exit 2;
if ($help) {
	open my $me, '<', $0 or die;
	<$me>;
	while (<$me>) { last unless s/^# ?//; print }
	exit 0;
}

my $top   = getcwd();
my $build = $ENV{ADIT_BUILD} // 'build';
my $load  = 'build/bench/load';
my $dir   = tempdir('adit-bench-XXXXXX', TMPDIR => 1);
my @children;
my $owner = $$;

END {
	if ($owner == $$) {
		my $rc = $?;
		kill TERM => @children if @children;
		my $end = time + 3;
		for my $pid (reverse @children) {
			while (waitpid($pid, WNOHANG) == 0 && time < $end) { sleep 0.02 }
			kill KILL => $pid;
		}
		remove_tree($dir);
		$? = $rc;
	}
}
$SIG{INT} = $SIG{TERM} = sub { exit 1 };

# --- processes ---------------------------------------------------------------

sub start {
	my ($name, @cmd) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		open STDIN,  '<',  '/dev/null';
		open STDOUT, '>>', "$dir/$name.log";
		open STDERR, '>&', \*STDOUT;
		exec @cmd or POSIX::_exit(127);
	}
	push @children, $pid;
	return $pid;
}

sub free_port {
	my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
		or die "no port: $!";
	return $s->sockport;
}

# Waits until the service answers through a port.
sub answers {
	my ($port, $what) = @_;
	for (1 .. 200) {
		my $s = IO::Socket::INET->new(
			PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 1);
		if ($s) {
			print $s 'E' . 'x' x 64;
			$s->flush;
			my $got = '';
			local $SIG{ALRM} = sub { die "late\n" };
			my $ok = eval {
				alarm 1;
				sysread $s, $got, 64;
				alarm 0;
				1;
			};
			alarm 0;
			return 1 if $ok && length $got;
		}
		sleep 0.05;
	}
	warn "$what does not answer; left out\n";
	return 0;
}

sub spew {
	my ($file, $text, $mode) = @_;
	open my $fh, '>', "$dir/$file" or die "$dir/$file: $!";
	print $fh $text;
	close $fh;
	chmod $mode // 0600, "$dir/$file";
	return "$dir/$file";
}

sub have {
	my ($name) = @_;
	for my $d (split(/:/, $ENV{PATH}), '/usr/sbin') {
		return "$d/$name" if -x "$d/$name";
	}
	return;
}

sub run {
	my (@cmd) = @_;
	open my $fh, '-|', @cmd or die "@cmd: $!";
	my $text = do { local $/; <$fh> };
	close $fh or die "@cmd failed\n";
	return $text;
}

# User and system time of processes and of the children that they keep, in s.
my $hz = POSIX::sysconf(&POSIX::_SC_CLK_TCK);

sub cpu {
	my $sum = 0;
	for my $pid (@_) {
		open my $fh, '<', "/proc/$pid/stat" or next;
		my $line = <$fh>;
		$line =~ s/^.*\) //;
		my @f = split / /, $line;
		$sum += ($f[11] + $f[12]) / $hz;
	}
	return $sum;
}

sub rss_kb {
	my $sum = 0;
	for my $pid (@_) {
		open my $fh, '<', "/proc/$pid/smaps_rollup" or next;
		while (my $line = <$fh>) {
			$sum += $1 if $line =~ /^Private_\w+:\s+(\d+)/;
		}
	}
	return $sum;
}

sub children_of {
	my ($pid) = @_;
	my @all = ($pid);
	for my $p (glob '/proc/[0-9]*') {
		open my $fh, '<', "$p/stat" or next;
		my $line = <$fh> // next;
		$line =~ s/^.*\) //;
		push @all, $p =~ /(\d+)$/ if (split / /, $line)[1] == $pid;
	}
	return @all;
}

# --- the ways ----------------------------------------------------------------

my $service = free_port();
start('service', $load, 'serve', $service);
answers($service, 'the service') or exit 1;

my @ways = ({ name => 'direct', port => $service, pids => [], udp => 1 });

sub way_adit {
	my $relay = free_port();
	my $from  = 20000 + int rand 20000;
	my $to    = $from + 100;
	my $conf  = spew('adit.yaml', <<YAML);
database: $dir/adit.db
public_host: 127.0.0.1
ports: {from: $from, to: $to}
relay:
  listen: ["127.0.0.1:$relay"]
limits:
  visitors_per_minute: 0
YAML
	my @ctl = ("$build/aditctl", '-c', $conf, '--json');
	open my $pw, '|-', "@ctl user add bench\@example.org --admin --password-stdin >/dev/null";
	print $pw "a long enough password\n";
	close $pw;
	my $t = decode_json(run(@ctl, qw(tunnel add --user bench@example.org
		--name bench --kind both --verified --target), "127.0.0.1:$service"));
	my $m = decode_json(run(@ctl, qw(machine add --user bench@example.org
		--name here --tunnel), $t->{id}));
	my $relayd = start('relayd', "$build/relayd", '-c', $conf);
	for (1 .. 100) { last if -S "$dir/feed.sock"; sleep 0.05 }
	my $pin = decode_json(run(@ctl, qw(relay pin)))->{pin};
	spew('token', "$m->{token}\n");
	my $adit = start('adit', "$build/adit", 'connect',
		'--server', "127.0.0.1:$relay", '--pin', $pin,
		'--allow', "127.0.0.1:$service", '--token-file', "$dir/token");
	return { name => 'adit', port => $t->{public_port}, udp => 1,
		pids => [ $relayd, $adit ] };
}

sub way_nginx {
	my $bin = have('nginx') or return;
	my ($mod) = glob '/usr/lib/nginx/modules/ngx_stream_module.so';
	$mod or return;
	my $port = free_port();
	my $conf = spew('nginx.conf', <<CONF, 0644);
load_module $mod;
daemon off; worker_processes 1; pid $dir/nginx.pid; error_log $dir/nginx.log;
events { worker_connections 16000; }
stream {
	server { listen 127.0.0.1:$port; tcp_nodelay on; proxy_pass 127.0.0.1:$service; }
	server { listen 127.0.0.1:$port udp; proxy_timeout 5s; proxy_pass 127.0.0.1:$service; }
}
CONF
	my $pid = start('nginx', $bin, '-p', $dir, '-c', $conf);
	return { name => 'nginx (plain hop)', port => $port, pids => [$pid],
		family => 1, udp => 1 };
}

sub way_ssh {
	my $sshd = have('sshd');
	return unless $sshd && have('ssh') && have('ssh-keygen');
	my ($at, $port) = (free_port(), free_port());
	for my $k (qw(host user)) {
		system("ssh-keygen -q -t ed25519 -N '' -f $dir/$k") == 0 or return;
	}
	run('cp', "$dir/user.pub", "$dir/authorized");
	mkdir '/run/sshd' if $> == 0;
	my $conf = spew('sshd.conf', <<CONF);
Port $at
ListenAddress 127.0.0.1
HostKey $dir/host
AuthorizedKeysFile $dir/authorized
StrictModes no
UsePAM no
PidFile none
CONF
	my $s = start('sshd', $sshd, '-D', '-e', '-f', $conf);
	sleep 0.3;
	my $c = start('ssh', 'ssh', '-N', '-p', $at, '-i', "$dir/user",
		'-o', 'StrictHostKeyChecking=no', '-o', "UserKnownHostsFile=$dir/known",
		'-o', 'ExitOnForwardFailure=yes', '-R', "$port:127.0.0.1:$service",
		(getpwuid $>)[0] . '@127.0.0.1');
	return { name => 'ssh -R', port => $port, pids => [ $s, $c ], family => 1 };
}

sub way_stunnel {
	my $bin = have('stunnel4') or return;
	my ($in, $out) = (free_port(), free_port());
	system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
			. " -days 2 -subj /CN=bench -keyout $dir/s.key -out $dir/s.crt 2>/dev/null") == 0
		or return;
	my $a = spew('stunnel-a.conf', "foreground = yes\npid =\nclient = yes\n[a]\naccept = 127.0.0.1:$in\nconnect = 127.0.0.1:$out\n");
	my $b = spew('stunnel-b.conf', "foreground = yes\npid =\ncert = $dir/s.crt\nkey = $dir/s.key\n[b]\naccept = 127.0.0.1:$out\nconnect = 127.0.0.1:$service\n");
	return { name => 'stunnel', port => $in,
		pids => [ start('stunnel-b', $bin, $b), start('stunnel-a', $bin, $a) ] };
}

sub way_frp {
	my ($s, $c) = (have('frps'), have('frpc'));
	return unless $s && $c;
	my ($at, $port) = (free_port(), free_port());
	my $cs = spew('frps.toml', "bindAddr = \"127.0.0.1\"\nbindPort = $at\n");
	my $cc = spew('frpc.toml', <<CONF);
serverAddr = "127.0.0.1"
serverPort = $at
[[proxies]]
name = "t"
type = "tcp"
localIP = "127.0.0.1"
localPort = $service
remotePort = $port
[[proxies]]
name = "u"
type = "udp"
localIP = "127.0.0.1"
localPort = $service
remotePort = $port
CONF
	my $p = start('frps', $s, '-c', $cs);
	sleep 0.5;
	return { name => 'frp', port => $port, udp => 1,
		pids => [ $p, start('frpc', $c, '-c', $cc) ] };
}

sub way_rathole {
	my $bin = have('rathole') or return;
	my ($at, $port) = (free_port(), free_port());
	my $cs = spew('rathole-s.toml', "[server]\nbind_addr = \"127.0.0.1:$at\"\ndefault_token = \"bench\"\n[server.services.t]\nbind_addr = \"127.0.0.1:$port\"\n");
	my $cc = spew('rathole-c.toml', "[client]\nremote_addr = \"127.0.0.1:$at\"\ndefault_token = \"bench\"\n[client.services.t]\nlocal_addr = \"127.0.0.1:$service\"\n");
	my $p = start('rathole-s', $bin, '--server', $cs);
	return { name => 'rathole (plain)', port => $port,
		pids => [ $p, start('rathole-c', $bin, '--client', $cc) ] };
}

sub way_bore {
	my $bin = have('bore') or return;
	my $port = free_port();
	my $p = start('bore-s', $bin, 'server');
	sleep 0.5;
	return { name => 'bore (plain)', port => $port,
		pids => [ $p, start('bore-c', $bin, 'local', $service, '--to', '127.0.0.1', '--port', $port) ] };
}

sub way_chisel {
	my $bin = have('chisel') or return;
	my ($at, $port) = (free_port(), free_port());
	my $p = start('chisel-s', $bin, 'server', '--host', '127.0.0.1', '--port', $at, '--reverse');
	sleep 0.5;
	return { name => 'chisel', port => $port, udp => 0,
		pids => [ $p, start('chisel-c', $bin, 'client', "http://127.0.0.1:$at", "R:$port:127.0.0.1:$service") ] };
}

my %wanted_peer = map { $_ => 1 } split /,/, $peers;
my %makers = (
	adit => \&way_adit, nginx => \&way_nginx, ssh => \&way_ssh,
	stunnel => \&way_stunnel, frp => \&way_frp, rathole => \&way_rathole,
	bore => \&way_bore, chisel => \&way_chisel,
);
for my $name (qw(adit nginx ssh stunnel frp rathole bore chisel)) {
	next if %wanted_peer && !$wanted_peer{$name} && $name ne 'adit';
	my $way = $makers{$name}->() or next;
	answers($way->{port}, $way->{name}) and push @ways, $way;
}
die "adit did not start (its logs: relayd, adit)\n" . join('', map { run('tail', '-n', '5', "$dir/$_.log") } qw(relayd adit))
	unless @ways > 1 && $ways[1]{name} eq 'adit';

# --- the figures -------------------------------------------------------------

# name, words, load's arguments, needs udp, "more is better"
my @figures = (
	[ one_up   => 'one stream up, bytes/s',    sub { ('bulk', $_[0], 1, $seconds, 'up') },   0, 1 ],
	[ one_down => 'one stream down, bytes/s',  sub { ('bulk', $_[0], 1, $seconds, 'down') }, 0, 1 ],
	[ eight    => '8 streams down, bytes/s',   sub { ('bulk', $_[0], 8, $seconds, 'down') }, 0, 1 ],
	[ conns    => 'new connections/s, 50 at a time', sub { ('conns', $_[0], 50, $seconds) }, 0, 1 ],
	[ reqs     => 'requests/s, 50 kept connections', sub { ('reqs', $_[0], 50, $seconds) },  0, 1 ],
	[ p50      => 'latency of one request, p50 us',  sub { ('lat', $_[0], $seconds) },       0, 0 ],
	[ udp      => 'UDP echoes/s of 64 bytes',  sub { ('udp', $_[0], 8, $seconds) },          1, 1 ],
	[ loss     => 'UDP lost at 50,000/s, share', sub { ('rate', $_[0], 50000, $seconds) },   1, 0 ],
);
my %wanted = map { $_ => 1 } split /,/, $only;
@figures = grep { !%wanted || $wanted{ $_->[0] } } @figures;

# Memory of an idle visitor, once, before the loads leave their peaks behind.
my %idle;
if (!%wanted || $wanted{idle}) {
	my $count = 5000;
	for my $w (grep { $_->{pids} && @{ $_->{pids} } && !$_->{family} } @ways) {
		# The programs are warm: what is counted is the visitors' alone.
		run($load, 'reqs', $w->{port}, 50, 1);
		sleep 10;
		my @before = map { rss_kb($_) } @{ $w->{pids} };
		open my $in, '|-', "$load idle $w->{port} $count >$dir/idle" or next;
		for (1 .. 300) { last if -s "$dir/idle"; sleep 0.1 }
		sleep 10;    # pools give back what they do not need
		my @after = map { rss_kb($_) } @{ $w->{pids} };
		$idle{ $w->{name} } = [ map { ($after[$_] - $before[$_]) / $count } 0 .. $#after ];
		close $in;
		unlink "$dir/idle";
	}
}

my (%got, %cost);
for my $round (1 .. $rounds) {
	for my $f (@figures) {
		my ($name, undef, $args, $udp) = @$f;
		for my $w (@ways) {
			next if $udp && !$w->{udp};
			my @pids = map { $w->{family} ? children_of($_) : $_ } @{ $w->{pids} };
			my $before = cpu(@pids);
			my @n = eval { split ' ', run($load, $args->($w->{port})) };
			if (!@n) { warn "$w->{name}: $name failed\n"; next }
			@pids = map { $w->{family} ? children_of($_) : $_ } @{ $w->{pids} };
			my $spent = cpu(@pids) - $before;
			push @{ $got{$name}{ $w->{name} } }, $n[0];
			next unless @pids && $n[1];
			push @{ $cost{$name}{ $w->{name} } },
				$name =~ /^(one|eight)/ ? $spent / $n[1] * 1e9
				: $name =~ /^(conns|reqs|udp)$/ ? $spent / $n[1] * 1e6 : 0;
		}
	}
	print STDERR "round $round of $rounds done\n";
}

sub median {
	my @s = sort { $a <=> $b } @_;
	return $s[ $#s / 2 ];
}

# --- the table ---------------------------------------------------------------

my $cc = do { local (@ARGV, $/) = ('/proc/sys/net/ipv4/tcp_congestion_control'); <> };
chomp $cc;
my $cores = () = do { local @ARGV = ('/proc/cpuinfo'); grep { /^processor/ } <> };
printf "%d cores, congestion control %s, %d rounds of %d s, medians\n", $cores, $cc, $rounds, $seconds;
for my $f (@figures) {
	my ($name, $words) = @$f;
	print "\n$words\n";
	my $base = median(@{ $got{$name}{direct} || [0] });
	for my $w (@ways) {
		my $v = $got{$name}{ $w->{name} } or next;
		my $m = median(@$v);
		my $c = $cost{$name}{ $w->{name} };
		printf "  %-20s %14s   %s%s\n", $w->{name},
			$name eq 'loss' ? sprintf('%.4f', $m) : sprintf('%.0f', $m),
			$name eq 'p50' ? sprintf('%+6.0f us', $m - $base)
			: $name eq 'loss' || !$base ? '' : sprintf('%6.2f of direct', $m / $base),
			$c && median(@$c) ? sprintf('   %.2f CPU %s', median(@$c),
				$name =~ /^(one|eight)/ ? 's/GB' : 'us each') : '';
	}
}
if (%idle) {
	print "\nprivate memory of an idle visitor, kB: each program of the way\n";
	printf "  %-20s %s\n", $_, join '   ', map { sprintf '%.2f', $_ } @{ $idle{$_} } for sort keys %idle;
}
open my $fh, '>', 'build/bench/result.json' or die;
print $fh JSON::PP->new->canonical->pretty->encode({
	time => time, cores => $cores, congestion_control => $cc, rounds => $rounds,
	seconds => $seconds, figures => \%got, cpu => \%cost, idle_kb => \%idle });
close $fh;
print "\neverything: build/bench/result.json\n";
