#!/bin/bash
# Installs the Debian packages that a purpose needs and that are missing:
#
#	deploy/packages.sh build|run|test|bench|clients|wine ...
#
# As root, or through sudo when that asks nothing; else it prints the one line
# to run.  Nothing that is installed starts a service by itself.
set -u

build="gcc g++ libc6-dev make libssl-dev libsqlite3-dev libyaml-dev libjansson-dev
	libhttp-parser-dev libcrypt-dev libfcgi-dev libctemplate-dev
	libqrencode-dev"
run="ca-certificates iproute2 util-linux nginx-light"
test="perl git clang clang-format clang-tidy libclang-rt-14-dev cppcheck
	shellcheck spin nftables iproute2 iperf3 openssh-server openssh-client
	openssl prometheus socat mandoc strace valgrind sqlite3 curl procps
	util-linux systemd ca-certificates nginx-light fcgiwrap
	python3-websockets nodejs npm node-ws chromium libjson-perl
	tinyproxy-bin zbar-tools"
# The clients that people download, and what runs the Windows one.
clients="gcc-mingw-w64-x86-64-win32 mingw-w64-tools musl-tools gcc make
	linux-libc-dev dpkg-dev xz-utils perl debian-archive-keyring"
wine="wine64 wine libgnutls30"
bench="openssl iperf3 wrk nginx-light libnginx-mod-stream stunnel4
	openssh-server openssh-client curl"

list=
for purpose in "$@"; do
	case $purpose in
	build) list="$list $build" ;;
	run) list="$list $run" ;;
	clients) list="$list $clients" ;;
	test) list="$list $test" ;;
	wine) list="$list $clients $wine" ;;
	bench) list="$list $bench" ;;
	*)
		echo "packages.sh: no purpose \"$purpose\"" >&2
		exit 2
		;;
	esac
done

if ! command -v dpkg-query >/dev/null; then
	echo "This system has no dpkg.  Install what these Debian packages hold:"
	# shellcheck disable=SC2086
	echo $list
	exit 1
fi >&2

# Node may be here without Debian's package.
is_here() {
	case $1 in
	nodejs) command -v node >/dev/null ;;
	npm) command -v npm >/dev/null ;;
	*) false ;;
	esac
}

missing=
for p in $list; do
	is_here "$p" && continue
	state=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)
	[ "$state" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	if ! sudo -n true 2>/dev/null; then
		echo "Packages are missing.  Run this once, then start again:" >&2
		echo "  sudo apt-get install -y --no-install-recommends$missing" >&2
		exit 1
	fi
	sudo="sudo -n"
fi

echo "installing:$missing"
# A policy-rc.d that says no: a package that brings a service does not start
# it.  One that the machine has already is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null &&
		$sudo chmod 755 $policy
	trap '$sudo rm -f $policy' EXIT
	trap 'exit 1' INT TERM HUP
fi
log=$(mktemp)
get() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q \
		-o DPkg::Lock::Timeout=120 "$@" </dev/null >"$log" 2>&1
}
# shellcheck disable=SC2086
if get install -y --no-install-recommends $missing ||
	{ get update && get install -y --no-install-recommends $missing; }; then
	rm -f "$log"
	exit 0
fi
tail -n 20 "$log" >&2
rm -f "$log"
echo "packages.sh: apt-get could not install them (its words are above)" >&2
exit 1
