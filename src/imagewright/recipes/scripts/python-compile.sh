#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compile the interpreter, its library and its modules.
#
#   IW_PGO       none | use: whether to read /inputs/profile.tar.xz
#   IW_LTO       no | yes: link-time optimisation
#   IW_CFLAGS    what the compiler gets beyond configure's own flags
#   IW_LDFLAGS   the same for the linker
#   IW_PYTHON2   yes | no: whether the release is one of Python 2
#   IW_JOBS      how many processes may run; the result does not depend on it
set -eu

echo "::phase compile"
cd /usr/src/python
if [ "$IW_PGO" = use ]; then
    tar -xf /inputs/profile.tar.xz --no-same-owner
fi

# Most relocations of a position-independent executable only add its address. From glibc
# 2.36 on they can be a bit map instead of a table: nearly a tenth of the file is gone.
relocations=
libc=$(getconf GNU_LIBC_VERSION 2> /dev/null || true)
case "$libc" in
    'glibc 2.'[0-9] | 'glibc 2.'[12][0-9] | 'glibc 2.3'[0-5] | '') ;;
    *) relocations=-Wl,-z,pack-relative-relocs ;;
esac

# The *_NODIST variables are for CPython alone; nothing of them is recorded for
# extension modules.
build() {
    if [ "$IW_PYTHON2" = yes ]; then
        # It has none. What is recorded is written again below. An empty CFLAGS in
        # the environment makes make hand its own value down to distutils, which compiles
        # the modules.
        parallel=
        [ "$IW_LTO" = no ] || parallel=-flto=$IW_JOBS
        CFLAGS='' make -j"$IW_JOBS" EXTRA_CFLAGS="$IW_CFLAGS" LDFLAGS="$IW_LDFLAGS $relocations $parallel" "$@"
    elif [ "$IW_LTO" = yes ]; then
        # The headers of frozen modules exist already (see python-bootstrap.sh):
        # without dependencies make does not want the freezing programs again.
        # The number after -flto only says how many processes do the work.
        make -j"$IW_JOBS" CFLAGS_NODIST="$IW_CFLAGS" \
            LDFLAGS_NODIST="$IW_LDFLAGS $relocations -flto=$IW_JOBS" \
            FREEZE_MODULE_BOOTSTRAP_DEPS= FREEZE_MODULE_DEPS= "$@"
    else
        make -j"$IW_JOBS" CFLAGS_NODIST="$IW_CFLAGS" LDFLAGS_NODIST="$IW_LDFLAGS $relocations" "$@"
    fi
}

# One set of position-independent objects, linked twice. First the library, then
# an executable that contains the same objects instead of loading the library:
# LINK_PYTHON_OBJS is where newer releases say what the executable consists of,
# BLDLIBRARY where older ones do.
#
# Optimising the whole program is nearly all of the work of a link, and is done once for
# both: "ld -r" makes one object of all, with code in it instead of gcc's own form of it.
# Static libraries are not part of it. Nothing exports what they define, which only a
# link of something finished knows, and makes use of.
objects=
if [ "$IW_LTO" = yes ] && [ "$IW_PYTHON2" = no ]; then
    # shellcheck disable=SC2016 # make expands it
    printf '%s\n' 'whole.o: $(LIBRARY_OBJS)' \
        "	\$(CC) -r -fPIC -flto=$IW_JOBS -flinker-output=nolto-rel -o \$@ \$(LIBRARY_OBJS)" > whole.mk
    build -f Makefile -f whole.mk whole.o
    objects=LIBRARY_OBJS=whole.o
fi
# shellcheck disable=SC2016 # make expands it
build $objects LINK_PYTHON_OBJS='$(LIBRARY_OBJS)' BLDLIBRARY='$(LIBRARY_OBJS)' python
rm -f whole.o

echo "::phase modules"
# Everything else: extension modules, scripts, sysconfig's data.
build all

# sysconfig has just noted our flags, because make hands its arguments down through
# the environment. What extension modules will be built with is noted again without.
rm pybuilddir.txt
make FREEZE_MODULE_BOOTSTRAP_DEPS= FREEZE_MODULE_DEPS= pybuilddir.txt
