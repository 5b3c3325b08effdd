#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh ROOT: every public header compiles alone, with gcc and clang.
set -u
root=$1
passed=0 failed=0
for header in $(cd "$root" && git ls-files 'libos/include/*.h' \
    'libos/platform/host/include/*.h' 'runtime/include/*.h'); do
    case $header in
    runtime/*) lua="-I$(dirname "$(find "$root/build/deps" -name lua.h -print -quit)")" ;;
    */host/*) lua=-D_GNU_SOURCE ;; # Linux's own calls are in it
    *) lua= ;;
    esac
    for cc in gcc clang; do
        # shellcheck disable=SC2086
        if printf '#include "%s"\ntypedef int not_empty;\n' "$root/$header" |
            $cc -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
                -I"$root/libos/include" -I"$root/runtime/include" $lua -x c -; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "headers: $header does not compile alone with $cc"
        fi
    done
done
[ "$passed" -gt 0 ] || failed=$((failed + 1))
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
