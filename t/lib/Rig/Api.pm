package Rig::Api;
# The web application as a web server sees it: asked as a CGI program, or by
# FastCGI on its socket, without a web server in between.
#
#	my $api = Rig::Api->new($rig);
#	my $key = $api->key('ann@example.org');
#	my $got = $api->ask(POST => '/api/tunnels', key => $key,
#	    json => { name => 'a', kind => 'tcp', local_port => 80 });
#	is($got->{status}, 201);
#	is($got->{json}{name}, 'a');
use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha256_hex);
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX ();

use Rig qw(eventually);

sub new {
	my ($class, $rig, %o) = @_;
	Rig::Net::skip("$Rig::BUILD/webapp.fcgi is not built")
	    unless -x "$Rig::BUILD/webapp.fcgi";
	my $self = bless { rig => $rig, path => $rig->dir . '/web.sock',
	    base => $o{base} || '', host => 'localhost:8080' }, $class;
	$self->start unless $o{cgi_only};
	return $self;
}

# The FastCGI program.
sub start {
	my ($self) = @_;
	my $rig = $self->{rig};
	$self->{proc} = $rig->start('webapp', [ "$Rig::BUILD/webapp.fcgi",
	    '-c', $rig->conf_path, '--socket', $self->{path} ]);
	my $up = eventually {
		!$self->{proc}->alive
		    || IO::Socket::UNIX->new(Peer => $self->{path})
	} 20;
	croak 'webapp does not start: ' . $self->{proc}->errors
	    unless $up && $self->{proc}->alive;
	return $self->{proc};
}

# An API key of a user, who is made when there is none of this name.
sub key {
	my ($self, $email, %o) = @_;
	my $rig = $self->{rig};
	if (!$self->{user}{$email}) {
		my $path = $rig->dir . '/password';
		open my $f, '>', $path or croak "$path: $!";
		print $f "correct horse battery\n";
		close $f or croak "$path: $!";
		$self->{user}{$email} = $rig->ctl({ stdin => $path }, 'user',
		    'add', $email, $o{admin} ? '--admin' : (),
		    '--password-stdin')->{id};
		unlink $path;
	}
	return $rig->ctl('key', 'add', '--user', $email, '--name', 'test')
	    ->{key};
}

# --- asking ------------------------------------------------------------------

# The variables of a request.
sub variables {
	my ($self, $method, $target, $o, $body) = @_;
	my ($query) = $target =~ /\?(.*)/s;
	my %v = (
		REQUEST_METHOD => $method,
		REQUEST_URI => $self->{base} . $target,
		QUERY_STRING => defined $query ? $query : '',
		SERVER_PROTOCOL => 'HTTP/1.1',
		HTTP_HOST => $self->{host},
		REMOTE_ADDR => $o->{from} || '192.0.2.7',
		GATEWAY_INTERFACE => 'CGI/1.1',
	);
	$v{HTTP_AUTHORIZATION} = "Bearer $o->{key}" if defined $o->{key};
	if (defined $body) {
		$v{CONTENT_TYPE} = $o->{type} || 'application/json';
		$v{CONTENT_LENGTH} = exists $o->{length} ? $o->{length}
		    : length $body;
	}
	%v = (%v, %{ $o->{variables} || {} });
	for my $name (keys %{ $o->{headers} || {} }) {
		(my $var = uc $name) =~ tr/-/_/;
		$v{"HTTP_$var"} = $o->{headers}{$name};
	}
	return \%v;
}

sub body {
	my ($o) = @_;
	return $o->{body} if defined $o->{body};
	return JSON::PP->new->utf8->canonical->encode($o->{json})
	    if exists $o->{json};
	return undef;
}

# What came: status, headers (names in small letters), cookies, body, json.
sub answer {
	my ($text) = @_;
	my ($head, $body) = split /\r\n\r\n/, $text, 2;
	my %a = (status => 0, head => {}, body => defined $body ? $body : '');
	for my $line (split /\r\n/, defined $head ? $head : '') {
		next unless $line =~ /^([^:]+):\s*(.*)$/s;
		$a{head}{ lc $1 } = $2;
		push @{ $a{cookies} }, $2 if lc $1 eq 'set-cookie';
	}
	$a{status} = $1 if ($a{head}{status} || '') =~ /^(\d+)/;
	$a{type} = $a{head}{'content-type'} || '';
	$a{json} = eval { JSON::PP::decode_json($a{body}) }
	    if $a{type} =~ /json/;
	return \%a;
}

sub ask {
	my ($self, $method, $target, %o) = @_;
	my $body = body(\%o);
	my $v = $self->variables($method, $target, \%o, $body);
	return answer($o{cgi} ? $self->by_cgi($v, $body)
	    : $self->by_fcgi($v, $body));
}

sub by_cgi {
	my ($self, $v, $body) = @_;
	my $rig = $self->{rig};
	pipe my $in, my $to or croak "pipe: $!";
	pipe my $from, my $out or croak "pipe: $!";
	my $pid = fork;
	croak "fork: $!" unless defined $pid;
	if ($pid == 0) {
		close $_ for $to, $from;
		open STDIN, '<&', $in or POSIX::_exit(126);
		open STDOUT, '>&', $out or POSIX::_exit(126);
		open STDERR, '>>', $rig->dir . '/cgi.err';
		%ENV = (PATH => $ENV{PATH}, %{ $rig->env }, %$v,
		    ADIT_CONFIG => $rig->conf_path);
		exec @{ $self->{under} || [] }, "$Rig::BUILD/webapp.fcgi"
		    or POSIX::_exit(127);
	}
	close $_ for $in, $out;
	local $SIG{PIPE} = 'IGNORE';
	binmode $_ for $to, $from;
	print $to $body if defined $body;
	close $to;
	local $/;
	my $text = <$from>;
	waitpid $pid, 0;
	return defined $text ? $text : '';
}

# --- FastCGI -------------------------------------------------------------------

use constant { FCGI_BEGIN => 1, FCGI_END => 3, FCGI_PARAMS => 4,
    FCGI_STDIN => 5, FCGI_STDOUT => 6 };

sub record {
	my ($type, $content) = @_;
	return pack('CCnnCC', 1, $type, 1, length $content, 0, 0) . $content;
}

# A stream's records, ended by an empty one.
sub stream {
	my ($type, $content) = @_;
	my $all = '';
	while (length $content) {
		$all .= record($type, substr $content, 0, 32768, '');
	}
	return $all . record($type, '');
}

sub pairs {
	my ($v) = @_;
	return join '', map {
		pack('NN', map { $_ | 0x80000000 } length $_, length $v->{$_})
		    . $_ . $v->{$_}
	} sort keys %$v;
}

# Exactly n bytes, or undef.
sub take {
	my ($s, $n) = @_;
	my $all = '';
	while (length $all < $n) {
		my $got = sysread $s, $all, $n - length $all, length $all;
		return undef unless $got;
	}
	return $all;
}

sub by_fcgi {
	my ($self, $v, $body) = @_;
	delete $v->{GATEWAY_INTERFACE};
	my $s = IO::Socket::UNIX->new(Peer => $self->{path})
	    or return '';
	local $SIG{PIPE} = 'IGNORE';
	print $s record(FCGI_BEGIN, pack('nCx5', 1, 0)), stream(FCGI_PARAMS, pairs($v)),
	    stream(FCGI_STDIN, defined $body ? $body : '');
	$s->flush;
	my $text = '';
	while (defined(my $head = take($s, 8))) {
		my (undef, $type, undef, $n, $pad) = unpack 'CCnnC', $head;
		my $content = take($s, $n + $pad);
		last unless defined $content;
		$text .= substr $content, 0, $n if $type == FCGI_STDOUT;
		last if $type == FCGI_END;
	}
	return $text;
}

# Puts something there that is called a program for Windows; its SHA-256.
sub lay_windows {
	my ($rig) = @_;
	my $text = "MZ, no real program\n";
	my $hash = sha256_hex($text);
	mkdir "$rig->{dir}/client";
	my $path = "$rig->{dir}/client/adit-" . substr($hash, 0, 12) . '.exe';
	open my $f, '>', $path or croak "$path: $!";
	print $f $text;
	close $f or croak "$path: $!";
	# the file pins the relay's key
	-e "$rig->{dir}/relay.crt" or system(qw(openssl req -x509 -newkey ec
	    -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -subj /CN=relay),
	    '-keyout', "$rig->{dir}/relay.key", '-out',
	    "$rig->{dir}/relay.crt") == 0 or croak 'openssl';
	return $hash;
}

# --- what there is to ask --------------------------------------------------------

# Of docs/openapi.yaml: [ { path, verb, tag, open } ].  Its layout is fixed.
sub described {
	open my $f, '<', "$Rig::HOUSE/docs/openapi.yaml"
	    or croak "openapi.yaml: $!";
	my (@all, $path, $in);
	while (<$f>) {
		$in = 1 if /^paths:/;
		$in = 0 if /^components:/;
		next unless $in;
		$path = $1 if m{^  (/\S*):$};
		push @all, { path => $path, verb => uc $1, tag => '' }
		    if /^    (get|post|put|patch|delete):$/;
		$all[-1]{tag} = $1 if /^      tags: \[(\w+)\]/;
		$all[-1]{open} = 1 if /^      security: \[\]/;
		$all[-1]{body} = $1
		    if m{^                \$ref: '#/components/schemas/(\w+)'}
		    && $all[-1]{asks};
		$all[-1]{asks} = /^      requestBody:/ ? 1
		    : /^      responses:/ ? 0 : $all[-1]{asks} if @all;
	}
	close $f;
	return @all;
}

# Of the table of routes: "VERB /path" => "DEMANDS".
sub routed {
	open my $f, '<', "$Rig::HOUSE/webapp/route.c" or croak "route.c: $!";
	local $/;
	my $text = <$f>;
	close $f;
	my %all;
	while ($text =~ /\bAPI\((\w+),\s*"([^"]+)",\s*([\w |]+),\s*\w+\)/g) {
		$all{"$1 $2"} = $3;
	}
	return %all;
}

1;
