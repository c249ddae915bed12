#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Make extension modules a part of the executable, and have the Makefile say nothing of profiles.
#
#   IW_BUILTIN   their names; none if empty
#
# This follows the freezing of modules (see python-bootstrap.sh), whose interpreter needs none of them.
set -eu

cd /usr/src/python

# Modules that need no library beyond the C library's become part of the executable: they
# are optimised with the interpreter, and nothing is looked for and loaded to import them.
if [ -n "$IW_BUILTIN" ]; then
    awk -v names="$IW_BUILTIN" '
        BEGIN { split(names, list, " "); for (i in list) builtin[list[i]] = 1 }
        /^\*/ { mode = $1 }
        mode == "*shared*" && ($1 in builtin) { static = static $0 "\n"; next }
        { rest = rest $0 "\n" }
        END { printf "*static*\n%s%s", static, rest }
    ' Modules/Setup.stdlib > Modules/Setup.new
    mv Modules/Setup.new Modules/Setup.stdlib
    make Makefile
fi

# The flags for making and using a profile are of no use to whoever reads the
# installed Makefile; the ones we need come from IW_CFLAGS.
sed -i 's/^\(PGO_PROF_[A-Z]*_FLAG=\).*/\1/' Makefile
