#!/bin/bash
# Reads the sources with other eyes: clang-tidy and cppcheck those in C, with
# the help of .clang-tidy; shellcheck the scripts, mandoc the manual pages.
#
#	t/lint.sh [--quick] [FILE...]
#
# --quick leaves clang-tidy out, which takes minutes.
# Without files: all that git knows.  A tool that is not installed is named and
# left out.  Ends with 1 when one of them found something.
set -u
cd "$(dirname "$0")/.." || exit 2

have() {
	command -v "$1" >/dev/null && return 0
	echo "# $1 is not installed" >&2
	return 1
}

# The files among the given ones whose names match a pattern.
named() {
	local pattern=$1 file
	shift
	for file in "$@"; do
		# shellcheck disable=SC2254
		case $file in $pattern) printf '%s\n' "$file" ;; esac
	done
}

# mdoc pages need not find each other before they are installed.
lint_pages() {
	! mandoc -T lint "$@" 2>&1 | grep -vE 'referenced manual not found|mandoc.db'
}

quick=
if [ "${1:-}" = --quick ]; then
	quick=1
	shift
fi
if [ $# -eq 0 ]; then
	mapfile -t files < <(git ls-files)
else
	files=("$@")
fi
mapfile -t c < <(named '*.c' "${files[@]}" | grep -vE '_win32\.c$|win32/')
mapfile -t sh < <(named '*.sh' "${files[@]}")
mapfile -t pages < <(named '*.[158]' "${files[@]}")

# Both readers take the helpers of tests, which end the program when something
# is amiss, for functions that return: they read the product alone.
mapfile -t own < <(printf '%s\n' "${c[@]}" | grep -v '^t/\|^bench/')
bad=0
if [ -z "$quick" ] && [ ${#own[@]} -gt 0 ] && have clang-tidy; then
	printf '%s\0' "${own[@]}" | xargs -0 -P "$(nproc)" -n 8 sh -c '
		clang-tidy --quiet "$@" -- -std=c17 -D_GNU_SOURCE -Ilib \
			-Ibuild/gen 2>&1' tidy |
		grep -vE '^[0-9]+ warnings? generated|^Suppressed|^Use -' && bad=1
fi
if [ ${#own[@]} -gt 0 ] && have cppcheck; then
	cppcheck --quiet --std=c11 --enable=warning,performance,portability \
		--inline-suppr --suppressions-list=t/cppcheck.txt \
		--error-exitcode=1 -D_GNU_SOURCE -Ilib "${own[@]}" || bad=1
fi
if [ ${#sh[@]} -gt 0 ] && have shellcheck; then
	shellcheck "${sh[@]}" || bad=1
fi
if [ ${#pages[@]} -gt 0 ] && have mandoc; then
	lint_pages "${pages[@]}" || bad=1
fi
exit $bad
