#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install or download packages with apt, and leave nothing of apt's own work behind.
#
#   image-packages install NAME…    install, and bring what is there already to the locked versions
#   image-packages download NAME…   only download, into /download
#
#   IW_PARTS             parts of the interpreter whose libraries are installed too, by
#                        /needs/PART (see image-parts.sh); none if empty
#   IW_OPTIONAL          extension modules whose libraries are left out
#   /recipe/packages.*   NAME=VERSION, one or more on a line: all that may be installed,
#                        of every architecture or of one; without one, whatever the archive has
#   /recipe/archives     ARCHITECTURES VARIABLE SUITE COMPONENTS: where packages come from,
#                        if the variable has an address; else the root's own apt sources are asked
#   /packages            a directory with packages and their index, asked instead of any archive
#   /cache               lists and packages that were downloaded before; may be empty
set -eu
umask 022

conf=$(mktemp -d)
trap 'rm -rf "$conf"' EXIT
architecture=$(dpkg --print-architecture)

# Which archive: a directory, addresses that were said, or the root's own.
if [ -e /packages/Packages ]; then
    echo 'deb [trusted=yes] file:/packages ./' > "$conf/sources"
elif [ -e /recipe/archives ]; then
    while read -r architectures variable suite components; do
        case ",$architectures," in
            *,any,* | *",$architecture,"*) ;;
            *) continue ;;
        esac
        eval "address=\${$variable:-}"
        if [ -n "$address" ]; then
            echo "deb $address $suite $components" >> "$conf/sources"
        fi
    done < /recipe/archives
fi

# Which versions: what the lock has, and nothing else.
locked=
for file in "/recipe/packages.any" "/recipe/packages.$architecture"; do
    [ ! -e "$file" ] || locked="$locked $(cat "$file")"
done
for package in $locked; do
    printf 'Package: %s\nPin: version %s\nPin-Priority: 1001\n\n' "${package%%=*}" "${package#*=}"
done > "$conf/preferences"
if [ -n "$locked" ]; then
    printf 'Package: *\nPin: release *\nPin-Priority: -1\n' >> "$conf/preferences"
fi

mkdir -p /cache/lists/partial /cache/archives/partial
cat > "$conf/apt.conf" << END
APT::Get::Assume-Yes "true";
APT::Get::allow-downgrades "true";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
APT::Sandbox::User "root";
Acquire::GzipIndexes "false";
Acquire::Languages "none";
Dir::Cache::archives "/cache/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::preferences "$conf/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::Log "$conf";
Dir::State::lists "/cache/lists";
Dpkg::Use-Pty "0";
END
if [ -e "$conf/sources" ]; then
    cat >> "$conf/apt.conf" << END
Dir::Etc::sourcelist "$conf/sources";
Dir::Etc::sourceparts "/dev/null";
END
fi
export APT_CONFIG="$conf/apt.conf" DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
export LC_ALL=C.UTF-8 PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0 PYTHONHASHSEED=0 TZ=UTC

installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$1" 2> /dev/null)" = 'ii ' ]
}

# The packages with libraries that the interpreter needs. What the root has already is not
# asked for: apt would take it for somebody's wish.
needed() {
    for part in ${IW_PARTS:-}; do
        [ ! -e "/needs/$part" ] || cat "/needs/$part"
    done | while read -r package module; do
        case " ${IW_OPTIONAL:-} " in
            *" $module "*) ;;
            *) installed "$package" || echo "$package" ;;
        esac
    done | LC_ALL=C sort -u
}

# apt notes what came along in the order in which it dealt with it, which says nothing.
sorted() {
    awk 'BEGIN { RS = ""; FS = "\n"; OFS = "\001" } { $1 = $1; print }' "$1" | LC_ALL=C sort |
        awk 'BEGIN { FS = "\001"; OFS = "\n"; ORS = "\n\n" } { $1 = $1; print }' > "$conf/sorted"
    cat "$conf/sorted" > "$1"
}

verb=$1
shift
case $verb in
    install)
        apt-get --quiet update
        [ -z "$locked" ] || apt-get --quiet dist-upgrade
        # shellcheck disable=SC2046 # one word per package, on purpose
        apt-get --quiet install "$@" $(needed)
        [ ! -e /var/lib/apt/extended_states ] || sorted /var/lib/apt/extended_states
        ;;
    download)
        apt-get --quiet update
        mkdir -p /download
        cd /download
        apt-get --quiet download "$@"
        ;;
    *)
        echo "image-packages: unknown word $verb" >&2
        exit 2
        ;;
esac
