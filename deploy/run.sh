#!/bin/bash
# `make run`: the product in the foreground, from whatever is on this machine.
# Settings come as variables: HTTP_PORT (8080, on 127.0.0.1 only), HTTPS_PORT
# (8443; 0 is none), RELAY_PORT (7000), STATE, PUBLIC_HOST.
#
# As an ordinary user everything runs as that user and lives in ./var.  As root
# it makes the system user "adit", lives in /var/lib/adit, and nothing serves
# as root.  What lies in STATE is that user's, so that root writes and reads
# nothing there: a link might stand in its place.
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
given_https=${HTTPS_PORT:-}
http_port=${HTTP_PORT:-8080}
https_port=${HTTPS_PORT:-8443}
state=${STATE:-}
[ -n "$state" ] || state=$([ -n "$root" ] && echo /var/lib/adit || echo "$PWD/var")
[ -z "$given_port" ] || is_port "$given_port" ||
	fail "RELAY_PORT=$given_port is not a port (1 to 65535)"
is_port "$http_port" ||
	fail "HTTP_PORT=$http_port is not a port (1 to 65535)"
[ "$https_port" = 0 ] || is_port "$https_port" ||
	fail "HTTPS_PORT=$https_port is neither a port (1 to 65535) nor 0"
[[ -z $given_host || $given_host =~ ^[A-Za-z0-9._:-]+$ ]] ||
	fail "PUBLIC_HOST=$given_host is neither a host name nor an address"
mkdir -p "$state" || fail "cannot make the folder $state"
state=$(cd "$state" && pwd -P) || fail "cannot enter $state"

# --- the user ----------------------------------------------------------------

as=()
if [ -n "$root" ]; then
	if ! getent passwd adit >/dev/null; then
		useradd --system --home-dir /var/lib/adit --no-create-home \
			--shell /usr/sbin/nologin --user-group adit ||
			fail "cannot make the system user adit"
		say "made the system user adit"
	fi
	chown -h adit: "$state"
	as=(setpriv --reuid adit --regid adit --init-groups --)
	if ! "${as[@]}" test -w "$state" -a -x "$state"; then
		say "warning: the user adit cannot enter $state;" \
			"everything runs as root"
		as=()
	fi
fi

# What an older version made as root, and a file that root has edited.
take_over() {
	[ ${#as[@]} -eq 0 ] || [ ! -e "$1" ] || chown -hR adit: "$1"
}
for name in adit.yaml run.yaml nginx.conf run.lock log tmp client bin share; do
	take_over "$state/$name"
done

# Makes a file in STATE of what comes in: keep FILE [MODE]
keep() {
	# shellcheck disable=SC2016
	"${as[@]}" sh -c 'cat >"$1.new" && chmod "$2" "$1.new" &&
		mv "$1.new" "$1"' - "$1" "${2:-644}"
}
"${as[@]}" mkdir -p "$state/log" "$state/tmp" ||
	fail "cannot make the folders in $state"

"${as[@]}" touch "$state/run.lock" || fail "cannot write $state/run.lock"
exec 9<"$state/run.lock" || fail "cannot read $state/run.lock"
flock -n 9 || fail "it runs already with this STATE ($state)"

# --- packages and programs ---------------------------------------------------

say "packages: looking for what is missing"
deploy/packages.sh build run || exit 1
say "building"
mkdir -p build
"$make" -s -j"$(nproc)" programs >build/run.log 2>&1 || {
	tail -n 20 build/run.log >&2
	fail "the build failed (build/run.log)"
}

# Lays the clients that are built where the pages offer them; the last five of
# each stay.
publish() {
	local file=$1 before=$2 end=$3 name
	[ -s "$file" ] || return 0
	name=$before$(sha256sum <"$file" | cut -c 1-12)$end
	"${as[@]}" mkdir -p "$state/client"
	"${as[@]}" test -e "$state/client/$name" ||
		keep "$state/client/$name" <"$file" || return
	"${as[@]}" touch "$state/client/$name"
	"${as[@]}" find "$state/client" -name "$before????????????$end" \
		-printf '%T@ %p\n' |
		sort -rn | tail -n +6 | cut -d ' ' -f 2- |
		while IFS= read -r name; do "${as[@]}" rm -f "$name"; done
}
# Until there is one for any Linux, the one for systems like this.
publish_own() {
	local system
	[ ! -s build/adit-linux-x86_64 ] || return 0
	system=$(sed -n 's/^\(ID\|VERSION_ID\)="\?\([a-z0-9.]*\)"\?$/\1 \2/p' \
		/etc/os-release 2>/dev/null | sort | cut -d ' ' -f 2 |
		tr '\n' -)
	publish build/adit "adit-${system:-linux-}$(uname -m)-" ''
}
publish_all() {
	publish_own
	publish build/adit-linux-x86_64 adit-linux-x86_64- ''
	publish build/adit.exe adit- .exe
}
publish_all

if [ -n "$root" ]; then
	# The programs may stand where only root can read them.
	"${as[@]}" mkdir -p "$state/bin" "$state/share/static"
	for name in relayd webapp.fcgi aditctl; do
		keep "$state/bin/$name" 755 <"build/$name" ||
			fail "cannot copy the programs to $state/bin"
	done
	for name in static/*; do
		keep "$state/share/$name" <"$name"
	done
	bin=$state/bin
	share=$state/share
else
	bin=$PWD/build
	share=$PWD
fi
relayd=$bin/relayd
webapp=$bin/webapp.fcgi

# --- settings ----------------------------------------------------------------

default_host() {
	ip -4 route get 192.0.2.1 2>/dev/null |
		sed -n 's/.* src \([0-9.]*\).*/\1/p' | head -n 1
}

# Where people reach the pages: with HTTPS by the public name, else only from
# this computer.
dashboard_url() {
	local host=$1
	[[ $host != *:* ]] || host="[$host]"
	if [ "$https_port" = 0 ]; then
		echo "http://localhost:$http_port"
	elif [ "$https_port" = 443 ]; then
		echo "https://$host"
	else
		echo "https://$host:$https_port"
	fi
}

conf=$state/adit.yaml
if ! "${as[@]}" test -e "$conf"; then
	host=${given_host:-$(default_host)}
	keep "$conf" <<YAML || fail "cannot write $conf"
# Adit's settings; adit.yaml(5) explains every key.  \`make run\` wrote this
# once and never writes over it.
database: $state/adit.db
public_host: ${host:-127.0.0.1}
dashboard_url: $(dashboard_url "${host:-127.0.0.1}")
relay:
  listen: ["[::]:${given_port:-7000}"]
YAML
	say "wrote $conf"
fi
settings=$("${as[@]}" cat "$conf") || fail "cannot read $conf"

# Variables that were given replace their keys for this run alone; a file from
# before there were pages gets their address for this run, too.
run_conf=$conf
has_url=$(grep -c '^dashboard_url:' <<<"$settings")
if [ -n "$given_port$given_host$given_https" ] || [ "$has_url" = 0 ]; then
	run_conf=$state/run.yaml
	host=${given_host:-$(sed -n 's/^public_host: *//p' <<<"$settings" | head -n 1)}
	url=
	if [ -n "$given_host$given_https" ] || [ "$has_url" = 0 ]; then
		url=$(dashboard_url "$host")
	fi
	settings=$(
		[ -z "$url" ] || echo "dashboard_url: $url"
		sed -e "${given_host:+s|^public_host:.*|public_host: $given_host|}" \
			-e "${url:+/^dashboard_url:/d}" \
			-e "${given_port:+s|^  listen:.*|  listen: [\"[::]:$given_port\"]|}" \
			<<<"$settings"
	)
	keep "$run_conf" <<<"$settings" || fail "cannot write $run_conf"
	given="${given_port:+ RELAY_PORT=$given_port}${given_host:+ PUBLIC_HOST=$given_host}${given_https:+ HTTPS_PORT=$given_https}"
	[ -z "$given" ] || say "for this run:$given"
fi
port=$(sed -n 's/^  listen:.*:\([0-9]*\)".*/\1/p' <<<"$settings" | head -n 1)
host=$(sed -n 's/^public_host: *//p' <<<"$settings" | head -n 1)
port=${port:-7000}

# Says who holds a port, unless it is free: must_be_free PORT VARIABLE
must_be_free() {
	local holder
	[ -n "$(ss -Hltn "sport = :$1")" ] || return 0
	holder=$(ss -Hltnp "sport = :$1" 2>/dev/null |
		sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (process \2)/p' |
		head -n 1)
	fail "port $1 is held by ${holder:-another program}; stop it, or give $2=another"
}
must_be_free "$port" RELAY_PORT
must_be_free "$http_port" HTTP_PORT
[ "$https_port" = 0 ] || must_be_free "$https_port" HTTPS_PORT

"${as[@]}" "$relayd" -n -c "$run_conf" || fail "the settings are not right"
"${as[@]}" "$webapp" -n -c "$run_conf" || fail "the settings are not right"

url=$(sed -n 's/^dashboard_url: *//p' <<<"$settings" | head -n 1)
base=$(printf '%s' "${url#*://}" | sed -n 's|^[^/]*\(/.*[^/]\)/*$|\1|p')
nginx_user=
[ -n "$root" ] && [ ${#as[@]} -eq 0 ] && nginx_user=root
NGINX_USER=$nginx_user deploy/nginx.sh "$state" "$share" "$http_port" "$https_port" "$base" |
	keep "$state/nginx.conf" || fail "cannot write $state/nginx.conf"
nginx=$(PATH=$PATH:/usr/sbin:/sbin command -v nginx) || fail "there is no nginx"

# --- the parts ---------------------------------------------------------------

declare -A child=()
clients=
PARTS="relayd webapp nginx"

# Ends the parts that run, the outer ones first.
stop_parts() {
	local part
	[ -z "$clients" ] || kill -TERM -- "-$clients" 2>/dev/null
	for part in nginx webapp relayd; do
		[ -z "${child[$part]:-}" ] || kill -TERM "${child[$part]}" 2>/dev/null
	done
	# A second one: whoever is still connected is not waited for.
	sleep 1
	[ -z "${child[relayd]:-}" ] || kill -TERM "${child[relayd]}" 2>/dev/null
	"${as[@]}" rm -f "$state/client/building"
	wait
}
stop() {
	trap '' INT TERM HUP
	say
	say "stopping"
	stop_parts
	exit 0
}
trap stop INT TERM HUP

# Ends all after the last words of a part's log.
give_up() {
	"${as[@]}" tail -n 10 "$state/log/$1.log" >&2
	stop_parts
	fail "$2 (its log is $state/log/$1.log)"
}

start() {
	local how=()
	case $1 in
	relayd) how=("$relayd" -c "$run_conf") ;;
	webapp)
		"${as[@]}" rm -f "$state/web.sock" # of one that was killed
		how=("$webapp" -c "$run_conf" --socket "$state/web.sock")
		;;
	nginx) how=("$nginx" -e stderr -p "$state" -c "$state/nginx.conf" -g "daemon off;") ;;
	esac
	# shellcheck disable=SC2016
	"${as[@]}" sh -c 'exec >>"$1" 2>&1; shift; exec "$@"' - \
		"$state/log/$1.log" "${how[@]}" 9>&- &
	child[$1]=$!
}

# Asks until it is so, as long as the part lives: wait_for PART COMMAND...
wait_for() {
	local part=$1 i
	shift
	for ((i = 0; i < READY_S * 10; i++)); do
		"$@" && return
		kill -0 "${child[$part]}" 2>/dev/null || break
		sleep 0.1
	done
	give_up "$part" "$part did not become ready"
}

ctl=("${as[@]}" "$bin/aditctl" -c "$run_conf")
relay_ready() { "${ctl[@]}" --json relay status >/dev/null 2>&1; }
page_ready() {
	local line
	{
		exec 8<>"/dev/tcp/127.0.0.1/$http_port" || return 1
		printf 'GET %s/signin HTTP/1.0\r\nHost: localhost\r\n\r\n' "$base" >&8
		read -r -t 5 line <&8
		exec 8>&-
	} 2>/dev/null
	[[ $line == *" 200"* || $line == *" 303"* ]]
}

for part in $PARTS; do
	say "starting $part; its log is $state/log/$part.log"
	start "$part"
	case $part in
	relayd) wait_for relayd relay_ready ;;
	webapp) wait_for webapp test -S "$state/web.sock" ;;
	nginx) wait_for nginx page_ready ;;
	esac
done

say
if [ "$https_port" = 0 ]; then
	say "The dashboard:  http://localhost:$http_port$base/"
else
	say "The dashboard:  $url/"
	say "on this computer also http://localhost:$http_port$base/"
	say "(The browser does not know this server's own certificate and asks once.)"
fi
# As long as there is no account, webapp makes a code at each start.
say_code() {
	"${as[@]}" test -s "$state/setup.code" || return 0
	say "There is no account yet.  Make the first one there with this code:"
	say
	say "    $("${as[@]}" cat "$state/setup.code")"
}
say_code
https_note=
[ "$https_port" = 0 ] || https_note="$https_port and "
cat <<TEXT

Clients reach the relay at $host:$port.
Open in the firewall: ${https_note}$port (TCP), 10000 to 60000 (TCP and UDP).
Ctrl-C here ends all.
TEXT

# The clients that people download take minutes; the pages are there already and
# say how far it is.
building=$state/client/building
set -m # a process group of their own, so that all of it can be ended
{
	umask 022
	"${as[@]}" mkdir -p "$state/client"
	keep "$building" <<<"it begins"
	"$make" -s clients-if 2>&1 9>&- |
		"${as[@]}" tee "$state/log/clients.log" |
		while IFS= read -r line; do
			[[ $line != "clients: "* ]] ||
				keep "$building" <<<"${line#clients: }"
		done
	publish_all
	"${as[@]}" rm -f "$building"
} &
clients=$!
set +m

# A part that ends is started again, a few times a minute.
declare -A starts=()
again() {
	local part=$1 code=$2 t recent=()
	for t in ${starts[$part]:-}; do
		[ $((SECONDS - t)) -lt 60 ] && recent+=("$t")
	done
	[ ${#recent[@]} -lt $STARTS_A_MINUTE ] ||
		give_up "$part" "$part ended $STARTS_A_MINUTE times within a minute (code $code)"
	starts[$part]="${recent[*]} $SECONDS"
	say "$part ended (code $code); starting it again"
	sleep 1
	start "$part"
	[ "$part" = webapp ] || return 0
	wait_for webapp test -S "$state/web.sock"
	say_code
}
while :; do
	wait -n
	code=$?
	for part in $PARTS; do
		kill -0 "${child[$part]}" 2>/dev/null || again "$part" "$code"
	done
done
