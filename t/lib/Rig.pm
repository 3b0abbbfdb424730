package Rig;
# Starts relayd, adit and aditctl as a person would, on free ports, in a folder
# of its own, and looks at what they do.  Nothing here waits for a time: it asks
# until something is so, and gives up at a deadline.
#
#	my $rig = Rig->new(conf => { relay => { grace_s => 5 } });
#	my $relayd = $rig->relayd;
#	my $service = $rig->service('echo:0');
#	my $t = $rig->tunnel(target => "127.0.0.1:$service->{port}{echo}");
#	my $m = $rig->machine($t);
#	my $adit = $rig->client($m);
#	$rig->wait_live($t);
#	is($rig->visit('echo', $t, 1000)->{ok}, 1, 'an echo');
#	$rig->finish;
#
# dir => ... is a folder of the test's own, logs => ... one for what the programs
# say.  ADIT_BUILD names the folder of the programs, ADIT_LONG=1 asks for the whole
# length, ADIT_KEEP=1 leaves the folder, ADIT_CLIENT_WRAP stands before adit,
# ADIT_PATIENCE makes deadlines so many times longer.
use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use Test::More ();
use Time::HiRes qw(time sleep);

use Rig::Net;
use Rig::Proc;

our @EXPORT_OK = qw(eventually seconds_until soon long_or free_port);

our $HOUSE = abs_path(dirname(__FILE__) . '/../..');
our $BUILD = abs_path($ENV{ADIT_BUILD} || "$HOUSE/build") || 'build';
our $TOOLS = "$HOUSE/build/tools";
our $IS_LONG = $ENV{ADIT_LONG} ? 1 : 0;

# Sanitizers and valgrind are slow: their deadlines are longer.
our $PATIENCE = $ENV{ADIT_PATIENCE}
    || ($BUILD =~ m{/(?:asan|tsan|cov)$} || $ENV{ADIT_CLIENT_WRAP} ? 4 : 1);

# The length of a test: short in `make check`, whole in `make check-all`.
sub long_or {
	my ($long, $short) = @_;
	return $IS_LONG ? $long : $short;
}

# Asks until it is true; its answer, or undef after so many seconds.
sub eventually(&;$) {
	my ($is_so, $seconds) = @_;
	my $end = time + (defined $seconds ? $seconds : 10) * $PATIENCE;
	my $pause = 0.002;
	while (1) {
		my $answer = $is_so->();
		return $answer if $answer;
		return undef if time > $end;
		sleep $pause;
		$pause *= 1.3 if $pause < 0.05;
	}
}

# How long it took until it was true, or undef.
sub seconds_until(&;$) {
	my ($is_so, $seconds) = @_;
	my $began = time;
	return defined eventually(\&$is_so, $seconds) ? time - $began : undef;
}

# A test: it is so within so many seconds.
sub soon(&$$) {
	my ($is_so, $seconds, $says) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $answer = eventually(\&$is_so, $seconds);
	Test::More::ok($answer, $says)
	    or Test::More::diag("not within $seconds s");
	return $answer;
}

# --- ports -------------------------------------------------------------------

my %given;

# Below the ephemeral ports, so that nobody is given it by chance.
sub free_port {
	for (1 .. 200) {
		my $port = 20000 + int rand 12000;
		next if $given{$port}++;
		my $ok = 1;
		for my $proto (qw(tcp udp)) {
			my $s = IO::Socket::INET->new(LocalAddr => '0.0.0.0',
			    LocalPort => $port, Proto => $proto,
			    $proto eq 'tcp' ? (Listen => 1) : ());
			$ok = 0 unless $s;
		}
		return $port if $ok;
	}
	croak 'no free port';
}

# --- the rig -----------------------------------------------------------------

my @rigs;

sub new {
	my ($class, %o) = @_;
	for my $program ($o{tools_only} ? () : qw(relayd adit aditctl)) {
		Rig::Net::skip("$BUILD/$program is not built")
		    unless -x "$BUILD/$program";
	}
	for my $tool (qw(echo visitor cutter portprobe)) {
		Test::More::BAIL_OUT("$TOOLS/$tool is missing: make tools")
		    unless -x "$TOOLS/$tool";
	}
	srand(time ^ $$);
	my $dir = $o{dir} || tempdir('adit-XXXXXXXX', TMPDIR => 1,
	    CLEANUP => $ENV{ADIT_KEEP} ? 0 : 1);
	my $from = 10000 + 1000 * int rand 9;
	my $self = bless {
		dir => $dir, logs => $o{logs} || $dir, owner => $$, procs => [], secrets => [],
		port => $o{port} || free_port(), count => 0,
		host => $o{host} || '127.0.0.1',
		range => $o{range} || [ $from, $from + 999 ],
		conf => $o{conf} || {},
	}, $class;
	$self->configure;
	push @rigs, $self;
	Scalar::Util::weaken($rigs[-1]);
	return $self;
}

sub yaml {
	my ($v, $indent) = @_;
	my $text = '';
	for my $k (sort keys %$v) {
		my $x = $v->{$k};
		$text .= "$indent$k:";
		if (ref $x eq 'HASH') {
			$text .= "\n" . yaml($x, "$indent  ");
		} elsif (ref $x eq 'ARRAY') {
			$text .= ' [' . join(', ', map { "\"$_\"" } @$x) . "]\n";
		} else {
			$text .= $x =~ /^\d+$/ ? " $x\n" : " \"$x\"\n";
		}
	}
	return $text;
}

# Writes adit.yaml; what is given is laid over what was there.
sub configure {
	my ($self, %more) = @_;
	my $c = $self->{conf};
	for my $k (keys %more) {
		if (ref $more{$k} eq 'HASH') {
			$c->{$k}{$_} = $more{$k}{$_} for keys %{ $more{$k} };
		} else {
			$c->{$k} = $more{$k};
		}
	}
	my $has_v6 = -e '/proc/net/if_inet6';
	my %whole = (
		database => "$self->{dir}/adit.db",
		public_host => $self->{host},
		dashboard_url => 'http://localhost:8080',
		ports => { from => $self->{range}[0], to => $self->{range}[1] },
		%$c,
		relay => {
			listen => [ ($has_v6 ? '[::]' : '0.0.0.0')
			    . ":$self->{port}" ],
			%{ $c->{relay} || {} },
		},
	);
	open my $f, '>', $self->conf_path or croak $self->conf_path . ": $!";
	print $f yaml(\%whole, '');
	close $f or croak "adit.yaml: $!";
	return;
}

sub conf_path { return "$_[0]{dir}/adit.yaml" }
sub dir { return $_[0]{dir} }

# Sanitizers write beside the logs.
sub env {
	my ($self) = @_;
	my $log = "log_path=$self->{logs}/sanitizer";
	return {
		ASAN_OPTIONS => "$log:detect_leaks=1:abort_on_error=0",
		UBSAN_OPTIONS => "$log:print_stacktrace=1",
		TSAN_OPTIONS => "$log:halt_on_error=0",
		LSAN_OPTIONS => $log,
	};
}

# Any program, in this rig's folder.
sub start {
	my ($self, $name, $cmd, %o) = @_;
	my $n = $self->{count}++;
	my $proc = Rig::Proc->start(name => "$n-$name", dir => $self->{logs},
	    cmd => $cmd, env => { %{ $self->env }, %{ $o{env} || {} } },
	    map { $_ => $o{$_} } grep { exists $o{$_} }
	    qw(talk stdin stop patience));
	push @{ $self->{procs} }, $proc;
	Scalar::Util::weaken($self->{procs}[-1]);
	push @{ $self->{names} }, "$n-$name";
	return $proc;
}

# relayd, ready; with unready => 1 only started.  under: what stands before it.
sub relayd {
	my ($self, %o) = @_;
	my $relayd = $self->start('relayd', [ @{ $o{under} || [] },
	    "$BUILD/relayd", '-c', $self->conf_path ], patience => 40, %o);
	$self->{relayd} = $relayd;
	return $relayd if $o{unready};
	my $is_ready = eventually {
		!$relayd->alive || ($self->get('/readyz'))[0] eq '200'
	} 20;
	croak 'relayd does not become ready: ' . $relayd->errors
	    unless $is_ready && $relayd->alive;
	if (!$o{again}) {
		$self->{files} = $relayd->files;
		$self->{memory} = $relayd->memory_kb;
	}
	return $relayd;
}

# --- aditctl -----------------------------------------------------------------

# Exit code, standard output, standard error.
sub try_ctl {
	my ($self, @args) = @_;
	my %o = ref $args[0] eq 'HASH' ? %{ shift @args } : ();
	my $p = $self->start('aditctl', [ "$BUILD/aditctl", '-c',
	    $self->conf_path, '--json', @args ], %o);
	my $code = $p->wait(30 * $PATIENCE);
	return (defined $code ? $code : 'no end', $p->output, $p->errors);
}

sub ctl {
	my ($self, @args) = @_;
	my ($code, $out, $err) = $self->try_ctl(@args);
	@args = grep { !ref } @args;
	croak "aditctl @args: $code: $err" if $code ne '0';
	$self->{change} = $self->last_change if $args[0] =~ /machine|tunnel/
	    && $args[1] !~ /list|show/;
	return JSON::PP::decode_json($out);
}

sub user {
	my ($self, $email) = @_;
	$email ||= 'ann@example.org';
	return $email if $self->{user}{$email}++;
	my $path = "$self->{dir}/password";
	open my $f, '>', $path or croak "$path: $!";
	print $f "correct horse battery\n";
	close $f;
	$self->ctl({ stdin => $path }, 'user', 'add', $email,
	    '--password-stdin');
	unlink $path;
	return $email;
}

# A tunnel: { id, public_port, ... }.  Verified unless verified => 0.
sub tunnel {
	my ($self, %o) = @_;
	my $user = $self->user(delete $o{user});
	my $verified = exists $o{verified} ? delete $o{verified} : 1;
	%o = (name => 'tunnel', kind => 'tcp', %o);
	my $t = $self->ctl('tunnel', 'add', '--user', $user,
	    (map { my $k = $_ =~ tr/_/-/r; ("--$k", $o{$_}) } sort keys %o),
	    $verified ? '--verified' : ());
	$t->{target} = $o{target};
	$self->{held} += $o{kind} eq 'both' ? 2 : 1; # its port, for good
	return $t;
}

# A machine for these tunnels: { id, token, file }.
sub machine {
	my ($self, @tunnels) = @_;
	my %o = ref $tunnels[-1] eq 'HASH' && !exists $tunnels[-1]{id} ?
	    %{ pop @tunnels } : ();
	my $m = $self->ctl('machine', 'add', '--user', $self->user($o{user}),
	    '--name', $o{name} || 'DESKTOP-4711',
	    map { ('--tunnel', $_->{id}) } @tunnels);
	$m->{file} = $self->token_file($m->{token});
	$m->{allow} = join ',', map { $_->{target} } @tunnels;
	return $m;
}

sub token_file {
	my ($self, $token) = @_;
	my $path = "$self->{dir}/token-" . $self->{count}++;
	my $old = umask 077;
	open my $f, '>', $path or croak "$path: $!";
	umask $old;
	print $f "$token\n";
	close $f;
	push @{ $self->{secrets} }, $token;
	return $path;
}

sub pin {
	my ($self) = @_;
	return $self->{pin} ||= $self->ctl('relay', 'pin')->{pin};
}

# Waits until relayd has seen what aditctl has last changed.
sub caught_up {
	my ($self) = @_;
	my $last = $self->{change} or return;
	eventually { $self->seen_change >= $last } 5;
	$self->{change} = undef;
	return;
}

# The newest change in the database.  Asked at once after aditctl: relayd's own
# changes come behind, and those it need not read.
sub last_change {
	my ($self) = @_;
	my $sqlite = Rig::Net::have('sqlite3') or return;
	my $ask = 'SELECT coalesce(max(id), 0) FROM change';
	my $last = `$sqlite -readonly $self->{dir}/adit.db '$ask' 2>/dev/null`;
	return $last =~ /^(\d+)/ ? $1 : undef;
}

sub seen_change {
	my ($self) = @_;
	my (undef, $body) = $self->get('/status', 'control.sock');
	my $status = eval { JSON::PP::decode_json($body) } || {};
	return $status->{change} || 0;
}

# adit connect.  server, allow, pin, name, under, args may be given; at_once
# does not wait for relayd to know the token.
sub client {
	my ($self, $machine, %o) = @_;
	$self->caught_up unless $o{at_once};
	my $server = $o{server} || "127.0.0.1:$self->{port}";
	my $allow = defined $o{allow} ? $o{allow} : $machine->{allow};
	return $self->start($o{name} || 'adit', [ @{ $o{under} || [] },
	    split(' ', $ENV{ADIT_CLIENT_WRAP} || ''), "$BUILD/adit", 'connect', '--server', $server,
	    $o{trust} ? @{ $o{trust} } : ('--pin', $o{pin} || $self->pin),
	    '--allow', $allow,
	    '--token-file', $o{file} || $machine->{file},
	    @{ $o{args} || [] } ], stop => 'INT', %o);
}

# --- what the relay shows ----------------------------------------------------

# GET from feed.sock (or another socket): status and body; '' when it is dead.
sub get {
	my ($self, $path, $socket) = @_;
	my $s = IO::Socket::UNIX->new(
	    Peer => "$self->{dir}/" . ($socket || 'feed.sock')) or
	    return ('', '');
	local $SIG{PIPE} = 'IGNORE';
	local $SIG{ALRM} = sub { die "late\n" };
	my $text = '';
	eval {
		alarm 10 * $PATIENCE;
		$s->print("GET $path HTTP/1.1\r\nHost: adit\r\n"
		    . "Connection: close\r\n\r\n");
		$text = join '', $s->getlines;
		alarm 0;
	};
	alarm 0;
	return ('', '') unless $text =~ m{^HTTP/1\.[01] (\d+)};
	my $status = $1;
	my ($head, $body) = split /\r\n\r\n/, $text, 2;
	if ($head =~ /^transfer-encoding:.*chunked/mi) {
		my $whole = '';
		while ($body =~ s/^([0-9a-f]+)\r\n//i && hex $1) {
			$whole .= substr $body, 0, hex $1, '';
			$body =~ s/^\r\n//;
		}
		$body = $whole;
	}
	return ($status, $body);
}

# What /live says of one tunnel; undef when there is nothing.
sub live {
	my ($self, $tunnel) = @_;
	my $id = ref $tunnel ? $tunnel->{id} : $tunnel;
	my ($status, $body) = $self->get("/live?tunnel=$id");
	return undef if $status ne '200';
	my $all = eval { JSON::PP::decode_json($body) } or return undef;
	$all = $all->{tunnels} || $all->{items} if ref $all eq 'HASH';
	my ($one) = grep { $_->{id} == $id } @$all;
	return $one;
}

# A lamp: "green", and its sentence in list context.
sub lamp {
	my ($self, $tunnel, $which) = @_;
	my $live = $self->live($tunnel) or return wantarray ? ('', '') : '';
	my $lamp = ($live->{lamps} || $live)->{$which} || {};
	my $state = $lamp->{state} || '';
	return wantarray ? ($state, $lamp->{sentence} || '') : $state;
}

sub is_live {
	my ($self, $tunnel) = @_;
	my $live = $self->live($tunnel) or return 0;
	return ($live->{status} || '') eq 'online';
}

sub wait_live {
	my ($self, $tunnel, $seconds) = @_;
	my $ok = eventually { $self->is_live($tunnel) } $seconds || 20;
	return 1 if $ok;
	my ($status, $body) = $self->get('/live?tunnel='
	    . (ref $tunnel ? $tunnel->{id} : $tunnel));
	$self->tails;
	croak "the tunnel does not come alive: $status $body";
}

sub status { return $_[0]->ctl('relay', 'status') }

# /metrics as { 'name{labels}' => value }.
sub metrics {
	my ($self) = @_;
	my (undef, $body) = $self->get('/metrics');
	my %m;
	for (split /\n/, $body) {
		$m{$1} = $2 if /^([a-zA-Z_:][^#]*?)\s+([-+0-9.eE]+)\s*$/;
	}
	return \%m;
}

# --- services and visitors ---------------------------------------------------

# echo.c with these listeners; {port}{KIND} are their ports.
sub service {
	my ($self, @specs) = @_;
	my %o = ref $specs[-1] ? %{ pop @specs } : ();
	my $bind = delete $o{bind};
	my $p = $self->start('echo', [ @{ delete $o{under} || [] },
	    "$TOOLS/echo", $bind ? ('-b', $bind) : (), @specs ], talk => 1,
	    %o);
	while (defined(my $line = $p->line)) {
		return $p if $line eq 'ready';
		$p->{port}{$1} = $2 if $line =~ /^(\w+) (\d+)$/;
	}
	croak 'echo: ' . $p->errors;
}

sub address {
	my ($self, $where) = @_;
	return $where unless ref $where;
	return "$self->{host}:$where->{public_port}";
}

# Starts visitor MODE to a tunnel (or "ADDRESS:PORT").
sub visitor {
	my ($self, $mode, $where, @args) = @_;
	my %o = ref $args[-1] eq 'HASH' ? %{ pop @args } : ();
	my @options = map { length $_ == 1
	    ? ("-$_", $_ eq 'a' ? () : $o{$_}) : () } sort keys %o;
	return $self->start("visitor-$mode", [ @{ $o{under} || [] },
	    "$TOOLS/visitor", @options, $mode, $self->address($where),
	    @args ], talk => 1);
}

# One that ends by itself: what it says.
sub visit {
	my ($self, $mode, $where, @args) = @_;
	my $limit = ref $args[-1] eq 'HASH' && $args[-1]{t} || 60;
	my $p = $self->visitor($mode, $where, @args);
	return $self->result($p, $limit);
}

# The result of one that runs, by now or within so many seconds.
sub result {
	my ($self, $p, $seconds) = @_;
	my $json;
	my $end = time + ($seconds || 60) * $PATIENCE + 5;
	while (defined(my $line = $p->line($end - time))) {
		$json = $line if $line =~ /^\{/;
	}
	$p->wait(1) if defined $json;
	return defined $json ? JSON::PP::decode_json($json)
	    : { ok => 0, failed => 1, why => 'no answer ' . $p->errors };
}

# Figures of a canary, or of those who stay, while they go on.
sub report {
	my ($self, $p) = @_;
	$p->say('report');
	my $line = $p->line(10 * $PATIENCE);
	$line = $p->line(10 * $PATIENCE) if defined $line && $line eq 'up';
	return defined $line ? JSON::PP::decode_json($line) : {};
}

# Tells one who stays to go: its last figures.
sub leave {
	my ($self, $p) = @_;
	$p->hush;
	return $self->result($p, 20);
}

# An uninvolved visitor, probed every 100 ms, once it is up.
sub canary {
	my ($self, $where, %o) = @_;
	my $p = $self->visitor('canary', $where, { i => 100, %o });
	$p->expect(qr/^up$/, 20 * $PATIENCE);
	return $p;
}

# A bad network before the relay's port (or `to`).
sub cutter {
	my ($self, %o) = @_;
	my $p = $self->start('cutter', [ @{ $o{under} || [] }, "$TOOLS/cutter",
	    $o{listen} || '127.0.0.1:0', $o{to} || "127.0.0.1:$self->{port}" ],
	    talk => 1);
	$p->{port} = $p->expect(qr/^port (\d+)/);
	$p->expect(qr/^ready/);
	return $p;
}

# Gives a cutter a command; its figures.
sub cut {
	my ($self, $cutter, $command) = @_;
	$cutter->say($command);
	my $line = $cutter->line(10 * $PATIENCE);
	croak "cutter: $command: " . $cutter->errors unless defined $line;
	return JSON::PP::decode_json($line);
}

# --- the end -----------------------------------------------------------------

# The last lines of every log, but of a crowd.
sub tails {
	my ($self) = @_;
	my $shown = 0;
	for my $name (@{ $self->{names} || [] }) {
		last if $shown > 20;
		my @lines = split /\n/,
		    Rig::Proc::slurp("$self->{logs}/$name.err");
		next unless @lines;
		$shown++;
		splice @lines, 0, @lines - 12 if @lines > 12;
		Test::More::diag("--- $name");
		Test::More::diag("    $_") for map { substr $_, 0, 300 } @lines;
	}
	return;
}

# Reports of sanitizers, from their files and from the programs' words.
sub sanitizer_reports {
	my ($self) = @_;
	my @found = map { "$_: " . substr Rig::Proc::slurp($_), 0, 4000 }
	    glob "$self->{logs}/sanitizer*";
	for my $log (glob "$self->{logs}/*.err") {
		my $text = Rig::Proc::slurp($log);
		push @found, "$log: $1"
		    if $text =~ /^(.*(?:runtime error:|ERROR: \w+Sanitizer).*)/m;
	}
	return @found;
}

# Which files hold a secret, beside its own.
sub leaks {
	my ($self) = @_;
	my @found;
	my %dirs = map { $_ => 1 } @$self{qw(dir logs)};
	for my $path (grep { -f && !m{/token-\d+$} }
	    map { glob "$_/*" } sort keys %dirs) {
		next if -s $path > 200_000_000;
		my $text = Rig::Proc::slurp($path);
		for my $secret (@{ $self->{secrets} }) {
			next if index($text, $secret) == -1;
			next if $path =~ m{-aditctl\.out$}; # shown once
			push @found, $path;
			last;
		}
	}
	return @found;
}

# Everybody has gone: is the relay as it was at its start?
sub settled {
	my ($self) = @_;
	my $relayd = $self->{relayd};
	my $files = $self->{files} + ($self->{held} || 0) + 2;
	# What an allocator keeps of a peak is no leak; 16 MB and a half more.
	my $memory = $self->{memory} * 1.5 + 16384;
	my $ok = eventually { $relayd->files <= $files } 60;
	Test::More::ok($ok, 'open files of relayd are back where they were') or
	    Test::More::diag("should be $files, are " . $relayd->files);
	return if $BUILD =~ m{/(?:asan|tsan)$};
	$ok = eventually { $relayd->memory_kb <= $memory } 60;
	Test::More::ok($ok, 'so is its memory') or Test::More::diag(
	    "it was $self->{memory} kB, is " . $relayd->memory_kb . ' kB');
	return;
}

# Stops all, and looks whether all is as it should be.  Clients end with 0,
# relayd with 0; nobody has died before; nothing is left, told or leaked.
sub finish {
	my ($self, %o) = @_;
	my @procs = grep { defined } @{ $self->{procs} };
	for my $p (grep { $_->name =~ /-adit/ && $_->name !~ /aditctl/
	    && $_->alive } @procs) {
		my $code = $p->stop('INT', 10 * $PATIENCE);
		Test::More::is($code, 0, $p->name . ' ends by Ctrl-C with 0');
	}
	for my $p (grep { $_->name =~ /-(?:visitor|echo|cutter)/ } @procs) {
		$p->stop if $p->alive;
	}
	my $relayd = $self->{relayd};
	if ($relayd) {
		Test::More::ok($relayd->alive, 'relayd is alive') or
		    Test::More::diag('it ended with ' . $relayd->code);
		if ($relayd->alive) {
			$self->settled unless $o{unsettled};
			my $code = $relayd->stop('TERM', 40 * $PATIENCE);
			Test::More::is($code, 0, 'and ends with 0');
		}
	}
	$self->verdict;
	return;
}

sub verdict {
	my ($self) = @_;
	my @reports = $self->sanitizer_reports;
	Test::More::is(scalar @reports, 0, 'no sanitizer has found anything')
	    or Test::More::diag("@reports");
	my @leaks = $self->leaks;
	Test::More::is("@leaks", '', 'no token is in any log');
	$self->{is_judged} = 1;
	return;
}

sub DESTROY {
	my ($self) = @_;
	return unless $self->{owner} == $$;
	local ($?, $!, $@);
	$_->stop for grep { defined && $_->alive } @{ $self->{procs} };
	return;
}

# A test that failed shows what the programs said.
END {
	my $code = $?;
	for my $rig (grep { defined && $_->{owner} == $$ } @rigs) {
		$rig->tails if !Test::More->builder->is_passing || $code;
		$rig->DESTROY;
	}
	$? = $code;
}

use Scalar::Util ();

1;
