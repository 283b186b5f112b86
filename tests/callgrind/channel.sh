#!/usr/bin/env bash
# Counts the instructions of the channel beside those of rustls with the same primitives by AWS-LC:
# a full handshake with mutual authentication, and 16 MiB in each direction over TCP on loopback;
# both ends, without the kernel. The difference of two run lengths leaves start-up out. Fails when
# the channel takes over 1.3 times a handshake of rustls with bare keys, or over 1.2 times its bulk.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --locked -q -p pqfw-tests --example channel
program=${CARGO_TARGET_DIR:-target}/release/examples/channel
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
count() { # work, side, signature, how often
  valgrind --tool=callgrind --callgrind-out-file="$scratch/out" "$program" "$@" \
    >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
  sed -n 's/^totals: *//p; s/^summary: *//p' "$scratch/out" | head -n 1
}
each() { # work, side, signature, fewer, more
  echo $((($(count "$1" "$2" "$3" "$5") - $(count "$1" "$2" "$3" "$4")) / ($5 - $4)))
}
failed=0
compare() { # work, signature, fewer, more, limit, sides of rustls...
  local ours side work=$1 signature=$2 fewer=$3 more=$4 limit=$5
  shift 5
  ours=$(each "$work" pqfw "$signature" "$fewer" "$more")
  for side; do
    awk -v ours="$ours" -v theirs="$(each "$work" "$side" "$signature" "$fewer" "$more")" \
      -v what="$work, $signature" -v side="$side" -v limit="$limit" 'BEGIN {
      printf "%s: %d instructions, rustls (%s) %d: %.2f times\n", what, ours, side, theirs, ours / theirs
      exit !(ours <= limit * theirs)
    }' || failed=1
  done
}
# ML-DSA tries until it has a signature, so that a mean takes many.
compare handshake ML-DSA-65 20 220 1.3 bare certificates
compare handshake ECDSA-P256 20 120 1.3 bare certificates
compare bulk ECDSA-P256 2 10 1.2 bare
exit "$failed"
