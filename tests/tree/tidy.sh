#!/bin/sh
# SPDX-License-Identifier: MIT
# tidy.sh ROOT BUILD...: clang-tidy finds nothing in the C that the builds
# compile (compile_commands.json of each), upstream's files left out.
set -u
root=$1
shift
passed=0 failed=0
work=$(mktemp -d)
export WORK="$work"
trap 'rm -rf "$work"' EXIT
for build in "$@"; do
    sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" |
        grep -E "^$root/(libos|runtime|bindings|sdk)/.*\.c$" | sort -u >"$work/files"
    # shellcheck disable=SC2016
    xargs -P 2 -n 4 sh -c '
        for file in "$@"; do
            clang-tidy --quiet -p "$0" --extra-arg=-Wno-unknown-warning-option \
                --extra-arg=-Wno-unused-command-line-argument "$file" \
                >"$WORK/$$" 2>/dev/null || { echo "$file"; grep -E "(error|warning):" "$WORK/$$"; }
        done' "$build" <"$work/files" >"$work/out" 2>/dev/null || true
    files=$(wc -l <"$work/files")
    if [ "$files" = 0 ]; then
        echo "tidy: $build/compile_commands.json names none of our files"
        failed=$((failed + 1))
    fi
    bad=$(grep -c '^/.*\.c$' "$work/out")
    cat "$work/out"
    passed=$((passed + files - bad))
    failed=$((failed + bad))
done
[ "$passed" -gt 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
