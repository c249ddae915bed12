# SPDX-License-Identifier: Apache-2.0
"""No set-user-ID programs but those that the distribution's base packages have."""

from __future__ import absolute_import, division, print_function

import os
import stat

from verdict import failed, passed

EXPECTED = frozenset(
    "chage chfn chsh expiry gpasswd mount newgrp passwd su umount wall write unix_chkpwd ssh-agent ssh-keysign"
    " pam_extrausers_chkpwd".split()
)
SKIPPED = ("/proc", "/sys", "/dev", "/run")

found, unknown = 0, []
for directory, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(directory, name) not in SKIPPED]
    for name in names:
        path = os.path.join(directory, name)
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            found += 1
            if name not in EXPECTED or path.startswith("/usr/local/"):
                unknown.append("%s (%o)" % (path, mode))
if unknown:
    failed("not expected: %s" % ", ".join(unknown))
passed("%d set-user-ID or set-group-ID programs, all the distribution's own" % found)
