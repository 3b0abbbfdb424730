#!/usr/bin/perl
# The house stands as GNUmakefile plans it: who includes whom, which library
# is known where, and that every file of lib has its test.  The same checks are
# then tried on a small house in which each of them is violated.
use strict;
use warnings;

use File::Basename qw(basename dirname);
use File::Find qw(find);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

use constant LINES_MAX => 900;

my @PROGRAMS = qw(relayd client admin webapp);

# A library's headers, and the only places that may include them.
my @LIBRARIES = (
	[qr{^openssl/},   qr{^lib/tls/|^lib/base/(?:random|str)\.c$}],
	[qr{^sqlite3},    qr{^lib/store/}],
	[qr{^yaml\.h$},   qr{^lib/conf/conf_yaml\.c$}],
	[qr{^http_parser},qr{^lib/http/}],
	[qr{^crypt\.h$},  qr{^lib/store/}],
	[qr{^ctemplate/}, qr{^webapp/tpl\.cc$}],
	[qr{^fcgi|^fcgiapp}, qr{^webapp/}],
	[qr{^qrencode},   qr{^(?:webapp|client)/}],
	[qr{^jansson},    qr{^(?:relayd|admin|webapp)/}],
);

# Bytes and time are arguments in these rooms.
my $PURE = qr{^lib/(?:mux|proto)/};
my $IMPURE = qr{^(?:sys/(?:socket|time|epoll|select|ioctl)|netinet/|arpa/|net/
	|netdb|poll|unistd|time|signal|fcntl|pthread|winsock)|^base/clock\.h$}x;

# The YAML file is read by the server's programs only.
my $SERVER_ONLY = qr{^conf/(?:conf_yaml|adit_conf)\.h$};

# Words that say that something is not finished.
my $LEFTOVER = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'X' . 'XX', 'HA' . 'CK';

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	my $text = <$f>;
	return defined $text ? $text : '';
}

# Files below the given folders of a house, by their names from its root.
sub files {
	my ($root, $wanted, @folders) = @_;
	my @all;
	for my $folder (grep { -d "$root/$_" } @folders) {
		find({ no_chdir => 1, wanted => sub {
			my $name = substr $_, length($root) + 1;
			push @all, $name if -f $_ && $name =~ $wanted
			    && $name !~ m{/node_modules/};
		} }, "$root/$folder");
	}
	return sort @all;
}

# The plan: { ROOMS => { relayd => {base => 1, ...} }, SEES => {...} }.
sub read_plan {
	my ($root) = @_;
	my %plan = (ROOMS => {}, SEES => {});
	my $text = slurp("$root/GNUmakefile");
	while ($text =~ /^(\w+)_(ROOMS|SEES)[ \t]*:=[ \t]*(.*)$/mg) {
		$plan{$2}{$1} = { map { $_ => 1 } split ' ', $3 };
	}
	return \%plan;
}

# What a file includes, in order: [line, quoted or not, name].
sub includes {
	my ($text) = @_;
	my (@all, $line);
	for (split /\n/, $text) {
		$line++;
		push @all, [$line, $1 eq '"', $2]
		    if /^\s*#\s*include\s*(["<])([^">]+)[">]/;
	}
	return @all;
}

# Why a file may not include "name"; nothing when it may.
sub refuse_quoted {
	my ($root, $plan, $file, $name) = @_;
	my @at = split m{/}, $file;
	my ($room) = $name =~ m{^(\w+)/};
	return 'climbs out of its folder' if $name =~ m{\.\.};
	if ($at[0] eq 'lib') {
		return 'is not named by its room' unless defined $room;
		return if $room eq $at[1];
		my $sees = $plan->{SEES}{$at[1]}
		    or return "stands in a room that is not in the plan";
		return "is not seen from $at[1]" unless $sees->{$room};
		return;
	}
	return -f "$root/$at[0]/$name" ? undef : 'is not there'
	    unless defined $room;
	my $rooms = $plan->{ROOMS}{$at[0]}
	    or return "is included by a program without a plan";
	return "is not a room of $at[0]" unless $rooms->{$room};
	return 'is not for the client'
	    if $at[0] eq 'client' && $name =~ $SERVER_ONLY;
	return;
}

sub check_includes {
	my ($root, $plan, $file, $text) = @_;
	my @wrong;
	for (includes($text)) {
		my ($line, $quoted, $name) = @$_;
		my $why = $quoted &&
		    refuse_quoted($root, $plan, $file, $name);
		push @wrong, "$file:$line: \"$name\" $why" if $why;
		push @wrong, "$file:$line: $name is for sockets or time"
		    if $file =~ $PURE && $name =~ $IMPURE;
		for (@LIBRARIES) {
			push @wrong, "$file:$line: $name is not for this file"
			    if $name =~ $_->[0] && $file !~ $_->[1];
		}
	}
	return @wrong;
}

# The header that a .c file must include first, as a pattern: its own; where it
# has none (one module in several files), one of its module.
sub first_header {
	my ($root, $file) = @_;
	my ($folder, $stem) = (dirname($file), basename($file, '.c'));
	my $room = $folder =~ m{^lib/(\w+)$} ? "$1/" : '';
	return qr{^\Q$room$stem\E\.h$} if -f "$root/$folder/$stem.h";
	return if $folder !~ m{^lib/};
	my ($module) = $stem =~ /^([^_]+)/;
	return qr{^\Q$room$module\E\w*\.h$};
}

sub check_first {
	my ($root, $file, $text) = @_;
	my $want = first_header($root, $file) or return;
	my ($first) = includes($text);
	return if $first && $first->[1] && $first->[2] =~ $want;
	return "$file:" . ($first ? $first->[0] : 1) .
	    ': does not include its own header first';
}

# loop_epoll.c is tested by t/unit/loop_epoll.c or loop.c, loop.c also by
# loop_more.c; and a simulator, mux_sim.c, tries all of mux at once.
sub check_test {
	my ($root, $file) = @_;
	my $stem = basename($file, '.c');
	return if glob "$root/t/unit/${stem}_*.c";
	for (my $name = $stem;; ) {
		return if -f "$root/t/unit/$name.c";
		return if -f "$root/t/unit/${name}_sim.c";
		last unless $name =~ s/_[^_]+$//;
	}
	return "$file: has no test in t/unit";
}

sub check_text {
	my ($file, $text) = @_;
	my @wrong;
	my @lines = split /\n/, $text;
	push @wrong, "$file: has " . @lines . ' lines' if @lines > LINES_MAX;
	for my $i (0 .. $#lines) {
		my $at = "$file:" . ($i + 1);
		push @wrong, "$at: \"$1\" is left over"
		    if $lines[$i] =~ /\b($LEFTOVER)\b/;
		push @wrong, "$at: code is switched off"
		    if $lines[$i] =~ /^\s*#\s*if\s+0\b/;
		push @wrong, "$at: blanks at the end"
		    if $lines[$i] =~ /[ \t\r]$/;
	}
	return @wrong;
}

# All that is wrong with the house at root.
sub check {
	my ($root) = @_;
	my $plan = read_plan($root);
	my @wrong;
	for my $file (files($root, qr{\.(?:c|h|cc)$}, 'lib', @PROGRAMS)) {
		my $text = slurp("$root/$file");
		push @wrong, check_includes($root, $plan, $file, $text);
		push @wrong, check_first($root, $file, $text)
		    if $file =~ /\.c$/;
		push @wrong, check_test($root, $file)
		    if $file =~ m{^lib/.*\.c$} && $file !~ /_win32\.c$/;
	}
	for my $file (files($root, qr{\.(?:c|h|cc|pm|t|sh|sql|js|css|tpl|[158])$},
		'lib', @PROGRAMS, qw(t sql static templates deploy bench))) {
		push @wrong, check_text($file, slurp("$root/$file"));
	}
	return @wrong;
}

# Rooms see rooms that are planned, and never each other in a ring.
sub check_plan {
	my ($plan) = @_;
	my %left = %{ $plan->{SEES} };
	my @wrong;
	for my $room (sort keys %left) {
		push @wrong, "$room sees $_, which is not in the plan"
		    for grep { !$left{$_} } sort keys %{ $left{$room} };
	}
	for my $program (sort keys %{ $plan->{ROOMS} }) {
		push @wrong, "$program has $_, which is not in the plan"
		    for grep { !$left{$_} }
		    sort keys %{ $plan->{ROOMS}{$program} };
	}
	while (my @base = grep { !grep { $left{$_} } keys %{ $left{$_} } }
		keys %left) {
		delete @left{@base};
	}
	push @wrong, 'a ring: ' . join(' ', sort keys %left) if %left;
	return @wrong;
}

# --- a small house ------------------------------------------------------------

my $PLAN = "relayd_ROOMS := base net tls\nclient_ROOMS := base conf\n" .
    "base_SEES :=\nconf_SEES := base\nnet_SEES := base\n" .
    "tls_SEES := base net\nmux_SEES := base\n";

my %GOOD = (
	'GNUmakefile' => $PLAN,
	'lib/base/err.h' => "struct err;\n",
	'lib/base/err.c' => "#include \"base/err.h\"\n",
	'lib/base/random.h' => "\n",
	'lib/base/random.c' =>
	    "#include \"base/random.h\"\n#include <openssl/rand.h>\n",
	'lib/net/loop.h' => "struct loop;\n",
	'lib/net/loop_epoll.c' =>
	    "#include \"net/loop.h\"\n#include \"base/err.h\"\n",
	'lib/net/loop_win32.c' => "#include \"net/loop.h\"\n",
	'lib/mux/mux_int.h' => "\n",
	'lib/mux/mux_link.c' => "#include \"mux/mux_int.h\"\n",
	'relayd/link.h' => "\n",
	'relayd/link.c' => "#include \"link.h\"\n#include \"net/loop.h\"\n",
	'relayd/main.c' => "#include <stdio.h>\n#include \"link.h\"\n",
	'client/main.c' => "#include \"base/err.h\"\n",
	't/unit/err.c' => "\n",
	't/unit/random.c' => "\n",
	't/unit/loop.c' => "\n",
	't/unit/mux_sim.c' => "\n",
);

# Builds a house of the given files and returns what is wrong with it.
sub check_house {
	my (%files) = @_;
	my $root = tempdir(CLEANUP => 1);
	for my $name (grep { defined $files{$_} } keys %files) {
		make_path(dirname("$root/$name"));
		open my $f, '>', "$root/$name" or die "$name: $!";
		print $f $files{$name};
		close $f or die "$name: $!";
	}
	return check($root);
}

# Each line: what is wrong, the file that makes it so, its text (undef: none),
# and what must be said of it.
my @BAD = (
	['a room looks up', 'lib/base/err.h', "#include \"net/loop.h\"\n",
		qr{^lib/base/err\.h:1: "net/loop\.h" is not seen from base}],
	['a room looks aside', 'lib/net/loop.h', "#include \"tls/x.h\"\n",
		qr{"tls/x\.h" is not seen from net}],
	['a room without a plan', 'lib/odd/x.h', "#include \"base/err.h\"\n",
		qr{not in the plan}],
	['no room is named', 'lib/net/loop.h', "#  include \"err.h\"\n",
		qr{"err\.h" is not named by its room}],
	['a way around', 'lib/net/loop.h', "#include \"net/../tls/x.h\"\n",
		qr{climbs out}],
	['a program in a room that it does not have', 'client/main.c',
		"#include \"net/loop.h\"\n", qr{is not a room of client}],
	['a program in another', 'client/main.c',
		"#include \"relayd/link.h\"\n", qr{is not a room of client}],
	['another way there', 'client/main.c', "#include \"../relayd/link.h\"\n",
		qr{climbs out}],
	['a program without a plan', 'webapp/main.c',
		"#include \"base/err.h\"\n", qr{without a plan}],
	['YAML in the client', 'client/main.c',
		"#include \"conf/conf_yaml.h\"\n", qr{not for the client}],
	['OpenSSL in base', 'lib/base/err.h', "#include <openssl/ssl.h>\n",
		qr{openssl/ssl\.h is not for this file}],
	['OpenSSL in a program', 'relayd/main.c', "#include <openssl/ssl.h>\n",
		qr{not for this file}],
	['SQLite in a program', 'relayd/main.c', "#include <sqlite3.h>\n",
		qr{not for this file}],
	['ctemplate elsewhere', 'webapp/page.cc',
		"#include <ctemplate/template.h>\n", qr{not for this file}],
	['libyaml elsewhere', 'lib/conf/conf.h', "#include <yaml.h>\n",
		qr{not for this file}],
	['http-parser elsewhere', 'lib/net/http.h',
		"#include <http_parser.h>\n", qr{not for this file}],
	['a socket in mux', 'lib/mux/mux.h', "#include <sys/socket.h>\n",
		qr{is for sockets or time}],
	['a clock in mux', 'lib/mux/mux.h', "#include \"base/clock.h\"\n",
		qr{is for sockets or time}],
	['not its own header first', 'lib/base/err.c',
		"#include <stdio.h>\n#include \"base/err.h\"\n",
		qr{err\.c:1: does not include its own header first}],
	['no header at all', 'lib/base/err.c', "int x;\n",
		qr{own header first}],
	['another module\'s header first', 'lib/net/loop_epoll.c',
		"#include \"net/timer.h\"\n", qr{own header first}],
	['not its own header first in a program', 'relayd/link.c',
		"#include \"net/loop.h\"\n", qr{own header first}],
	['no test', 't/unit/err.c', undef,
		qr{^lib/base/err\.c: has no test}],
	['no test of a part', 't/unit/loop.c', undef,
		qr{^lib/net/loop_epoll\.c: has no test}],
	['no simulator', 't/unit/mux_sim.c', undef,
		qr{^lib/mux/mux_link\.c: has no test}],
	['a long file', 'relayd/main.c', "int x;\n" x (LINES_MAX + 1),
		qr{^relayd/main\.c: has 901 lines}],
	['a long test', 't/unit/err.c', "int x;\n" x (LINES_MAX + 1),
		qr{^t/unit/err\.c: has 901 lines}],
	['a leftover', 'relayd/main.c', "int x; /* TO" . "DO: y */\n",
		qr{main\.c:1: .*left over}],
	['code switched off', 'relayd/main.c', "#if 0\n#endif\n",
		qr{main\.c:1: code is switched off}],
	['blanks', 'relayd/main.c', "int x; \n", qr{blanks at the end}],
);

is_deeply([check_house(%GOOD)], [], 'nothing is wrong with a good house');
for (@BAD) {
	my ($claim, $name, $text, $want) = @$_;
	my @wrong = check_house(%GOOD, $name => $text);
	ok(scalar(grep { $_ =~ $want } @wrong), "seen: $claim")
	    or diag("said: @wrong");
	# What makes one thing wrong must not make much else so.
	cmp_ok(scalar @wrong, '<=', 2, "$claim: and little else");
}
is_deeply([check_plan({ ROOMS => {}, SEES => {
	a => { b => 1 }, b => { a => 1 }, c => {} } })], ['a ring: a b'],
    'seen: a ring in the plan');
is_deeply([check_plan({ ROOMS => { p => { b => 1 } }, SEES => {
	a => { b => 1 } } })],
    ['a sees b, which is not in the plan',
	'p has b, which is not in the plan', ], 'seen: a hole in the plan')
    or diag(join "\n", check_plan({ ROOMS => {}, SEES => { a => { b => 1 }}}));

# --- our house -----------------------------------------------------------------

my $root = "$FindBin::Bin/..";
my $plan = read_plan($root);
cmp_ok(scalar(keys %{ $plan->{SEES} }), '>=', 11, 'the plan is read');
cmp_ok(scalar(keys %{ $plan->{ROOMS} }), '>=', 4, 'for four programs');
is_deeply([check_plan($plan)], [], 'the plan has no ring and no hole');
my @wrong = check($root);
is(scalar @wrong, 0, 'the house stands as planned');
diag($_) for @wrong;
done_testing();
