#!/usr/bin/env bash
# Counts the instructions of one ML-KEM-768 encapsulation, called directly and through the registry.
# The difference of two run lengths leaves start-up out. Fails when dispatch costs over 2 %.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --locked -q -p pqfw-tests --example encapsulate
program=${CARGO_TARGET_DIR:-target}/release/examples/encapsulate
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
count() { # way, encapsulations
  valgrind --tool=callgrind --callgrind-out-file="$scratch/out" "$program" "$1" "$2" \
    >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
  sed -n 's/^totals: *//p; s/^summary: *//p' "$scratch/out" | head -n 1
}
per_call() { echo $((($(count "$1" 500) - $(count "$1" 100)) / 400)); }
direct=$(per_call direct)
registry=$(per_call registry)
awk -v d="$direct" -v r="$registry" 'BEGIN {
  printf "ML-KEM-768 encapsulation: %d instructions direct, %d through the registry: %+.2f %%\n",
    d, r, 100 * (r - d) / d
  exit !(r <= 1.02 * d)
}'
