# SPDX-License-Identifier: Apache-2.0
"""apk's database names every package, and each file that it lists is there and whole."""

from __future__ import annotations

import base64
import hashlib
import os

from verdict import failed, need, passed

PLACES = ("/lib/apk/db/installed", "/usr/lib/apk/db/installed")
place = next((path for path in PLACES if os.path.exists(path)), "")
need(place, "apk's database is missing")

packages, problems = [], []
directory = path = ""
files = 0
with open(place, encoding="utf-8", errors="surrogateescape") as file:
    for line in file:
        kind, value = line[:2], line[2:].rstrip("\n")
        if kind == "P:":
            packages.append(value)
        elif kind == "F:":
            directory = value
        elif kind == "R:":
            path = os.path.join("/", directory, value)
            if not os.path.lexists(path):
                problems.append(f"{path} of {packages[-1]} is missing")
        elif kind == "Z:" and os.path.lexists(path):
            files += 1
            if os.path.islink(path):
                content = os.fsencode(os.readlink(path))
            else:
                with open(path, "rb") as shipped:
                    content = shipped.read()
            # apk's packages have no better checksums; usedforsecurity is new in 3.9.
            found = base64.b64encode(hashlib.sha1(content).digest()).decode()
            if value != f"Q1{found}" and not path.startswith("/etc/"):
                problems.append(f"{path} is not {packages[-1]}'s")
with open("/etc/apk/world", encoding="utf-8") as file:
    asked = {line.split("=")[0].split("<")[0].split(">")[0].strip() for line in file}
problems += [f"{name} was asked for and is not installed" for name in sorted(asked - {""} - set(packages))]
if problems:
    failed(f"{len(problems)} problems: {', '.join(problems[:5])}")
passed(f"{len(packages)} packages, {files} files")
