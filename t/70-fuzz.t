#!/usr/bin/perl
# Every parser holds against twenty seconds of what a fuzzer thinks of
# (ADIT_FUZZ_S sets another time).
use strict;
use warnings;
use Test::More;

my $seconds = $ENV{ADIT_FUZZ_S} // ($ENV{ADIT_LONG} ? 60 : 20);

plan skip_all => 'clang is not installed' if system('command -v clang >/dev/null');

my @names = map { m{([^/]+)\.c$} } glob 't/fuzz/*.c';
plan skip_all => 'no target' unless @names;

# Two at a time, as there are two cores on a small machine.
system('t/fuzz/run.sh 0 >/dev/null 2>&1');    # builds
my %child;
my %out;
for my $name (sort @names) {
	wait_one() while keys %child >= 2;
	open my $fh, '-|', "t/fuzz/run.sh $seconds $name 2>&1"
		or die "run.sh: $!";
	$child{$name} = $fh;
}
wait_one() while keys %child;

sub wait_one {
	my ($name) = sort keys %child;
	my $fh = delete $child{$name};
	my $text = do { local $/; <$fh> };
	close $fh;
	is $?, 0, "$name: no finding";
	diag $text if $?;
	note $text;
}

done_testing;
