#!/usr/bin/env bash
# Every command of docs/guide/tour.md, in its order, as a reader types it.
# usage: tests/tour/run.sh [PQFW]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
binary=$(realpath "${1:-$root/target/release/pqfw}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$binary" "$work/bin/pqfw"
export PATH=$work/bin:$PATH XDG_STATE_HOME=$work/state
cd "$work"
count=0 expected=
while IFS= read -r line; do
  case $line in
    '```sh') expected=0 ;;
    '```sh fails with '*) expected=${line##* } ;;
    '```') expected= ;;
    'cargo build'* | 'alias pqfw='*) ;;
    *)
      [ -n "$expected" ] || continue
      code=0
      bash -c "$line" >"$work/said" 2>&1 </dev/null || code=$?
      printf '%s  (exit %s)\n' "$line" "$code"
      [ "$code" = "$expected" ] || { cat "$work/said"; exit 1; }
      count=$((count + 1))
      ;;
  esac
done <"$root/docs/guide/tour.md"
[ "$count" -ge 10 ] || { echo "only $count commands found in the tour"; exit 1; }
echo "$count commands"
