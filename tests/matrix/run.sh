#!/usr/bin/env bash
# Runs every profile with every algorithm and transport of the build, all pairs of them too, and compares
# the table with the one in docs/matrix.md. Usage: run.sh PQFW [--write]
set -euo pipefail
pqfw=$(realpath "$1")
page=$(dirname "$0")/../../docs/matrix.md
tables=$(mktemp)
trap 'rm -f "$tables"' EXIT
"$pqfw" matrix --pairs --markdown > "$tables"
mark='<!-- what follows is what the command prints -->'
if [ "${2:-}" = --write ]; then
  sed -i "/^$mark\$/q" "$page"
  { echo; cat "$tables"; } >> "$page"
  exit
fi
if ! diff -u --label docs/matrix.md --label now <(sed "1,/^$mark\$/d" "$page" | tail -n +2) "$tables"; then
  echo "docs/matrix.md is not what this build does: look at each difference, then run $0 PQFW --write"
  exit 1
fi
sed -n 's/^- `/`/p' "$tables"
