#!/bin/sh
# SPDX-License-Identifier: MIT
#
# ends.sh: runs each program of ends/ and looks at how it ended.
#
#   ends.sh LUNIK_HOST MAKE_SEAL FOLDER
#
# A program's head says what is expected: `-- args: …`, `-- heap: SIZE`,
# `-- status: N`, and any number of `-- says: TEXT` (a whole line of its output
# holds the text) and `-- not: TEXT`.
set -eu
host=$1 seal=$2 out=$3
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$out"
failed=0
# What a program leaves behind when it ends is no leak.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS

field() { sed -n "s/^-- $1: //p" "$program"; }

for program in "$here"/ends/*.lua; do
    name=$(basename "$program" .lua)
    "$seal" "$out/$name.seal" "$name.lua" "$name.lua=$program" \
        "helper.lua=$here/ends/lib/helper.lua"
    heap=$(field heap)
    status=0
    # shellcheck disable=SC2046
    "$host" --image "$out/$name.seal" ${heap:+"heap=$heap"} -- $(field args) \
        >"$out/$name.out" 2>&1 </dev/null || status=$?
    why=
    [ "$status" = "$(field status)" ] || why="status $status"
    field says >"$out/$name.says"
    while IFS= read -r line; do
        grep -qF -e "$line" "$out/$name.out" || why="$why; does not say: $line"
    done <"$out/$name.says"
    field not >"$out/$name.not"
    while IFS= read -r line; do
        ! grep -qF -e "$line" "$out/$name.out" || why="$why; says: $line"
    done <"$out/$name.not"
    if [ -z "$why" ]; then
        echo "ok    ends: $name"
    else
        echo "FAIL  ends: $name: $why"
        sed 's/^/      /' "$out/$name.out"
        failed=1
    fi
done
exit "$failed"
