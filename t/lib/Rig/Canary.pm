package Rig::Canary;
# Watches that a secret shows nowhere: in no command line and no environment of
# any process, all the time, and in no file.
#
#	my $canary = Rig::Canary->new($secret, ...);
#	...
#	is(join(' ', $canary->seen), '', 'no process shows it');
#	is(join(' ', $canary->files($dir, except => qr/token/)), '', 'no file');
use strict;
use warnings;

use File::Find qw(find);
use IO::Handle;
use Time::HiRes qw(sleep);

my $EVERY_S = 0.02;

sub slurp {
	my ($path) = @_;
	open my $f, '<:raw', $path or return '';
	local $/;
	my $text = <$f>;
	return defined $text ? $text : '';
}

# A process of its own looks, from now until seen() is asked.
sub new {
	my ($class, @secrets) = @_;
	my $any = join '|', map { quotemeta } @secrets;
	my $self = bless { any => qr/$any/, owner => $$ }, $class;
	pipe my $stop, $self->{stop} or die "pipe: $!";
	pipe $self->{told}, my $tell or die "pipe: $!";
	$self->{pid} = fork;
	die "fork: $!" unless defined $self->{pid};
	if ($self->{pid} == 0) {
		close delete $self->{$_} for qw(stop told);
		$self->watch($stop, $tell);
		require POSIX;
		POSIX::_exit(0);
	}
	close $_ for $stop, $tell;
	return $self;
}

sub watch {
	my ($self, $stop, $tell) = @_;
	my ($looks, %seen) = (0);
	vec(my $bits = '', fileno $stop, 1) = 1;
	until (select my $ready = $bits, undef, undef, $EVERY_S) {
		$looks++;
		for my $p (glob '/proc/[0-9]*') {
			for my $what (qw(cmdline environ)) {
				next if slurp("$p/$what") !~ $self->{any};
				my ($name) = slurp("$p/comm") =~ /(.*)/;
				$seen{"$what of $name"} = 1;
			}
		}
	}
	print $tell "$looks\n", map { "$_\n" } sort keys %seen;
	$tell->flush;
	return;
}

# Where it was seen until now; nobody looks any more.
sub seen {
	my ($self) = @_;
	close delete $self->{stop} if $self->{stop};
	my @lines = readline $self->{told};
	waitpid $self->{pid}, 0;
	chomp @lines;
	$self->{looks} = shift @lines;
	return @lines;
}

# How often it looked.
sub looks { return $_[0]{looks} // 0 }

# The files below these folders that hold it, but for those that may.
sub files {
	my ($self, $folder, %o) = @_;
	my @found;
	find({ no_chdir => 1, wanted => sub {
		return if -l || !-f _ || $o{except} && /$o{except}/;
		push @found, $_ if slurp($_) =~ $self->{any};
	} }, $folder);
	return @found;
}

sub DESTROY {
	my ($self) = @_;
	return unless $self->{owner} == $$ && $self->{stop};
	local $?;
	close delete $self->{stop};
	waitpid $self->{pid}, 0;
	return;
}

1;
