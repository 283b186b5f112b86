#!/usr/bin/env bash
# TLS with OpenSSL 3.5 at the other end: both roles, every group that both know, an authority and
# leaves of ML-DSA-65, clients with certificates of ML-DSA-65 and ECDSA, and what must be refused. Fetches OpenSSL on first use (openssl.sh).
set -euo pipefail
cd "$(dirname "$0")/../../.."
openssl=${OPENSSL_3_5:-$(bash tests/interop/tls/openssl.sh "${INTEROP_DIR:-target/interop/openssl}")}
"$openssl" version
cargo build -q -p pqfw-tls --examples --locked
target=${CARGO_TARGET_DIR:-target}
ours=$target/debug/examples
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

# An authority, a leaf for localhost, and another authority that vouches for nothing.
authority() { # name key-options...
    name=$1
    shift
    "$openssl" req -x509 -newkey "$@" -nodes -days 30 -subj "/CN=$name" \
        -addext basicConstraints=critical,CA:true -keyout "$work/$name.key" -out "$work/$name.pem" 2>/dev/null
}
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:false\n' >"$work/leaf.ext"
leaf() { # name authority key-options...
    name=$1 by=$2
    shift 2
    "$openssl" req -newkey "$@" -nodes -subj /CN=localhost -keyout "$work/$name.key" -out "$work/$name.csr" 2>/dev/null
    "$openssl" x509 -req -in "$work/$name.csr" -CA "$work/$by.pem" -CAkey "$work/$by.key" -days 30 \
        -extfile "$work/leaf.ext" -out "$work/$name.pem" 2>/dev/null
}
authority authority mldsa65
authority stranger mldsa65
leaf leaf authority mldsa65
chmod 600 "$work"/*.key

port=44300
serve() { # command...: starts a server in the background and waits until it says that it listens
    # Emptied first: the last server's words must not be taken for this one's.
    : >"$work/server.log"
    "$@" >>"$work/server.log" 2>&1 </dev/null &
    server=$!
    for _ in $(seq 100); do
        grep -qE 'listening|ACCEPT' "$work/server.log" && return
        sleep 0.1
    done
    cat "$work/server.log"
    return 1
}
stop() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
}
ask() { # group options...: OpenSSL asks our server
    group=$1
    shift
    printf 'GET / HTTP/1.0\r\n\r\n' | timeout 20 "$openssl" s_client -connect "127.0.0.1:$port" -tls1_3 \
        -groups "$group" -sigalgs "${sigalgs:-mldsa65}" -CAfile "${ca:-$work/authority.pem}" \
        -verify_return_error -verify_hostname localhost -servername localhost -ign_eof "$@" 2>&1
}
client() { # group authority [certificate key]: ours asks OpenSSL
    group=$1
    shift
    timeout 20 "$ours/https_client" localhost "127.0.0.1:$port" "$group" "${signature:-ML-DSA-65}" "$@" 2>&1
}

# Our name and OpenSSL's.
groups="X25519MLKEM768=X25519MLKEM768 SecP256r1MLKEM768=SecP256r1MLKEM768
SecP384r1MLKEM1024=SecP384r1MLKEM1024 MLKEM512=MLKEM512 MLKEM768=MLKEM768 MLKEM1024=MLKEM1024
X25519=X25519 secp256r1=P-256 secp384r1=P-384 brainpoolP512r1=brainpoolP512r1tls13"
for pair in $groups; do
    our=${pair%=*} their=${pair#*=}
    port=$((port + 1))
    serve "$ours/https_server" "127.0.0.1:$port" "$our" ML-DSA-65 "$work/leaf.pem" "$work/leaf.key"
    ask "$their" >"$work/answer" || true
    stop
    for line in 'Verification: OK' 'Peer signature type: mldsa65' 'hello from pqfw'; do
        grep -q "$line" "$work/answer" || { echo "$our, OpenSSL asks: no '$line'"; cat "$work/answer"; exit 1; }
    done
    port=$((port + 1))
    serve "$openssl" s_server -accept "$port" -cert "$work/leaf.pem" -key "$work/leaf.key" -tls1_3 \
        -groups "$their" -www
    client "$our" "$work/authority.pem" >"$work/answer" || true
    stop
    grep -q '200 ok' "$work/answer" || { echo "$our, OpenSSL serves:"; cat "$work/answer"; exit 1; }
    echo "ok $our, both ways"
done

refused() { # what command...: it fails, or nobody answers it
    what=$1
    shift
    if "$@" >"$work/answer" && grep -qE 'hello from pqfw|200 ok' "$work/answer"; then
        echo "not refused: $what"
        cat "$work/answer"
        exit 1
    fi
    echo "ok refused: $what"
}
port=$((port + 1))
serve "$ours/https_server" "127.0.0.1:$port" MLKEM768 ML-DSA-65 "$work/leaf.pem" "$work/leaf.key"
refused "OpenSSL has another group" ask X25519
stop
port=$((port + 1))
serve "$openssl" s_server -accept "$port" -cert "$work/leaf.pem" -key "$work/leaf.key" -tls1_3 -groups MLKEM768 -www
refused "OpenSSL serves under another authority" client MLKEM768 "$work/stranger.pem"
refused "OpenSSL does not know a number for private use" client FrodoKEM-976-SHAKE "$work/authority.pem"
stop
port=$((port + 1))
serve "$ours/https_server" "127.0.0.1:$port" X25519MLKEM768 ML-DSA-65 - "$work/leaf.key"
# The command line has no way to trust a bare key: it shakes hands, and says that it could not.
printf '' | timeout 20 "$openssl" s_client -connect "127.0.0.1:$port" -tls1_3 -groups X25519MLKEM768 \
    -sigalgs mldsa65 -enable_server_rpk >"$work/answer" 2>&1 || true
stop
grep -q 'raw public key' "$work/answer" || { echo "no raw public key"; cat "$work/answer"; exit 1; }
echo "ok raw public key (RFC 7250)"

# Clients that show a certificate, and clients that must.
for kind in "ML-DSA-65 mldsa65 mldsa65" "ECDSA-P256 ecdsa_secp256r1_sha256 ec -pkeyopt ec_paramgen_curve:P-256"; do
    read -r signature sigalgs key <<<"$kind"
    # shellcheck disable=SC2086
    {
        authority clients $key
        leaf server clients $key
        leaf client clients $key
        authority others $key
        leaf other others $key
    }
    chmod 600 "$work"/*.key
    ca=$work/clients.pem
    port=$((port + 1))
    serve "$ours/https_server" "127.0.0.1:$port" X25519MLKEM768 "$signature" "$work/server.pem" "$work/server.key" "$ca"
    ask X25519MLKEM768 -cert "$work/client.pem" -key "$work/client.key" >"$work/answer" || true
    grep -q 'hello from pqfw' "$work/answer" || { echo "$signature, OpenSSL shows a certificate:"; cat "$work/answer"; exit 1; }
    refused "OpenSSL shows no certificate of $signature" ask X25519MLKEM768
    refused "OpenSSL shows another authority's, of $signature" \
        ask X25519MLKEM768 -cert "$work/other.pem" -key "$work/other.key"
    stop
    port=$((port + 1))
    serve "$openssl" s_server -accept "$port" -cert "$work/server.pem" -key "$work/server.key" -tls1_3 \
        -groups X25519MLKEM768 -Verify 1 -verify_return_error -CAfile "$ca" -www
    client X25519MLKEM768 "$ca" "$work/client.pem" "$work/client.key" >"$work/answer" || true
    grep -q '200 ok' "$work/answer" || { echo "$signature, ours shows a certificate:"; cat "$work/answer" "$work/server.log"; exit 1; }
    refused "ours shows no certificate of $signature" client X25519MLKEM768 "$ca"
    refused "ours shows another authority's, of $signature" \
        client X25519MLKEM768 "$ca" "$work/other.pem" "$work/other.key"
    stop
    echo "ok client certificates of $signature, both ways"
done
