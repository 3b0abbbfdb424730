#!/usr/bin/perl
# A person's whole way, in a real browser: the first account, a tunnel, its
# verification on a phone, a computer, traffic, pause, deletion; on every page
# axe, no sideways scrolling, and screenshots in build/shots for people.
use strict;
use warnings;

use FindBin;
use IO::Select;
use IO::Socket::INET;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);

use Rig qw(eventually);
use Rig::Api;
use Rig::Web;

# How browser.js ends where no browser starts.
my $NO_BROWSER = 77;

my ($chromium) = grep { -x } map { ("$_/chromium", "$_/chromium-browser") }
    split /:/, $ENV{PATH};
$chromium or Rig::Net::skip('no chromium here');
Rig::Net::have('node') or Rig::Net::skip('no node here');
Rig::Net::npm('axe-core', 'playwright-core')
    or Rig::Net::skip('npm cannot fetch playwright-core');

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $web = Rig::Web->new($rig);
my $service = $rig->service('echo:0');
my $shots = "$Rig::BUILD/shots";
mkdir $shots;
unlink glob "$shots/*.png";
my $box = "$rig->{dir}/box";
my $home = "$rig->{dir}/home";
mkdir $_ or die "$_: $!" for $box, $home;

my ($adit, @stayed);

# The public port of the first tunnel.
sub port {
	return $rig->ctl('tunnel', 'show', 1)->{public_port};
}

my %answers = (
	client => sub {
		my ($key, $command) = @_;
		my @words = split ' ', $command;
		shift @words;
		$words[-1] = $rig->token_file($key);
		$rig->caught_up;
		$adit = $rig->start('adit', [ "$Rig::BUILD/adit", @words ],
		    stop => 'INT');
		return 'started';
	},
	'client-end' => sub { return $adit->stop('INT') },
	building => sub {
		my ($says) = @_;
		mkdir "$rig->{dir}/client";
		Rig::Web::spew("$rig->{dir}/client/building", "$says\n");
		return 'said';
	},
	built => sub {
		unlink "$rig->{dir}/client/building";
		Rig::Api::lay_windows($rig);
		return 'laid';
	},
	'relay-end' => sub { return $relayd->stop },
	traffic => sub {
		my ($n) = @_;
		my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		    PeerPort => port(), Timeout => 10) or return "refused: $!";
		my $piece = 'x' x 10_000;
		my $got = 0;
		for (1 .. $n / 10_000) {
			print $s $piece or last;
			$s->flush;
			my $want = 10_000;
			while ($want > 0) {
				my $m = sysread $s, my $back, $want or return $got;
				$want -= $m;
				$got += $m;
			}
		}
		return $got;
	},
	stay => sub {
		my ($n) = @_;
		for (1 .. $n) {
			my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
			    PeerPort => port(), Timeout => 10)
			    or return "refused: $!";
			push @stayed, $s;
		}
		return scalar @stayed;
	},
	# How many of them are still served.
	stayed => sub {
		local $SIG{PIPE} = 'IGNORE';
		@stayed = grep {
			syswrite($_, 'x') && IO::Select->new($_)->can_read(3)
			    && sysread $_, my $back, 1;
		} @stayed;
		return scalar @stayed;
	},
	leave => sub { @stayed = (); return 'left' },
	visit => sub {
		my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		    PeerPort => port(), Timeout => 5) or return 'no';
		print $s 'x' or return 'no';
		$s->flush;
		vec(my $set = '', fileno $s, 1) = 1;
		select $set, undef, undef, 3 or return 'no';
		return sysread($s, my $back, 1) ? 'yes' : 'no';
	},
);

# What the browser asks for, while it runs.
sub serve {
	my ($node) = @_;
	while ($node->alive) {
		if (open my $f, '<', "$box/ask") {
			my ($line) = <$f>;
			close $f;
			unlink "$box/ask";
			chomp $line;
			my ($what, @words) = split /\t/, $line;
			my $answer = eval { $answers{$what}->(@words) };
			$answer = "failed: $@" if !defined $answer;
			open my $to, '>', "$box/answer.new" or die "$!";
			print $to "$answer\n";
			close $to;
			rename "$box/answer.new", "$box/answer";
		}
		sleep 0.01;
	}
	return;
}

my $node = $rig->start('node', [ 'node', "$Rig::HOUSE/t/browser.js", $box ],
    env => { ADIT_URL => $web->url, ADIT_CODE => $web->setup_code,
	ADIT_SHOTS => $shots, ADIT_LOCAL => $service->{port}{echo},
	ADIT_CHROMIUM => $chromium, ADIT_PATIENCE => $Rig::PATIENCE,
	HOME => $home, XDG_CONFIG_HOME => $home, XDG_CACHE_HOME => $home,
	TMPDIR => $home, NODE_OPTIONS => '' });
serve($node);
if (defined $node->code && $node->code eq $NO_BROWSER) {
	diag($node->output);
	Rig::Net::skip("$chromium does not start on this machine");
}

# Its claims become ours.
my $plan = 0;
for (split /\n/, $node->output) {
	if (/^(not )?ok \d+ - (.*)/) {
		ok(!$1, $2);
		$plan++;
	} elsif (/^1\.\.(\d+)/) {
		is($plan, $1, 'the browser has told all');
	} elsif (/^# (.*)/) {
		diag($1);
	}
}
is($node->code, 0, 'and ended well') or diag($node->errors);
cmp_ok(scalar(@{[ glob "$shots/*.png" ]}), '>', 60, 'with pictures for people');
$rig->verdict;
done_testing();
