package Rig::Proc;
# A program that a test has started.  It is stopped, by its pid, when the last
# reference to it goes.
use strict;
use warnings;

use Carp qw(croak);
use IO::Handle;
use IO::Select;
use POSIX qw(WNOHANG);
use Time::HiRes qw(time sleep);

# name: of its files in dir, NAME.out and NAME.err.  cmd: list.  talk: its
# standard input and output are ours (say, line).  env: added to ours.
sub start {
	my ($class, %o) = @_;
	my $self = bless {
		name => $o{name}, cmd => $o{cmd}, owner => $$, left => '',
		err => "$o{dir}/$o{name}.err", out => "$o{dir}/$o{name}.out",
		stop => $o{stop} || 'TERM', patience => $o{patience} || 10,
	}, $class;
	my ($in, $to, $from, $out);
	if ($o{talk}) {
		pipe $in, $to or croak "pipe: $!";
		pipe $from, $out or croak "pipe: $!";
	}
	my $pid = fork;
	croak "fork: $!" unless defined $pid;
	if ($pid == 0) {
		eval { $self->become($in, $out, \%o); };
		print STDERR $@;
		POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	if ($o{talk}) {
		close $_ for $in, $out;
		$to->autoflush(1);
		@$self{qw(to from)} = ($to, $from);
	}
	return $self;
}

# In the child: never returns but by dying.
sub become {
	my ($self, $in, $out, $o) = @_;
	if ($o->{talk}) {
		open STDIN, '<&', $in or die "stdin: $!\n";
		open STDOUT, '>&', $out or die "stdout: $!\n";
	} else {
		open STDIN, '<', $o->{stdin} || '/dev/null' or die "stdin: $!\n";
		open STDOUT, '>>', $self->{out} or die "$self->{out}: $!\n";
	}
	open STDERR, '>>', $self->{err} or die "$self->{err}: $!\n";
	$ENV{$_} = $o->{env}{$_} for keys %{ $o->{env} || {} };
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
	exec { $self->{cmd}[0] } @{ $self->{cmd} };
	die "$self->{cmd}[0]: $!\n";
}

sub pid { return $_[0]{pid} }
sub name { return $_[0]{name} }

sub alive {
	my ($self) = @_;
	return 0 if defined $self->{status};
	return 1 if waitpid($self->{pid}, WNOHANG) == 0;
	$self->{status} = $?;
	return 0;
}

# Its exit code within so many seconds, "signal N", or undef.
sub wait {
	my ($self, $seconds) = @_;
	my $end = time + $seconds;
	while ($self->alive) {
		return undef if time > $end;
		sleep 0.01;
	}
	return $self->code;
}

sub code {
	my ($self) = @_;
	return undef if $self->alive;
	my $s = $self->{status};
	return $s & 127 ? 'signal ' . ($s & 127) : $s >> 8;
}

sub signal {
	my ($self, $signal) = @_;
	return $self->alive ? kill $signal, $self->{pid} : 0;
}

# Asks it to end, then makes it; returns how it ended.
sub stop {
	my ($self, $signal, $seconds) = @_;
	return $self->code unless $self->alive;
	kill 'CONT', $self->{pid};
	close delete $self->{to} if $self->{to};
	kill $signal || $self->{stop}, $self->{pid};
	my $code = $self->wait($seconds || $self->{patience});
	return $code if defined $code;
	kill 'KILL', $self->{pid};
	$self->wait(5);
	return 'had to be killed';
}

sub say {
	my ($self, $line) = @_;
	local $SIG{PIPE} = 'IGNORE';
	return print { $self->{to} } "$line\n";
}

# The end of its standard input.
sub hush {
	my ($self) = @_;
	close delete $self->{to} if $self->{to};
	return;
}

# The next line that it says, or undef after so many seconds or at its end.
sub line {
	my ($self, $seconds) = @_;
	my $end = time + (defined $seconds ? $seconds : 10);
	my $select = IO::Select->new($self->{from});
	my $at;
	while (($at = index $self->{left}, "\n") == -1) {
		my $left = $end - time;
		return undef if $left <= 0 || !$select->can_read($left);
		return undef unless sysread $self->{from}, $self->{left}, 65536,
		    length $self->{left};
	}
	my $line = substr $self->{left}, 0, $at + 1, '';
	chomp $line;
	return $line;
}

# Lines until one that matches; its first capture, or 1.
sub expect {
	my ($self, $pattern, $seconds) = @_;
	my $end = time + (defined $seconds ? $seconds : 10);
	while (defined(my $line = $self->line($end - time))) {
		return defined $1 ? $1 : 1 if $line =~ $pattern;
	}
	croak "$self->{name} did not say $pattern; it said on stderr: "
	    . substr $self->errors, -1000;
}

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	my $text = <$f>;
	return defined $text ? $text : '';
}

sub errors { return slurp($_[0]{err}) }
sub output { return slurp($_[0]{out}) }

# Open files, and kB of memory that are its own (anonymous pages).
sub files {
	my ($self) = @_;
	opendir my $d, "/proc/$self->{pid}/fd" or return 0;
	my @all = grep { /^\d+$/ } readdir $d;
	return scalar @all;
}

sub memory_kb {
	my ($self) = @_;
	my $text = slurp("/proc/$self->{pid}/status");
	return $text =~ /^RssAnon:\s+(\d+)/m ? $1 : 0;
}

# Seconds of processor time so far.
sub cpu {
	my ($self) = @_;
	my @f = split ' ', slurp("/proc/$self->{pid}/stat") =~ s/^.*\) //sr;
	return @f > 12 ? ($f[11] + $f[12]) / POSIX::sysconf(
	    POSIX::_SC_CLK_TCK()) : 0;
}

sub DESTROY {
	my ($self) = @_;
	return unless $self->{pid} && $self->{owner} == $$;
	local ($?, $!, $@);
	$self->stop;
	return;
}

1;
