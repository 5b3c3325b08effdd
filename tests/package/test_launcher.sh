#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_launcher.sh ROOT: what ./lunik does on machines that lack something.
# Runs a copy of it, with stand-ins for apt-get, id, cmake and the command.
set -u
root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
unset LUNIK_PRESET

check() { # SENTENCE COMMAND...
    sentence=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $sentence (status $status)"
        sed 's/^/    /' "$work/out"
    fi
}

says() { grep -qF -- "$1" "$work/out"; }
says_not() { ! says "$1"; }
ends_with() { [ "$status" = "$1" ]; }

# A tool of our own: its body from stdin.
stand_in() { # NAME
    rm -f "$work/bin/$1"
    { echo '#!/bin/sh'; cat; } >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}

# A clone that was never built, and a PATH with only what every Debian has.
fresh() {
    rm -rf "$work/clone" "$work/bin"
    mkdir -p "$work/clone/tests" "$work/bin"
    cp "$root/lunik" "$work/clone/lunik"
    for name in cmake libos runtime bindings sdk; do
        mkdir "$work/clone/$name"
    done
    touch "$work/clone/CMakeLists.txt" "$work/clone/CMakePresets.json" \
        "$work/clone/tests/CMakeLists.txt"
    for tool in sh dirname mkdir touch mv rm date grep tail sed sort tr find \
        flock head cat cp chmod sleep df awk; do
        ln -s "$(command -v $tool)" "$work/bin/$tool"
    done
    echo 'echo 0' | stand_in id
}

# As fresh, with all tools there. cmake notes that it was called and "installs".
with_tools() {
    fresh
    for tool in cc ninja ld xz bzip2 qemu-system-x86_64; do
        echo 'exit 0' | stand_in $tool
    done
    stand_in cmake <<'EOF'
echo "cmake $*" >>"$0.log"
case $1 in --install)
    mkdir -p "$2/prefix/bin"
    printf '#!/bin/sh\necho "real lunik: $*"\nexit 7\n' >"$2/prefix/bin/lunik"
    chmod +x "$2/prefix/bin/lunik" ;;
esac
EOF
}

run() { # ARGUMENT...
    status=0
    (cd "$work/clone" && PATH=$work/bin ./lunik "$@") >"$work/out" 2>&1 \
        </dev/null || status=$?
}

# ---- Packages ----

fresh
run doctor
check 'without apt-get the packages are named' says 'cmake gcc'
check 'and the status says that something is missing' ends_with 69

echo 'exit 99' | stand_in apt-get
echo 'echo 1000' | stand_in id
run run examples/hello
check 'who is not root is told one line' \
    says 'sudo apt-get update && sudo apt-get install --no-install-recommends -y'
check 'with the packages that are missing' says 'qemu-system-x86'
check 'and nothing is installed' ends_with 69
check 'nor made' test ! -e "$work/clone/build"

run doctor
check 'QEMU is asked for by commands that need it only' says_not qemu

fresh
stand_in apt-get <<'EOF'
echo "E: Could not resolve 'mirror.invalid'" >&2
exit 100
EOF
run doctor
check 'root without a network sees why' says 'Could not resolve'
check 'and what failed' says 'installing packages failed: no network'
check 'with a status' ends_with 69

with_tools
rm "$work/bin/ninja"
stand_in apt-get <<EOF
echo "\$*" >>"$work/apt"
case "\$*" in *ninja-build*)
    [ -e "$work/lists" ] || exit 100
    printf '#!/bin/sh\n' >"$work/bin/ninja"; chmod +x "$work/bin/ninja" ;;
update) : >"$work/lists" ;;
esac
EOF
run doctor
check 'root gets what is missing, lists first if they are' ends_with 7
check 'and nothing that is there' \
    grep -qx 'install --no-install-recommends -y ninja-build' "$work/apt"

# ---- Building ----

with_tools
run run x -- -m y
check 'arguments reach the command' says 'real lunik: run x -- -m y'
check 'its status is ours' ends_with 7
calls=$(wc -l <"$work/bin/cmake.log")
run doctor
check 'a second run builds nothing' \
    test "$(wc -l <"$work/bin/cmake.log")" = "$calls"
check 'and says nothing of its own' says_not 'lunik: building'
sleep 1
touch "$work/clone/libos/new.c"
run doctor
check 'a new source is built' \
    test "$(wc -l <"$work/bin/cmake.log")" -gt "$calls"

with_tools
stand_in cmake <<'EOF'
echo '[1/9] Building C object x.o'
echo 'x.c:1:1: error: no such thing'
exit 1
EOF
run doctor
check 'a build that fails shows the error' says 'x.c:1:1: error'
check 'and not the steps before' says_not '[1/9]'
check 'names its log' says 'build/sdk.log'
check 'and ends with a status' ends_with 69
run doctor
check 'it is not taken for built' ends_with 69

# ---- Places that cannot be written ----

with_tools
: >"$work/clone/build"
run doctor
check 'a build folder that cannot be made is named' \
    says "cannot write to $work/clone/build: "
check 'with the status for it' ends_with 73

with_tools
stand_in cmake <<'EOF'
echo 'as: cannot write x.o: No space left on device'
exit 1
EOF
run doctor
check 'a full disk is said as such' says 'no space left on the disk'
check 'with the status for files that cannot be written' ends_with 73
check 'and half a build is not kept' test ! -e "$work/clone/build/sdk"

LUNIK_PRESET=../.. run doctor
check 'a preset is a name, not a path' ends_with 64
check 'and nothing is removed by it' test -e "$work/clone/lunik"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
