# SPDX-License-Identifier: Apache-2.0
"""There is no program but the interpreter: no shell, no package manager, nothing to look for one with."""

from __future__ import annotations

import os
import stat

from verdict import failed, need, passed, words

SKIPPED = ("/proc", "/sys", "/dev", "/run", "/usr/local")

found, scripts = [], []
for directory, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(directory, name) not in SKIPPED]
    for name in names:
        path = os.path.join(directory, name)
        mode = os.lstat(path).st_mode
        if os.path.basename(directory) in ("bin", "sbin"):
            found.append(path)
        elif stat.S_ISREG(mode) and mode & 0o111 and ".so" not in name and os.access(path, os.R_OK):
            scripts.append(path)
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            failed(f"{path} runs with another user's rights")
need(not found, f"{len(found)} programs: {', '.join(sorted(found)[:5])}")
need(not scripts, f"{len(scripts)} executable files: {', '.join(sorted(scripts)[:5])}")
if not words("IW_SITE"):  # a Python package may have files anywhere below; the check `site` looks at them
    # In share there is only the document that tells scanners of the interpreter, and authorities of one's own.
    share = ["ca-certificates", "sbom"] if words("IW_AUTHORITIES") else ["sbom"]
    have = sorted(os.listdir("/usr/local"))
    need(have == ["bin", "lib", "share"], f"/usr/local has {have}")
    have = sorted(os.listdir("/usr/local/share"))
    need(have == share, f"/usr/local/share has {have}")
passed("no program but the interpreter's own")
