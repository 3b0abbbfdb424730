#!/usr/bin/perl
# The rules of takeover and of RESUME, tried in every order of events (spin).
# Each model must hold; with one of its rules left out it must not.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

my $models = abs_path(dirname(__FILE__)) . '/spin';
my $cc = $ENV{CC} || 'cc';

# Runs one model with these settings; returns how many errors were found.
sub errors {
	my ($model, @set) = @_;
	my $dir = tempdir(CLEANUP => 1);
	my $out = qx{cd $dir && spin -a @set $models/$model.pml 2>&1 &&
		$cc -w -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=2000 -o pan pan.c 2>&1 &&
		./pan -m1000000 2>&1};

	diag($out), return 'none: the model did not run'
	    unless $out =~ /errors: (\d+)/;
	my $errors = $1;
	diag($out), return 'none: the search did not end'
	    if $errors == 0 && $out =~ /Search not completed|max search depth/;
	return $errors;
}

my @holds = (
	[ takeover => ],
	[ resume => qw(-DCUTS=1 -DRESETS=1) ],
	[ resume => qw(-DCUTS=1 -DRESETS=1 -DOPENER=1) ],
	[ resume => qw(-DCUTS=0 -DGIVE_UPS=1) ],
	[ resume => qw(-DCUTS=0 -DGIVE_UPS=1 -DOPENER=1) ],
	[ resume => qw(-DCUTS=2) ],
);
my @breaks = (
	[ takeover => qw(-DRETURN_TAKES) ],
	[ takeover => qw(-DDIALS_AGAIN) ],
	[ takeover => qw(-DNO_INSTANCE) ],
	[ takeover => qw(-DNO_MEMORY) ],
	[ takeover => qw(-DTWO_SERVE) ],
	[ resume => qw(-DNO_SERIAL) ],
	[ resume => qw(-DNO_CONCERN) ],
	[ resume => qw(-DNO_SNAPSHOT) ],
	[ resume => qw(-DNO_LATE_RESET -DRESETS=1) ],
	[ resume => qw(-DFIN_ACKED) ],
	[ resume => qw(-DNO_OPEN_AGAIN) ],
	[ resume => qw(-DNO_REWIND) ],
	[ resume => qw(-DNO_LATE_WELCOME -DCUTS=0 -DGIVE_UPS=1) ],
);

# All of them with ADIT_LONG; a few show that the oracles bite.
@breaks = @breaks[0, 2, 5, 8, 12] unless $ENV{ADIT_LONG};

plan skip_all => 'spin is not installed' if system('spin -V >/dev/null 2>&1');
plan skip_all => "$cc is not installed"
    if system("$cc --version >/dev/null 2>&1");
plan tests => @holds + @breaks;

is(errors(@$_), 0, "@$_: holds in every order of events") for @holds;
is(errors(@$_), 1, "@$_: the rule that is left out is missed") for @breaks;
