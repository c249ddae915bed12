#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Count what the interpreter does, for profile-guided optimisation.
#
#   IW_CFLAGS    the flags of the final build, without link-time optimisation,
#                with -fprofile-generate
#   IW_LDFLAGS   the same for the linker
#   IW_TESTS     regression tests to run besides CPython's own selection; for Python 2,
#                which has none, all of them
#   IW_PYTHON2   yes | no: whether the release is one of Python 2
#   IW_PROGRAMS  programs in /tmp/training, whose main() does what programs of many kinds
#                do; may be empty
#   IW_ROUNDS    how often each of them runs
#   IW_JOBS      how many processes make and the tests may run
#
# Leaves /out/profile.tar.xz: one .gcda file per object file. Counts differ from
# run to run (threads, timing), so the profile is made once and is then an input
# of every build that should give the same bytes.
set -eu

echo "::phase compile with counters"
cd /usr/src/python
flags="$IW_CFLAGS -g0" # the same code, but nobody will debug it
build() {
    if [ "$IW_PYTHON2" = yes ]; then # see python-compile.sh
        CFLAGS='' make -j"$IW_JOBS" EXTRA_CFLAGS="$flags" LDFLAGS="$IW_LDFLAGS" "$@"
        return
    fi
    make -j"$IW_JOBS" CFLAGS_NODIST="$flags" LDFLAGS_NODIST="$IW_LDFLAGS" "$@"
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
# shellcheck disable=SC2086 # one word per test, on purpose
if [ "$IW_PYTHON2" = yes ]; then
    run -m test.regrtest --pgo -j"$IW_JOBS" $IW_TESTS
    modules="httplib logging.config urllib2"
    isolated="-s -E"
    compiled="Lib/email Lib/json Lib/logging Lib/unittest"
else
    # The regression tests that CPython selects for this purpose, then more that the
    # recipe names.
    run -m test --pgo --timeout=1200 -j"$IW_JOBS"
    run -m test --pgo --timeout=1200 -j"$IW_JOBS" $IW_TESTS
    modules="asyncio concurrent.futures dataclasses http.client importlib.metadata
        logging.config pathlib typing urllib.request"
    isolated=-I
    compiled="-o 0 Lib/asyncio Lib/email Lib/importlib Lib/json"
fi
# Tests go everywhere once and stay nowhere. The loops in which programs spend their
# time are these.
# shellcheck disable=SC2086 # one word per program; xargs puts its name in
printf '%s\n' $IW_PROGRAMS | xargs -r -P "$IW_JOBS" -I '{}' \
    env --default-signal=INT ./python -c "
import sys
sys.path.insert(0, '/tmp/training')
import {}
for _ in range($IW_ROUNDS):
    {}.main()
"
# And what every container does: start, import, compile.
for module in argparse email json multiprocessing sqlite3 ssl subprocess unittest xml.etree.ElementTree $modules; do
    run -c "import $module"
    # shellcheck disable=SC2086 # options
    run $isolated -c "import $module"
done
# shellcheck disable=SC2086 # options and directories
run -m compileall -q -f $compiled

mkdir -p /out
# Modules for tests are needed by the tests, but are no part of the final build.
find . -name '*.gcda' ! -name '_test*' ! -name '_xxtest*' ! -name 'xx*' |
    LC_ALL=C sort > /tmp/profile.list
tar --create --files-from=/tmp/profile.list --format=ustar \
    --owner=0 --group=0 --numeric-owner --mode=0644 --mtime=@0 |
    xz -9e --threads=1 > /out/profile.tar.xz
