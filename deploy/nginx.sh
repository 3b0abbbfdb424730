#!/bin/sh
# Fills nginx.conf.example for one who runs everything as one user, without
# rights: nginx.sh STATE SHARE HTTP_PORT HTTPS_PORT BASE
#
# SHARE is the folder in which static/ lies; a port 0 is none; BASE is the path
# of dashboard_url, or "".  NGINX_USER is who serves when root starts it.
set -eu
state=$1 share=$2 http=$3 https=$4 base=$5
v6=
[ -e /proc/net/if_inet6 ] && v6="listen [::]:$https ssl http2;"
[ "$https" != 0 ] || v6=
sed -e "s|^user .*|${NGINX_USER:+user $NGINX_USER;}|" -e '/^worker_rlimit_nofile/d' \
	-e "s|listen 443 ssl http2;|$([ "$https" = 0 ] || echo "listen $https ssl http2;")$([ "$http" = 0 ] || echo " listen 127.0.0.1:$http;")|" \
	-e "s|listen \[::\]:443 ssl http2;|$v6|" \
	-e "s|/usr/local/share/adit|$share|" \
	-e "s|/var/lib/adit|$state|g" \
	-e "s|location = /|location = $base/|" \
	-e "s|location /\([a ]\)|location $base/\1|" \
	-e "s|location ~ ^/(|location ~ ^$base/(|" \
	-e "s|auth_request /|auth_request $base/|" \
	-e "s|REQUEST_URI /|REQUEST_URI $base/|" \
	"$(dirname "$0")/../nginx.conf.example"
