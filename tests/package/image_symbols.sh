#!/bin/sh
# SPDX-License-Identifier: MIT
#
# image_symbols.sh IMAGE [PATTERN...]: what must not be in an image.
#
# No function of a process (execve, fork, system, popen, dlopen) and no
# instruction that calls an operating system. Further PATTERNs (extended, for
# whole symbols) must not be there either: names of modules the project does not
# use.
set -u
image=$1
shift
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

verdict() { # SENTENCE FILE: good if the file is empty
    if [ -s "$2" ]; then
        failed=$((failed + 1))
        echo "$(basename "$image"): $1:"
        head -n 5 "$2" | sed 's/^/    /'
    else
        passed=$((passed + 1))
    fi
}

nm "$image" >"$work/nm" 2>/dev/null
awk '{ print $NF }' "$work/nm" | sort -u >"$work/names"
if [ ! -s "$work/names" ]; then
    echo "no symbols" >"$work/none"
    verdict 'the image has symbols to look at' "$work/none"
fi
grep -xE '(_?_?(v?fork|_Fork|exec(v|ve|vp|vpe|l|le|lp)|fexecve|system|popen|pclose|dl(open|sym|close|error)|posix_spawnp?|clone))|syscall|iconv(_open)?' \
    "$work/names" >"$work/bad"
verdict 'functions of processes are linked' "$work/bad"

objdump -d --no-show-raw-insn "$image" >"$work/code" 2>/dev/null
grep -cE '^ *[0-9a-f]+:' "$work/code" >"$work/count"
if [ "$(cat "$work/count")" -lt 1000 ]; then
    verdict 'there is code to look at' "$work/count"
fi
grep -E '	(syscall|sysenter|int +\$0x80)' "$work/code" >"$work/bad"
verdict 'instructions call an operating system' "$work/bad"

for pattern in "$@"; do
    grep -xE "$pattern" "$work/names" >"$work/bad"
    verdict "symbols like $pattern are linked" "$work/bad"
done

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
