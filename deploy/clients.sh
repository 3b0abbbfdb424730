#!/bin/bash
# Builds the clients that people download:
#
#	deploy/clients.sh [libs] [win] [musl] [curl]
#
# build/adit.exe for Windows and build/adit-linux-x86_64, which starts on any
# Linux.  Without a word it makes those for which there is a compiler.  "libs"
# stops after the libraries; "curl" makes build/cache/curl.exe alone, as Windows
# has one, for the tests.
#
# Both stand on OpenSSL, http-parser and qrencode as Debian ships their source:
# fetched through a private list that is derived from this machine's own apt
# settings (nothing of those is changed), built once, kept in build/cache under a
# name that says the source's version and how it was configured.  Delete
# build/cache to fetch newer ones.
#
# The same source gives the same bytes: no time, no path and no machine's name
# gets into the files.
#
# Ends with 3 where the sources cannot be had, with 1 after any other failure.
set -eu
cd "$(dirname "$0")/.."
make=${MAKE:-make}
unset MAKEFLAGS MFLAGS MAKELEVEL
export LC_ALL=C TZ=UTC
# In the libraries only; the client's own files carry no time at all.
export SOURCE_DATE_EPOCH=1700000000

cache=$PWD/build/cache
mkdir -p "$cache"
exec 8>"$cache/lock"
flock 8

say() { printf 'clients: %s\n' "$*"; }
fail() {
	say "$*" >&2
	exit "${rc:-1}"
}

cc_win=x86_64-w64-mingw32-gcc
cc_musl=musl-gcc

targets='' libs_only='' curl=''
for word in "$@"; do
	case $word in
	libs) libs_only=1 ;;
	win | musl) targets="$targets $word" ;;
	curl) curl=1 ;;
	*) fail "\"$word\" is neither libs, win, musl nor curl" ;;
	esac
done
if [ -z "$targets" ]; then
	command -v $cc_win >/dev/null && targets="$targets win"
	command -v $cc_musl >/dev/null && targets="$targets musl"
fi
[ -n "$targets" ] || fail "neither $cc_win nor $cc_musl is here;" \
	"deploy/packages.sh clients installs them"

# --- the sources -------------------------------------------------------------

# Where this machine gets Debian's packages, its sources are too.
write_sources() {
	local list uri suite part origin key
	# shellcheck disable=SC2016
	apt-get indextargets --format \
		'$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' |
		while read -r list uri suite part origin; do
			[ "$list" = Packages ] || continue
			case $origin in
			Debian) key=debian-archive-keyring.gpg ;;
			Ubuntu) key=ubuntu-archive-keyring.gpg ;;
			*) continue ;;
			esac
			key=/usr/share/keyrings/$key
			if [ -r "$key" ]; then key="[signed-by=$key] "; else key=; fi
			echo "deb-src $key$uri $suite $part"
		done | sort -u
}

apt_here() {
	local tool=$1
	shift
	"$tool" -q -o Dir::Etc::SourceList="$cache/apt/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$cache/apt/lists" \
		-o Dir::Cache="$cache/apt/cache" \
		-o APT::Sandbox::User=root \
		-o Acquire::Retries=3 "$@"
}

update() {
	[ -z "${updated:-}" ] || return 0
	mkdir -p "$cache/apt/lists/partial" \
		"$cache/apt/cache/archives/partial"
	write_sources >"$cache/apt/sources.list"
	[ -s "$cache/apt/sources.list" ] ||
		rc=3 fail "apt knows no archive of Debian here"
	apt_here apt-get update >"$cache/apt/log" 2>&1 || {
		tail -n 5 "$cache/apt/log" >&2
		rc=3 fail "apt-get could not read the lists of sources"
	}
	updated=1
}

versions() {
	apt_here apt-cache showsrc "$1" | sed -n 's/^Version: //p' |
		sort -u | while read -r v; do
		# newest first, as dpkg understands it
		printf '%s\n' "$v"
	done | sort_versions
}

sort_versions() {
	local v all=()
	while read -r v; do
		local i=0
		while [ $i -lt ${#all[@]} ] &&
			dpkg --compare-versions "${all[$i]}" gt "$v"; do
			i=$((i + 1))
		done
		all=("${all[@]:0:$i}" "$v" "${all[@]:$i}")
	done
	printf '%s\n' "${all[@]}"
}

# A mirror may list a version that it does not have (any more): each in turn.
# The folder's name is the version's; src/NAME names the folder.  With "tar"
# what Debian has changed stays out.
source_of() {
	local name=$1 v at tar=()
	[ "${2:-}" != tar ] || tar=(--tar-only)
	[ ! -e "$cache/src/$name" ] || return 0
	update
	mkdir -p "$cache/src"
	for v in $(versions "$name"); do
		at=$cache/src/$name-${v//[^A-Za-z0-9.+~-]/_}
		rm -rf "$at"
		mkdir -p "$at"
		if (
			cd "$at"
			apt_here apt-get source --download-only \
				"${tar[@]}" "$name=$v" || exit 1
			if [ ${#tar[@]} -eq 0 ]; then
				dpkg-source -x ./*.dsc tree
			else
				mkdir tree
				tar -xf ./*.orig.tar.* --strip-components=1 -C tree
			fi
		) >"$cache/apt/log" 2>&1; then
			ln -sfn "${at##*/}" "$cache/src/$name"
			say "$name $v: its source is here"
			return 0
		fi
		say "$name $v: the archive does not give it"
		rm -rf "$at"
	done
	tail -n 5 "$cache/apt/log" >&2
	rc=3 fail "no source of $name could be had"
}

# --- the libraries -----------------------------------------------------------

# What a client has no use for stays out.  Nothing is loaded at run time: no
# configuration file, no engine, no module.
openssl_without="no-shared no-tests no-dso no-engine no-module no-legacy
	no-comp no-ssl3 no-tls1 no-tls1_1 no-dtls no-srp no-psk no-cms no-ts
	no-ocsp no-ct no-idea no-seed no-camellia no-aria no-rc2 no-rc4 no-md4
	no-mdc2 no-rmd160 no-bf no-cast no-des no-dsa no-sm2 no-sm3 no-sm4
	no-siphash no-gost no-autoload-config no-ui-console"

# Normal users can make neither of the two openssldirs.
openssl_options() {
	case $1 in
	win) printf '%s ' mingw64 --cross-compile-prefix=x86_64-w64-mingw32- \
		"--openssldir=C:\\nonexistent-ssl" -D_WIN32_WINNT=0x0A00 ;;
	musl) echo "linux-x86_64 no-afalgeng no-secure-memory" \
		"--openssldir=/etc/ssl -idirafter /usr/include" \
		"-idirafter /usr/include/$(gcc -print-multiarch)" ;;
	esac
}

small='-fPIC -ffunction-sections -fdata-sections'

build_openssl() {
	local target=$1 to=$2
	cp -a "$cache/src/openssl/tree" "$to/tree"
	(
		cd "$to/tree"
		[ "$target" != musl ] || export CC=$cc_musl
		# shellcheck disable=SC2046,SC2086
		./Configure $(openssl_options "$target") --prefix=/adit --libdir=lib \
			$openssl_without $small
		"$make" -j"$(nproc)" build_generated libcrypto.a libssl.a
		"$make" DESTDIR="$to/root" install_dev
	) >"$to/log" 2>&1 || return 1
	mv "$to/root/adit/include" "$to/include"
	mkdir -p "$to/lib"
	mv "$to/tree/libssl.a" "$to/tree/libcrypto.a" "$to/lib/"
	rm -rf "$to/tree" "$to/root"
}

build_http_parser() {
	local target=$1 to=$2 cc=cc_$1 ar=ar
	[ "$target" != win ] || ar=x86_64-w64-mingw32-ar
	(
		cd "$cache/src/http-parser/tree"
		# shellcheck disable=SC2086
		"${!cc}" -O2 $small -c -o "$to/http_parser.o" http_parser.c
		$ar rcsD "$to/lib/libhttp_parser.a" "$to/http_parser.o"
		cp http_parser.h "$to/include/"
	) >>"$to/log" 2>&1
}

# Its library is nine files, and wants of its configure these words only.
build_qrencode() {
	local target=$1 to=$2 cc=cc_$1 ar=ar f objs=
	[ "$target" != win ] || ar=x86_64-w64-mingw32-ar
	(
		cd "$cache/src/qrencode/tree"
		for f in bitstream mask mmask mqrspec qrencode qrinput qrspec \
			rsecc split; do
			# shellcheck disable=SC2086
			"${!cc}" -O2 $small -DSTATIC_IN_RELEASE=static \
				-DMAJOR_VERSION=4 -DMINOR_VERSION=1 \
				-DMICRO_VERSION=1 '-DVERSION="4.1.1"' \
				-DHAVE_STRDUP=1 -c -o "$to/qr-$f.o" $f.c ||
				exit 1
			objs="$objs $to/qr-$f.o"
		done
		# shellcheck disable=SC2086
		$ar rcsD "$to/lib/libqrencode.a" $objs
		cp qrencode.h "$to/include/"
	) >>"$to/log" 2>&1
}

# build/cache/win and build/cache/musl point to what was built last.
build_libs() {
	local target=$1 cc=cc_$1 key at started
	command -v "${!cc}" >/dev/null || fail "${!cc} is missing;" \
		"deploy/packages.sh clients installs it"
	source_of openssl
	source_of http-parser
	source_of qrencode tar
	# shellcheck disable=SC2046
	key=$({
		readlink "$cache/src/openssl" "$cache/src/http-parser"
		echo $(openssl_options "$target") "$openssl_without $small"
		"${!cc}" --version | head -n 1
	} | sha256sum | cut -c 1-12)
	at=$cache/$target-$key
	if [ ! -e "$at/done" ]; then
		started=$SECONDS
		say "building OpenSSL for $target (once, about a minute)"
		rm -rf "$at"
		mkdir -p "$at"
		if ! build_openssl "$target" "$at" ||
			! build_http_parser "$target" "$at"; then
			tail -n 20 "$at/log" >&2
			fail "the libraries for $target could not be built" \
				"($at/log)"
		fi
		touch "$at/done"
		say "built in $((SECONDS - started)) s"
	fi
	if [ ! -e "$at/done-qrencode" ]; then
		build_qrencode "$target" "$at" ||
			fail "qrencode could not be built ($at/log)"
		touch "$at/done-qrencode"
	fi
	ln -sfn "${at##*/}" "$cache/$target"
}

# What Windows calls curl.exe: Debian's source over the system's own TLS.
build_curl() {
	local at=$cache/curl-build
	[ ! -e "$cache/curl.exe" ] || return 0
	source_of curl
	say "building curl for Windows (once, a few minutes)"
	rm -rf "$at"
	cp -a "$cache/src/curl/tree" "$at"
	if ! (
		cd "$at"
		./configure --host=x86_64-w64-mingw32 --with-schannel \
			--disable-shared --enable-static --disable-ldap \
			--disable-rtsp --disable-dict --disable-telnet \
			--disable-tftp --disable-pop3 --disable-imap \
			--disable-smb --disable-smtp --disable-gopher \
			--disable-mqtt --disable-ftp --disable-file \
			--disable-manual --without-zlib --without-brotli \
			--without-zstd --without-libpsl --without-libidn2 \
			--without-nghttp2 --disable-dependency-tracking
		"$make" -j"$(nproc)" LDFLAGS=-all-static -C lib
		"$make" -j"$(nproc)" LDFLAGS=-all-static -C src curl.exe
	) >"$cache/curl.log" 2>&1; then
		tail -n 20 "$cache/curl.log" >&2
		fail "curl could not be built ($cache/curl.log)"
	fi
	cp "$at/src/curl.exe" "$cache/curl.exe"
	rm -rf "$at"
}

if [ -n "$curl" ]; then
	build_curl
	exit 0
fi

for target in $targets; do
	build_libs "$target"
done
[ -z "$libs_only" ] || exit 0

# --- the programs ------------------------------------------------------------

# Takes the place of the old one in one step.
publish() {
	cp "$1" "$2.new"
	mv "$2.new" "$2"
	say "$2: $(stat -c %s "$2") bytes," \
		"sha256 $(sha256sum "$2" | cut -c 1-64)"
}

for target in $targets; do
	"$make" --no-print-directory -s -j"$(nproc)" \
		"SYS=$target" SYS_READY=1 client
	case $target in
	win) publish build/win/adit.exe build/adit.exe ;;
	musl) publish build/musl/adit build/adit-linux-x86_64 ;;
	esac
done
