#!/usr/bin/perl
# Measures the pages and the API: wrk through a real nginx with the
# configuration that is shipped (its limits off), a user with many tunnels, all
# of them served by a client and with traffic in the last day.
#
#	bench/web.pl [--rounds N] [--seconds N] [--tunnels N] [--connections N]
#	    [--only NAME,...] [BUILD ...]
#
# Each BUILD is a folder with a webapp.fcgi; the first one's other programs serve
# all.  Several are measured in turn in every round, so that a noisy machine is
# noisy for each; they must know the same schema.  Prints medians; p99 is wrk's.
use strict;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use Getopt::Long;
use lib "$FindBin::Bin/../t/lib";
use List::Util qw(sum0);

use Rig;
use Rig::Api;
use Rig::Web;

my ($rounds, $seconds, $tunnels, $connections, $only, $help) =
    (3, 4, 1000, 50, '');
GetOptions('rounds=i' => \$rounds, 'seconds=i' => \$seconds,
    'tunnels=i' => \$tunnels, 'connections=i' => \$connections,
    'only=s' => \$only, 'help' => \$help) or exit 2;
if ($help) {
	open my $me, '<', $0 or die;
	<$me>;
	while (<$me>) { last unless s/^# ?//; print }
	exit 0;
}
my @builds = @ARGV ? @ARGV : $Rig::BUILD;
$Rig::BUILD = abs_path($builds[0]);

die "wrk is not installed\n" unless Rig::Net::have('wrk');
my $from = 10000;
my $rig = Rig->new(range => [ $from, $from + $tunnels + 2000 ],
    conf => { limits => { api_reads_per_minute => 0,
	api_writes_per_minute => 0 } });
my $relayd = $rig->relayd;
my $api = Rig::Api->new($rig);
my $key = $api->key('ann@example.org', admin => 1);
my $service = $rig->service('echo:0');

sub ask {
	my ($method, $path, %o) = @_;
	my $a = $api->ask($method, $path, key => $key, %o);
	die "$method $path: $a->{status} $a->{body}\n" if $a->{status} >= 300;
	return $a->{json};
}

# --- what there is ------------------------------------------------------------

my $machine = ask(POST => '/api/machines', json => { name => 'DESKTOP-4711' });
my @ids;
for my $n (1 .. $tunnels) {
	my $t = ask(POST => '/api/tunnels', json => { name => "service $n",
	    kind => 'tcp', local_host => '127.0.0.1',
	    local_port => 0 + $service->{port}{echo},
	    machine_id => $machine->{id} });
	ask(POST => "/api/tunnels/$t->{id}/verify");
	push @ids, $t->{id};
}
if (my $sqlite = Rig::Net::have('sqlite3')) {
	my $hour = int(time / 3600);
	system($sqlite, "$rig->{dir}/adit.db",
	    'INSERT INTO usage_hour SELECT h.value, tunnel.id, '
	    . '1000 * h.value % 77777, 900 * tunnel.id % 99999, 3, 0, 0 '
	    . "FROM generate_series(@{[ $hour - 23 ]}, $hour) AS h, tunnel") == 0
	    or die "sqlite3\n";
} else {
	print "sqlite3 is not installed: the tunnels have no traffic\n";
}
my $token = ask(POST => "/api/machines/$machine->{id}/keys", json => {})
    ->{token} or die "no token\n";
my $client = $rig->client({ file => $rig->token_file($token),
    allow => "127.0.0.1:$service->{port}{echo}" }, at_once => 1);
$rig->wait_live($ids[-1], 60);
$api->{proc}->stop;

# --- a web server before each build -------------------------------------------

my @ways;
for my $build (@builds) {
	local $Rig::BUILD = abs_path($build);
	my $web = Rig::Web->new($rig);
	my $conf = "$web->{dir}/nginx.conf";
	my $text = Rig::Web::slurp($conf);
	$text =~ s/^\s*limit_req zone.*\n//mg;
	Rig::Web::spew($conf, $text);
	kill HUP => $web->{nginx}->pid;
	push @ways, { name => $build, web => $web,
	    cookie => 'adit=' . $web->signed_in('ann@example.org',
		'correct horse battery')->{jar}{adit} };
}

# The CPU time of a process and its children so far, in s.
my $hz = POSIX::sysconf(&POSIX::_SC_CLK_TCK);

sub cpu {
	my ($pid) = @_;
	my $sum = 0;
	for my $stat (glob '/proc/[0-9]*/stat') {
		open my $f, '<', $stat or next;
		my $line = <$f> // next;
		my ($own) = $line =~ /^(\d+)/;
		$line =~ s/^.*\) //;
		my @f = split ' ', $line;
		$sum += ($f[11] + $f[12]) / $hz if $own == $pid || $f[1] == $pid;
	}
	return $sum;
}

my %unit = (us => 0.001, ms => 1, s => 1000, m => 60000);

# { rate, p50, p99 in ms, bad, web, nginx, relay: CPU us for each request }
sub load {
	my ($way, $path, $header) = @_;
	my %pid = (web => $way->{web}{program}->pid,
	    nginx => $way->{web}{nginx}->pid, relay => $relayd->pid);
	my %before = map { $_ => cpu($pid{$_}) } keys %pid;
	my $url = $way->{web}->url . $path;
	my $said = `wrk -t2 -c$connections -d${seconds}s --latency \\
	    -H '$header' '$url'`;
	my %r = (bad => 0);
	($r{rate}) = $said =~ m{^Requests/sec:\s+([\d.]+)}m
	    or die "wrk: $said\n";
	my ($n) = $said =~ /(\d+) requests in/;
	$r{"p$1"} = $2 * $unit{$3}
	    while $said =~ /^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)$/mg;
	$r{bad} += $1 while $said =~ /Non-2xx[^:]*: (\d+)/g;
	$r{bad} += $1 + $2 + $3 + $4 while $said =~
	    /connect (\d+), read (\d+), write (\d+), timeout (\d+)/g;
	$r{$_} = (cpu($pid{$_}) - $before{$_}) / ($n || 1) * 1e6 for keys %pid;
	return \%r;
}

my @figures = (
	[ page   => "the dashboard, $tunnels tunnels", '/', 'cookie' ],
	[ tunnel => 'the page of a tunnel', "/tunnels/$ids[0]", 'cookie' ],
	[ list20 => 'the API: a list of 20', '/api/tunnels?limit=20' ],
	[ list   => 'the API: a list of 100', '/api/tunnels?limit=100' ],
	[ one    => 'the API: one tunnel', "/api/tunnels/$ids[0]" ],
	[ me     => 'the API: who am I', '/api/me' ],
);
my %wanted = map { $_ => 1 } split /,/, $only;
@figures = grep { !%wanted || $wanted{ $_->[0] } } @figures;

sub header {
	my ($way, $f) = @_;
	return $f->[3] ? "Cookie: $way->{cookie}"
	    : "Authorization: Bearer $key";
}

my %got;
for my $round (0 .. $rounds) {
	for my $f (@figures) {
		for my $way (@ways) {
			my $r = load($way, $f->[2], header($way, $f));
			# the first one warms all up
			push @{ $got{ $f->[0] }{ $way->{name} } }, $r if $round;
		}
	}
	print STDERR "round $round of $rounds done\n" if $round;
}

sub median {
	my @s = sort { $a <=> $b } @_;
	return $s[ $#s / 2 ];
}

my $cores = () = do { local @ARGV = ('/proc/cpuinfo'); grep { /^processor/ } <> };
printf "%d cores, wrk with %d connections, %d rounds of %d s, medians\n",
    $cores, $connections, $rounds, $seconds;
my $failed = 0;
for my $f (@figures) {
	printf "\n%s (%d bytes)\n", $f->[1], do {
		my ($name, $value) = split /: /, header($ways[0], $f);
		my $b = $ways[0]{web}->browser->get($f->[2],
		    headers => { $name => $value });
		die "$f->[2]: " . $b->status . "\n" if $b->status != 200;
		length $b->text;
	};
	for my $way (@ways) {
		my $all = $got{ $f->[0] }{ $way->{name} };
		my %m = map { my $k = $_; $k => median(map { $_->{$k} } @$all) }
		    qw(rate p50 p99 web nginx relay);
		my $bad = sum0(map { $_->{bad} } @$all);
		$failed ||= $bad;
		printf "  %-24s %6.0f/s   p50 %6.1f ms   p99 %6.1f ms   CPU us: "
		    . "webapp %.0f, nginx %.0f, relayd %.0f%s\n", $way->{name},
		    @m{qw(rate p50 p99 web nginx relay)},
		    $bad ? "   $bad FAILED" : '';
	}
}
$rig->DESTROY;
exit($failed ? 1 : 0);
