#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh PREFIX: every global of our own archives, for images and for the
# host, begins with one of our prefixes. The host's entry is main().
set -eu
prefix=$1
bad=0 seen=0
for archive in "$prefix"/lib/lunik/x86_64/liblunik_*.a \
    "$prefix"/lib/lunik/host/liblunik_*.a; do
    main=
    case $archive in
    *liblunik_musl.a) continue ;; # its names are C's
    *liblunik_lwip.a) continue ;; # and here lwIP's
    */host/liblunik_libos.a) main='|main$' ;;
    esac
    [ -e "$archive" ] || { echo "symbols: $archive is not there"; bad=1; continue; }
    seen=$((seen + 1))
    names=$(nm -g --defined-only "$archive" 2>/dev/null |
        awk 'NF == 3 { print $3 }' |
        grep -vE "^(lunik_|platform_|arch_|luaopen_|__stack_chk_(fail|guard)\$$main)" || true)
    if [ -n "$names" ]; then
        bad=$((bad + 1))
        echo "symbols: $(basename "$archive") defines: $(echo "$names" | tr '\n' ' ')"
    fi
done
[ "$seen" -gt 0 ] || { echo "symbols: no archive below $prefix"; bad=1; }
echo "$((seen - bad > 0 ? seen - bad : 0)) passed, $bad failed, 0 skipped"
[ "$bad" = 0 ]
