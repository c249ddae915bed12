# SPDX-License-Identifier: Apache-2.0
"""The container runs as a user without privileges, who has a home and cannot change the image's files."""

from __future__ import annotations

import os
import pwd
import tempfile

from verdict import need, passed

uid, gid = os.getuid(), os.getgid()
need(uid != 0, "the container runs as root")
user = pwd.getpwuid(uid)
need(user.pw_gid == gid, f"{user.pw_name} is in group {user.pw_gid}, and runs as {gid}")
need(os.path.isdir(user.pw_dir), f"{user.pw_name} has no {user.pw_dir}")
with tempfile.NamedTemporaryFile(dir=user.pw_dir), tempfile.NamedTemporaryFile(dir="/tmp"):
    pass
for name in ("root", "nobody"):
    pwd.getpwnam(name)
for place in ("/", "/etc", "/usr", "/usr/local/bin", "/usr/local/lib", "/var"):
    need(not os.access(place, os.W_OK), f"{user.pw_name} may write to {place}")
passed(f"{user.pw_name} ({uid}:{gid}), home {user.pw_dir}")
