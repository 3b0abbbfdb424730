#!/usr/bin/perl
# What docs/OPERATING.md tells a person to type is true: the backup and the
# restore are run as they stand there, but for the folders and the user; the
# firewall, nginx and Prometheus read what they are to read.
use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);
use FindBin;
use Test::More;

my $root = "$FindBin::Bin/..";
my $build = $ENV{ADIT_BUILD} || "$root/build";
my $dir = tempdir(CLEANUP => 1);
my $state = "$dir/state";
my $conf = "$dir/adit.yaml";

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or die "$path: $!";
	local $/;
	return scalar <$f>;
}

sub spew {
	my ($path, $text) = @_;
	open my $f, '>', $path or die "$path: $!";
	print $f $text;
	close $f or die "$path: $!";
}

my $page = slurp("$root/docs/OPERATING.md");

# The text of the block that is fenced as ```$kind.
sub block {
	my ($kind) = @_;
	return $page =~ /^```\Q$kind\E\n(.*?)^```$/ms ? $1 : '';
}

# Runs a block of the page, here: no systemd, nobody's user, our folders.  There
# every line says as whom it runs.
sub run_block {
	my ($kind) = @_;
	my $text = block($kind);
	my @anybody = grep { !/^(?:sudo |set -e$)/ } split /\n/, $text;
	return (0, "without sudo: @anybody") if @anybody;
	$text =~ s{^sudo systemctl .*$}{true}mg;
	$text =~ s{ -o adit -g adit\b}{}g;
	$text =~ s{^sudo -u adit aditctl\b}{$build/aditctl -c $conf}mg;
	$text =~ s{^sudo (?!-)}{}mg;
	$text =~ s{/var/lib/adit\b}{$state}g;
	$text =~ s{/var/backups/adit\b}{$dir/backup}g;
	spew("$dir/block.sh", $text);
	my $said = `sh $dir/block.sh 2>&1`;
	return ($text ne '' && $? == 0, $said);
}

sub aditctl {
	return scalar `$build/aditctl -c $conf --json @_ 2>&1`;
}

sub has {
	my ($program) = @_;
	return grep { -x "$_/$program" } split(/:/, $ENV{PATH} // ''),
	    qw(/usr/sbin /sbin);
}

SKIP: {
	skip 'no aditctl', 9 unless -x "$build/aditctl";
	make_path($state);
	spew($conf, "database: $state/adit.db\n");
	spew("$state/relay.crt", "certificate\n");
	spew("$state/relay.key", "key\n");
	`echo 'a good password' | $build/aditctl -c $conf user add a\@example.org --password-stdin`;
	like(aditctl(qw(tunnel add --user a@example.org --name ssh --kind tcp
	    --target 127.0.0.1:22)), qr/verify_code/, 'a tunnel');
	my $before = aditctl(qw(tunnel list));
	my $key = slurp("$state/adit.key");
	my ($done, $said) = run_block('sh backup');
	ok($done, 'the backup runs') or diag($said);
	($done, $said) = run_block('sh backup');
	ok($done, 'and again, over the older one') or diag($said);

	aditctl(qw(tunnel rm 1));
	isnt(aditctl(qw(tunnel list)), $before, 'then the tunnel is lost');
	spew("$state/$_", '?') for qw(adit.key relay.crt relay.key);
	($done, $said) = run_block('sh restore');
	ok($done, 'the restore runs') or diag($said);
	is(aditctl(qw(tunnel list)), $before, 'the tunnel is back');
	is(slurp("$state/adit.key"), $key, 'and the key of its link');
	is(slurp("$state/relay.key"), "key\n", 'and what clients trust');
	system("rm -rf $state");
	($done, $said) = run_block('sh restore');
	ok($done && aditctl(qw(tunnel list)) eq $before, 'on a new server too')
	    or diag($said);
}

# Runs a tool over a block of the page; what it said and whether it was well.
sub check_block {
	my ($kind, $file, $command) = @_;
	spew("$dir/$file", block($kind));
	my $said = `$command 2>&1`;
	return ($? == 0 && -s "$dir/$file", $said);
}

SKIP: {
	skip 'no promtool', 1 unless has('promtool');
	my ($done, $said) = check_block('yaml', 'alerts.yml',
	    "promtool check rules $dir/alerts.yml");
	ok($done, 'Prometheus understands the alerts') or diag($said);
}

SKIP: {
	skip 'no nginx', 1 unless has('nginx');
	# A location alone stands in a server of its own.
	my $server = join '', map {
		/^location/ ? "server {\nlisten 127.0.0.1:9181;\n$_}\n" : $_
	} $page =~ /^```nginx\n(.*?)^```$/msg;
	spew("$dir/nginx.conf", "error_log stderr;\npid $dir/pid;\nevents {}\n"
	    . "http {\n$server}\n");
	my $said = `PATH=\$PATH:/usr/sbin nginx -t -q -p $dir -c $dir/nginx.conf 2>&1`;
	ok($? == 0 && $server ne '', 'nginx understands the server')
	    or diag($said);
}

# Metrics that the alerts name exist.
SKIP: {
	my $known = join ' ', map { slurp("$root/relayd/$_") }
	    qw(count.c feed.c);
	my @unknown;
	for my $name (block('yaml') =~ /\badit_(\w+)/g) {
		(my $stem = $name) =~ s/_total$//;
		push @unknown, $name unless $known =~ /\b\Q$stem\E\b/;
	}
	is("@unknown", '', 'the alerts name figures that there are');
}

# Keys of adit.yaml that the page names exist.
my $keys = slurp("$root/lib/conf/adit_conf.c");
my @strange = grep { my $key = $_; $key =~ s/^\w+\.//; $keys !~ /\Q$key\E/ }
    $page =~ /`((?:relay|limits|log|ports|http)\.\w+)`/g;
is("@strange", '', 'the page names keys that there are');
done_testing();
