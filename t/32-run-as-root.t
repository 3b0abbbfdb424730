#!/usr/bin/perl
# `make run` by root: what lies in STATE belongs to the user adit, who may have
# put links there.  Root follows none of them.
use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use POSIX ();
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually free_port);

plan skip_all => 'root alone can try this' if $> != 0;
my ($uid) = (getpwnam 'adit')[2];
plan skip_all => 'there is no user adit' unless defined $uid;
plan skip_all => "$Rig::BUILD is not what make run builds"
    unless $Rig::BUILD eq "$Rig::HOUSE/build";
plan skip_all => 'no nginx here' unless Rig::Net::have('nginx');

my $dir = tempdir('/tmp/adit-run-XXXXXX', CLEANUP => 1);
chmod 0755, $dir;
my $state = "$dir/state";

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	return scalar <$f> // '';
}

sub spew {
	my ($path, $text) = @_;
	open my $f, '>', $path or die "$path: $!";
	print $f $text;
	close $f or die "$path: $!";
	return;
}

# Runs until it serves, or ends by itself: what it said.
my %port = map { $_ => free_port() } qw(HTTP_PORT RELAY_PORT);
sub run {
	spew("$dir/said", '');
	my $pid = fork;
	die "fork: $!" unless defined $pid;
	if ($pid == 0) {
		%ENV = (%ENV, %port, HTTPS_PORT => 0, STATE => $state);
		open STDOUT, '>', "$dir/said" or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		exec "$Rig::HOUSE/deploy/run.sh" or POSIX::_exit(127);
	}
	my $ended;
	eventually {
		$ended = waitpid($pid, POSIX::WNOHANG()) == $pid;
		$ended || slurp("$dir/said") =~ /^Ctrl-C here/m
	} 120;
	kill INT => $pid unless $ended;
	$ended ||= eventually { waitpid($pid, POSIX::WNOHANG()) == $pid } 30;
	ok($ended, 'it ended');
	return slurp("$dir/said");
}

sub as_adit {
	my ($script) = @_;
	is(system('setpriv', '--reuid', 'adit', '--regid', 'adit',
	    '--init-groups', '--', 'sh', '-ec', "cd '$state'; $script"), 0,
	    $script);
	return;
}

# Nothing of what root has beside STATE is changed, and it is still root's.
my @mine = map { "$dir/$_" } qw(settings log lock folder);
sub mine {
	my $all = '';
	for my $path (@mine) {
		my @is = stat $path;
		$all .= "$path $is[4] " . (-d $path ? join ' ', glob "$path/*"
		    : slurp($path)) . "\n";
	}
	return $all;
}

like(run(), qr/^Ctrl-C here/m, 'the first time it runs');
my @wrong = grep { (lstat $_)[4] != $uid } $state, glob "$state/* $state/*/*";
is("@wrong", '', 'and all in STATE is the user\'s');

spew("$dir/settings", slurp("$state/adit.yaml"));
chmod 0600, "$dir/settings";
spew("$dir/$_", "root's own\n") for qw(log lock);
mkdir "$dir/folder";
my $before = mine();

as_adit("rm run.lock; ln -s '$dir/lock' run.lock");
unlike(run(), qr/^Ctrl-C here/m, 'a link for the lock');
is(mine(), $before, 'leads nowhere');
as_adit("rm run.lock adit.yaml; ln -s '$dir/settings' adit.yaml");
like(run(), qr/cannot read/, 'a link for the settings');
is(mine(), $before, 'neither');
as_adit("rm adit.yaml; cat run.yaml >adit.yaml; rm -r bin tmp client
    ln -s '$dir/folder' bin; ln -s '$dir/folder' tmp
    ln -s '$dir/folder' client; rm log/webapp.log
    ln -s '$dir/log' log/webapp.log");
unlike(run(), qr/^Ctrl-C here/m, 'links for folders and a log');
is(mine(), $before, 'nor these');
as_adit('rm bin tmp client');
unlike(run(), qr/^Ctrl-C here/m, 'the log alone');
is(mine(), $before, 'nor that');

done_testing;
