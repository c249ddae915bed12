# SPDX-License-Identifier: Apache-2.0
"""No bytecode, as the official image has it."""

from __future__ import annotations

import os

from verdict import failed, passed

found = [
    os.path.join(directory, name)
    for directory, _, names in os.walk("/usr/local")
    for name in names
    if name.endswith((".pyc", ".pyo"))
]
if found:
    failed(f"{len(found)} files, the first is {found[0]}")
passed("none")
