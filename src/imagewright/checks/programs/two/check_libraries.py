# SPDX-License-Identifier: Apache-2.0
"""Every shared library that our files need is found, asked of the dynamic linker itself (ld.so(8), --list)."""

from __future__ import absolute_import, division, print_function

import glob
import os
import subprocess

from verdict import failed, need, passed, words

linkers = sorted(glob.glob("/lib*/ld-linux*.so.*") + glob.glob("/lib/ld-*.so.*"))
need(linkers, "there is no dynamic linker")
optional = tuple("/%s" % name for name in words("IW_OPTIONAL_MODULES"))
missing, libraries, count = [], set(), 0
for directory, _, names in os.walk("/usr/local"):
    for name in sorted(names):
        path = os.path.join(directory, name)
        if not os.path.isfile(path) or os.path.islink(path) or any("%s." % part in path for part in optional):
            continue
        with open(path, "rb") as file:
            if file.read(4) != b"\x7fELF":
                continue
        count += 1
        process = subprocess.Popen(
            [linkers[0], "--list", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
        )
        output = process.communicate()[0]
        lines = [line.strip() for line in output.splitlines()]
        missing += ["%s: %s" % (path, line) for line in lines if "not found" in line or "cannot open" in line]
        libraries.update(line.split()[0] for line in lines if "=>" in line)
if missing:
    failed("%d libraries are missing: %s" % (len(missing), ", ".join(missing[:5])))
need(count > 20, "only %d ELF files in /usr/local" % count)
passed("%d files need %d libraries" % (count, len(libraries)))
