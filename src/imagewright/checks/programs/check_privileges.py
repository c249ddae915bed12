# SPDX-License-Identifier: Apache-2.0
"""Only the programs that Debian means to run with another user's rights do so."""

from __future__ import annotations

import os
import stat

from verdict import failed, passed

# ruff: noqa: SIM905 - words read better

EXPECTED = frozenset(
    # Essential and required packages: login, passwd, mount, util-linux, libpam-modules-bin.
    "/usr/bin/chage /usr/bin/chfn /usr/bin/chsh /usr/bin/expiry /usr/bin/gpasswd /usr/bin/mount /usr/bin/newgrp"
    " /usr/bin/passwd /usr/bin/su /usr/bin/umount /usr/bin/wall /usr/bin/write /usr/sbin/unix_chkpwd"
    # libpam-modules-bin on Ubuntu.
    " /usr/sbin/pam_extrausers_chkpwd"
    # openssh-client of the full variant.
    " /usr/bin/ssh-agent /usr/lib/openssh/ssh-keysign"
    # Alpine's busybox.
    " /bin/bbsuid".split()
)
SKIPPED = ("/proc", "/sys", "/dev", "/run")

found, unknown = [], []
for directory, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(directory, name) not in SKIPPED]
    for name in names:
        path = os.path.join(directory, name)
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            found.append(path)
            place = os.path.realpath(directory) + "/" + name
            if (
                place not in EXPECTED
                and place.replace("/usr", "", 1) not in EXPECTED
                and f"/usr{place}" not in EXPECTED
            ):
                unknown.append(f"{path} ({stat.filemode(mode)})")
        if hasattr(os, "getxattr") and stat.S_ISREG(mode) and mode & 0o111:
            try:
                os.getxattr(path, "security.capability")
                unknown.append(f"{path} (capabilities)")
            except OSError:
                pass
if unknown:
    failed(f"not expected: {', '.join(unknown)}")
passed(f"{len(found)} set-user-ID or set-group-ID programs, all the distribution's own")
