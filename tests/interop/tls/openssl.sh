#!/usr/bin/env bash
# Prints the path of an `openssl` that is 3.5 or newer: the system's own, or Debian trixie's with the
# libraries that it needs, unpacked into a folder. Nothing is installed.
#
#   openssl.sh FOLDER
set -euo pipefail
newer() { # command: whether it is 3.5 or newer
    "$1" version 2>/dev/null | grep -qE '^OpenSSL (3\.([5-9]|[1-9][0-9])|[4-9])\.'
}
if newer openssl; then
    command -v openssl
    exit
fi
mkdir -p "$1"
folder=$(cd "$1" && pwd)
if ! newer "$folder/openssl"; then
    # A package list of its own, verified by the keys that the system has.
    mkdir -p "$folder"/{lists/partial,archives/partial,root}
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keys] http://deb.debian.org/debian trixie main" >"$folder/sources.list"
    apt() {
        apt-get -qq -o Dir::Etc::sourcelist="$folder/sources.list" -o Dir::Etc::sourceparts=- \
            -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder" -o Dir::Cache::archives=archives \
            -o APT::Sandbox::User=root "$@" >&2
    }
    apt update
    (cd "$folder" && apt download openssl libssl3t64 libc6 zlib1g libzstd1)
    for package in "$folder"/*.deb; do
        dpkg-deb -x "$package" "$folder/root"
    done
    library=$(dirname "$(find "$folder/root" -name libssl.so.3 | head -1)")
    loader=$(find "$folder/root" \( -name 'ld-linux*.so.*' -o -name 'ld64.so.*' \) | head -1)
    cat >"$folder/openssl" <<END
#!/bin/sh
exec "$loader" --library-path "$library" "$folder/root/usr/bin/openssl" "\$@"
END
    chmod +x "$folder/openssl"
fi
newer "$folder/openssl"
echo "$folder/openssl"
