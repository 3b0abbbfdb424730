#!/usr/bin/perl
# What is changed in the database rules within a second, in the session that is
# there, and touches no other tunnel.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use Rig qw(eventually soon seconds_until);

my $rig = Rig->new;
my $relayd = $rig->relayd;
my $service = $rig->service('ask:0', 'echo:0', 'udp:0');
my $second = $rig->service('ask:0');
my %at = map { $_ => "127.0.0.1:$service->{port}{$_}" } qw(ask echo udp);
my $elsewhere = "127.0.0.1:$second->{port}{ask}";

my $calm = $rig->tunnel(name => 'calm', target => $at{echo});
my $t = $rig->tunnel(name => 'changed', target => $at{ask});
my $machine = $rig->machine($calm, $t);
my $allow = "127.0.0.1:*";
my $adit = $rig->client($machine, allow => $allow);
$rig->wait_live($_) for $calm, $t;
my $canary = $rig->canary($calm);

# Does it, and waits until it is so: within a second.
sub follows {
	my ($says, $do, $is_so) = @_;
	$do->();
	my $took = seconds_until { $is_so->() } 10;
	ok(defined $took, "$says: followed");
	cmp_ok($took // 99, '<', 1 * $Rig::PATIENCE, "$says: within a second");
	return;
}

sub serves {
	my ($tunnel) = @_;
	return $rig->visit('echo', $tunnel, 10, { a => 1, t => 1 })->{ok};
}

sub refuses {
	my ($tunnel) = @_;
	my $r = $rig->visit('echo', $tunnel, 10, { a => 1, t => 1 });
	return !$r->{ok} && $r->{why} =~ /refused/i;
}

sub status_is {
	my ($tunnel, $status) = @_;
	my $live = $rig->live($tunnel) or return 0;
	return $live->{status} eq $status;
}

# --- pause and resume ---------------------------------------------------------

my $inside = $rig->visitor('idle', $t, { a => 1, n => 3 });
$inside->expect(qr/^up/);
follows('pause', sub { $rig->ctl('tunnel', 'pause', $t->{id}) },
    sub { status_is($t, 'paused') && refuses($t) });
soon { $rig->report($inside)->{lost} == 3 } 2, 'who was inside is sent away';
$inside->stop;
soon { $adit->errors . $adit->output =~ /pause/i } 5, 'the client says it';
follows('resume', sub { $rig->ctl('tunnel', 'resume', $t->{id}) },
    sub { status_is($t, 'online') && serves($t) });

# --- another target ------------------------------------------------------------

my $kept = $rig->visitor('canary', $t, { a => 1 });
$kept->expect(qr/^up/);
follows('edit of the target', sub {
	$rig->ctl('tunnel', 'edit', $t->{id}, '--target', $elsewhere);
}, sub {
	my $v = $rig->visitor('hold', $t, "watch");
	$v->expect(qr/^up/);
	$rig->leave($v);
	my $line = $second->line(0.3);
	return defined $line && $line =~ /^watch/;
});
is($rig->report($kept)->{ended}, '', 'who was inside stays where they are');
$kept->stop;
$rig->ctl('tunnel', 'edit', $t->{id}, '--target', $at{ask});

# --- who may come ---------------------------------------------------------------

follows('a deny list', sub {
	$rig->ctl('tunnel', 'edit', $t->{id}, '--deny', '127.0.0.0/8');
}, sub { !serves($t) });
follows('its end', sub {
	$rig->ctl('tunnel', 'edit', $t->{id}, '--deny', '');
}, sub { serves($t) });

# --- another kind and another port -----------------------------------------------

my $old = { %$t };
follows('another port', sub {
	my $now = $rig->ctl('tunnel', 'edit', $t->{id}, '--port',
	    $t->{public_port} == $rig->{range}[0] ? $t->{public_port} + 1
	    : $t->{public_port} - 1);
	$t->{public_port} = $now->{public_port};
}, sub { serves($t) && refuses($old) });

# --- delete and take back -------------------------------------------------------

follows('delete', sub { $rig->ctl('tunnel', 'rm', $t->{id}) },
    sub { refuses($t) });
follows('taken back', sub { $rig->ctl('tunnel', 'restore', $t->{id}) },
    sub { serves($t) });

# --- freeze ----------------------------------------------------------------------

follows('freeze', sub { $rig->ctl('tunnel', 'freeze', $t->{id}) },
    sub { status_is($t, 'frozen') && refuses($t) });
follows('unfreeze', sub { $rig->ctl('tunnel', 'unfreeze', $t->{id}) },
    sub { serves($t) });

# --- new ones, while connected ----------------------------------------------------

my $new;
follows('a new tunnel for the machine', sub {
	$new = $rig->tunnel(name => 'new', target => $at{ask});
	$rig->ctl('machine', 'serve', $machine->{id}, '--tunnel', $new->{id});
}, sub { serves($new) });
follows('taken from the machine', sub {
	$rig->ctl('machine', 'unserve', $machine->{id}, '--tunnel',
	    $new->{id});
}, sub { refuses($new) });
my $pending = $rig->tunnel(name => 'pending', target => $at{ask},
    verified => 0);
$rig->ctl('machine', 'serve', $machine->{id}, '--tunnel', $pending->{id});
soon { status_is($pending, 'pending') } 2, 'an unverified one waits';
follows('verify while connected', sub {
	$rig->ctl('tunnel', 'verify', $pending->{id});
}, sub { serves($pending) });

# --- a user is frozen ---------------------------------------------------------------

my $bob = $rig->tunnel(name => 'bob', user => 'bob@example.org',
    target => $at{ask});
my $of_bob = $rig->client($rig->machine($bob, { user => 'bob@example.org',
    name => 'bobs' }));
$rig->wait_live($bob);
follows('a frozen user', sub {
	$rig->ctl('user', 'freeze', 'bob@example.org');
}, sub { status_is($bob, 'frozen') && refuses($bob) });
follows('unfrozen', sub {
	$rig->ctl('user', 'unfreeze', 'bob@example.org');
}, sub { serves($bob) });
ok($of_bob->alive, 'the client has waited');

# --- a key is revoked ------------------------------------------------------------

my $keys = $rig->ctl('machine', 'key', 'list', 2);
follows('a revoked key', sub {
	$rig->ctl('machine', 'key', 'rm', $keys->[0]{id});
}, sub { !$of_bob->alive });
is($of_bob->code, 21, 'its client ends with 21');
like($of_bob->errors . $of_bob->output, qr/revoked/i, 'and says why');
soon { !serves($bob) } 2, 'its tunnel is not served';

# --- the other tunnel -----------------------------------------------------------

my $r = $rig->leave($canary);
is($r->{ended}, '', 'the other tunnel has not been touched');
cmp_ok($r->{gap_ms}, '<', 1000 * $Rig::PATIENCE, 'not for a second');
ok($adit->alive, 'nor the client');
is($rig->metrics->{adit_sessions_total}, 2, 'nobody had to start again');

$rig->finish;
done_testing;
