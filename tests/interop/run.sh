#!/bin/sh
# Runs the interop tests in a virtual environment of their own.
#
#   tests/interop/run.sh --pqfw target/debug/pqfw
#
# All arguments go to each folder's test_against.py. PQFW_INTEROP_VENV names the
# directory of the virtual environment (default: target/interop-venv in the
# repository); PYTHON names the interpreter that makes it (default: python3).
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/../.." && pwd)
venv=${PQFW_INTEROP_VENV:-$root/target/interop-venv}
python=${PYTHON:-python3}
requirements=$here/requirements.txt
stamp=$venv/.requirements-installed

if ! command -v "$python" >/dev/null 2>&1; then
    echo "run.sh: $python is not installed. On Debian or Ubuntu: apt-get install python3 python3-venv; on Fedora: dnf install python3" >&2
    exit 1
fi

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    mkdir -p "$(dirname -- "$venv")"
    rm -f "$stamp"
    if ! "$python" -m venv "$venv"; then
        echo "run.sh: '$python -m venv' failed. Install the venv module (it brings ensurepip and pip):" >&2
        echo "  Debian, Ubuntu: apt-get install python3-venv" >&2
        echo "  Fedora, RHEL:   dnf install python3 python3-pip" >&2
        echo "  Alpine:         apk add python3 py3-pip" >&2
        echo "Python 3.11, 3.12 or 3.13 is needed; set PYTHON to choose one." >&2
        exit 1
    fi
fi

if ! cmp -s "$requirements" "$stamp"; then
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >&2
    cp "$requirements" "$stamp"
fi

export PYTHONDONTWRITEBYTECODE=1
failed=
for peer in "$here"/*/test_against.py; do
    echo "== $(basename -- "$(dirname -- "$peer")")"
    "$venv/bin/python" "$peer" "$@" || failed=1
done
[ -z "$failed" ]
