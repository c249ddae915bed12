#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Add a user without a password, a group of the same name, and an empty home.
#
#   IW_ACCOUNT           NAME UID GID HOME SHELL
#   SOURCE_DATE_EPOCH    when the password was last changed, in seconds
#
# One that is there with these numbers is left as it is; another one's name or number is an error.
set -eu
umask 022

# shellcheck disable=SC2086 # words, on purpose
set -- $IW_ACCOUNT
name=$1 uid=$2 gid=$3 home=$4 shell=$5

# FILE NUMBER: whether it is there already.
known() {
    found=$(awk -F: -v name="$name" -v number="$2" '$1 == name || $3 == number { print $1 ":" $3 }' "$1")
    case $found in
        '') return 1 ;;
        "$name:$2") return 0 ;;
    esac
    echo "the name $name or the number $2 is taken in $1: $found" >&2
    exit 2
}

if ! known /etc/group "$gid"; then
    echo "$name:x:$gid:" >> /etc/group
    [ ! -e /etc/gshadow ] || echo "$name:!::" >> /etc/gshadow
fi
if ! known /etc/passwd "$uid"; then
    echo "$name:x:$uid:$gid::$home:$shell" >> /etc/passwd
    [ ! -e /etc/shadow ] || echo "$name:!:$((SOURCE_DATE_EPOCH / 86400)):0:99999:7:::" >> /etc/shadow
fi
if [ ! -e "$home" ]; then
    mkdir -p "$(dirname "$home")"
    mkdir -m 0700 "$home"
    chown "$uid:$gid" "$home"
fi
