package Rig::Peer;
# Somebody who speaks adit/1 to a relay by hand, rightly or wrongly.  TLS is
# `openssl s_client`.
use strict;
use warnings;

use Carp qw(croak);
use IO::Select;
use Time::HiRes qw(time);

use Rig::Net;

use constant {
	HELLO => 1, WELCOME => 2, REJECT => 3, PING => 4, PONG => 5,
	CONFIG => 6, REPORT => 7, OPEN => 8, DATA => 9, ACK => 10, FIN => 11,
	RESET => 12, DGRAM => 13, RESUME => 14, LOST => 15, GOAWAY => 17,
};

# from: the address to come from, where it matters.
sub new {
	my ($class, $rig, %o) = @_;
	Rig::Net::have('openssl') or croak 'no openssl';
	my $self = bless { held => '' }, $class;
	$self->{proc} = $rig->start('peer', [ 'openssl', 's_client', '-quiet',
	    '-alpn', $o{alpn} || 'adit/1', '-connect',
	    "127.0.0.1:$rig->{port}", $o{from} ? ('-bind', $o{from}) : (),
	    @{ $o{args} || [] } ], talk => 1);
	return $self;
}

sub fields {
	my (@pairs) = @_;
	my $text = '';
	while (my ($key, $value) = splice @pairs, 0, 2) {
		$text .= pack 'C n/a', $key, $value;
	}
	return $text;
}

sub frame {
	my ($type, %o) = @_;
	my $body = $o{body} // '';
	return pack 'C C n N Q> a*', $type, $o{flags} // 0,
	    $o{length} // length $body, $o{stream} // 0, $o{offset} // 0, $body;
}

# A HELLO; token as hex digits.
sub hello {
	my (%o) = @_;
	return frame(HELLO, body => fields(
	    1 => $o{versions} // pack('n2', 1, 1),
	    2 => pack('H*', $o{token}),
	    5 => 'x' x 16, 6 => 'peer 1', 7 => 'test', 8 => 'peer',
	    map { (9 => $_) } @{ $o{allow} || ['127.0.0.1:*'] }));
}

sub send {
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $to = $self->{proc}{to} or return 0;
	my $done = 0;
	while ($done < length $bytes) {
		my $n = syswrite $to, $bytes, length($bytes) - $done, $done;
		return 0 unless defined $n;
		$done += $n;
	}
	return 1;
}

# The next frame { type, flags, stream, offset, body }; undef at the end or
# after so many seconds.
sub next_frame {
	my ($self, $seconds) = @_;
	my $end = time + $seconds;
	my $select = IO::Select->new($self->{proc}{from});
	while (1) {
		my ($type, $flags, $n, $stream, $offset) =
		    unpack 'C C n N Q>', $self->{held};
		if (length $self->{held} >= 16
		    && length $self->{held} >= 16 + $n) {
			my $whole = substr $self->{held}, 0, 16 + $n, '';
			return { type => $type, flags => $flags,
			    stream => $stream, offset => $offset,
			    body => substr $whole, 16 };
		}
		my $left = $end - time;
		return undef if $left <= 0 || !$select->can_read($left);
		my $got = sysread $self->{proc}{from}, $self->{held}, 65536,
		    length $self->{held};
		if (!$got) {
			$self->{is_closed} = 1;
			return undef;
		}
	}
}

# The next frame of that type; others are passed over.
sub wait_frame {
	my ($self, $type, $seconds) = @_;
	my $end = time + $seconds;
	while (my $f = $self->next_frame($end - time)) {
		return $f if $f->{type} == $type;
	}
	return undef;
}

# Has the relay closed it within so many seconds?
sub is_closed {
	my ($self, $seconds) = @_;
	my $end = time + $seconds;
	while (!$self->{is_closed} && time < $end) {
		$self->next_frame($end - time);
	}
	return $self->{is_closed};
}

# A field of a frame's body.
sub field {
	my ($frame, $key) = @_;
	my $body = $frame->{body};
	while (length $body) {
		my ($k, $value) = unpack 'C n/a', $body;
		return $value if $k == $key;
		substr $body, 0, 3 + length $value, '';
	}
	return undef;
}

sub leave {
	my ($self) = @_;
	$self->{proc}->stop;
	return;
}

1;
