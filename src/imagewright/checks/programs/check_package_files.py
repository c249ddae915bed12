# SPDX-License-Identifier: Apache-2.0
"""Scanners find every package, each file of it is whole, and nothing of the distribution's belongs to nobody."""

from __future__ import annotations

import hashlib
import os

from verdict import failed, need, passed

DATABASE = "/var/lib/dpkg/status.d"
FIELDS = ("Package", "Status", "Version", "Architecture", "Maintainer", "Description")

packages, owned, problems = [], set(), []
for name in sorted(os.listdir(DATABASE)):
    path = os.path.join(DATABASE, name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if name.endswith(".md5sums"):
        for line in text.splitlines():
            digest, _, place = line.partition("  ")
            place = f"/{place}"
            owned.add(os.path.realpath(place))
            with open(place, "rb") as content:
                # Debian's packages have no better checksums; usedforsecurity is new in 3.9.
                if hashlib.md5(content.read(), usedforsecurity=False).hexdigest() != digest:
                    problems.append(f"{place} is not {name.rsplit('.', 1)[0]}'s")
        continue
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line and line[0] not in " \t")
    missing = [field for field in FIELDS if field not in fields]
    need(not missing, f"{path} lacks {', '.join(missing)}")
    need(fields["Package"] == name, f"{path} is about {fields['Package']}")
    need(os.path.exists(f"{path}.md5sums"), f"{name} has no checksums")
    licence = os.path.realpath(f"/usr/share/doc/{name}/copyright")
    need(os.path.isfile(licence), f"{name} has no copyright file")
    packages.append(name)
own = f"/usr/lib/locale/{os.environ.get('IW_LOCALE', '').replace('.UTF-8', '.utf8')}"
for directory, folders, names in os.walk("/usr/lib"):
    folders[:] = [name for name in folders if os.path.join(directory, name) != own]
    for name in names:
        path = os.path.join(directory, name)
        if not os.path.islink(path) and os.path.realpath(path) not in owned:
            problems.append(f"{path} is no package's")
if problems:
    failed(f"{len(problems)} problems: {', '.join(problems[:5])}")
need(len(packages) > 10, f"only {len(packages)} packages")
passed(f"{len(packages)} packages, {len(owned)} files")
