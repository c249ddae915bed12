# SPDX-License-Identifier: Apache-2.0
"""dpkg finds every package configured, and every file as its package brought it, but for what slim leaves out."""

from __future__ import annotations

import fnmatch
import glob
import os
import subprocess

from verdict import failed, need, passed, run


def left_out() -> tuple[list[tuple[bool, str]], int]:
    """dpkg's own path rules, in the order in which it reads them: whether excluded, and the pattern."""
    rules = []
    for path in sorted(glob.glob("/etc/dpkg/dpkg.cfg.d/*")):
        with open(path) as lines:
            for line in lines:
                option, _, pattern = line.strip().replace("=", " ", 1).partition(" ")
                if option in ("path-exclude", "path-include"):
                    rules.append((option == "path-exclude", pattern.strip()))
    return rules, len(rules)


def excluded(path: str, rules: list[tuple[bool, str]]) -> bool:
    """Whether dpkg does not unpack a path; the last rule that matches decides."""
    answer = False
    for exclude, pattern in rules:
        if fnmatch.fnmatchcase(path, pattern):
            answer = exclude
    return answer


rules, count = left_out()
audit = run("dpkg", "--audit").strip()
need(not audit, f"dpkg --audit: {audit}")
process = subprocess.run(
    ["dpkg", "--verify"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
)
wrong = []
for line in process.stdout.splitlines():
    path = "/" + line.partition("/")[2]
    # Before dpkg 1.21, a file that is missing is one whose checksum differs.
    if os.path.lexists(path) or not excluded(path, rules):
        wrong.append(line)
if wrong:
    failed(f"dpkg --verify: {len(wrong)} files: {', '.join(wrong[:5])}")
states = run("dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}\\n").split()
need(set(states) <= {"ii", "hi"}, f"packages in the states {sorted(set(states))}")
passed(f"{len(states)} packages, {count} path rules")
