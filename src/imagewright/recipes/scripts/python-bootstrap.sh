#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Freeze the modules that the interpreter contains, with a throw-away interpreter.
#
#   IW_JOBS   how many processes make may run
#
# From 3.11 on, the build links two small interpreters whose only work is to
# freeze modules into C headers. Under link-time optimisation each of them costs
# as much as the real one. Their output does not depend on how well they were
# optimised, so they are compiled here without any optimisation, and only the
# headers are kept.
set -eu

echo "::phase freeze"
cd /usr/src/python
make -j"$IW_JOBS" CFLAGS_NODIST='-O0 -g0' Python/frozen.o Modules/getpath.o
if grep -q '^DEEPFREEZE_OBJS' Makefile; then
    make -j"$IW_JOBS" CFLAGS_NODIST='-O0 -g0' Python/deepfreeze/deepfreeze.o
fi
find . -name '*.o' -delete
rm -f Programs/_freeze_module _bootstrap_python pybuilddir.txt
