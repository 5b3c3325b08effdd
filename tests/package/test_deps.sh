#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_deps.sh ROOT: how cmake/deps/fetch.sh fetches, refuses and complains.
# Needs no network: what it fetches is a file that it makes itself.
set -u
root=$1
fetch=$root/cmake/deps/fetch.sh
work=$(mktemp -d)
trap 'umount "$work/small" 2>/dev/null; rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
unset LUNIK_DEPS_CACHE LUNIK_OFFLINE

check() { # SENTENCE COMMAND...
    sentence=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $sentence"
        sed 's/^/    /' "$work/out"
    fi
}

run() { # ARGUMENT...: leaves output and status behind
    status=0
    sh "$fetch" "$@" >"$work/out" 2>&1 || status=$?
}

says() { grep -q -- "$1" "$work/out"; }
is_quiet() { [ ! -s "$work/out" ]; }
ends_with() { [ "$status" = "$1" ]; }
same() { cmp -s "$1" "$2"; }
# Nothing is left behind but whole files and the lock.
is_clean() {
    [ -z "$(find "$1" -name '.part*' -o -name '.apt*' 2>/dev/null)" ]
}

mkdir "$work/cache"
echo 'the first source' >"$work/cache/one-1.tar.gz"
echo 'the second source' >"$work/cache/two-2.tar.gz"
one=$(sha256sum <"$work/cache/one-1.tar.gz" | cut -d' ' -f1)
two=$(sha256sum <"$work/cache/two-2.tar.gz" | cut -d' ' -f1)
cat >"$work/lock" <<EOF
# a comment

one 1 one-1.tar.gz $one - MIT -
two 2 two-2.tar.gz $two - MIT -
EOF

# ---- From the cache ----

export LUNIK_DEPS_CACHE="$work/cache"
run --offline --lock "$work/lock" --dir "$work/a"
check 'a full cache is enough without a network' ends_with 0
check 'one line for each tarball' [ "$(wc -l <"$work/out")" = 2 ]
check 'the line says where it came from' says 'one 1: from the cache folder'
check 'the tarball is the cached one' \
    same "$work/a/one-1.tar.gz" "$work/cache/one-1.tar.gz"
check 'nothing else is left behind' is_clean "$work/a"

run --offline --lock "$work/lock" --dir "$work/a"
check 'a second run succeeds' ends_with 0
check 'a second run is quiet' is_quiet

chmod 555 "$work/a"
run --offline --lock "$work/lock" --dir "$work/a"
check 'a second run writes nothing' ends_with 0
chmod 755 "$work/a"

run --offline --lock "$work/lock" --dir "$work/b" two
check 'names choose what is fetched' test ! -e "$work/b/one-1.tar.gz"
check 'the chosen one is there' test -e "$work/b/two-2.tar.gz"

run --offline --lock "$work/lock" --dir "$work/b" three
check 'a name that is not locked is refused' ends_with 64
check 'and named' says '"three"'

run --lock "$work/lock"
check 'a folder must be given' ends_with 64
run --offline --lock "$work/no-lock" --dir "$work/b"
check 'a missing lock file is named' says 'no-lock'
run --offlien --dir "$work/b"
check 'a mistyped option is refused' ends_with 64

# ---- Damage ----

echo 'damaged' >"$work/a/one-1.tar.gz"
run --offline --lock "$work/lock" --dir "$work/a"
check 'a damaged tarball is fetched again' \
    same "$work/a/one-1.tar.gz" "$work/cache/one-1.tar.gz"

echo 'damaged' >"$work/cache/one-1.tar.gz"
rm "$work/a/one-1.tar.gz"
run --offline --lock "$work/lock" --dir "$work/a"
check 'a damaged cache is not used' ends_with 69
check 'and the mismatch is said' says 'checksum mismatch'
check 'the file is named' says 'one-1.tar.gz'
check 'nothing with a wrong sum is kept' test ! -e "$work/a/one-1.tar.gz"
check 'the others are fetched all the same' test -e "$work/a/two-2.tar.gz"

# ---- Nowhere to be had ----

unset LUNIK_DEPS_CACHE
run --offline --lock "$work/lock" --dir "$work/c"
check 'offline and without a cache it fails' ends_with 69
check 'it says that it did not ask' says 'not asked (--offline)'
check 'it names the cache variable' says 'LUNIK_DEPS_CACHE: not set'
check 'it says what to do by hand' says "lay the file into $work/c"

run --lock "$work/lock" --dir "$work/c"
check 'a source that nobody has fails online, too' ends_with 69

# Commands that are not there, or fail, by a PATH of our own.
mkdir "$work/bin"
for tool in sh sha256sum awk cp mv rm mkdir cat dirname flock find head sed \
    grep sort; do
    ln -s "$(command -v $tool)" "$work/bin/$tool"
done
sed 's#- MIT -#some-package MIT https://host.invalid/x#' "$work/lock" \
    >"$work/lock2"
PATH=$work/bin
run --lock "$work/lock2" --dir "$work/c"
PATH=$(command -p getconf PATH 2>/dev/null || echo /usr/bin:/bin):/usr/sbin:/sbin
check 'a machine without apt is told so' says 'no apt-get here'
check 'a machine without curl and wget is told so' says 'neither curl nor wget'

cat >"$work/bin/curl" <<'EOF'
#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -o ] && echo 'not it' >"$2"; shift; done
EOF
chmod +x "$work/bin/curl"
old=$PATH
PATH=$work/bin
run --lock "$work/lock2" --dir "$work/c"
PATH=$old
check 'what upstream sends is checked' says 'host.invalid/x: checksum mismatch'
check 'and thrown away' is_clean "$work/c"
check 'with the status for it' ends_with 69

# ---- A full disk ----

echo 'echo; echo "d 9 9 1000 9% /"' >"$work/bin/df"
echo 'while :; do :; done' >"$work/bin/apt-get"
chmod +x "$work/bin/df" "$work/bin/apt-get"
PATH=$work/bin
DEBIAN_MIRROR=x DEBIAN_KEYRING=$work/lock run --lock "$work/lock2" \
    --dir "$work/c"
PATH=$old
check 'apt-get, which waits for ever then, is not called' \
    says 'No space left on device'
rm "$work/bin/df" "$work/bin/apt-get"

rm "$work/bin/cp"
cat >"$work/bin/cp" <<'EOF'
#!/bin/sh
echo "cp: error writing '$2': No space left on device" >&2
exit 1
EOF
chmod +x "$work/bin/cp"
echo 'the first source' >"$work/cache/one-1.tar.gz"
PATH=$work/bin
LUNIK_DEPS_CACHE=$work/cache
export LUNIK_DEPS_CACHE
run --offline --lock "$work/lock" --dir "$work/d"
PATH=$old
check 'a full disk is said as such' says 'No space left on device'
check 'a full disk has its own status' ends_with 74
check 'nothing half-written is left' is_clean "$work/d"
check 'nor under the right name' test ! -e "$work/d/one-1.tar.gz"

mkdir "$work/small"
if mount -t tmpfs -o size=32k none "$work/small" 2>/dev/null; then
    dd if=/dev/zero of="$work/cache/big-1.tar.gz" bs=1024 count=200 2>/dev/null
    big=$(sha256sum <"$work/cache/big-1.tar.gz" | cut -d' ' -f1)
    echo "big 1 big-1.tar.gz $big - MIT -" >"$work/lock3"
    run --offline --lock "$work/lock3" --dir "$work/small"
    check 'a disk that is really full ends the same way' ends_with 74
    check 'and leaves nothing' is_clean "$work/small"
    umount "$work/small"
else
    skipped=$((skipped + 2))
fi

run --offline --lock "$work/lock" --dir /dev/null/x
check 'a folder that cannot be is said' ends_with 74

# ---- At once ----

pids=
for i in 1 2 3 4 5 6; do
    sh "$fetch" --offline --lock "$work/lock" --dir "$work/e" \
        >"$work/out.$i" 2>&1 &
    pids="$pids $!"
done
bad=0
for pid in $pids; do wait "$pid" || bad=1; done
check 'six at once all succeed' [ "$bad" = 0 ]
check 'and one of them did the work' \
    [ "$(cat "$work"/out.? | wc -l)" = 2 ]
check 'nothing is left of the others' is_clean "$work/e"

# ---- The lock file itself ----

awk '/^[^#]/ { if (NF != 7 || length($4) != 64 || seen[$1]++) bad = 1 }
     END { exit bad }' "$root/cmake/deps/deps.lock"
check 'every line of the lock file has seven words and a sum' [ $? = 0 ]
# What Debian repacked has its sum in Debian alone.
upstream=$(awk '/^[^#]/ && $7 !~ /^https:/ && !($7 == "-" && $5 != "-")' \
    "$root/cmake/deps/deps.lock")
check 'every upstream address is https' [ -z "$upstream" ]

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
