#!/usr/bin/env bash
# What `pqfw plugin new` writes builds and passes at once, as a crate of its own outside of this
# workspace, without the network, and is found in the binary that it makes.
# usage: tests/scaffold/run.sh [PQFW]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
pqfw=$(realpath "${1:-$root/target/release/pqfw}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target} XDG_STATE_HOME=$work/state
export CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-line-tables-only} CARGO_NET_OFFLINE=true
step() { printf '\n== %s\n' "$1"; }

# With the workspace's profile (Cargo.toml), what it has built need not be built again.
mkdir "$work/.cargo"
{
  printf '[profile.dev]\nopt-level = 1\n[profile.dev.package."*"]\nopt-level = 3\n'
  sed -n 's/^name = "\(pqfw[a-z0-9-]*\)"$/[profile.dev.package.\1]\nopt-level = 1/p' \
    "$root"/{cli,framework,framework/session,algorithms/*,transports/*,profiles/*}/Cargo.toml |
    awk '/^\[/ { twice = seen[$0]++ } !twice'
} >"$work/.cargo/config.toml"

step "plugin new"
cd "$work"
"$pqfw" plugin new my-kem --framework "$root"
cd my-kem
# The versions that this checkout is tested with, from where they have been fetched to.
cp "$root/Cargo.lock" .

step "it passes"
cargo test

step "without a warning, and as rustfmt has it"
cargo clippy --all-targets -- -D warnings
cargo fmt --check

step "its binary has it"
cargo run --features cli -- plugin check my-kem
cargo run --features cli -- describe My-Kem

step "the matrix has it, and nothing else was changed"
cargo run --features cli -- matrix mlkem-tcp --only kem | tee "$work/matrix"
grep -E '^KEM +My-Kem\+ML-KEM-768 +works' "$work/matrix"

step "another binary does not, and says what to do"
if "$pqfw" plugin check my-kem 2>"$work/refusal"; then exit 1; fi
grep -F 'use my_kem as _;' "$work/refusal"
step "done"
