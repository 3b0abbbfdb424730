#!/bin/bash
# All the tests, from whatever state the tree is in:
#
#	t/check.sh		what every change must pass
#	t/check.sh --all	the long ones too: end to end under the address
#				and thread sanitizers, valgrind on the client,
#				long fuzzing
#
# Ends with prove's summary, and with its exit status.
set -u
cd "$(dirname "$0")/.." || exit 2
make=${MAKE:-make}
jobs=$(nproc)
unset MAKEFLAGS MFLAGS MAKELEVEL STATE RELAY_PORT PUBLIC_HOST

all=
[ "${1:-}" = --all ] && all=1

deploy/packages.sh build run test wine || exit 1

echo "building (the log is build/check.log)"
mkdir -p build
build() {
	"$make" -j"$jobs" "$@" >>build/check.log 2>&1 && return
	grep -E 'error|warning|Error' build/check.log | head -30 >&2
	echo "check: \`make $*\` failed; the log is build/check.log" >&2
	exit 1
}
: >build/check.log
build WERROR=1 programs unit tools

# What people download stands on libraries that take minutes; the tests under
# Wine come last and wait for it.
export ADIT_CLIENTS=$PWD/build/clients.done MAKE=$make
rm -f "$ADIT_CLIENTS"
# shellcheck disable=SC2016
setsid nice -n 5 bash -c 'deploy/clients.sh && deploy/clients.sh curl
	echo $? >"$ADIT_CLIENTS"' >build/clients.log 2>&1 </dev/null &
clients=$!
trap 'kill -- -$clients 2>/dev/null' EXIT

build WERROR=1 SAN=asan programs unit
if [ -n "$all" ]; then
	build WERROR=1 SAN=tsan programs unit
fi

# Two beside each other, and at the end those that measure, one at a time.
# (prove's patterns know braces, not brackets; it begins with what is free.)
run() {
	prove -j"$jobs" --rules='seq=t/{52,59,61}*.t' --rules='par=**' "$@"
}

if [ -z "$all" ]; then
	run t/*.t build/t/*.t build/asan/t/*.t
	exit
fi

export ADIT_LONG=1
rc=0
run t/*.t build/t/*.t build/asan/t/*.t build/tsan/t/*.t || rc=1

# What is left waits more than it works: all three at once.
e2e() {
	local name=$1
	shift
	env ADIT_LONG= "$@" >"build/check-$name.log" 2>&1
	local rc=$?
	echo "end to end, $name:"
	cat "build/check-$name.log"
	return $rc
}
e2e asan ADIT_BUILD=build/asan prove t/4*.t t/5*.t t/6*.t t/8*.t &
asan=$!
e2e tsan ADIT_BUILD=build/tsan prove t/4*.t t/5*.t t/6*.t t/8*.t &
tsan=$!
e2e valgrind ADIT_CLIENT_WRAP="valgrind -q --error-exitcode=99 --leak-check=full" \
	prove t/50-first-tunnel.t || rc=1
wait $asan || rc=1
wait $tsan || rc=1
exit $rc
