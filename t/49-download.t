#!/usr/bin/perl
# The page that connects a computer: which program it offers while the server
# has none, builds one, has one for its own system, or for any Linux.
use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig;
use Rig::Web;

my $rig = Rig->new;
$rig->relayd;
my $web = Rig::Web->new($rig);
my $ann = $web->browser;
$ann->get('/setup');
$ann->post('/setup', code => $web->setup_code, email => 'ann@example.org',
    password => 'four plain words');
$ann->get('/new');
$ann->post('/new', name => 'web', kind => 'tcp', local_port => 80);
my ($id) = $ann->header('location') =~ m{/tunnels/(\d+)$};
ok($id, 'a tunnel');
my $folder = "$rig->{dir}/client";
mkdir $folder or die "$folder: $!";

# The page with a key.
sub page {
	$ann->get("/download/$id");
	$ann->post("/download/$id", machine => 'new');
	is($ann->status, 201, 'a key');
	return $ann->text;
}

# Puts a program there, named by its hash.
sub lay {
	my ($before, $text) = @_;
	my $name = $before . substr sha256_hex($text), 0, 12;
	Rig::Web::spew("$folder/$name", $text);
	return $name;
}

sub links { return $_[0] =~ m{href="(/client/[^"]+)"}g }

my $page = page();
like($page, qr/has no program to download yet/, 'none: it says so');
is_deeply([ links($page) ], [], 'and offers none');

Rig::Web::spew("$folder/building", "building <b>OpenSSL</b>\n");
$page = page();
like($page, qr{being built at this moment \(<code>building &lt;b&gt;},
    'being built: it says how far');
unlike($page, qr/has no program/, 'instead');
is($web->browser->get('/client/building')->status, 404,
    'what is said there is no program');

my $own = lay('adit-debian-12-x86_64-', 'own');
$page = page();
is_deeply([ links($page) ], [ "/client/$own" ], 'one for its own system');
like($page, qr{Program for debian 12 x86_64</a>}, 'which says for what');
like($page, qr/being built/, 'beside the one to come');
is($web->browser->get("/client/$own")->text, 'own', 'it can be had');

my $any = lay('adit-linux-x86_64-', 'any');
unlink "$folder/building";
$page = page();
is_deeply([ links($page) ], [ "/client/$any" ], 'then the one for any Linux');
unlike($page, qr/being built|debian 12/, 'alone');
is($web->browser->get('/client/adit-linux-x86_64')->header('location'),
    "/client/$any", 'also without its hash');
is($web->browser->get("/client/$any")->text, 'any', 'as it lies there');

for my $name ('adit-0123456789ab', 'adit--0123456789ab', '-0123456789ab',
    'adit-Debian-0123456789ab', 'adit-x-0123456789abc', 'adit-', 'adit') {
	is($web->browser->get("/client/$name")->status, 404,
	    "$name is no program");
}

$rig->finish;
done_testing;
