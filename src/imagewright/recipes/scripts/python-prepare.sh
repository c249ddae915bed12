#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Unpack CPython and configure it.
#
#   /inputs/$IW_SOURCE   the release's source archive, already verified
#   IW_TRIPLET           the GNU triplet of the machine that will run Python
#   IW_CONFIGURE         further arguments of configure, separated by spaces
#   IW_PYTHON2           yes | no: whether the release is one of Python 2
#   IW_BUILTIN           extension modules that become part of the executable
#
# The directory is fixed, because its name ends up in debug information and in
# the names under which a training run leaves its counts.
set -eu

echo "::phase unpack"
mkdir -p /usr/src/python
cd /usr/src/python
tar -xf "/inputs/$IW_SOURCE" --strip-components=1 --no-same-owner

echo "::phase configure"
# What configure would find out about the machine it runs on rather than about the
# one that will run Python: which devices there are, whether semaphores and IPv6 work
# in this sandbox. Every Linux has all of it.
export ac_cv_file__dev_ptmx=yes ac_cv_file__dev_ptc=no
export ac_cv_posix_semaphores_enabled=yes ac_cv_broken_sem_getvalue=no
export ac_cv_buggy_getaddrinfo=no

# No CFLAGS here: configure would record them, and every extension module that
# somebody builds later would inherit them. The flags of the interpreter itself
# are given to make.
#
# --enable-shared makes configure describe an installation with a libpython, as
# programs that embed Python look for it. The executable is nevertheless linked
# from the same objects and does not load that library (see python-compile.sh).
# shellcheck disable=SC2086 # one word per argument, on purpose
./configure \
    --build="$IW_TRIPLET" \
    --prefix=/usr/local \
    --enable-shared \
    --enable-option-checking=fatal \
    --enable-ipv6 \
    $IW_CONFIGURE

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

# Python 2 links each extension module, its own and everybody's, with libpython where it
# finds this. Here the executable has all symbols, and an image may have no libpython.
if [ "$IW_PYTHON2" = yes ]; then
    sed -i 's|^#define Py_ENABLE_SHARED 1$|/* #undef Py_ENABLE_SHARED */|' pyconfig.h
fi
