#!/bin/sh
# SPDX-License-Identifier: MIT
# format.sh ROOT: clang-format finds nothing to change in our C.
set -u
cd "$1" || exit 1
passed=0 failed=0
for file in $(git ls-files '*.c' '*.h'); do
    if clang-format --dry-run --Werror "$file" >/dev/null 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "format: $file (clang-format -i $file)"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
