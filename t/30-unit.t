#!/usr/bin/perl
# The systemd unit is one that systemd understands, and gives the relay little:
# an exposure of at most 1.5 of 10.
use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use Test::More;

my $unit = "$FindBin::Bin/../deploy/relayd.service";
plan skip_all => 'no systemd-analyze'
    unless grep { -x "$_/systemd-analyze" } split /:/, $ENV{PATH} // '';

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or die "$path: $!";
	local $/;
	return scalar <$f>;
}

# The exposure of the unit with this text.
sub exposure {
	my ($text) = @_;
	my $dir = tempdir(CLEANUP => 1);
	open my $f, '>', "$dir/adit-relayd.service" or die $!;
	print $f $text;
	close $f or die $!;
	my $said = `systemd-analyze security --offline=true $dir/adit-relayd.service 2>&1`;
	return $said =~ /Overall exposure level for \S+: ([\d.]+)/ ? $1 : $said;
}

# What systemd says against the unit with this text; its programs stand in for
# ours, which need not be installed.
sub faults {
	my ($text) = @_;
	my $dir = tempdir(CLEANUP => 1);
	$text =~ s{^ExecStart=\S+}{ExecStart=/bin/true}m;
	open my $f, '>', "$dir/adit-relayd.service" or die $!;
	print $f $text;
	close $f or die $!;
	return join '', grep { /adit-relayd/ }
	    `systemd-analyze verify --man=no $dir/adit-relayd.service 2>&1`;
}

my $text = slurp($unit);
my $got = exposure($text);
like($got, qr/^[\d.]+$/, 'an exposure is told') or diag($got);
cmp_ok($got, '<=', 1.5, 'of at most 1.5');
(my $open = $text) =~ s/^NoNewPrivileges=.*\n|^ProtectSystem=.*\n//mg;
cmp_ok(exposure($open), '>', $got, 'it would see what is missing');

is(faults($text), '', 'systemd understands every line');
like(faults("$text\n[Service]\nProtectEverything=yes\n"), qr/ProtectEverything/,
    'and would name one that it does not');

like($text, qr{^ExecStart=/usr/local/sbin/relayd$}m,
    'make install finds the prefix where it looks for it');
like($text, qr{^User=adit$}m, 'it does not run as root');
done_testing();
