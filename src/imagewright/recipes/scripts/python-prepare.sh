#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Unpack CPython and configure it.
#
#   /inputs/$IW_SOURCE   the release's source archive, already verified
#   IW_TRIPLET           the GNU triplet of the machine that will run Python
#   IW_CONFIGURE         further arguments of configure, separated by spaces
#   IW_PYTHON2           yes | no: whether the release is one of Python 2
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

# Python 2 links each extension module, its own and everybody's, with libpython where it
# finds this. Here the executable has all symbols, and an image may have no libpython.
if [ "$IW_PYTHON2" = yes ]; then
    sed -i 's|^#define Py_ENABLE_SHARED 1$|/* #undef Py_ENABLE_SHARED */|' pyconfig.h
fi
