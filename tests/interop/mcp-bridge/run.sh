#!/usr/bin/env bash
# Unmodified MCP hosts and servers, directly and through the bridge: the same results.
#
#   tests/interop/mcp-bridge/run.sh target/release/pqfw
#
# The server is npm's @modelcontextprotocol/server-everything, the host PyPI's mcp (the official SDK),
# the judge npm's @modelcontextprotocol/conformance, which needs Node 22 (npm's package node).
# PQFW_MCP_PEERS names the directory that they are installed in (default: target/mcp-interop).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
pqfw=$(realpath "${1:-$root/target/debug/pqfw}")
peers=${PQFW_MCP_PEERS:-$root/target/mcp-interop}
command -v npm >/dev/null || { echo "run.sh: npm is not installed (Debian: apt-get install npm)" >&2; exit 1; }

mkdir -p "$peers"
if ! cmp -s "$here/package.json" "$peers/package.json" || [ ! -d "$peers/node_modules" ]; then
  cp "$here/package.json" "$peers/package.json"
  npm install --prefix "$peers" --no-audit --no-fund --silent
fi
if ! cmp -s "$here/requirements.txt" "$peers/requirements.txt"; then
  python3 -m venv "$peers/venv"
  "$peers/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$peers/requirements.txt"
fi
export PYTHONDONTWRITEBYTECODE=1
python=$peers/venv/bin/python
for kind in tcp quic; do
  echo "== every tool on stdio, over $kind"
  "$python" "$here/tools.py" --pqfw "$pqfw" --peers "$peers" --kind "$kind" stdio
  echo "== every tool over HTTP, over $kind"
  "$python" "$here/tools.py" --pqfw "$pqfw" --peers "$peers" --kind "$kind" http
done
echo "== the conformance suite"
"$python" "$here/conformance.py" --pqfw "$pqfw" --peers "$peers"
echo "== a thousand sessions over HTTP, a killed end, memory"
"$python" "$here/load.py" --pqfw "$pqfw" --peers "$peers"
