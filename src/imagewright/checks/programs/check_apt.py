# SPDX-License-Identifier: Apache-2.0
"""apt-get installs a package from an archive whose signature it believes, and a slim image stays slim."""

from __future__ import annotations

import glob
import os

from verdict import need, passed, run, skipped

PACKAGE = "hello"
address = os.environ.get("IW_ADDRESS", "")
if not address:
    skipped("no archive can be reached")
facts = {}
with open("/etc/os-release") as lines:
    for line in lines:
        name, _, value = line.strip().partition("=")
        facts[name] = value.strip('"')
suite = facts.get("VERSION_CODENAME", "")
keyrings = glob.glob("/usr/share/keyrings/debian-archive-keyring.*")
need(keyrings, "no keyring in /usr/share/keyrings")
need(suite, "os-release names no suite")
for path in glob.glob("/etc/apt/sources.list.d/*"):
    os.unlink(path)
with open("/etc/apt/sources.list", "w") as sources:
    sources.write(f"deb [signed-by={min(keyrings)}] {address} {suite} main\n")
run("apt-get", "update", "-qq", "-o", "APT::Update::Error-Mode=any", DEBIAN_FRONTEND="noninteractive")
run("apt-get", "install", "-qq", "--yes", PACKAGE, DEBIAN_FRONTEND="noninteractive")
need(run(PACKAGE).strip() == "Hello, world!", f"{PACKAGE} says something else")
need(run("dpkg-query", "--show", "--showformat", "${Status}", PACKAGE) == "install ok installed", "not installed")
kept = glob.glob("/var/cache/apt/archives/*.deb")
need(not kept, f"downloads are kept: {kept}")
if glob.glob("/etc/dpkg/dpkg.cfg.d/docker"):
    manuals = glob.glob(f"/usr/share/man/man1/{PACKAGE}*") + glob.glob(f"/usr/share/info/{PACKAGE}*")
    need(not manuals, f"documentation is installed: {manuals}")
run("apt-get", "purge", "-qq", "--yes", PACKAGE, DEBIAN_FRONTEND="noninteractive")
passed(f"{PACKAGE} from {suite}")
