#!/usr/bin/env bash
# Two nodes with real TUN devices in two network namespaces, joined by a veth of the test's own: a
# transfer by TCP with equal SHA-256 in both kinds of address, while both nodes make new keys every
# second; and no packet is lost to that: both ends' numbers and the kernel's account for each.
#
#   tests/netns/tunnel.sh --pqfw target/debug/pqfw [--bytes N] [--set key=value …]
#
# It needs root, iproute2, python3 and /dev/net/tun. Without them it says that it was skipped and
# ends with 77, or with a failure when PQFW_REQUIRE_NETNS is 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pqfw=target/debug/pqfw bytes=$((1 << 30)) set=()
while [ $# -gt 0 ]; do
  case $1 in
    --pqfw) pqfw=$2 ;;
    --bytes) bytes=$2 ;;
    --set) set+=("--set=$2") ;;
    *) echo "unknown: $1" >&2; exit 2 ;;
  esac
  shift 2
done

left=pqfw-left-$$ right=pqfw-right-$$
work=$(mktemp -d)
started=()
tidy() {
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  ip netns del "$left" 2>/dev/null || true
  ip netns del "$right" 2>/dev/null || true
  rm -rf "$work"
}
trap tidy EXIT
missing() {
  if [ "${PQFW_REQUIRE_NETNS:-}" = 1 ]; then
    echo "two nodes in two network namespaces: required, and $1" >&2
    exit 1
  fi
  echo "skipped: two nodes in two network namespaces: $1"
  exit 77
}
fail() {
  echo "$1" >&2
  tail -n 20 "$work"/*.log "$work"/*.err >&2 || true
  exit 1
}
for tool in ip python3; do command -v "$tool" >/dev/null || missing "there is no $tool"; done
[ -c /dev/net/tun ] || missing "there is no /dev/net/tun"
ip netns add "$left" 2>/dev/null || missing "ip netns add is not permitted"
ip netns add "$right"
ip link add name veth0 netns "$left" type veth peer name veth0 netns "$right"
ip -n "$left" addr add 192.0.2.1/24 dev veth0
ip -n "$right" addr add 192.0.2.2/24 dev veth0
for end in "$left" "$right"; do
  ip -n "$end" link set lo up
  ip -n "$end" link set veth0 up
done

# Starts a node: its end, its name, and its keys.
node() {
  local end=$1 name=$2
  shift 2
  ip netns exec "$end" env XDG_STATE_HOME="$work/$name-state" "$pqfw" --json run --profile pqvpn --role node \
    --set suite.kem=X25519+ML-KEM-768 --set suite.signature=Ed25519+ML-DSA-65 \
    --set suite.aead=AES-256-GCM --set security.handshake_per_minute_per_ip=100000 \
    --set keys.runtime_temp_keys=false --set "keys.dir=$work/$name" \
    --set rekey.interval_seconds=1 --set rekey.threshold_seconds=1 \
    --ready-file "$work/$name.ready" "${set[@]}" "$@" >"$work/$name.log" 2>"$work/$name.err" &
  started+=($!)
}
# Waits until a file is there, or a process is no more.
until_there() {
  local pid=$1 file=$2 text=${3:-}
  for _ in $(seq 1200); do
    [ -e "$file" ] && grep -q -- "$text" "$file" && return
    kill -0 "$pid" 2>/dev/null || fail "ended before $file had '$text'"
    sleep 0.05
  done
  fail "not in time: '$text' in $file"
}
stop() { kill -TERM "$1"; wait "$1" || fail "a node ended badly"; }
id_of() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["fingerprint"])' "$1"; }

# Who they are: each starts once without an interface, and makes its keys.
for name in left right; do
  end=$left
  [ $name = right ] && end=$right
  node "$end" $name --set transport.listen=127.0.0.1:0
  pid=$!
  until_there "$pid" "$work/$name.ready"
  stop "$pid"
  id_of "$work/$name.ready" >"$work/$name.id"
  rm "$work/$name.ready"
done
left_id=$(cat "$work/left.id") right_id=$(cat "$work/right.id")
known() { printf 'version = 1\n[[peer]]\nname = "*"\nfingerprint = "%s"\n' "$2" >"$work/$1/known_peers.toml"; }
known left "$right_id"
known right "$left_id"

end() { # namespace, name, number, the other's number, the other's id, whom it calls
  node "$1" "$2" --set "transport.listen=192.0.2.$3:9000" --set interface.mode=tun \
    --set "interface.addresses=['10.7.0.$3/24','fd07::$3/64']" \
    --set "peer_routes=[{peer='$5',ranges=['10.7.0.$4/32','fd07::$4/128']}]" \
    --set "bootstrap.peers=[$6]"
}
end "$left" left 1 2 "$right_id" ""
left_pid=$!
until_there "$left_pid" "$work/left.ready"
end "$right" right 2 1 "$left_id" "'192.0.2.1:9000#$left_id'"
right_pid=$!
until_there "$right_pid" "$work/right.log" ": up at"
until_there "$left_pid" "$work/left.log" ": up at"

transfer() { # where from, where to, address, bytes
  ip netns exec "$2" python3 "$here/transfer.py" receive "$3" 7000 >"$work/receive.log" 2>"$work/receive.err" &
  local receiver=$!
  until_there "$receiver" "$work/receive.log" listening
  local began=$EPOCHREALTIME
  ip netns exec "$1" python3 "$here/transfer.py" send "$3" 7000 "$4" >"$work/send.log" || fail "not sent"
  wait "$receiver" || fail "not received"
  [ "$(tail -n 1 "$work/receive.log")" = "$(cat "$work/send.log")" ] || fail "what came is not what was sent"
  echo "$3: $(cat "$work/send.log") in $(python3 -c "print(round($EPOCHREALTIME - $began, 2))") s"
}
transfer "$left" "$right" 10.7.0.2 "$bytes"
transfer "$right" "$left" fd07::1 $((bytes / 8))

# Every thread of a node has CAP_NET_ADMIN and nothing else.
for pid in $left_pid $right_pid; do
  child=$(pgrep -P "$pid" -x pqfw || echo "$pid")
  others=$(grep -h CapEff /proc/"$child"/task/*/status | sort -u | grep -cv '0000000000001000$' || true)
  [ "$others" = 0 ] || fail "a thread of a node has more than CAP_NET_ADMIN"
done

stop "$right_pid"
stop "$left_pid"
started=()
for end in "$left" "$right"; do
  name=left
  [ "$end" = "$right" ] && name=right
  ip netns exec "$end" cat /proc/net/snmp >"$work/$name.snmp"
done
python3 "$here/account.py" "$work" || fail "packets are not accounted for"
echo "two nodes in two network namespaces: ok"
