#!/bin/bash
# Fuzzes every t/fuzz/NAME.c, or those that are named, for so many seconds:
#
#	t/fuzz/run.sh SECONDS [NAME...]
#
# Builds into build/fuzz/, runs on a copy of t/fuzz/corpus/NAME, prints one line
# for each target and ends with 1 when one of them found something; the input
# that did it is then kept in build/fuzz/found/.  With 0 seconds it builds them
# and that is all.  CLANG names the compiler.
set -u
cd "$(dirname "$0")/../.." || exit 2

out=build/fuzz
cc=${CLANG:-clang}
flags="-std=c17 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer -pthread
	-Ilib -It/fuzz -I$out/gen"
san="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
libs="-lhttp_parser -lyaml -lsqlite3 -ljansson -lssl -lcrypto -lcrypt"

# The object is there and nothing that it was made of is younger.
is_fresh() {
	local obj=$1 f from
	[ -f "$obj" ] && [ -f "${obj%.o}.d" ] || return 1
	from=$(sed -e 's/\\$//' -e 's/^[^:]*://' "${obj%.o}.d")
	for f in $from; do
		[ -f "$f" ] && [ ! "$f" -nt "$obj" ] || return 1
	done
}

# compile SOURCE OBJECT: one file with the fuzzer's flags, if need be.
compile() {
	is_fresh "$2" && return 0
	mkdir -p "$(dirname "$2")"
	# shellcheck disable=SC2086
	"$cc" $flags $san -fsanitize=fuzzer-no-link -MMD -c -o "$2" "$1"
}

# Every room that compiles; a room that does not is named, and only a target
# that needs it then fails to link.
build_lib() {
	local src obj objs=()
	make -s B="$out" "$out/gen/store/schema_sql.h" >"$out/log" 2>&1
	for src in lib/*/*.c; do
		case $src in *_win32.c) continue ;; esac
		obj=$out/${src%.c}.o
		if compile "$src" "$obj" 2>"$out/log"; then
			objs+=("$obj")
		else
			echo "# $src does not compile"
			rm -f "$obj"
		fi
	done
	rm -f "$out/lib.a"
	[ ${#objs[@]} -eq 0 ] || ar rcs "$out/lib.a" "${objs[@]}"
}

build_target() {
	local name=$1
	compile "t/fuzz/$name.c" "$out/t/$name.o" || return 1
	# shellcheck disable=SC2086
	"$cc" $san -fsanitize=fuzzer -pthread -o "$out/$name" \
		"$out/t/$name.o" "$out/lib.a" $libs
}

# Runs a target and tells how far it came: executions, and edges covered.
run_target() {
	local name=$1 log=$out/$1.log corpus=$out/corpus/$1 rc
	rm -rf "$corpus"
	mkdir -p "$corpus" "$out/found"
	[ -d "t/fuzz/corpus/$name" ] &&
		cp -r "t/fuzz/corpus/$name/." "$corpus/"
	"$out/$name" -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 \
		-max_len=20000 -print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$out/found/$name-" "$corpus" >"$log" 2>&1
	rc=$?
	awk -v name="$name" -v rc="$rc" '
		{ for (i = 1; i < NF; i++) {
			if ($i == "cov:") cov = $(i + 1)
			if ($i == "ft:") ft = $(i + 1)
		} }
		/stat::number_of_executed_units/ { runs = $2 }
		END { printf "%-12s %10d executions, %5d edges, %6d features: %s\n",
			name, runs, cov, ft, rc == 0 ? "nothing found" : "FOUND" }
	' "$log"
	[ "$rc" -eq 0 ] && return 0
	grep -a -m 8 -e 'ERROR' -e 'runtime error' -e 'SUMMARY' \
		-e 'Test unit written' "$log" | sed 's/^/    /'
	return 1
}

case ${1:-} in
'' | *[!0-9]*)
	echo "usage: t/fuzz/run.sh SECONDS [NAME...]" >&2
	exit 2
	;;
esac
seconds=$1
shift
if [ $# -eq 0 ]; then
	for src in t/fuzz/*.c; do
		set -- "$@" "$(basename "$src" .c)"
	done
fi
if ! command -v "$cc" >/dev/null; then
	echo "$cc is missing; apt-get install clang" >&2
	exit 2
fi

mkdir -p "$out"
exec 9>"$out/lock"
flock 9 # one builder at a time
build_lib
built=() failed=0
for name; do
	if [ ! -f "t/fuzz/$name.c" ]; then
		echo "there is no t/fuzz/$name.c" >&2
		failed=1
	elif ! build_target "$name"; then
		echo "$name: does not build" >&2
		failed=1
	else
		built+=("$name")
	fi
done
exec 9>&-
[ "$seconds" -gt 0 ] || exit $failed # built, that is all
for name in "${built[@]}"; do
	run_target "$name" || failed=1
done
exit $failed
