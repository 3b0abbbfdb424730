package Rig::Screen;
# What a program has drawn on a terminal, and what a telephone reads there.
use strict;
use warnings;

use Exporter qw(import);

use Rig::Net;

our @EXPORT_OK = qw(screen squares read_code);

# The last whole screen, line by line, with its colours.
sub screen {
	my ($output) = @_;
	my @screens = split /\e\[\?2026h/, $output;
	pop @screens unless @screens && $screens[-1] =~ /\e\[\?2026l/;
	return split /\r+\n/, @screens ? $screens[-1] : '';
}

# The black and white squares of those lines that are coloured so: rows of 0
# and 1, from which a picture is made.
sub squares {
	my @rows;
	for my $line (@_) {
		$line =~ /\e\[38;5;16;48;5;231m(.*?)\e\[0m/ or next;
		utf8::decode(my $text = $1);
		push @rows,
		    [ map { /[\x{2580}\x{2588}]/ ? 1 : 0 } split //, $text ],
		    [ map { /[\x{2584}\x{2588}]/ ? 1 : 0 } split //, $text ];
	}
	return @rows;
}

# What zbarimg reads of them by way of a picture, on a wall that is black: the white around must do.
sub read_code {
	my ($path, @rows) = @_;
	my $zbarimg = Rig::Net::have('zbarimg') or return 'no zbarimg';
	return 'no code' unless @rows;
	my ($dot, $wall) = (6, 10);
	my $width = $dot * (@{ $rows[0] } + 2 * $wall);
	my @edge = (1) x (@{ $rows[0] } + 2 * $wall);
	my @all = ((map { \@edge } 1 .. $wall),
	    (map { [ (1) x $wall, @$_, (1) x $wall ] } @rows),
	    (map { \@edge } 1 .. $wall));
	open my $f, '>', $path or die "$path: $!";
	print $f "P1\n$width ", $dot * @all, "\n";
	for my $row (@all) {
		my $line = join ' ', map { ("$_") x $dot } @$row;
		print $f "$line\n" x $dot;
	}
	close $f;
	my $said = `$zbarimg -q --raw $path 2>/dev/null`;
	chomp $said;
	return $said;
}

1;
