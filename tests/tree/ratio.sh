#!/bin/sh
# SPDX-License-Identifier: MIT
# ratio.sh ROOT: at least 0.6 lines of test for each line of source.
set -eu
cd "$1"
count() { git ls-files -z "$@" | xargs -0 -r cat | wc -l; }
source=$(count 'libos/*.[chS]' 'runtime/*.[ch]' 'runtime/*.lua' 'bindings/*.[ch]' \
    'bindings/*.lua' 'sdk/*.[ch]' 'sdk/*.lua')
tests=$(count 'tests/*.[ch]' 'tests/*.lua' 'tests/*.sh')
echo "ratio: $tests lines of test for $source lines of source: $((tests * 100 / source)) per 100"
if [ $((tests * 100)) -ge $((source * 60)) ]; then
    echo "1 passed, 0 failed, 0 skipped"
else
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
