#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Apply patches to the unpacked source; a part of python-prepare.sh where there are any.
#
#   /inputs/patch-N   unified diffs
#   IW_PATCHES        their numbers, in the order to apply them
#
# A patch whose surroundings do not fit exactly is not taken to fit somewhere else.
set -eu

echo "::phase patch"
cd /usr/src/python
for number in $IW_PATCHES; do
    patch -p1 --forward --batch --fuzz=0 --no-backup-if-mismatch < "/inputs/patch-$number"
done
