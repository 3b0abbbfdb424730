#!/usr/bin/perl
# The sources read the same everywhere, a second compiler has nothing to say,
# and the linters neither.  With ADIT_LONG clang-tidy reads them too.
use strict;
use warnings;
use Test::More;

chomp(my @files = `git ls-files 2>/dev/null`);
plan skip_all => 'not a git checkout' unless @files;
my @c = grep { /\.c$/ && !/_win32\.c$|win32\// && -e } @files;
my @h = grep { /\.h$/ && -e } @files;

sub have { return system("command -v $_[0] >/dev/null 2>&1") == 0 }

SKIP: {
	skip 'clang-format is not installed', 1 unless have('clang-format');
	my @bad = map { /^(\S+?):\d+/ ? $1 : () }
		split /\n/, qx(clang-format --dry-run @c @h 2>&1);
	my %bad = map { $_ => 1 } @bad;
	is join(' ', sort keys %bad), '', 'every file is as .clang-format has it'
		or diag 'clang-format -i mends them';
}

SKIP: {
	skip 'clang is not installed', 1 unless have('clang');
	system('make -s build/gen/store/schema_sql.h >/dev/null 2>&1');
	my $flags = '-std=c17 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Wpedantic'
		. ' -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes'
		. ' -Ilib -It -It/unit -It/fuzz -Ibuild/gen';
	my @own = grep { !m{^webapp/pack\.c$} } @c;
	my $said = '';
	while (my @some = splice @own, 0, 20) {
		$said .= qx(clang $flags @some 2>&1);
	}
	is $said, '', 'clang compiles without a warning';
}

my $quick = $ENV{ADIT_LONG} ? '' : '--quick';
my $said  = qx(t/lint.sh $quick 2>&1);
is $?, 0, 'the linters find nothing' or diag $said;

done_testing;
