# SPDX-License-Identifier: Apache-2.0
"""No file tells where or how the interpreter was built, and extensions are not built with its own flags."""

from __future__ import annotations

import os
import re
import stat
import sysconfig

from verdict import failed, need, parts, passed

TRACES = re.compile(rb"/usr/src/python|/out/tree|/inputs/|-flto|-fprofile-(?:generate|use|correction)|\.gcda\b")
BUILD_DIRECTORIES = ("/usr/src/python", "/out", "/inputs")


def main() -> None:
    found, count = [], 0
    for directory, _, names in os.walk("/usr/local"):
        for name in names:
            path = os.path.join(directory, name)
            if not stat.S_ISREG(os.lstat(path).st_mode):
                continue
            with open(path, "rb") as file:
                match = TRACES.search(file.read())
            count += 1
            # pip vendors sources that speak of such things themselves.
            if match and "/site-packages/" not in path:
                found.append(f"{path} ({match.group().decode()})")
    if found:
        failed(f"{len(found)} files: {', '.join(found[:5])}")
    for directory in BUILD_DIRECTORIES:
        need(not os.path.lexists(directory), f"{directory} was left behind")
    for name, value in sysconfig.get_config_vars().items():
        for trace in (*BUILD_DIRECTORIES, "-flto", "-fprofile-"):
            spoilt = isinstance(value, str) and re.search(rf"(^|[\s=\"']){re.escape(trace)}\b", value)
            need(not spoilt, f"sysconfig's {name} is {value}")
    need(sysconfig.get_config_var("Py_ENABLE_SHARED") == 1, "sysconfig knows of no libpython")
    development = "development" in parts()
    for name in ("LIBDEST", "BINDIR", "LIBDIR", *(("INCLUDEPY", "LIBPL") if development else ())):
        value = sysconfig.get_config_var(name)
        need(os.path.isdir(str(value)), f"sysconfig's {name} is {value}, which is not there")
    if development:
        need(os.path.isfile(sysconfig.get_makefile_filename()), "the Makefile is not where sysconfig says")
        need(os.path.isfile(sysconfig.get_config_h_filename()), "pyconfig.h is not where sysconfig says")
    passed(f"{count} files in /usr/local")


main()
