#!/bin/sh
# make bench: measures Adit beside its peers.  bench/run.pl --help tells more;
# bench/web.pl measures the pages and the API, bench/wine.pl the Windows client.
cd "$(dirname "$0")/.." || exit 1
mkdir -p build/bench
${CC:-gcc} -std=c17 -D_GNU_SOURCE -O2 -o build/bench/load bench/load.c || exit 1
exec perl bench/run.pl "$@"
