# SPDX-License-Identifier: Apache-2.0
"""dpkg finds every package whole, but for what its path rules leave out."""

from __future__ import absolute_import, division, print_function

import fnmatch
import glob
import os
import subprocess

from verdict import failed, need, passed, run

rules = []
for path in sorted(glob.glob("/etc/dpkg/dpkg.cfg.d/*")):
    with open(path) as lines:
        for line in lines:
            option, _, pattern = line.strip().replace("=", " ", 1).partition(" ")
            if option in ("path-exclude", "path-include"):
                rules.append((option == "path-exclude", pattern.strip()))


def excluded(path):
    """Whether dpkg does not unpack a path; the last rule that matches decides."""
    answer = False
    for exclude, pattern in rules:
        if fnmatch.fnmatchcase(path, pattern):
            answer = exclude
    return answer


audit = run("dpkg", "--audit").strip()
need(not audit, "dpkg --audit: %s" % audit)
process = subprocess.Popen(["dpkg", "--verify"], stdout=subprocess.PIPE, universal_newlines=True)
wrong = []
for line in process.communicate()[0].splitlines():
    path = "/" + line.partition("/")[2]
    # Before dpkg 1.21, a file that is missing is one whose checksum differs.
    if os.path.lexists(path) or not excluded(path):
        wrong.append(line)
if wrong:
    failed("dpkg --verify: %d files: %s" % (len(wrong), ", ".join(wrong[:5])))
states = run("dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}\\n").split()
need(set(states) <= {"ii", "hi"}, "packages in the states %s" % sorted(set(states)))
passed("%d packages, %d path rules" % (len(states), len(rules)))
