# What CI runs, on a laptop.

# fmt, clippy, tests, docs, deny
check:
    bash .ci/check
    cargo test --workspace

# one fuzz target for a minute: `just fuzz python_json`
fuzz target seconds="60":
    bash tests/fuzz/run.sh {{seconds}} {{target}}

# benchmarks beside the crates called directly
bench:
    cargo bench -p pqfw-tests

# the Python peers against the release binary
interop:
    cargo build --release
    bash tests/interop/run.sh --pqfw target/release/pqfw
