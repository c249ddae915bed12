# SPDX-License-Identifier: Apache-2.0
"""Nobody else may change files, owners exist, and the interpreter's files belong to root."""

from __future__ import annotations

import grp
import os
import pwd
import stat

from verdict import failed, passed

SKIPPED = ("/proc", "/sys", "/dev", "/run")

users = {entry.pw_uid for entry in pwd.getpwall()}
groups = {entry.gr_gid for entry in grp.getgrall()}
problems, count = [], 0
for directory, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(directory, name) not in SKIPPED]
    for name in (*folders, *names):
        path = os.path.join(directory, name)
        status = os.lstat(path)
        count += 1
        if status.st_uid not in users or status.st_gid not in groups:
            problems.append(f"{path} belongs to {status.st_uid}:{status.st_gid}, whom nobody knows")
        if stat.S_ISLNK(status.st_mode):
            continue
        if status.st_mode & stat.S_IWOTH and not (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX):
            problems.append(f"{path} is writable for all ({stat.filemode(status.st_mode)})")
        if path.startswith("/usr/local/") and status.st_uid:
            problems.append(f"{path} belongs to user {status.st_uid}")
        if path.startswith("/usr/local/") and not status.st_mode & stat.S_IROTH:
            problems.append(f"{path} is not readable for all ({stat.filemode(status.st_mode)})")
if problems:
    failed(f"{len(problems)} problems: {', '.join(problems[:5])}")
passed(f"{count} files and directories")
