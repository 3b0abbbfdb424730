package Rig::Web;
# The pages of a rig, behind a real nginx, as nginx.conf.example has it.
#
#	my $web = Rig::Web->new($rig);
#	my $b = $web->browser;
#	$b->get('/signin');
#	$b->post('/signin', email => ..., password => ...);
#	is($b->status, 303, 'inside');
#
# base: the path that the pages live under; cgi: by fcgiwrap, a process for
# each request; limited: with the limits of nginx.conf.example as they stand.  Several
# may stand before one database.
use strict;
use warnings;

use Carp qw(croak);
use HTTP::Tiny;

use Rig qw(eventually free_port);

my $count = 0;

sub new {
	my ($class, $rig, %o) = @_;
	Rig::Net::skip("$Rig::BUILD/webapp.fcgi is not built")
	    unless -x "$Rig::BUILD/webapp.fcgi";
	Rig::Net::skip('no nginx here') unless Rig::Net::have('nginx');
	my $self = bless {
		rig => $rig, base => $o{base} || '', cgi => $o{cgi},
		limited => $o{limited}, tls => $o{tls} ? free_port() : 0,
		port => free_port(), dir => "$rig->{dir}/web" . $count++,
	}, $class;
	$self->prepare;
	$self->start_program;
	$self->start_nginx;
	return $self;
}

sub spew {
	my ($path, $text) = @_;
	open my $f, '>', $path or croak "$path: $!";
	print $f $text;
	close $f or croak "$path: $!";
	return;
}

sub slurp {
	my ($path) = @_;
	open my $f, '<', $path or croak "$path: $!";
	local $/;
	return scalar <$f>;
}

# A folder like STATE, with the rig's sockets and certificate in it.
sub prepare {
	my ($self) = @_;
	my ($rig, $dir) = ($self->{rig}, $self->{dir});
	mkdir $_ or croak "$_: $!" for $dir, "$dir/tmp", "$dir/log";
	symlink "$rig->{dir}/$_", "$dir/$_"
	    for qw(client feed.sock link.sock relay.crt relay.key);
	my $yaml = slurp($rig->conf_path);
	$yaml =~ s{^dashboard_url:.*}{dashboard_url: "@{[ $self->dashboard ]}"}m
	    or croak 'no dashboard_url';
	spew($self->conf, $yaml);
	return;
}

sub url { return "http://localhost:$_[0]{port}$_[0]{base}" }

# Where the pages say that they are: with tls there, by the relay's certificate.
sub dashboard {
	my ($self) = @_;
	return $self->{tls} ? "https://127.0.0.1:$self->{tls}$self->{base}"
	    : $self->url;
}

sub conf { return "$_[0]{dir}/adit.yaml" }

sub start_program {
	my ($self) = @_;
	my $sock = "$self->{dir}/web.sock";
	my @cmd = $self->{cgi} ?
	    ('fcgiwrap', '-c', 4, '-s', "unix:$sock") :
	    ("$Rig::BUILD/webapp.fcgi", '-c', $self->conf, '--socket', $sock);
	Rig::Net::skip('no fcgiwrap here')
	    if $self->{cgi} && !Rig::Net::have('fcgiwrap');
	$self->{program} = $self->{rig}->start('webapp', \@cmd);
	croak 'webapp does not start: ' . $self->{program}->errors
	    unless eventually { -S $sock || !$self->{program}->alive } 20
	    and $self->{program}->alive;
	return;
}

sub start_nginx {
	my ($self) = @_;
	my $conf = "$self->{dir}/nginx.conf";
	local $ENV{NGINX_USER} = $> == 0 ? 'root' : '';
	my $text = qx{sh '$Rig::HOUSE/deploy/nginx.sh' '$self->{dir}' \\
	    '$Rig::HOUSE' $self->{port} $self->{tls} '$self->{base}'};
	croak 'deploy/nginx.sh' if $? != 0;
	my $cgi = "fastcgi_param GATEWAY_INTERFACE CGI/1.1;\n"
	    . "fastcgi_param SCRIPT_FILENAME $Rig::BUILD/webapp.fcgi;\n"
	    . 'fastcgi_param ADIT_CONFIG ' . $self->conf . ";\n";
	$text =~ s/^(\s*fastcgi_param REQUEST_METHOD .*\n)/$1$cgi/mg
	    if $self->{cgi};
	# tests knock more often than people do
	$text =~ s/rate=\d+r/rate=1000r/g unless $self->{limited};
	spew($conf, $text);
	$self->{nginx} = $self->{rig}->start('nginx', [ 'nginx', '-e',
	    "$self->{dir}/log/nginx.log", '-p', $self->{dir}, '-c', $conf,
	    '-g', 'daemon off;' ]);
	my $up = eventually {
		!$self->{nginx}->alive ||
		    $self->browser->get('/signin')->status =~ /^(?:200|303)$/
	} 20;
	croak 'nginx does not start: ' . $self->{nginx}->errors .
	    slurp("$self->{dir}/log/nginx.log")
	    unless $up && $self->{nginx}->alive;
	return;
}

sub setup_code {
	my ($self) = @_;
	my $code = slurp("$self->{rig}{dir}/setup.code");
	chomp $code;
	return $code;
}

sub browser {
	my ($self) = @_;
	return Rig::Web::Browser->new($self);
}

# A browser that is signed in.
sub signed_in {
	my ($self, $email, $password) = @_;
	my $b = $self->browser;
	$b->get('/signin');
	$b->post('/signin', email => $email, password => $password);
	croak "sign-in of $email: " . $b->status if $b->status != 303;
	return $b;
}

package Rig::Web::Browser;
# Cookies and forms, and no script.  Every question returns the browser; what
# came back is asked for by status, text, header.
use strict;
use warnings;

sub new {
	my ($class, $web) = @_;
	return bless { web => $web, jar => {}, http => HTTP::Tiny->new(
	    max_redirect => 0, timeout => 20, keep_alive => 0) }, $class;
}

sub ask {
	my ($self, $method, $path, %o) = @_;
	my $web = $self->{web};
	my %h = %{ $o{headers} || {} };
	my $cookie = join '; ', map { "$_=$self->{jar}{$_}" }
	    sort keys %{ $self->{jar} };
	$h{Cookie} = $cookie if length $cookie && !exists $h{Cookie};
	$self->{r} = $self->{http}->request($method, $web->url . $path,
	    { headers => \%h, exists $o{body} ? (content => $o{body}) : () });
	my $set = $self->{r}{headers}{'set-cookie'};
	for (ref $set ? @$set : defined $set ? $set : ()) {
		my ($name, $value) = /^([^=]+)=([^;]*)/ or next;
		if (/Max-Age=0\b/) {
			delete $self->{jar}{$name};
		} else {
			$self->{jar}{$name} = $value;
		}
	}
	return $self;
}

sub get {
	my ($self, $path, %o) = @_;
	return $self->ask(GET => $path, %o);
}

sub escape {
	my ($text) = @_;
	$text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge;
	return $text;
}

sub encode {
	my (@fields) = @_;
	my @pairs;
	while (my ($name, $value) = splice @fields, 0, 2) {
		push @pairs, escape($name) . '=' . escape($value);
	}
	return join '&', @pairs;
}

# The token of the page that was seen last.
sub token {
	my ($self) = @_;
	return $self->{token} = $1
	    if $self->text =~ /name="token" value="([0-9a-f]+)"/;
	return $self->{token} || '';
}

# A form with its token; a field that is a reference stands for headers.
sub post {
	my ($self, $path, @fields) = @_;
	my %o = @fields && ref $fields[0] ? %{ shift @fields } : ();
	my %given = @fields;
	unshift @fields, token => $self->token unless exists $given{token};
	return $self->ask(POST => $path, body => encode(@fields),
	    headers => { 'Content-Type' => 'application/x-www-form-urlencoded',
		%o });
}

# The page that a form leads to.
sub follow {
	my ($self) = @_;
	my $to = $self->header('location');
	return $self unless defined $to;
	my $base = $self->{web}{base};
	$to =~ s/^\Q$base\E//;
	return $self->get($to);
}

sub status { return $_[0]{r}{status} }
sub text { return $_[0]{r}{content} // '' }
sub header { return $_[0]{r}{headers}{ lc $_[1] } }

1;
