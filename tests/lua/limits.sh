#!/bin/sh
# SPDX-License-Identifier: MIT
#
# limits.sh: runs a script under every memory limit in a range, so that each
# allocation that it makes fails once.
#
#   limits.sh LUNIK_HOST MAKE_SEAL FOLDER SCRIPT FROM TO
#
# Each run must end with the program's own words, with "not enough memory" and
# 1, or with the refusal to start (0x21); a crash or a panic is a failure.
set -eu
host=$1 seal=$2 out=$3 script=$4 limit=$5 last=$6
mkdir -p "$out"
# What a program leaves behind when it ends is no leak.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
"$seal" "$out/limits.seal" main.lua "main.lua=$script"
refused=0 failed=0 whole=0
while [ "$limit" -lt "$last" ]; do
    status=0
    "$host" --image "$out/limits.seal" "heap=$limit" >"$out/limits.out" 2>&1 \
        </dev/null || status=$?
    if [ "$status" = 33 ] && grep -q 'no memory for Lua' "$out/limits.out"; then
        refused=$((refused + 1))
    elif [ "$status" = 1 ] && grep -q 'not enough memory' "$out/limits.out"; then
        failed=$((failed + 1))
    elif [ "$status" = 0 ] && grep -q '^whole$' "$out/limits.out"; then
        whole=$((whole + 1))
    else
        echo "FAIL  with heap=$limit: status $status"
        cat "$out/limits.out"
        exit 1
    fi
    limit=$((limit + 301))
done
echo "$refused refused, $failed ran out of memory, $whole ended well"
[ "$failed" -gt 20 ] && [ "$whole" -gt 20 ]
