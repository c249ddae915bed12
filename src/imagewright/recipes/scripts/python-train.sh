#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Count what the interpreter does, for profile-guided optimisation.
#
#   IW_CFLAGS    the flags of the final build, without link-time optimisation,
#                with -fprofile-generate
#   IW_LDFLAGS   the same for the linker
#   IW_TESTS     regression tests to run besides CPython's own selection
#   IW_JOBS      how many processes make and the tests may run
#
# Leaves /out/profile.tar.xz: one .gcda file per object file. Counts differ from
# run to run (threads, timing), so the profile is made once and is then an input
# of every build that should give the same bytes.
set -eu

echo "::phase compile with counters"
cd /usr/src/python
build() {
    make -j"$IW_JOBS" CFLAGS_NODIST="$IW_CFLAGS" LDFLAGS_NODIST="$IW_LDFLAGS" "$@"
}
# shellcheck disable=SC2016 # make expands it
build LINK_PYTHON_OBJS='$(LIBRARY_OBJS)' BLDLIBRARY='$(LIBRARY_OBJS)' python
build sharedmods

# What the build itself ran (freezing modules, generating sysconfig's data) is not
# what users run.
find . -name '*.gcda' -delete

# A build that was started in the background ignores SIGINT, and so would every
# child; the tests of generators interrupt themselves.
run() {
    env --default-signal=INT ./python "$@"
}
echo "::phase train"
# The regression tests that CPython selects for this purpose, then more that the
# recipe names (IW_TESTS).
run -m test --pgo --timeout=1200 -j"$IW_JOBS"
# shellcheck disable=SC2086 # one word per test, on purpose
run -m test --pgo --timeout=1200 -j"$IW_JOBS" $IW_TESTS
# And what every container does: start, import, compile.
for module in argparse asyncio concurrent.futures dataclasses email http.client \
    importlib.metadata json logging.config multiprocessing pathlib sqlite3 ssl \
    subprocess typing unittest urllib.request xml.etree.ElementTree; do
    run -c "import $module"
    run -I -c "import $module"
done
run -m compileall -q -f -o 0 Lib/asyncio Lib/email Lib/importlib Lib/json

mkdir -p /out
# Modules for tests are needed by the tests, but are no part of the final build.
find . -name '*.gcda' ! -name '_test*' ! -name '_xxtest*' ! -name 'xx*' |
    LC_ALL=C sort > /tmp/profile.list
tar --create --files-from=/tmp/profile.list --format=ustar \
    --owner=0 --group=0 --numeric-owner --mode=0644 --mtime=@0 |
    xz -9e --threads=1 > /out/profile.tar.xz
