#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Separate the debug information, then look whether everything is there.
#
#   IW_SERIES    e.g. 3.13
#   IW_MODULES   modules that must be importable: a missing library makes CPython's
#                build leave a module out without failing
#
# Leaves the stripped files in /out/tree and what was stripped from them, under the
# names by which debuggers look for it, in /out/debug, with gdb's support for Python.
set -eu

echo "::phase debug files"
tree=/out/tree
debug=/out/debug/usr/lib/debug/.build-id
mkdir -p "$debug"

find "$tree/usr/local/bin" "$tree/usr/local/lib" -type f \
    \( -name '*.so' -o -name '*.so.*' -o -name "python$IW_SERIES*" \) | LC_ALL=C sort |
    while read -r file; do
        id=$(readelf -n "$file" 2> /dev/null | sed -n 's/^ *Build ID: //p')
        [ -n "$id" ] || continue
        mkdir -p "$debug/${id%"${id#??}"}"
        objcopy --only-keep-debug --compress-debug-sections "$file" \
            "$debug/${id%"${id#??}"}/${id#??}.debug"
        strip --strip-unneeded --remove-section=.comment "$file"
    done

# gdb loads a script by itself that has the name of the file it debugs, below a
# directory it trusts ("info auto-load"): the commands py-bt, py-list, py-print, …
if [ -e /usr/src/python/Tools/gdb/libpython.py ]; then
    support=/out/debug/usr/share/gdb/auto-load
    for file in "$tree/usr/local/bin/python$IW_SERIES"* "$tree/usr/local/lib"/libpython*.so.*; do
        case "$file" in *-config | *-gdb.py) continue ;; esac
        if [ ! -f "$file" ] || [ -L "$file" ]; then continue; fi
        place=$support${file#"$tree"}-gdb.py
        mkdir -p "${place%/*}"
        cp /usr/src/python/Tools/gdb/libpython.py "$place"
    done
fi
find /out/debug -type f -exec chmod 644 '{}' +
chmod -R u=rwX,go=rX "$tree" /out/debug
find "$tree" /out/debug -exec touch -h -d "@$SOURCE_DATE_EPOCH" '{}' +

echo "::phase look"
# -B: looking must not leave bytecode.
"$tree/usr/local/bin/python$IW_SERIES" -B -E -s -c '
import sys
missing = []
for name in sys.argv[1].split():
    try:
        __import__(name)
    except ImportError as error:
        missing.append("%s (%s)" % (name, error))
if missing:
    sys.exit("not built: " + ", ".join(missing))
' "$IW_MODULES"

if readelf -d "$tree/usr/local/bin/python$IW_SERIES" | grep -E 'NEEDED.*libpython|R(UN)?PATH'; then
    echo "the executable must not load a libpython" >&2
    exit 1
fi
if grep -rlE '/usr/src/python|/out/tree|-flto|-fprofile-(generate|use|correction)' "$tree/usr/local"; then
    echo "these files tell how they were built" >&2
    exit 1
fi
