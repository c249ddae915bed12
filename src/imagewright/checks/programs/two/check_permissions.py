# SPDX-License-Identifier: Apache-2.0
"""Owners and permissions of all files."""

from __future__ import absolute_import, division, print_function

import grp
import os
import pwd
import stat

from verdict import failed, passed

SKIPPED = ("/proc", "/sys", "/dev", "/run")

users = set(entry.pw_uid for entry in pwd.getpwall())
groups = set(entry.gr_gid for entry in grp.getgrall())
problems, count = [], 0
for directory, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(directory, name) not in SKIPPED]
    for name in folders + names:
        path = os.path.join(directory, name)
        status = os.lstat(path)
        count += 1
        if status.st_uid not in users or status.st_gid not in groups:
            problems.append("%s belongs to %d:%d" % (path, status.st_uid, status.st_gid))
        if stat.S_ISLNK(status.st_mode):
            continue
        sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        if status.st_mode & stat.S_IWOTH and not sticky:
            problems.append("%s is writable for all" % path)
        if path.startswith("/usr/local/") and (status.st_uid or not status.st_mode & stat.S_IROTH):
            problems.append("%s is not root's, or not readable for all" % path)
if problems:
    failed("%d problems: %s" % (len(problems), ", ".join(problems[:5])))
passed("%d files and directories" % count)
