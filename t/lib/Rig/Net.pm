package Rig::Net;
# Several computers on one: network namespaces that vanish with the test.
#
#	Rig::Net::own_world();		first of all, before a plan
#	my $home = Rig::Net->node('home');
#	Rig::Net::wire($home, '10.1.0.2/24', undef, '10.1.0.1/24');
#
# The test itself runs again in a world (network and mounts) of its own; nodes
# are further networks in it.  undef is the world itself.
use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Fcntl qw(LOCK_EX);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More ();

use Rig::Proc;

sub own_world {
	my @needed = grep { !have($_) } qw(unshare nsenter ip);
	skip("needs @needed") if @needed;
	if (!$ENV{ADIT_WORLD}) {
		my @way = ('unshare', '-Urnm');
		skip('network namespaces cannot be made here')
		    if system("@way true 2>/dev/null") != 0;
		$ENV{ADIT_WORLD} = $$;
		exec @way, $^X, (map { "-I$_" } @INC), $0, @ARGV
		    or die "unshare: $!\n";
	}
	run('ip', 'link', 'set', 'lo', 'up');
	return;
}

sub skip {
	my ($why) = @_;
	Test::More::plan(skip_all => $why);
	exit 0;
}

sub have {
	my ($tool) = @_;
	for my $dir (split(/:/, $ENV{PATH} || ''), '/usr/sbin', '/sbin') {
		return "$dir/$tool" if -x "$dir/$tool";
	}
	return;
}

# Whether the packages are in t/node_modules, where they are put when missing.
# One test at a time looks: npm begins by emptying the folder.
sub npm {
	my (@packages) = @_;
	my $house = dirname(abs_path(__FILE__)) . '/../../..';
	mkdir "$house/build";
	open my $lock, '>', "$house/build/npm.lock" or croak "npm.lock: $!";
	flock $lock, LOCK_EX or croak "npm.lock: $!";
	my $all_here = sub {
		return !grep { !-e "$house/t/node_modules/$_" }
		    '.package-lock.json', @packages;
	};
	return 1 if $all_here->();
	return 0 if !have('npm');
	my $rc = system("cd '$house/t' && npm ci --ignore-scripts --no-audit "
	    . '--no-fund >/dev/null 2>&1');
	return $rc == 0 && $all_here->();
}

sub run {
	my (@cmd) = @_;
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	system(@cmd) == 0 or croak "@cmd: failed";
	return;
}

sub node {
	my ($class, $name, $dir) = @_;
	my $self = bless { name => $name }, $class;
	$self->{keeper} = Rig::Proc->start(name => "net-$name",
	    dir => $dir || tempdir('adit-net-XXXXXXXX', TMPDIR => 1,
		CLEANUP => 1), talk => 1,
	    cmd => ['unshare', '-n', 'sh', '-c', 'echo up; exec cat']);
	$self->{keeper}->expect(qr/^up/);
	$self->run('ip', 'link', 'set', 'lo', 'up');
	return $self;
}

sub pid { return $_[0]{keeper}->pid }

# What must stand before a command so that it runs there.
sub enter {
	my ($self) = @_;
	return ('nsenter', '-t', $self->pid, '-n');
}

sub run_in {
	my ($node, @cmd) = @_;
	run($node ? $node->enter : (), @cmd);
	return;
}

# A method with the same name for nodes: $node->run(...).
{
	no warnings 'redefine';
	my $plain = \&run;
	*run = sub {
		return run_in(@_) if ref $_[0];
		return $plain->(@_);
	};
}

# True when it went well; says nothing.
sub quiet {
	my ($node, @cmd) = @_;
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh',
	    $node ? $node->enter : (), @cmd or return 0;
	my @said = <$out>;
	return close $out;
}

my $wires = 0;

# A cable; returns the names of its two ends.
sub wire {
	my ($a, $address_a, $b, $address_b) = @_;
	my ($end_a, $end_b) = ("w${wires}a", "w${wires}b");
	$wires++;
	run('ip', 'link', 'add', $end_a, 'type', 'veth', 'peer', 'name',
	    $end_b);
	for ([$a, $end_a, $address_a], [$b, $end_b, $address_b]) {
		my ($node, $end, $address) = @$_;
		run('ip', 'link', 'set', $end, 'netns', $node->pid) if $node;
		run_in($node, 'ip', 'addr', 'add', $address, 'dev', $end,
		    $address =~ /:/ ? 'nodad' : ());
		run_in($node, 'ip', 'link', 'set', $end, 'up');
	}
	return ($end_a, $end_b);
}

# Rules for that node's `input` or `output`; none: all may pass.
sub firewall {
	my ($node, $hook, @rules) = @_;
	open my $nft, '|-', ($node ? $node->enter : ()), have('nft'), '-f', '-'
	    or croak "nft: $!";
	print $nft "flush ruleset\n";
	print $nft "table inet t {\nchain c {\ntype filter hook $hook "
	    . "priority 0\n", map({ "$_\n" } @rules), "}\n}\n" if $hook;
	close $nft or croak "nft refuses: @rules";
	return;
}

1;
