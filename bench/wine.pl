#!/usr/bin/perl
# Measures what people download: the size of the programs, how long their first
# build takes, what the Windows client carries under Wine beside the Linux one
# on the same machine, how long a double click takes, and what both cost while
# nobody comes.
#
#	bench/wine.pl [--mb N] [--rounds N] [--idle SECONDS] [--build]
#
# --build builds the libraries and both programs anew, in a folder of its own
# and from the sources that build/cache holds; that takes minutes.  Needs Wine,
# `make programs tools clients`.  Figures under Wine say what Wine costs as
# well; those of a real Windows are taken there.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Getopt::Long;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use lib abs_path(dirname(__FILE__) . '/../t/lib');
use Rig qw(eventually);
use Rig::Wine;

my ($mb, $rounds, $idle, $build) = (300, 3, 20, 0);
GetOptions('mb=i' => \$mb, 'rounds=i' => \$rounds, 'idle=i' => \$idle,
    'build' => \$build) or exit 2;
my $house = $Rig::HOUSE;
my $missing = Rig::Wine::missing();
die "$missing\n" if $missing;

sub say_ {
	printf "%-44s %s\n", @_;
	return;
}

sub median {
	my @s = sort { $a <=> $b } @_;
	return $s[@s / 2];
}

# --- sizes ---------------------------------------------------------------------

my %program = ('adit.exe' => "$house/build/adit.exe",
    'adit-linux-x86_64' => "$house/build/adit-linux-x86_64");
for my $name (sort keys %program) {
	next unless -e $program{$name};
	my $packed = `xz -9 -c $program{$name} | wc -c`;
	say_("$name: size", sprintf '%.2f MB, %.2f MB packed by xz',
	    (-s $program{$name}) / 1e6, $packed / 1e6);
}

# --- the first build -----------------------------------------------------------

if ($build) {
	my $copy = tempdir('adit-build-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	system("cd $house && git ls-files -z | xargs -0 cp --parents -t $copy"
	    . " && mkdir -p $copy/build/cache"
	    . " && cp -a build/cache/src build/cache/apt $copy/build/cache/")
	    == 0 or die "no copy\n";
	for my $target (qw(win musl)) {
		my $began = time;
		system("cd $copy && deploy/clients.sh libs $target"
		    . ' >build.log 2>&1') == 0 or die "$copy/build.log\n";
		my $libs = time - $began;
		$began = time;
		system("cd $copy && deploy/clients.sh $target"
		    . ' >build.log 2>&1') == 0 or die "$copy/build.log\n";
		say_("first build for $target, " . `nproc` =~ s/\n//r
		    . ' processors', sprintf
		    '%.0f s for the libraries, %.0f s for the program', $libs,
		    time - $began);
	}
}

# --- what they carry ------------------------------------------------------------

my $wine = Rig::Wine->new;
my $rig = Rig->new;
$rig->relayd;
my $service = $rig->service('ask:0');

sub processor_s {
	my ($pid) = @_;
	my @f = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //r;
	return 0 if @f < 13;
	return ($f[11] + $f[12]) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub memory_mb {
	my ($pid) = @_;
	my ($kb) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;
	return ($kb // 0) / 1000;
}

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	return <$f> // '';
}

# The server of our Windows, which each of its programs asks.
sub wineserver {
	my $prefix = $wine->pfx;
	return grep {
		slurp("/proc/$_/cmdline") =~ /wineserver/ &&
		    slurp("/proc/$_/environ") =~ /WINEPREFIX=\Q$prefix\E\0/
	} map { m{(\d+)$} } glob '/proc/[0-9]*';
}

sub measure {
	my ($name, @command) = @_;
	my $t = $rig->tunnel(name => $name,
	    target => "127.0.0.1:$service->{port}{ask}");
	my $m = $rig->machine($t, { name => $name });
	$rig->caught_up;
	my $began = time;
	my $p = $rig->start("adit-$name", [ @command, 'connect', '--plain',
	    '--server', "127.0.0.1:$rig->{port}", '--pin', $rig->pin,
	    '--allow', $m->{allow}, '--token-file', $m->{file} ],
	    stop => 'INT', patience => 20);
	$rig->wait_live($t, 60);
	say_("$name: from its start until the tunnel is live",
	    sprintf '%.2f s', time - $began);
	for my $way (qw(down up)) {
		my @rate;
		for (1 .. $rounds) {
			my $from = time;
			my $r = $rig->visit($way, $t, $mb * 1_000_000,
			    { t => 300 });
			die "$way: $r->{why}\n" unless $r->{ok} == 1;
			push @rate, $mb / (time - $from);
		}
		say_("$name: $way, one visitor", sprintf '%.0f MB/s (of %s)',
		    median(@rate), join ', ', map { sprintf '%.0f', $_ } @rate);
	}
	my $r = $rig->visit('echo', $t, 1000, { a => 1, n => 200, b => 20 });
	say_("$name: 200 visitors, 20 at once", "$r->{ok} served");

	my @all = ($p->pid, $name eq 'wine' ? wineserver() : ());
	sleep 2; # what the visitors left is over
	my @before = map { processor_s($_) } @all;
	sleep $idle;
	my @spent = map { processor_s($all[$_]) - $before[$_] } 0 .. $#all;
	say_("$name: processor while nobody comes, $idle s",
	    sprintf '%.2f %%%s', 100 * $spent[0] / $idle,
	    @all > 1 ? sprintf(', its wineserver %.2f %%',
		100 * $spent[1] / $idle) : '');
	say_("$name: memory then", sprintf '%.1f MB', memory_mb($p->pid));
	$p->stop('INT', 20);
	return;
}

measure('linux', "$Rig::BUILD/adit");
measure('static', $program{'adit-linux-x86_64'})
    if -e $program{'adit-linux-x86_64'};
measure('wine', $wine->command($program{'adit.exe'}));
