#!/bin/sh
# The limits that docs/performance.md speaks of, measured by programs without any of ours: ./run.sh
set -eu
cd "$(dirname "$0")"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
for program in copy open trip writers; do
  ${CC:-cc} -O2 -Wall "$program.c" -o "$made/$program" -lpthread -lrt
  "$made/$program"
done
