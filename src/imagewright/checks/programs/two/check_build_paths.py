# SPDX-License-Identifier: Apache-2.0
"""No file tells where or how the interpreter was built, and extensions are not built with its own flags."""

from __future__ import absolute_import, division, print_function

import os
import re
import stat
import sysconfig

from verdict import failed, need, passed, words

TRACES = re.compile(r"/usr/src/python|/out/tree|/inputs/|-flto|-fprofile-(?:generate|use|correction)|\.gcda\b")
BUILD_DIRECTORIES = ("/usr/src/python", "/out", "/inputs")

found, count = [], 0
for directory, _, names in os.walk("/usr/local"):
    for name in names:
        path = os.path.join(directory, name)
        if not stat.S_ISREG(os.lstat(path).st_mode):
            continue
        with open(path, "rb") as file:
            match = TRACES.search(file.read())
        count += 1
        if match and "/site-packages/" not in path:
            found.append("%s (%s)" % (path, match.group()))
if found:
    failed("%d files: %s" % (len(found), ", ".join(found[:5])))
for directory in BUILD_DIRECTORIES:
    need(not os.path.lexists(directory), "%s was left behind" % directory)
for name, value in sysconfig.get_config_vars().items():
    for trace in BUILD_DIRECTORIES + ("-flto", "-fprofile-"):
        spoilt = isinstance(value, str) and re.search(r"(^|[\s=\"'])%s\b" % re.escape(trace), value)
        need(not spoilt, "sysconfig's %s is %s" % (name, value))
places = ["LIBDEST", "BINDIR", "LIBDIR"] + (["INCLUDEPY", "LIBPL"] if "development" in words("IW_PARTS") else [])
for name in places:
    value = sysconfig.get_config_var(name)
    need(os.path.isdir(str(value)), "sysconfig's %s is %s, which is not there" % (name, value))
passed("%d files in /usr/local" % count)
