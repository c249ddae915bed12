#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install packages with apk, and leave nothing of its own work behind.
#
#   image-apk GROUP NAME…    install them as a virtual package GROUP, which is removed as one
#
#   IW_PARTS         parts of the interpreter whose libraries are installed too, by
#                    /needs/PART (see image-parts.sh), as a group .python-rundeps
#   IW_OPTIONAL      extension modules whose libraries are left out
#   IW_RELEASE       the branch of the archive, e.g. v3.23
#   ALPINE_MIRROR    the address of the archive; the root's own repositories if empty
#   /cache           packages that were downloaded before; may be empty
set -eu

mkdir -p /cache
if [ -n "${ALPINE_MIRROR:-}" ]; then
    repositories=$(mktemp)
    printf '%s\n' "$ALPINE_MIRROR/$IW_RELEASE/main" "$ALPINE_MIRROR/$IW_RELEASE/community" > "$repositories"
    set -- --repositories-file "$repositories" "$@"
else
    set -- --repositories-file /etc/apk/repositories "$@"
fi
from="$1 $2"
group=$3
shift 3

add() {
    # shellcheck disable=SC2086 # an option and its value, on purpose
    apk add $from --cache-dir /cache --update-cache --virtual "$@"
}

add "$group" "$@"
needed=$(
    for part in ${IW_PARTS:-}; do
        [ ! -e "/needs/$part" ] || cat "/needs/$part"
    done | while read -r library module; do
        case " ${IW_OPTIONAL:-} " in
            *" $module "*) ;;
            *) echo "$library" ;;
        esac
    done | LC_ALL=C sort -u
)
# shellcheck disable=SC2086 # one word per library, on purpose
[ -z "$needed" ] || add .python-rundeps $needed
rm -rf /var/cache/apk/* /var/log/apk.log "${repositories:-}"
