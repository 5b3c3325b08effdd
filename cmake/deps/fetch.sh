#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fetch.sh: puts the tarballs of the lock file into a folder, checked.
#
#   fetch.sh [--offline] [--lock FILE] --dir DIR [NAME...]
#
# Without a NAME it fetches all of them. In order it tries: what is there
# already, the folder $LUNIK_DEPS_CACHE, Debian's source archive by way of a
# private apt root, the upstream address. It says one line for each tarball it
# fetches and nothing when there is nothing to do. Several may run at once.
#
# Status: 0 all there, 64 wrong call, 69 something could not be had,
# 74 the folder cannot be written.
set -eu
LC_ALL=C
export LC_ALL

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
lock=$here/deps.lock
dir=
offline=${LUNIK_OFFLINE:-}
names=

while [ $# -gt 0 ]; do
    case $1 in
    --offline) offline=yes ;;
    --lock) lock=${2:?}; shift ;;
    --dir) dir=${2:?}; shift ;;
    -*) echo "fetch.sh: unknown option $1" >&2; exit 64 ;;
    *) names="$names $1" ;;
    esac
    shift
done
[ -n "$dir" ] || { echo "fetch.sh: --dir is missing" >&2; exit 64; }
[ -r "$lock" ] || { echo "fetch.sh: no lock file $lock" >&2; exit 64; }

say() { printf 'deps: %s\n' "$*" >&2; }

# ---- Files ----

is_good() { # FILE SHA256
    [ -f "$1" ] || return 1
    sum=$(sha256sum <"$1") && [ "${sum%% *}" = "$2" ]
}

# Refuses to go on where every further step would fail, too.
no_room() { # WHY
    say "cannot write to $dir: ${1:-no reason given}"
    exit 74
}

# Copies or moves into the folder under a name of our own and renames at the
# end, so that a file with its right name is always whole.
keep() { # cp|mv FROM FILE
    part=$dir/.part.$3.$$
    if ! why=$("$1" "$2" "$part" 2>&1) || ! why=$(mv "$part" "$dir/$3" 2>&1)
    then
        rm -f "$part"
        no_room "$why"
    fi
}

# ---- The Debian archive ----

# apt with lists, state and cache of its own. The machine's mirror is read from
# the machine's own configuration, which is left as it is; signatures are
# checked with the keyring that Debian installs. How old a list is does not
# matter, since sums are pinned: a mirror that lags, or a clock that is wrong,
# is no reason to refuse it.
apt_root=
apt_why=
APT_ROOM_KIB=307200
keyring=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}

apt_mirror() {
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' \
        'Created-By: Packages' 2>/dev/null |
        awk -F'|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# The lists may never have been fetched: the addresses that apt would ask.
apt_mirror_unfetched() {
    apt-get update --print-uris 2>/dev/null |
        sed -nE "s#^'([^']*/debian)/dists/[^/']+/(In)?Release'.*#\\1/#p" |
        head -n 1
}

apt_private() { # TOOL ARGUMENT...
    tool=$1
    shift
    "$tool" \
        -o Dir::Etc::sourcelist="$apt_root/etc/none.list" \
        -o Dir::Etc::sourceparts="$apt_root/etc/sources.list.d" \
        -o Dir::Etc::preferences="$apt_root/etc/none" \
        -o Dir::Etc::preferencesparts="$apt_root/etc/none.d" \
        -o Dir::State="$apt_root" \
        -o Dir::State::lists="$apt_root/lists" \
        -o Dir::State::status="$apt_root/status" \
        -o Dir::State::extended_states="$apt_root/extended_states" \
        -o Dir::Cache="$apt_root/cache" \
        -o Dir::Cache::archives="$apt_root/cache/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        -o Dir::Log="$apt_root/log" \
        -o APT::Sandbox::User=root -o Acquire::Languages=none \
        -o Acquire::Retries=2 \
        -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false \
        -o Acquire::AllowInsecureRepositories=false \
        -o Acquire::AllowDowngradeToInsecureRepositories=false \
        -o APT::Get::AllowUnauthenticated=false \
        "$@"
}

# Why apt could not have the lists, in its own words, or in ours.
apt_complaint() {
    sed -nE 's/^[EW]: (Failed to fetch [^ ]+ +)?//p' "$apt_root/update.log" |
        grep -m 1 . || echo 'apt-get said nothing'
}

# Makes the private root once. Returns 1 with a reason in $apt_why.
apt_open() {
    [ -z "$apt_root" ] || [ -z "$apt_why" ] || return 1
    [ -z "$apt_root" ] || return 0
    apt_root=$dir/.apt.$$
    command -v apt-get >/dev/null 2>&1 ||
        { apt_why="no apt-get here"; return 1; }
    [ -r "$keyring" ] ||
        { apt_why="no $keyring (package debian-archive-keyring)"; return 1; }
    mirror=${DEBIAN_MIRROR:-$(apt_mirror)}
    [ -n "$mirror" ] || mirror=$(apt_mirror_unfetched)
    [ -n "$mirror" ] ||
        { apt_why="no Debian mirror in apt's configuration"; return 1; }
    # On a full disk apt-get waits for ever.
    room=$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')
    [ "${room:-0}" -ge "$APT_ROOM_KIB" ] || {
        apt_why="No space left on device: apt's lists need $((APT_ROOM_KIB / 1024)) MiB for a while"
        return 1
    }
    mkdir -p "$apt_root/etc/sources.list.d" "$apt_root/etc/none.d" \
        "$apt_root/lists/partial" "$apt_root/cache/archives/partial" \
        "$apt_root/log" || no_room "no folder for apt's lists"
    : >"$apt_root/status"
    : >"$apt_root/etc/none.list"
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
        "$mirror" "${LUNIK_DEPS_SUITES:-trixie forky sid bookworm}" \
        "$keyring" >"$apt_root/etc/sources.list.d/deps.sources"
    # A suite that the mirror lacks makes apt fail; the others still count.
    apt_private apt-get -qq update >"$apt_root/update.log" 2>&1 || true
    [ -n "$(find "$apt_root/lists" -name '*_Sources*' -print | head -n 1)" ] ||
        { apt_why="the Debian mirror gave no lists ($(apt_complaint))"; return 1; }
}

# Revisions vanish from the archive, the original tarball's sum does not: asks
# for every version, in any suite, whose entry lists exactly this sum.
from_debian() { # FILE SHA256 PACKAGE
    apt_open || return 1
    versions=$(apt_private apt-cache showsrc --only-source "$3" 2>/dev/null |
        awk -v sum="$2" 'BEGIN { RS = ""; FS = "\n" }
            index($0, sum) {
                for (i = 1; i <= NF; i++)
                    if ($i ~ /^Version: /) print substr($i, 10)
            }' | sort -u)
    [ -n "$versions" ] || apt_miss="no suite lists this sum"
    for version in $versions; do
        rm -rf "$apt_root/got"
        mkdir "$apt_root/got"
        (cd "$apt_root/got" && apt_private apt-get -qq source \
            --download-only --tar-only "$3=$version" >/dev/null 2>&1) || true
        for got in "$apt_root/got"/*; do
            is_good "$got" "$2" || continue
            keep mv "$got" "$1"
            return 0
        done
        apt_miss="the mirror does not carry $3 $version"
    done
    return 1
}

# ---- Upstream ----

from_upstream() { # FILE SHA256 URL
    part=$dir/.part.$1.$$
    if command -v curl >/dev/null 2>&1; then
        url_why=$(curl -fsSL --proto '=https' --proto-redir '=https' \
            --retry 2 --connect-timeout 20 -o "$part" "$3" 2>&1) ||
            { rm -f "$part"; return 1; }
    elif command -v wget >/dev/null 2>&1; then
        url_why=$(wget -q --https-only --timeout=20 --tries=3 -O "$part" "$3" \
            2>&1) ||
            { url_why=${url_why:-wget failed}; rm -f "$part"; return 1; }
    else
        url_why="neither curl nor wget here"
        return 1
    fi
    if ! is_good "$part" "$2"; then
        rm -f "$part"
        url_why="checksum mismatch"
        return 1
    fi
    keep mv "$part" "$1"
}

# ---- One tarball ----

begin() { printf 'deps: %s %s: ' "$name" "$version" >&2; }
end() { printf '%s\n' "$*" >&2; }

missing() { # every way that was tried, and what the user can do
    end "NOT FETCHED"
    say "  wanted: $file"
    say "  sha256: $sha"
    [ ! -f "$dir/$file" ] || say "  $dir: checksum mismatch"
    if [ -z "${LUNIK_DEPS_CACHE:-}" ]; then
        say "  LUNIK_DEPS_CACHE: not set"
    elif [ -f "$LUNIK_DEPS_CACHE/$file" ]; then
        say "  $LUNIK_DEPS_CACHE: checksum mismatch"
    else
        say "  $LUNIK_DEPS_CACHE: not there"
    fi
    if [ -n "$offline" ]; then
        say "  network: not asked (--offline)"
    else
        say "  Debian source $package: ${apt_why:-${apt_miss:-none}}"
        say "  $url: ${url_why:-none}"
    fi
    say "  Or lay the file into $dir yourself."
}

# Reads one line's variables: name version file sha package licence url.
fetch_one() {
    is_good "$dir/$file" "$sha" && return 0
    begin
    apt_miss=
    url_why=
    if [ -n "${LUNIK_DEPS_CACHE:-}" ] &&
        is_good "$LUNIK_DEPS_CACHE/$file" "$sha"; then
        keep cp "$LUNIK_DEPS_CACHE/$file" "$file"
        end "from the cache folder"
    elif [ -z "$offline" ] && [ "$package" != - ] &&
        from_debian "$file" "$sha" "$package"; then
        end "from Debian's source package $package"
    elif [ -z "$offline" ] && [ "$url" != - ] &&
        from_upstream "$file" "$sha" "$url"; then
        end "from $url"
    else
        missing
        return 1
    fi
}

is_wanted() { # NAME
    [ -n "$names" ] || return 0
    case " $names " in *" $1 "*) return 0 ;; esac
    return 1
}

# Runs fetch_one for the wanted lines; $1 = check only looks.
each_line() { # check|fetch
    bad=0
    while read -r name version file sha package licence url; do
        case $name in '' | '#'*) continue ;; esac
        is_wanted "$name" || continue
        if [ "$1" = check ]; then
            is_good "$dir/$file" "$sha" || bad=1
        else
            fetch_one || bad=1
        fi
    done <"$lock"
    return "$bad"
}

known=$(awk '/^[^#]/ { print $1 }' "$lock")
for name in $names; do
    case "
$known
" in *"
$name
"*) ;; *) say "the lock file has no \"$name\""; exit 64 ;; esac
done

each_line check && exit 0
why=$(mkdir -p "$dir" 2>&1) || no_room "$why"
dir=$(CDPATH='' cd -- "$dir" && pwd)
trap 'rm -rf "$dir/.apt.$$" "$dir"/.part.*."$$"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Whoever comes second finds the work done. Without flock both fetch; the
# renames keep that harmless.
if command -v flock >/dev/null 2>&1; then
    why=$( (: >"$dir/.lock") 2>&1) || no_room "$why"
    exec 9>"$dir/.lock"
    flock 9
fi
each_line fetch || exit 69
