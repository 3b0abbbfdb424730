#!/bin/sh
# Writes the given files as C: pack.sh FILE... (see pack.h).
set -e
i=0
for f in "$@"; do
	echo "static const unsigned char bytes_${i}[] = {"
	od -An -v -tu1 "$f" | sed 's/  *\([0-9][0-9]*\)/\1,/g'
	echo "0};"
	i=$((i + 1))
done
echo "static const struct pack packs[] = {"
i=0
for f in "$@"; do
	sum=$(sha256sum <"$f")
	echo "{\"$f\", bytes_$i, sizeof(bytes_$i) - 1, \"${sum%"${sum#????????????}"}\"},"
	i=$((i + 1))
done
echo "};"
