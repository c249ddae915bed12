# SPDX-License-Identifier: Apache-2.0
"""There is no bytecode."""

from __future__ import absolute_import, division, print_function

import os

from verdict import failed, passed

found = [
    os.path.join(directory, name)
    for directory, _, names in os.walk("/usr/local")
    for name in names
    if name.endswith((".pyc", ".pyo"))
]
if found:
    failed("%d files, the first is %s" % (len(found), found[0]))
passed("none")
