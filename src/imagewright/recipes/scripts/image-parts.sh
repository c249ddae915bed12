#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Split the interpreter's tree into its parts, and note what each needs.
#
#   /out/tree, /out/debug   what the build left
#   /from                   the inputs of the build
#
# Leaves /parts/PART, a tree each, and /needs/PART: lines of PACKAGE MODULE, where the
# module is the extension module that needs the package's library.
set -eu

# The first pattern that matches decides, as in every engine.
part_of() {
    case $1 in
@rules@
    esac
}

cp -a /out/debug/. /out/tree/

# A document that tells scanners of the interpreter, where the inputs have one.
for document in /from/*.spdx.json; do
    if [ -e "$document" ]; then
        mkdir -p /out/tree/usr/local/share/sbom
        install -m 644 "$document" /out/tree/usr/local/share/sbom/
    fi
done

mkdir -p /parts /needs /lists
cd /out/tree

# What is no directory, and directories that are empty.
find . -mindepth 1 \( ! -type d -o -empty \) -printf '%P\n' | LC_ALL=C sort |
    while IFS= read -r path; do
        part_of "$path"
        printf '%s\n' "$path" >> "/lists/$part"
    done

for list in /lists/*; do
    part=${list##*/}
    mkdir -p "/parts/$part"
    # The directories above each path come along, with their modes and times.
    awk '{ print; while (sub("/[^/]*$", "")) if (!seen[$0]++) print }' "$list" | LC_ALL=C sort |
        tar --create --no-recursion --files-from=- --numeric-owner |
        tar --extract --numeric-owner --preserve-permissions --directory="/parts/$part"
done

# What the tree itself provides needs no package.
libraries() {
    find "$1" -type f \( -name '*.so' -o -name '*.so.*' -o -path '*/bin/*' \)
}
libraries . | while read -r file; do
    readelf --dynamic "$file" 2> /dev/null | sed -n 's/.*(SONAME).*\[\(.*\)\]$/\1/p'
done > /own

@owner@

for list in /lists/*; do
    part=${list##*/}
    libraries "/parts/$part" | LC_ALL=C sort | while read -r file; do
        module=${file##*/}
        needed "$file" | while read -r soname; do
            grep -qxF "$soname" /own || echo "$soname ${module%%.*}"
        done
    done | LC_ALL=C sort -u | while read -r soname module; do
        package=$(owner "$soname")
        if [ -z "$package" ]; then
            echo "no package of the build root has $soname" >&2
            exit 1
        fi
        echo "$package $module"
    done | LC_ALL=C sort -u > "/needs/$part"
done
