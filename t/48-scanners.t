#!/usr/bin/perl
# What strangers' programs say of the pages and the API: html-validate and the Nu
# checker of every page, sqlmap of the API and the sign-in, wapiti of the pages.
# In `make check-all` only; each is left out where it is not to be had.
use strict;
use warnings;

use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(soon);
use Rig::Web;

Rig::Net::skip('scanners take minutes: make check-all') unless $Rig::IS_LONG;

my $rig = Rig->new(conf => { limits => { api_reads_per_minute => 0,
    api_writes_per_minute => 0 } });
$rig->relayd;
my $web = Rig::Web->new($rig);
my $PASSWORD = 'four plain words';
my $ann = $web->browser;
$ann->get('/setup');
my %page = ('setup' => $ann->text);
$ann->post('/setup', code => 'AAAA-AAAA-AAAA', email => 'x', password => 'y');
$page{'setup-wrong'} = $ann->text;
$ann->post('/setup', code => $web->setup_code, email => 'ann@example.org',
    password => $PASSWORD);
$ann->get('/');
$page{empty} = $ann->text;
for my $name ('ssh', q{<b>"'&\\</b>}, "\xd9\x85\xd8\xb1") {
	$ann->get('/new');
	$ann->post('/new', name => $name, kind => 'tcp', local_port => 22);
}
my ($id) = $ann->header('location') =~ m{/tunnels/(\d+)$};
ok($id, 'three tunnels');
my $key = $rig->ctl('key', 'add', '--user', 'ann@example.org', '--name',
    'scan')->{key};

# --- valid pages ------------------------------------------------------------------

for my $path ('/', '/new', '/new?for=ssh', '/machines', '/account', '/admin',
    '/admin/users/1', "/tunnels/$id", "/tunnels/$id/edit",
    "/tunnels/$id/delete", "/download/$id", '/nothing', '/verify/'
    . 'a' x 26) {
	$page{$path} = $ann->get($path)->text;
}
my ($link) = $ann->get("/tunnels/$id")->text =~ m{href="(/verify/\w{26})"};
$page{verify} = $ann->get($link)->text;
$ann->post($link);
$page{'verify-done'} = $ann->text;
$ann->get("/download/$id");
$ann->post("/download/$id", machine => 'new');
$page{'download-key'} = $ann->text;
$ann->get('/new');
$ann->post('/new', name => '', kind => 'x', local_port => 'y',
    public_port => 1, allow => 'z', deny => 'z', address_rate => 'z');
$page{'new-wrong'} = $ann->text;
$ann->get('/admin');
$ann->post('/admin/settings', verify_hours => 'x', tunnels_max => 'y');
$page{'admin-wrong'} = $ann->text;
$ann->get('/admin');
$ann->post('/admin/invite', note => 'Jonas');
$page{'admin-invited'} = $ann->text;
my $out = $web->browser;
$page{signin} = $out->get('/signin')->text;

my $npm = "$Rig::HOUSE/build/npm";
my $pages = "$rig->{dir}/pages";
mkdir $pages or die "$pages: $!";
for my $name (keys %page) {
	(my $file = $name) =~ s/[^a-z0-9]+/_/g;
	Rig::Web::spew("$pages/$file.html", $page{$name});
}

# A checker of npm's, which says nothing of good pages.
sub check {
	my ($what, @cmd) = @_;
	my $said = `@cmd $pages/*.html 2>&1`;
	ok($? == 0, scalar(keys %page) . " pages: $what finds nothing")
	    or diag($said);
	return;
}

SKIP: {
	my $there = -d "$npm/node_modules/vnu-jar" || Rig::Net::have('npm')
	    && system("npm i --prefix '$npm' --ignore-scripts --no-audit "
		. '--no-fund html-validate@8.29.0 vnu-jar@26.9.27 '
		. '>/dev/null 2>&1') == 0;
	skip 'html-validate and vnu are not to be had', 2 unless $there;
	# the lines of a template's sections that are not shown are left empty
	Rig::Web::spew("$pages/.htmlvalidate.json", '{"root":true,'
	    . '"extends":["html-validate:recommended"],'
	    . '"rules":{"no-trailing-whitespace":"off"}}');
	check('html-validate', "$npm/node_modules/.bin/html-validate");
	my $jar = "$npm/node_modules/vnu-jar/build/dist/vnu.jar";
	skip 'no java here', 1 unless Rig::Net::have('java') && -e $jar;
	check('vnu', 'java', '-jar', $jar);
}

# --- sqlmap -----------------------------------------------------------------------

sub sqlmap {
	my ($says, $target, @more) = @_;
	my @cmd = ('sqlmap', '-u', $web->url . $target, '--batch',
	    '--dbms=sqlite', '--level=2', '--technique=BEUS', '--threads=2',
	    '--flush-session', '--disable-coloring', '--ignore-code=*',
	    "--output-dir=$rig->{dir}/sqlmap", @more);
	open my $f, '-|', @cmd or die "sqlmap: $!";
	my $said = do { local $/; <$f> };
	close $f;
	ok($said =~ /not (?:appear to )?be injectable|not injectable/
	    && $said !~ /identified the following injection/,
	    "sqlmap: $says") or diag($said);
	return;
}

SKIP: {
	skip 'no sqlmap here', 7 unless Rig::Net::have('sqlmap');
	my @bearer = ('-H', "Authorization: Bearer $key");
	sqlmap('a list', '/api/tunnels?skip=0&limit=5', @bearer);
	sqlmap('figures', "/api/usage?tunnel=$id&per=day", @bearer);
	sqlmap('one', "/api/tunnels/$id*", @bearer);
	sqlmap('a new one', '/api/tunnels', @bearer, '--method=POST',
	    '-H', 'Content-Type: application/json',
	    '--data={"name":"a*","kind":"tcp","local_port":80}');
	sqlmap('the search', '/?q=ssh&sort=name', '-p', 'q,sort',
	    "--cookie=adit=$ann->{jar}{adit}");

	# the pause after wrong guesses would hide all the rest
	my $sqlite = Rig::Net::have('sqlite3') or skip 'no sqlite3 here', 2;
	system($sqlite, "$rig->{dir}/adit.db", 'CREATE TRIGGER no_pause'
	    . ' AFTER INSERT ON guess BEGIN DELETE FROM guess; END') == 0
	    or die 'sqlite3';
	my $door = $web->browser;
	$door->get('/signin');
	my $token = $door->token;
	my $tried = sub {
		return scalar grep { m{ POST /signin 403 } } split /\n/,
		    Rig::Web::slurp("$web->{dir}/log/access.log");
	};
	my $before = $tried->();
	sqlmap('the sign-in', '/signin', '--method=POST', "--data=token=$token"
	    . '&email=ann%40example.org&password=wrong&next=%2F',
	    '-p', 'email,password,next',
	    "--cookie=adit-form=$door->{jar}{'adit-form'}");
	cmp_ok($tried->() - $before, '>', 100, 'which has heard its guesses');
	system($sqlite, "$rig->{dir}/adit.db", 'DROP TRIGGER no_pause') == 0
	    or die 'sqlite3';
}

# --- wapiti -----------------------------------------------------------------------

# It presses every button, but must stay inside to see anything.
sub keep_inside {
	my $conf = "$web->{dir}/nginx.conf";
	my $text = Rig::Web::slurp($conf);
	my $no = 'location ~ ^/(signout|account/sessions) { return 204; }';
	$text =~ s/^(\s*)(?=location \/ \{)/$1$no\n$1/m
	    or die 'no location /';
	Rig::Web::spew($conf, $text);
	kill 'HUP', $web->{nginx}->pid;
	soon { $ann->get('/signout')->status == 204 } 10,
	    'nobody is signed out';
	return;
}

SKIP: {
	skip 'no wapiti here', 2 unless Rig::Net::have('wapiti');
	keep_inside();
	my $report = "$rig->{dir}/wapiti.json";
	system("cd '$rig->{dir}' && wapiti -u '" . $web->url . "/' "
	    . "--store-session '$rig->{dir}' -f json -o '$report' "
	    . "-H 'Cookie: adit=$ann->{jar}{adit}' --flush-session "
	    . '-m blindsql,crlf,csp,exec,file,redirect,sql,xss,'
	    . 'permanentxss -d 3 --max-links-per-page 12 '
	    . '--max-files-per-dir 8 --max-scan-time 90 --max-attack-time 20 '
	    . '--no-bugreport '
	    . '>wapiti.log 2>&1');
	my $all = eval { JSON::PP::decode_json(Rig::Web::slurp($report)) }
	    || {};
	my @found = map { my $kind = $_;
	    map { "$kind: $_->{method} $_->{path} $_->{info}" }
		@{ $all->{vulnerabilities}{$kind} } }
	    sort keys %{ $all->{vulnerabilities} || {} };
	ok($all->{infos} && !@found, 'wapiti finds nothing')
	    or diag(join "\n", @found,
		Rig::Web::slurp("$rig->{dir}/wapiti.log"));
}

is($web->{program}->alive, 1, 'and all of it is still there');
is($ann->get('/')->status, 200, 'for those who are inside');
$rig->finish;
done_testing;
