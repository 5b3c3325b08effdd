#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh: everything that CI runs, in one go, from the repository's root.
#
#   sh tests/run.sh [--quick | --long] [--only=PART]
#
# Parts: tree unit boot net docs clang. --quick leaves out what takes more than
# a minute; --long has the network's tests take as long as is promised. Each part prints its own lines; a part's last line
# "N passed, N failed, N skipped" is added up, and the sum closes the run.
# A part that ends without that line, or with a status its line does not
# explain, counts as one failure.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root" || exit 1
# A clone may belong to another user than the one who tests it, as in CI.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$root"
prefix=$root/build/sdk/prefix
lunik=$prefix/bin/lunik
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quick= long= only=
for word in "$@"; do
    case $word in
    --quick) quick=yes long= ;;
    --long) long=yes quick= ;;
    --only=*) only=${word#--only=} ;;
    *) echo "run.sh: unknown argument $word" >&2; exit 64 ;;
    esac
done
case $only in
'' | tree | unit | boot | net | docs | clang) ;;
*) echo "run.sh: no part $only; they are tree, unit, boot, net, docs, clang" >&2; exit 64 ;;
esac
passed=0 failed=0 skipped=0

wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }

# Runs one part and adds its closing line to the sums.
part() { # NAME COMMAND...
    name=$1
    shift
    began=$(date +%s)
    printf '== %s\n' "$name"
    { "$@" </dev/null 2>&1; echo $? >"$work/status"; } | tee "$work/out"
    status=$(cat "$work/status")
    line=$(grep -E '[0-9]+ passed, [0-9]+ failed' "$work/out" | tail -n 1)
    p=$(echo "$line" | grep -oE '[0-9]+ passed' | grep -oE '[0-9]+')
    f=$(echo "$line" | grep -oE '[0-9]+ failed' | grep -oE '[0-9]+')
    s=$(echo "$line" | grep -oE '[0-9]+ skipped' | grep -oE '[0-9]+')
    if [ -z "$line" ] || { [ "$status" != 0 ] && [ "${f:-0}" = 0 ]; }; then
        echo "$name: ended with status $status and no count that says why"
        f=$((${f:-0} + 1))
    fi
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-0}))
    skipped=$((skipped + ${s:-0}))
    printf -- '-- %s: %s passed, %s failed, %s skipped, %s s\n' \
        "$name" "${p:-0}" "${f:-0}" "${s:-0}" $(($(date +%s) - began))
}

# Configures and builds a preset quietly; its log is shown when it fails.
build() { # PRESET
    log=$root/build/$1.log
    mkdir -p "$root/build"
    if ! { cmake --preset "$1" && cmake --build "build/$1"; } >"$log" 2>&1; then
        grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking)' "$log" | tail -n 40
        echo "0 passed, 1 failed, 0 skipped"
        return 1
    fi
}

install_preset() { # PRESET
    { cmake --install "build/$1" && cmake --install "build/$1/target"; } \
        >>"$root/build/$1.log" 2>&1
}

# ctest's summary in our words.
run_ctest() { # PRESET [ARGUMENT...]
    preset=$1
    shift
    ctest --test-dir "build/$preset" --output-on-failure -j 2 "$@" |
        tee "$work/ctest" | grep -vE '^ +Start |^Test project'
    awk '/ Test +#[0-9]+:/ {
             if ($0 ~ /Passed/) p++; else if ($0 ~ /Skipped/) s++; else f++
         }
         END { printf "%d passed, %d failed, %d skipped\n", p, f, s;
               exit (f > 0 || p == 0) }' "$work/ctest"
}

unit() { build check && run_ctest check; }
unit_clang() { build check-clang && run_ctest check-clang; }

boot() { "$lunik" lua tests/run.lua --prefix "$prefix" ${quick:+--quick}; }

# Images on networks that the tests make.
net() {
    "$lunik" lua tests/run.lua --prefix "$prefix" ${quick:+--quick} \
        ${long:+--long} tests/net/*.lua
}

clang_boot() {
    build sdk-clang && install_preset sdk-clang &&
        "$root/build/sdk-clang/prefix/bin/lunik" lua tests/run.lua \
            --prefix "$root/build/sdk-clang/prefix" --compiler clang --quick
}

# Lua's own checks on, inside an image.
assert_boot() {
    build sdk-assert && install_preset sdk-assert &&
        "$root/build/sdk-assert/prefix/bin/lunik" lua tests/run.lua \
            --prefix "$root/build/sdk-assert/prefix" tests/boot/runtime.lua
}

# A second build does nothing: no file of the build folder is made anew.
second_build() {
    if ! { cmake --build build/sdk && cmake --build build/sdk >"$work/second"; } \
        >"$work/first" 2>&1 ||
        grep -E '^\[[0-9]+/[0-9]+\] (Building|Linking|Generating)' "$work/second" ||
        ! grep -q 'no work to do' "$work/second"; then
        tail -n 5 "$work/first"
        echo "0 passed, 1 failed, 0 skipped"
        return 1
    fi
    echo "1 passed, 0 failed, 0 skipped"
}

# Reads the compile commands of clang's builds: gcc's have words and headers
# that clang does not know. The host's need not be built for that.
tidy() {
    cmake --preset check-clang >"$work/configure" 2>&1 ||
        { cat "$work/configure"; return 1; }
    build sdk-clang &&
        sh tests/tree/tidy.sh "$root" "$root/build/check-clang" \
            "$root/build/sdk-clang/target"
}

wanted tree && {
    part layers "$lunik" lua tests/tree/layers.lua "$root"
    part headers sh tests/tree/headers.sh "$root"
    part symbols sh tests/tree/symbols.sh "$prefix"
    part format sh tests/tree/format.sh "$root"
    part ratio sh tests/tree/ratio.sh "$root"
    part 'second build' second_build
}
wanted unit && part 'unit, gcc, ASan and UBSan' unit
wanted boot && part boot boot
wanted boot && [ -z "$quick" ] && part 'boot, lua_assert' assert_boot
wanted net && part net net
wanted docs && part docs "$lunik" lua tests/docs/commands.lua "$root"
wanted clang && [ -z "$quick" ] && {
    part 'unit, clang, and fuzzers' unit_clang
    part 'boot, clang' clang_boot
}
wanted tree && [ -z "$quick" ] && part clang-tidy tidy

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
