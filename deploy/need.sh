#!/bin/sh
# Says which libraries a build lacks, and what to do.  need.sh COMPILER
rc=0
while read -r header package; do
	if ! echo "#include <$header>" | $1 -E - >/dev/null 2>&1; then
		echo "missing: <$header> (Debian: $package)" >&2
		rc=1
	fi
done <<LIST
openssl/ssl.h libssl-dev
sqlite3.h libsqlite3-dev
yaml.h libyaml-dev
jansson.h libjansson-dev
http_parser.h libhttp-parser-dev
crypt.h libcrypt-dev
fcgiapp.h libfcgi-dev
qrencode.h libqrencode-dev
LIST
[ $rc = 0 ] || echo "\`make deps\` installs them." >&2
exit $rc
