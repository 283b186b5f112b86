#!/usr/bin/env bash
# `pqfw qflare aggregate` beside numpy: 100 updates of a million parameters under every rule, time
# and peak memory of both in the same run, and how far the two models are apart.
#
#   tests/benches/qflare.sh [UPDATES [PARAMETERS]]      default: 100 updates of 1000000
#
# Needs 1 GiB of disk under TMPDIR and, for numpy, 4 GiB of memory. PQFW names another binary than
# the release build, PYTHON another interpreter than that of the interop tests, whose environment
# has numpy and safetensors (tests/interop/run.sh makes it). docs/benchmarks.md has figures.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-${PQFW_INTEROP_VENV:-target/interop-venv}/bin/python}
if ! "$python" -c 'import numpy, safetensors' 2>/dev/null; then
  echo "qflare.sh: $python has no numpy and safetensors; run tests/interop/run.sh first, or set PYTHON" >&2
  exit 1
fi
pqfw=${PQFW:-}
if [ -z "$pqfw" ]; then
  cargo build -q --release --locked -p pqfw
  pqfw=${CARGO_TARGET_DIR:-target}/release/pqfw
fi
PYTHONDONTWRITEBYTECODE=1 exec "$python" tests/benches/qflare.py --pqfw "$pqfw" \
  --updates "${1:-100}" --parameters "${2:-1000000}"
