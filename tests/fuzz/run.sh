#!/bin/sh
# Runs every fuzz target for SECONDS (default 60), with the stable compiler: sh run.sh 60 [TARGET…]
# A crash ends the run; its input is then in tests/fuzz/artifacts/TARGET.
set -eu

seconds=${1:-60}
[ $# -gt 0 ] && shift

fuzz=$(cd "$(dirname "$0")" && pwd)
cd "$fuzz/../.."

cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked

# cargo-fuzz needs -Z flags; this lets the compiler of rust-toolchain take them.
export RUSTC_BOOTSTRAP=1

[ $# -gt 0 ] || set -- $(cargo fuzz list --fuzz-dir "$fuzz")
for target; do
    echo "== $target: $seconds s"
    # New inputs go to a folder that git ignores; the seeds beside it stay few and small.
    found="$fuzz/artifacts/corpus/$target"
    mkdir -p "$found"
    cargo fuzz run --fuzz-dir "$fuzz" "$target" "$found" "$fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -max_len=8192
done
