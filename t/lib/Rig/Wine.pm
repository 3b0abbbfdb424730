package Rig::Wine;
# A Windows for tests: a prefix of its own, without a display, whose processes
# end with it.  ready() tells why there is none.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Scalar::Util qw(weaken);

my %live;
our $HOUSE = abs_path(dirname(__FILE__) . '/../../..');
my ($WINE) = grep { -x $_ } '/usr/lib/wine/wine64',
    map { ("$_/wine64", "$_/wine") } split /:/, $ENV{PATH} // '';

# What is missing, or ''.
sub missing {
	my $why = $ENV{ADIT_CLIENTS} ? await_clients($ENV{ADIT_CLIENTS}) : '';
	return $why if $why;
	return 'Wine is not installed' unless $WINE;
	return "build/adit.exe is not built (make clients)"
	    unless -e "$HOUSE/build/adit.exe";
	return '';
}

# The file gets the exit status of a build of the clients that goes on beside
# the tests.  It must succeed, where Debian's archive can be reached.
sub await_clients {
	my ($file) = @_;
	my $end = time + 1200;
	sleep 1 while !-s $file && time < $end;
	open my $f, '<', $file or die "the clients are not built in 20 minutes\n";
	my $rc = <$f>;
	return "the sources of the clients' libraries cannot be had" if $rc == 3;
	die "the clients are not built: build/clients.log tells why\n"
	    if $rc != 0;
	return '';
}

# The environment of all that runs in the prefix at $dir.
sub env {
	my ($dir) = @_;
	return (
		WINEPREFIX => "$dir/pfx", WINEDEBUG => '-all',
		WINEDLLOVERRIDES =>
		    'mscoree=;mshtml=;winemenubuilder.exe=;'
		    . 'certutil.exe=n;curl.exe=n',
		LC_ALL => 'C.UTF-8', HOME => $dir,
	);
}

sub new {
	my ($class) = @_;
	my $dir = tempdir('adit-wine-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless { dir => $dir, owner => $$ }, $class;
	weaken($live{$dir} = $self);
	$self->run('wineboot', '-i') == 0 or die "wineboot fails\n";
	$self->run('winecfg', '-v', 'win10');
	return $self;
}

sub dir { return $_[0]{dir} }
sub pfx { return "$_[0]{dir}/pfx" }
sub c_drive { return "$_[0]{dir}/pfx/drive_c" }

# The command that runs a Windows program: for Rig::Proc and system().
sub command {
	my ($self, @words) = @_;
	my %env = env($self->{dir});
	return ('env', '-u', 'DISPLAY', '-u', 'WAYLAND_DISPLAY',
	    (map { "$_=$env{$_}" } sort keys %env), $WINE, @words);
}

# Runs it; the exit status.
sub run {
	my ($self, @words) = @_;
	my $rc = system('sh', '-c', 'exec "$@" >"$0" 2>&1 </dev/null',
	    "$self->{dir}/run.log", $self->command(@words));
	return $rc >> 8;
}

# What it said and its exit status.
sub ask {
	my ($self, @words) = @_;
	my $rc = $self->run(@words);
	open my $f, '<', "$self->{dir}/run.log" or return ('', $rc);
	local $/;
	my $said = <$f>;
	$said =~ s/\r//g;
	return ($said, $rc);
}

# Ends all that runs there, as a computer that is switched off; what is run
# next starts it anew, with its services.
sub switch_off {
	my ($self) = @_;
	my ($server) = grep { -x $_ } '/usr/lib/wine/wineserver64',
	    '/usr/lib/wine/wineserver', '/usr/bin/wineserver';
	return unless $server;
	local $?;
	system('env', "WINEPREFIX=$self->{dir}/pfx", $server, $_)
	    for '-k', '-w';
	return;
}

sub DESTROY {
	my ($self) = @_;
	return unless $self->{owner} == $$ && delete $live{$self->{dir}};
	$self->switch_off;
	return;
}

# Before File::Temp removes the folders.
END {
	local $?;
	$_->DESTROY for grep { defined } values %live;
}

1;
