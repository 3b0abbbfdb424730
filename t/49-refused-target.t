#!/usr/bin/perl
# A client reaches what its own list allows and nothing else: who points a tunnel
# elsewhere is told so before it is saved, with the way out, by the form and by
# the API; also while the computer is away.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(soon);
use Rig::Api;
use Rig::Web;

my $rig = Rig->new;
$rig->relayd;
my $api = Rig::Api->new($rig);
my $key = $api->key('ann@example.org', admin => 1);
push @{ $rig->{secrets} }, $key;
my $web = Rig::Web->new($rig);
my $ann = $web->signed_in('ann@example.org', 'correct horse battery');
my $service = $rig->service('echo:0');
my $port = 0 + $service->{port}{echo};

sub get { return $api->ask(GET => $_[0], key => $key)->{json} }

my $made = $api->ask(POST => '/api/tunnels', key => $key,
    json => { name => 'echo', kind => 'tcp', local_port => $port })->{json};
is($made->{notice}, undef, 'without a machine nothing is to be told');
my $t = $made->{id};
my $m = $api->ask(POST => '/api/machines', key => $key,
    json => { name => 'desk', tunnel_ids => [ $t ] })->{json};
is_deeply(get("/api/machines/$m->{id}")->{allow}, [],
    'a machine that was never started has said nothing');

# Starts the client, which allows this; waits until it is known.
sub start {
	my ($allow) = @_;
	$rig->caught_up;
	my $adit = $rig->start('adit', [ "$Rig::BUILD/adit", 'connect',
	    '--server', "127.0.0.1:$rig->{port}", '--pin', $rig->pin,
	    '--allow', $allow, '--token-file', $rig->token_file($m->{token}) ],
	    stop => 'INT');
	soon { join(',', @{ get("/api/machines/$m->{id}")->{allow} })
	    eq $allow } 20, "it has said that it allows $allow";
	return $adit;
}
my $adit = start("127.0.0.1:$port");
my $computer = get("/api/machines/$m->{id}")->{computer};
my $says = qr/\Q$computer\E allows only 127\.0\.0\.1:$port\. To serve 127\.0\.0\.1:1 there, download a new file for it, or run the new command/;
like($ann->get('/machines')->text,
    qr{allows <code>127\.0\.0\.1:$port</code>}, 'the page shows it');

# --- the form ---------------------------------------------------------------------

my @new = (name => 'new', kind => 'tcp', local_port => 1);

sub form {
	my ($path, @fields) = @_;
	$ann->get($path);
	$ann->post($path, @fields);
	return $ann->status;
}
my $count = get('/api/tunnels')->{total};
is(form('/new', @new, machine => $m->{id}), 422, 'a new tunnel');
like($ann->text, $says, 'is told what is refused, and what to do');
like($ann->text, qr/id="local_port-e"/, 'beside its field');
like($ann->text, qr/>Make it anyway</, 'and can be made all the same');
is(get('/api/tunnels')->{total}, $count, 'nothing was made yet');
my ($anyway) = $ann->text =~ /name="anyway" value="([^"]*)"/;
is(form('/new', name => 'new', kind => 'tcp', local_port => 2,
    machine => $m->{id}, anyway => $anyway), 422,
    'what was agreed to is this target and no other');
is(form('/new', @new, machine => $m->{id}, anyway => $anyway), 303,
    'then it is made');
like($ann->header('location'), qr{^/download/\d+$},
    'and leads to where the new file is');
my ($id) = $ann->header('location') =~ /(\d+)$/;
like($ann->follow->text, qr/Connect a computer/, '  which is there');
is(form('/new', @new, machine => 'new'), 303,
    'a new machine allows what it is made for');
is(form('/new', name => 'same', kind => 'tcp', local_port => $port,
    machine => $m->{id}), 303, 'what is allowed is no question');

my @edit = (name => 'echo', kind => 'tcp', local_host => '127.0.0.1');
is(form("/tunnels/$t/edit", @edit, local_port => 1), 422,
    'an edit is told it, too');
like($ann->text, $says, '  in the same words');
like($ann->text, qr/>Save it anyway</, '  and may insist');
is(get("/api/tunnels/$t")->{local_port}, $port, '  nothing is saved yet');
is(form("/tunnels/$t/edit", @edit, local_port => 1, anyway => $anyway), 303,
    '  then it is');
is(get("/api/tunnels/$t")->{local_port}, 1, '  so it is');
is(form("/tunnels/$t/edit", name => 'renamed', kind => 'tcp',
    local_host => '127.0.0.1', local_port => 1), 303,
    'another change of it is no question again');

# --- the API -----------------------------------------------------------------------

my $got = $api->ask(POST => '/api/tunnels', key => $key, json => { name => 'x',
    kind => 'tcp', local_port => 1, machine_id => $m->{id} });
is($got->{status}, 201, 'a program cannot be asked');
like($got->{json}{notice}, $says, 'but is told');
like(get("/api/tunnels/$t")->{notice}, $says, 'also of what there is');
$got = $api->ask(PATCH => "/api/tunnels/$t", key => $key,
    json => { local_port => $port });
is($got->{json}{notice}, undef, 'until it is allowed again');
ok(exists $got->{json}{notice}, '  which it says');

# --- away, and back with more ----------------------------------------------------------

is($adit->stop('INT'), 0, 'the computer goes');
$got = $api->ask(PATCH => "/api/tunnels/$t", key => $key,
    json => { local_port => 1 });
like($got->{json}{notice}, $says, 'what it said last is still known');
$adit = start('127.0.0.1:*,[::1]:1-9');
is(get("/api/tunnels/$t")->{notice}, undef, 'back with a wider list it is fine');
is(form("/tunnels/$t/edit", @edit, local_port => 3), 303, 'by the form, too');
is(form("/tunnels/$t/edit", name => 'echo', kind => 'tcp',
    local_host => 'nas.lan', local_port => 3), 422,
    'another host is another matter');

$adit->stop('INT');
$api->{proc}->stop('TERM', 20);
$rig->finish;
done_testing;
