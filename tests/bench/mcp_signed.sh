#!/usr/bin/env bash
# Signed calls of MCP a second, one caller and 64: ours, the same HTTP unsigned, and Python with Python.
#
#   tests/bench/mcp_signed.sh [SECONDS]
#
# SECONDS is the time of each row (default 5). The Python peers run where tests/interop/run.sh has put
# their packages (PQFW_INTEROP_VENV).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PQFW_INTEROP_VENV:-$root/target/interop-venv}/bin/python
[ -x "$python" ] || { echo "mcp_signed.sh: no $python: tests/interop/run.sh makes it" >&2; exit 1; }
cd "$root"
cargo run --quiet --release --locked -p pqfw-mcp --example signed_calls -- "${1:-5}"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$root/tests/interop/mcp "$python" "$here/mcp_signed.py" "${1:-5}"
