#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Make a root without shell and package manager in /root-tree: packages are unpacked, and
# none of their scripts runs.
#
#   image-bare PACKAGE…        all that may be unpacked, with everything it depends on
#
#   IW_WANTED                  of these, what is asked for besides what the interpreter needs
#   IW_PARTS, IW_OPTIONAL      parts of the interpreter, and modules whose needs do not count
#   /recipe/depends.*          PACKAGE DEPENDENCY…, resolved, of every architecture or of one
#   /recipe/files              PATH, TAB, TEXT: one line of a file each
#   /recipe/authorities.crt    certificates that are believed besides those of packages
#   IW_HOME                    PATH MODE UID:GID: a further user's empty home
#   /needs/PART                what parts of the interpreter need
set -eu
umask 022

architecture=$(dpkg --print-architecture)
root=/root-tree

# What is asked for, what the interpreter needs, and all they depend on.
edges=$(cat "/recipe/depends.any" "/recipe/depends.$architecture" 2> /dev/null || true)
# shellcheck disable=SC2086 # words, on purpose
wanted=$({
    printf '%s\n' $IW_WANTED
    for part in $IW_PARTS; do
        while read -r package module; do
            case " $IW_OPTIONAL " in *" $module "*) continue ;; esac
            echo "$package"
        done < "/needs/$part"
    done
} | awk -v edges="$edges" '
    BEGIN {
        count = split(edges, lines, "\n")
        for (at = 1; at <= count; at++) {
            number = split(lines[at], words, " ")
            known[words[1]] = 1
            for (word = 2; word <= number; word++) depends[words[1]] = depends[words[1]] " " words[word]
        }
    }
    { todo[++last] = $1 }
    END {
        for (at = 1; at <= last; at++) {
            name = todo[at]
            if (!(name in known) || (name in done)) continue
            done[name] = 1
            print name
            number = split(depends[name], words, " ")
            for (word = 1; word <= number; word++) todo[++last] = words[word]
        }
    }' | LC_ALL=C sort)

# shellcheck disable=SC2086 # words, on purpose
sh /recipe/image-packages.sh download $wanted

# Directories that are links into /usr, before anything is unpacked through them.
mkdir -p "$root"
for name in $IW_MERGED; do
    mkdir -p "$root/usr/$name"
    ln -s "usr/$name" "$root/$name"
done

status=$root/var/lib/dpkg/status.d
mkdir -p "$status"
for deb in /download/*.deb; do
    name=$(dpkg-deb --field "$deb" Package)
    dpkg-deb --fsys-tarfile "$deb" |
        tar --extract --numeric-owner --preserve-permissions --keep-directory-symlink --directory="$root"
    # The package database that scanners read: a file for each package.
    dpkg-deb --ctrl-tarfile "$deb" | tar --extract --to-stdout ./control |
        sed '1a Status: install ok installed' > "$status/$name"
    dpkg-deb --ctrl-tarfile "$deb" | tar --extract --to-stdout ./md5sums \
        > "$status/$name.md5sums" 2> /dev/null || : > "$status/$name.md5sums"
done

# All certificates as one file, sorted by path, as update-ca-certificates writes it.
if [ -d "$root/usr/share/ca-certificates" ]; then
    mkdir -p "$root/etc/ssl/certs"
    (cd "$root/usr/share/ca-certificates" && find . -name '*.crt' | LC_ALL=C sort |
        while read -r file; do awk 1 "$file"; done) > "$root/etc/ssl/certs/ca-certificates.crt"
fi
if [ -e /recipe/authorities.crt ]; then
    mkdir -p "$root/etc/ssl/certs"
    cat /recipe/authorities.crt >> "$root/etc/ssl/certs/ca-certificates.crt"
fi

# Documentation and translations, by dpkg's rules: a link or directory stays if something
# that is kept may lie below it.
left_out() {
    case $1 in
@included@
    esac
    if [ -L "$root$1" ] || [ -d "$root$1" ]; then
        case $1 in
@prefixes@
        esac
    fi
    case $1 in
@excluded@
    esac
    return 1
}

# Programs, and what only shells and services read.
unwanted() {
    case $1 in
@kept@
    esac
    case $1 in
@removed@
    esac
    return 1
}
find "$root" -mindepth 1 ! -type d -printf '/%P\n' | while IFS= read -r path; do
    if left_out "$path" || unwanted "${path#/}"; then
        rm "$root$path"
    fi
done
find "$root" -mindepth 1 -depth -type d -empty -printf '/%P\n' | while IFS= read -r path; do
    if left_out "$path"; then
        rmdir "$root$path"
    fi
done

# Files, links and directories that maintainer scripts would have made.
cut -f 1 /recipe/files | LC_ALL=C sort -u | while read -r path; do
    mkdir -p "$root/$path"
    rmdir "$root/$path"
    : > "$root/$path"
done
while IFS='	' read -r path line; do
    printf '%s\n' "$line" >> "$root/$path"
done < /recipe/files
link() {
    mkdir -p "$root/${1%/*}"
    [ ! -L "$root/$1" ] || return 0
    [ ! -d "$root/$1" ] || rmdir "$root/$1"
    ln -s "$2" "$root/$1"
}
@links@
directory() {
    mkdir -p "$root/$1"
    chown "$3:$3" "$root/$1"
    chmod "$2" "$root/$1"
}
@directories@
# shellcheck disable=SC2086 # PATH MODE OWNER, as words
if [ -n "${IW_HOME:-}" ]; then
    set -- $IW_HOME
    mkdir -p "$root/$1"
    chown "$3" "$root/$1"
    chmod "$2" "$root/$1"
fi
if [ -e "$root/usr/bin/busybox" ] || [ -L "$root/bin/busybox" ]; then
    program=/usr/bin/busybox
elif [ -e "$root/bin/busybox" ]; then
    program=/bin/busybox
else
    program=
fi
if [ -n "$program" ]; then
    mkdir -p "$root/busybox"
    for name in @applets@; do
        ln -s "$program" "$root/busybox/$name"
    done
fi

# Checksums of what was kept.
for sums in "$status"/*.md5sums; do
    while read -r digest path; do
        for place in "$path" "usr/$path"; do
            if [ -f "$root/$place" ]; then
                echo "$digest  $path"
                break
            fi
        done
    done < "$sums" > /sums
    cat /sums > "$sums"
done
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" '{}' +
