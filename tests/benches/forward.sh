#!/usr/bin/env bash
# `pqfw chat forward` beside socat and stunnel: one local port forwarded over an authenticated and
# encrypted connection on loopback, throughput and latency of a connection, side by side.
#
#   tests/benches/forward.sh [RUNS [MIB]]      default: 5 runs of 256 MiB
#
# pqfw with its shipped suite (X25519+ML-KEM-768, ML-DSA-65, AES-256-GCM). socat and stunnel as
# their packages of the distribution are: TLS 1.3 by OpenSSL with X25519, AES-256-GCM and
# certificates of ECDSA P-256, which each end checks, without resumption. PQFW names another binary
# than the release build, PORTS the first of seven free ports. docs/benchmarks.md has figures.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=
for pair in socat=socat stunnel4=stunnel4 openssl=openssl cargo=cargo; do
  command -v "${pair%=*}" >/dev/null || missing="$missing ${pair#*=}"
done
if [ -n "$missing" ]; then
  echo "forward.sh: not installed:$missing. On Debian: apt-get install$missing" >&2
  exit 1
fi

target=${CARGO_TARGET_DIR:-target}/release
cargo build -q --release --locked -p pqfw -p pqfw-tests --bin pqfw --example forwarded
pqfw=${PQFW:-$target/pqfw}

first=${PORTS:-47000}
port() { echo "127.0.0.1:$((first + $1))"; }
sink=$(port 0)

work=$(mktemp -d)
started=()
cleanup() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
begin() { # name, command...: runs in the background until the end
  local name=$1
  shift
  "$@" >"$work/$name.log" 2>&1 </dev/null &
  started+=($!)
}
listens() { # name, address: waits until what was begun last listens there
  for _ in $(seq 100); do
    kill -0 "${started[-1]}" 2>/dev/null || break
    (exec 3<>"/dev/tcp/${2%:*}/${2#*:}") 2>/dev/null && return
    sleep 0.1
  done
  echo "forward.sh: $1 does not listen on $2:" >&2
  cat "$work/$1.log" >&2
  exit 1
}

for name in server client; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$work/$name.key" -out "$work/$name.crt" 2>/dev/null
  cat "$work/$name.key" "$work/$name.crt" >"$work/$name.pem"
done
chmod 600 "$work"/*.key "$work"/*.pem

# pqfw: the two ends trust each other on first use.
begin pqfw-server "$pqfw" chat serve --set transport.listen="$(port 1)" \
  --set keys.dir="$work/keys-server" --set "mlkem-tcp.forward.allow=[\"tcp://$sink\"]" \
  --ready-file "$work/pqfw-server.ready"
listens pqfw-server "$(port 1)"
begin pqfw "$pqfw" chat forward --local "$(port 2)" --remote "tcp://$sink" \
  --to "tcp://$(port 1)" --set keys.dir="$work/keys-client"
listens pqfw "$(port 2)"

# socat, with its default buffers.
begin socat-server socat \
  "OPENSSL-LISTEN:$((first + 3)),bind=127.0.0.1,reuseaddr,fork,nodelay,cert=$work/server.pem,cafile=$work/client.crt,verify=1" \
  "TCP:$sink,nodelay"
listens socat-server "$(port 3)"
begin socat socat "TCP-LISTEN:$((first + 4)),bind=127.0.0.1,reuseaddr,fork,nodelay" \
  "OPENSSL:$(port 3),nodelay,cert=$work/client.pem,cafile=$work/server.crt,verify=1,commonname=localhost"
listens socat "$(port 4)"

# stunnel, in the foreground.
stunnel() { # side, peer, accept, connect, client = yes or no
  cat <<EOF
foreground = yes
pid =
debug = err
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[forward]
client = $5
accept = $3
connect = $4
cert = $work/$1.pem
CAfile = $work/$2.crt
verifyPeer = yes
sslVersionMin = TLSv1.3
ciphersuites = TLS_AES_256_GCM_SHA384
sessionResume = no
EOF
}
stunnel server client "$(port 5)" "$sink" no >"$work/stunnel-server.conf"
stunnel client server "$(port 6)" "$(port 5)" yes >"$work/stunnel.conf"
begin stunnel-server stunnel4 "$work/stunnel-server.conf"
listens stunnel-server "$(port 5)"
begin stunnel stunnel4 "$work/stunnel.conf"
listens stunnel "$(port 6)"

"$pqfw" --version
socat -V | sed -n 's/^socat version \([^ ]*\).*/socat \1/p'
stunnel4 -version 2>&1 | sed -n 's/.*\(stunnel [0-9.]*\) on.*/\1/p; s/.*\(Compiled with OpenSSL [^ ]*\).*/\1/p; s/.*\(Running  *with OpenSSL [^ ]*\).*/\1/p'
"$target/examples/forwarded" "$sink" --runs "${1:-5}" --mib "${2:-256}" "direct=$sink" \
  "pqfw=$(port 2)" "socat=$(port 4)" "stunnel=$(port 6)"
