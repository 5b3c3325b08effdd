#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh PREFIX: every global of our own archives begins with one of our
# prefixes, and no host or target archive of ours defines anything else.
set -eu
prefix=$1
bad=0 seen=0
for archive in "$prefix"/lib/lunik/x86_64/liblunik_*.a; do
    case $archive in *liblunik_musl.a) continue ;; esac # musl's names are C's
    seen=$((seen + 1))
    names=$(nm -g --defined-only "$archive" 2>/dev/null |
        awk 'NF == 3 { print $3 }' |
        grep -vE '^(lunik_|platform_|arch_|luaopen_|__stack_chk_(fail|guard)$)' || true)
    if [ -n "$names" ]; then
        bad=$((bad + 1))
        echo "symbols: $(basename "$archive") defines: $(echo "$names" | tr '\n' ' ')"
    fi
done
[ "$seen" -gt 0 ] || { echo "symbols: no archive below $prefix"; bad=1; }
echo "$((seen - bad > 0 ? seen - bad : 0)) passed, $bad failed, 0 skipped"
[ "$bad" = 0 ]
