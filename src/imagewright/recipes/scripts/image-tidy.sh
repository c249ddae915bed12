#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The end of an installation: libraries are made known, and what tells when and how it
# was done goes.
set -eu

ldconfig

# Backups, logs, caches, and what every container has of its own.
find / -xdev -mindepth 2 -depth \( \
@removed@
    \) @kept@ -delete

# Files that stay, without content.
for file in \
@emptied@
    ; do
    if [ -s "$file" ]; then
        : > "$file"
    fi
done
