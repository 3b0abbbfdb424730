#!/bin/bash
# `make run`: the product in the foreground, from whatever is on this machine.
# Settings come as variables: RELAY_PORT (7000), STATE, PUBLIC_HOST.
#
# As an ordinary user everything runs as that user and lives in ./var.  As root
# it makes the system user "adit", lives in /var/lib/adit, and nothing serves
# as root.
set -u
cd "$(dirname "$0")/.." || exit 1
make=${MAKE:-make}
unset MAKEFLAGS MFLAGS MAKELEVEL

STARTS_A_MINUTE=5
READY_S=30

say() { printf '%s\n' "$*"; }
fail() {
	printf 'make run: %s\n' "$*" >&2
	exit 1
}

is_port() {
	[[ $1 =~ ^[0-9]{1,5}$ ]] && [ "$1" -ge 1 ] && [ "$1" -le 65535 ]
}

# --- whose, and where --------------------------------------------------------

root=
[ "$(id -u)" -eq 0 ] && root=1
given_port=${RELAY_PORT:-}
given_host=${PUBLIC_HOST:-}
state=${STATE:-}
[ -n "$state" ] || state=$([ -n "$root" ] && echo /var/lib/adit || echo "$PWD/var")
[ -z "$given_port" ] || is_port "$given_port" ||
	fail "RELAY_PORT=$given_port is not a port (1 to 65535)"
[[ -z $given_host || $given_host =~ ^[A-Za-z0-9._:-]+$ ]] ||
	fail "PUBLIC_HOST=$given_host is neither a host name nor an address"
mkdir -p "$state" || fail "cannot make the folder $state"
state=$(cd "$state" && pwd) || fail "cannot enter $state"
mkdir -p "$state/log" || fail "cannot make the folder $state/log"

exec 9>"$state/run.lock" || fail "cannot write $state/run.lock"
flock -n 9 || fail "it runs already with this STATE ($state)"

# --- packages and programs ---------------------------------------------------

say "packages: looking for what is missing"
deploy/packages.sh build run || exit 1
say "building"
mkdir -p build
"$make" -s -j"$(nproc)" all >build/run.log 2>&1 || {
	tail -n 20 build/run.log >&2
	fail "the build failed (build/run.log)"
}

# --- the user ----------------------------------------------------------------

as=()
if [ -n "$root" ]; then
	if ! getent passwd adit >/dev/null; then
		useradd --system --home-dir /var/lib/adit --no-create-home \
			--shell /usr/sbin/nologin --user-group adit ||
			fail "cannot make the system user adit"
		say "made the system user adit"
	fi
	chown adit: "$state" "$state/log"
	as=(setpriv --reuid adit --regid adit --init-groups --)
	if ! "${as[@]}" test -w "$state" -a -x "$state"; then
		say "warning: the user adit cannot enter $state;" \
			"everything runs as root"
		as=()
	fi
	# The programs may stand where only root can read them.
	install -d -m 755 "$state/bin"
	install -m 755 build/relayd "$state/bin/relayd" ||
		fail "cannot copy relayd to $state/bin"
	relayd=$state/bin/relayd
else
	relayd=$PWD/build/relayd
fi

# --- settings ----------------------------------------------------------------

default_host() {
	ip -4 route get 192.0.2.1 2>/dev/null |
		sed -n 's/.* src \([0-9.]*\).*/\1/p' | head -n 1
}

conf=$state/adit.yaml
if [ ! -e "$conf" ]; then
	host=${given_host:-$(default_host)}
	cat >"$conf" <<YAML
# Adit's settings; adit.yaml(5) explains every key.  \`make run\` wrote this
# once and never writes over it.
database: $state/adit.db
public_host: ${host:-127.0.0.1}
relay:
  listen: ["[::]:${given_port:-7000}"]
YAML
	say "wrote $conf"
fi
[ ${#as[@]} -eq 0 ] || chown adit: "$conf"

# Variables that were given replace their keys for this run alone.
run_conf=$conf
if [ -n "$given_port$given_host" ]; then
	run_conf=$state/run.yaml
	sed -e "${given_host:+s|^public_host:.*|public_host: $given_host|}" \
		-e "${given_port:+s|^  listen:.*|  listen: [\"[::]:$given_port\"]|}" \
		"$conf" >"$run_conf" || fail "cannot write $run_conf"
	[ ${#as[@]} -eq 0 ] || chown adit: "$run_conf"
	say "for this run:${given_port:+ RELAY_PORT=$given_port}${given_host:+ PUBLIC_HOST=$given_host}"
fi
port=$(sed -n 's/^  listen:.*:\([0-9]*\)".*/\1/p' "$run_conf" | head -n 1)
host=$(sed -n 's/^public_host: *//p' "$run_conf" | head -n 1)
port=${port:-7000}

holder=$(ss -Hltnp "sport = :$port" 2>/dev/null |
	sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (process \2)/p' |
	head -n 1)
if [ -n "$(ss -Hltn "sport = :$port")" ]; then
	fail "port $port is held by ${holder:-another program}; stop it, or give RELAY_PORT=another"
fi

"${as[@]}" "$relayd" -n -c "$run_conf" || fail "the settings are not right"

# --- the parts ---------------------------------------------------------------

child=
stop() {
	trap '' INT TERM HUP
	say
	say "stopping"
	[ -n "$child" ] && kill -TERM "$child" 2>/dev/null
	[ -n "$child" ] && { sleep 1; kill -TERM "$child" 2>/dev/null; }
	wait
	exit 0
}
trap stop INT TERM HUP

start() {
	"${as[@]}" "$relayd" -c "$run_conf" 9>&- >>"$state/log/relayd.log" 2>&1 &
	child=$!
}

ready() {
	"${ctl[@]}" --json relay status >/dev/null 2>&1
}

ctl=(build/aditctl -c "$run_conf")
start
say "starting relayd; its log is $state/log/relayd.log"
for ((i = 0; i < READY_S * 10; i++)); do
	ready && break
	kill -0 "$child" 2>/dev/null || break
	sleep 0.1
done
if ! ready; then
	tail -n 10 "$state/log/relayd.log" >&2
	kill "$child" 2>/dev/null
	fail "relayd did not become ready (its log is $state/log/relayd.log)"
fi

pin=$("${ctl[@]}" --json relay pin | sed -n 's/.*"pin": *"\([^"]*\)".*/\1/p')
dash=
[ "$run_conf" = /etc/adit/adit.yaml ] || dash=" -c $run_conf"
cat <<TEXT

Adit's relay runs.  Clients reach it at $host:$port; open in the firewall:
port $port (TCP), and the public ports 10000 to 60000 (TCP and UDP).

A first tunnel, in another terminal (this gives the SSH server of a machine a
public address; a tunnel to anything else is made the same way):

  build/aditctl$dash user add you@example.org --admin
  build/aditctl$dash tunnel add --user you@example.org --name ssh \\
      --kind tcp --target 127.0.0.1:22 --verified
  build/aditctl$dash machine add --user you@example.org --name here --tunnel 1

The last line prints a token, once.  On the machine that runs the service:

  build/adit connect --server $host:$port --allow 127.0.0.1:22 \\
      --pin $pin

It asks for the token, then shows the public address.  Ctrl-C here ends all.
TEXT

# A part that ends is started again, a few times a minute.
starts=()
while :; do
	wait "$child"
	code=$?
	now=$SECONDS
	recent=()
	for t in "${starts[@]:-}"; do
		[ -n "$t" ] && [ $((now - t)) -lt 60 ] && recent+=("$t")
	done
	starts=("${recent[@]:-}" "$now")
	if [ ${#recent[@]} -ge $STARTS_A_MINUTE ]; then
		tail -n 10 "$state/log/relayd.log" >&2
		fail "relayd ended $STARTS_A_MINUTE times within a minute (code $code)"
	fi
	say "relayd ended (code $code); starting it again"
	sleep 1
	start
done
