#!/usr/bin/perl
# A proxy between two networks, and proxies that are none of the kind.
#
#	proxy.pl MODE [PORT [BIND [NAME]]]
#
# MODE: pass connects to 127.0.0.1 and the port of CONNECT, whatever the host's
# name is, or to NAME instead of 127.0.0.1; 407, 403, 502, 500 are answers;
# ntlm asks for what nobody knows; junk, huge, silent, hangup and early are what
# they say; pac hands out the rest of standard input as a script.  "port N" is
# printed first, then each request's first line.
use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;

my ($mode, $port, $bind, $name) = @ARGV;
$| = 1;
$SIG{CHLD} = $SIG{PIPE} = 'IGNORE';
my $script = $mode eq 'pac' ? join '', <STDIN> : '';

my %status = (
	407 => "407 Proxy Authentication Required\r\n"
	    . 'Proxy-Authenticate: Basic realm="x"',
	ntlm => "407 Proxy Authentication Required\r\n"
	    . "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM",
	403 => '403 Forbidden', 502 => '502 Bad Gateway',
	500 => '500 Internal Server Error',
);

my $listen = IO::Socket::INET->new(LocalAddr => $bind || '127.0.0.1',
    LocalPort => $port || 0, Listen => 50, ReuseAddr => 1) or die "listen: $!";
print 'port ', $listen->sockport, "\n";
while (my $c = $listen->accept) {
	my $pid = fork;
	if (defined $pid && $pid == 0) {
		close $listen;
		serve($c);
		exit 0;
	}
	close $c;
}

sub serve {
	my ($c) = @_;
	my $head = '';
	while ($head !~ /\r\n\r\n/) {
		sysread $c, $head, 4096, length $head or return;
	}
	my ($line) = $head =~ /^(.*)\r\n/;
	print "$line\n";
	return say_($c, "HTTP/1.1 $status{$mode}\r\nContent-Length: 3\r\n\r\nno\n")
	    if $status{$mode};
	return if $mode eq 'hangup';
	sleep 1000 if $mode eq 'silent';
	return say_($c, "SSH-2.0-OpenSSH_9.2\r\n\r\n") if $mode eq 'junk';
	return say_($c, "HTTP/1.1 200 OK\r\n\r\nand a word more")
	    if $mode eq 'early';
	return say_($c, "HTTP/1.1 200 OK\r\nX: " . 'x' x 100_000)
	    if $mode eq 'huge';
	return say_($c, "HTTP/1.0 200 OK\r\nContent-Type: "
	    . "application/x-ns-proxy-autoconfig\r\n\r\n$script")
	    if $mode eq 'pac';
	pass($c, $line);
	return;
}

# Not before the other end has read it, or it may see a reset instead.
sub say_ {
	my ($c, $text) = @_;
	syswrite $c, $text;
	shutdown $c, 1;
	my $rest;
	while (sysread $c, $rest, 65536) { }
	return;
}

sub pass {
	my ($c, $line) = @_;
	my ($to) = $line =~ /^CONNECT \S+:(\d+) HTTP/ or return;
	my $s = IO::Socket::INET->new(PeerAddr => $name || '127.0.0.1',
	    PeerPort => $to);
	return say_($c, "HTTP/1.1 502 Bad Gateway\r\n\r\n") unless $s;
	syswrite $c, "HTTP/1.1 200 Connection established\r\n\r\n";
	my %other = ($c => $s, $s => $c);
	my $both = IO::Select->new($c, $s);
	while ($both->count) {
		for my $from ($both->can_read) {
			my $n = sysread $from, my $bytes, 65536;
			return unless $n;
			my $at = 0;
			while ($at < $n) {
				my $w = syswrite $other{$from}, $bytes, $n, $at;
				return unless $w;
				$at += $w;
			}
		}
	}
	return;
}
