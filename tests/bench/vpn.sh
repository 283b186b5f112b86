#!/usr/bin/env bash
# Single-stream TCP through tunnels, interleaved: pqfw with each AEAD beside whatever of boringtun-cli,
# gotatun-cli and wireguard-go is there. Both ends and iperf3 share this machine's processors, in two
# network namespaces joined by a veth; inner MTU 1420; nothing of the host's network is touched.
#
#   tests/bench/vpn.sh --pqfw target/release/pqfw [--rounds 3] [--seconds 5] [--path DIR]
#
# Peers are looked for in DIR and PATH, and named when they are missing. It prints one JSON document a
# measurement, {tunnel, round, gbits, cpu_s_per_gb}, and at the end a table of medians on stderr.
# It needs root, iproute2, iperf3, python3, and wireguard-tools for the peers.
set -euo pipefail
umask 077
pqfw=target/release/pqfw rounds=3 seconds=5
while [ $# -gt 0 ]; do
  case $1 in
    --pqfw) pqfw=$2 ;;
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    --path) PATH=$2:$PATH ;;
    *) echo "unknown: $1" >&2; exit 2 ;;
  esac
  shift 2
done
for tool in ip iperf3 python3 "$pqfw"; do
  command -v "$tool" >/dev/null || { echo "there is no $tool" >&2; exit 1; }
done

left=pqfw-left-$$ right=pqfw-right-$$
work=$(mktemp -d)
pids=()
tidy() {
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  ip netns del "$left" 2>/dev/null || true
  ip netns del "$right" 2>/dev/null || true
  rm -rf "$work"
}
trap tidy EXIT
ip netns add "$left"
ip netns add "$right"
ip link add name veth0 netns "$left" type veth peer name veth0 netns "$right"
number=1
for end in "$left" "$right"; do
  ip -n "$end" addr add "192.0.2.$number/24" dev veth0
  ip -n "$end" link set lo up
  ip -n "$end" link set veth0 up
  number=2
done

until_true() { # what has to be true, in words of bash
  for _ in $(seq 400); do
    if eval "$1" >/dev/null 2>&1; then return; fi
    sleep 0.05
  done
  echo "not in time: $1" >&2
  tail -n 5 "$work"/*.err >&2 || true
  exit 1
}
# A connection that is refused has been there and back.
answers() {
  ip netns exec "$left" python3 -c '
import errno, socket, sys
probe = socket.socket()
probe.settimeout(1)
sys.exit(probe.connect_ex(("10.7.0.2", 9)) != errno.ECONNREFUSED)'
}

# pqfw: its keys are made once, by a start without an interface.
pqfw_node() { # namespace, name, rest
  local end=$1 name=$2
  shift 2
  ip netns exec "$end" env XDG_STATE_HOME="$work/$name-state" "$pqfw" --json run --profile pqvpn --role node \
    --set suite.kem=X25519+ML-KEM-768 --set suite.signature=Ed25519+ML-DSA-65 \
    --set keys.runtime_temp_keys=false --set "keys.dir=$work/$name" \
    --ready-file "$work/$name.ready" "$@" >"$work/$name.log" 2>"$work/$name.err" &
  pids+=($!)
}
stop_all() {
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  pids=()
}
fingerprint() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["fingerprint"])' "$1"; }
for name in one two; do
  pqfw_node "$left" $name --set transport.listen=127.0.0.1:0
  until_true "[ -s $work/$name.ready ]"
  fingerprint "$work/$name.ready" >"$work/$name.id"
  stop_all
done
one=$(cat "$work/one.id") two=$(cat "$work/two.id")
for pair in "one $two" "two $one"; do
  set -- $pair
  printf 'version = 1\n[[peer]]\nname = "*"\nfingerprint = "%s"\n' "$2" >"$work/$1/known_peers.toml"
done
start_pqfw() { # AEAD
  local number=1 other=2 id
  for name in one two; do
    id=$two
    [ $name = two ] && id=$one
    rm -f "$work/$name.ready"
    local end=$left calls=""
    [ $name = two ] && end=$right calls="'192.0.2.1:9000#$one'"
    pqfw_node "$end" $name --set "suite.aead=$1" --set "transport.listen=192.0.2.$number:9000" \
      --set interface.mode=tun --set "interface.addresses=['10.7.0.$number/24']" \
      --set "peer_routes=[{peer='$id',ranges=['10.7.0.$other/32']}]" --set "bootstrap.peers=[$calls]"
    until_true "[ -s $work/$name.ready ]"
    number=2 other=1
  done
}
start_wireguard() { # command that makes an interface and stays in the foreground
  local number=1 other=2
  for end in "$left" "$right"; do
    [ -s "$work/wg$number" ] || wg genkey >"$work/wg$number"
    number=2
  done
  number=1
  for end in "$left" "$right"; do
    # Without privileges dropped: their users would not exist here.
    ip netns exec "$end" env WG_SUDO=1 WG_QUICK_USERSPACE_IMPLEMENTATION=x LOG_LEVEL=error \
      "$@" "wgb$number" >"$work/wg$number.log" 2>"$work/wg$number.err" &
    pids+=($!)
    until_true "ip netns exec $end wg show wgb$number"
    ip netns exec "$end" wg set "wgb$number" private-key "$work/wg$number" listen-port 9000 \
      peer "$(wg pubkey <"$work/wg$other")" allowed-ips "10.7.0.$other/32" endpoint "192.0.2.$other:9000"
    ip -n "$end" addr add "10.7.0.$number/24" dev "wgb$number"
    ip -n "$end" link set "wgb$number" mtu 1420 up
    number=2 other=1
  done
}
start() {
  case $1 in
    pqfw-aes) start_pqfw AES-256-GCM ;;
    pqfw-chacha) start_pqfw ChaCha20-Poly1305 ;;
    boringtun) start_wireguard boringtun-cli --foreground --disable-drop-privileges ;;
    gotatun) start_wireguard gotatun --foreground --disable-drop-privileges ;;
    wireguard-go) start_wireguard wireguard-go --foreground ;;
  esac
}
# Ticks that both daemons have used, with their threads.
ticks() {
  local sum=0 spent
  for pid in "${pids[@]}"; do
    read -r -a spent <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
    sum=$((sum + spent[11] + spent[12]))
  done
  echo $sum
}
measure() { # tunnel, round
  start "$1"
  until_true answers
  ip netns exec "$right" iperf3 -s -1 -B 10.7.0.2 >/dev/null 2>&1 &
  local server=$! before after
  until_true "ip netns exec $right ss -ltn | grep -q 10.7.0.2:5201"
  before=$(ticks)
  ip netns exec "$left" iperf3 -J -c 10.7.0.2 -t "$seconds" >"$work/iperf.json"
  after=$(ticks)
  wait "$server" || true
  python3 - "$work/iperf.json" "$1" "$2" $((after - before)) "$(getconf CLK_TCK)" <<'PYTHON'
import json, sys
end = json.load(open(sys.argv[1]))["end"]["sum_received"]
gigabytes = end["bytes"] / 1e9
print(json.dumps({"tunnel": sys.argv[2], "round": int(sys.argv[3]),
                  "gbits": round(end["bits_per_second"] / 1e9, 3),
                  "cpu_s_per_gb": round(int(sys.argv[4]) / int(sys.argv[5]) / gigabytes, 2)}))
PYTHON
  stop_all
}

tunnels=(pqfw-aes pqfw-chacha)
for peer in boringtun-cli gotatun wireguard-go; do
  if command -v "$peer" >/dev/null && command -v wg >/dev/null; then
    tunnels+=("${peer%-cli}")
  else
    echo "not measured: there is no $peer, or no wg" >&2
  fi
done
for round in $(seq "$rounds"); do
  for tunnel in "${tunnels[@]}"; do
    measure "$tunnel" "$round" >>"$work/all.jsonl"
    tail -n 1 "$work/all.jsonl"
  done
done
python3 - "$work/all.jsonl" >&2 <<'PYTHON'
import collections, json, statistics, sys
rows = collections.defaultdict(list)
for line in open(sys.argv[1]):
    row = json.loads(line)
    rows[row["tunnel"]].append(row)
print("| tunnel | Gb/s | daemon CPU, s/GB |\n| --- | --- | --- |")
for tunnel, all in rows.items():
    gbits = statistics.median(row["gbits"] for row in all)
    cpu = statistics.median(row["cpu_s_per_gb"] for row in all)
    print(f"| {tunnel} | {gbits:.2f} | {cpu:.1f} |")
PYTHON
