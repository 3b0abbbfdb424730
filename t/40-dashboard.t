#!/usr/bin/perl
# The list of tunnels when it is long: its order, what is searched for, its
# parts, and whose machine, traffic and small chart stand in which line.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig;
use Rig::Api;
use Rig::Web;

my $sqlite = Rig::Net::have('sqlite3') or Rig::Net::skip('no sqlite3 here');
my $rig = Rig->new;
$rig->relayd;
my $api = Rig::Api->new($rig);
my $key = $api->key('ann@example.org', admin => 1);
my $bobs = $api->key('bob@example.org');

sub make {
	my ($who, $path, %json) = @_;
	my $a = $api->ask(POST => "/api/$path", key => $who, json => \%json);
	die "$path: $a->{body}" if $a->{status} != 201;
	return $a->{json}{id};
}

my %machine = map { $_ => make($key, 'machines', name => $_) }
    qw(attic cellar);
my %id;
for my $n (1 .. 60) {
	my $name = sprintf 'tunnel %02d', 61 - $n;
	$id{$name} = make($key, 'tunnels', name => $name, kind => 'tcp',
	    local_port => 9000 + $n,
	    machine_id => $machine{ $n == 7 ? 'cellar' : 'attic' });
}
my $his = make($bobs, 'tunnels', name => 'of Bob', kind => 'tcp',
    local_port => 80);
$api->ask(POST => "/api/tunnels/$id{$_}/verify", key => $key)
    for 'tunnel 01', 'tunnel 02';
$api->ask(POST => "/api/tunnels/$id{'tunnel 02'}/deactivate", key => $key);

# In kB: two hours of one, one of another, an old one, and another user's.
my $hour = int(time / 3600);
my @carried = ([ 'tunnel 33', $hour, 5000, 2000 ],
    [ 'tunnel 33', $hour - 3, 3000, 1000 ], [ 'tunnel 44', $hour - 1, 0, 50_000 ],
    [ 'tunnel 55', $hour - 30, 9_000_000, 9_000_000 ]);
$id{'of Bob'} = $his;
my $sql = join ';', map {
	"INSERT INTO usage_hour VALUES ($_->[1], $id{$_->[0]}, $_->[2], $_->[3], 1, 0, 0)"
} @carried, [ 'of Bob', $hour, 70_000_000, 1 ];
$sql .= ";UPDATE tunnel SET last_connected_at = 1 WHERE name LIKE 'tunnel 3%'";
system($sqlite, "$rig->{dir}/adit.db", $sql) == 0 or die 'sqlite3';

my $web = Rig::Web->new($rig);
my $ann = $web->signed_in('ann@example.org', 'correct horse battery');

# The names on a page, in their order.
sub names {
	my ($query) = @_;
	is($ann->get("/$query")->status, 200, "a page: $query");
	return $ann->text =~ m{<h2><a href="/tunnels/\d+">([^<]*)</a></h2>}g;
}

# The line of a tunnel on the page that was seen last.
sub line {
	my ($name) = @_;
	my ($line) = grep { /<h2>.*>\Q$name\E</ }
	    split /<li class="tunnel">/, $ann->text;
	return $line // '';
}

my @all = names('');
is(scalar @all, 40, 'a part of the list');
is($all[0], 'tunnel 01', 'the newest first');
is($all[39], 'tunnel 40', 'to the fortieth');
like($ann->text, qr/1 to 40 of 60/, 'it says so');
cmp_ok(length($ann->text), '<', 100_000, 'and is small');
like($ann->text, qr/0 of 60 are open/, 'and how many are open');
like($ann->text, qr/59 need you/, 'and how many are not, and should be');
unlike($ann->text, qr/of Bob/, 'nothing of another user');
like(line('tunnel 33'), qr/class="spark"/, 'one has a small chart');
like(line('tunnel 33'), qr/>11\.0 kB</, 'of the last day');
like(line('tunnel 34'), qr/>nothing</, 'one has carried nothing');
unlike(line('tunnel 34'), qr/class="spark"/, 'and has no chart');
like(line('tunnel 34'), qr{on <bdi>attic</bdi>}, 'and its machine');
my @rest = names('?page=2');
is("@rest[0, -1]", 'tunnel 41 tunnel 60', 'the rest');
like($ann->text, qr/41 to 60 of 60/, 'is told as that');
like(line('tunnel 44'), qr/class="spark"/, 'another one has its own chart');
like(line('tunnel 54'), qr{on <bdi>cellar</bdi>}, 'the machine of that one');
unlike(line('tunnel 55'), qr/class="spark"/, 'what is old is in no chart');
is(join(' ', names('?page=99')), "@rest", 'behind the end is the end');
is((names('?sort=name'))[0], 'tunnel 01', 'by name');
is((names('?sort=name&page=2'))[-1], 'tunnel 60', 'to the last');
is(join(',', (names('?sort=traffic'))[ 0, 1, 2 ]),
    'tunnel 44,tunnel 33,tunnel 01', 'by traffic of the last day');
is((names('?sort=need&page=2'))[-1], 'tunnel 02',
    'who needs nobody is the last');
is(join(',', names('?q=cellar')), 'tunnel 54', 'a machine is found');
like(line('tunnel 54'), qr{on <bdi>cellar</bdi>}, 'and stands there');
is(join(',', names('?q=:9060')), 'tunnel 01', 'a port is');
is(join(',', names('?q=TUNNEL+33')), 'tunnel 33', 'a name is');
is(join(',', names('?q=paused')), 'tunnel 02', 'a word is');
is(scalar(@{[ names('?q=nothing+like+it') ]}), 0, 'what is not there is not');
like($ann->text, qr/No tunnel fits/, 'which it says');
is(scalar(@{[ names('?show=broken&page=2') ]}), 19, 'those that need somebody');
$rig->finish(unsettled => 1);
done_testing();
