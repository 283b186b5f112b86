#!/usr/bin/env bash
# What the bridge adds to a tool call, beside the same server directly on stdio, and beside a chain of
# two socat, which protects nothing.
#
#   tests/bench/mcp.sh target/release/pqfw
#
# CALLS says how many calls are timed of each kind (default 3000).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
pqfw=$(realpath "${1:-$here/../../target/release/pqfw}")
command -v socat >/dev/null || { echo "mcp.sh: socat is not installed (Debian: apt-get install socat)" >&2; exit 1; }
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here/../interop/mcp-bridge \
  python3 "$here/mcp.py" --pqfw "$pqfw" --peers . --calls "${CALLS:-3000}"
