# SPDX-License-Identifier: Apache-2.0
"""Virtual environments, with the pip that ensurepip brings."""

from __future__ import annotations

import ensurepip
import os
import sys
import tempfile

import wheels
from verdict import need, passed, python, run

REPORT = """
import sys
from importlib.metadata import version
print(sys.prefix, sys.base_prefix, sys.version_info[:3], version("pip"))
"""
bundled = ensurepip.version()
with tempfile.TemporaryDirectory() as directory:
    place = os.path.join(directory, "environment")
    run(sys.executable, "-m", "venv", place)
    report = run(os.path.join(place, "bin", "python"), "-c", REPORT).strip()
    expected = f"{place} {sys.base_prefix} {sys.version_info[:3]} {bundled}"
    need(report == expected, f"inside it is {report}, expected {expected}")
    options = ("--no-index", "--no-cache-dir", "--disable-pip-version-check")
    run(os.path.join(place, "bin", "pip"), "install", *options, wheels.make(directory))
    need(
        run(os.path.join(place, "bin", "imagewright-check")) == "it works\n", "an installed command does not work"
    )
    seen = python(f"import importlib.util; print(importlib.util.find_spec('{wheels.NAME}'))").strip()
    need(seen == "None", "what is installed inside is seen outside")
passed(f"an environment with pip {bundled}, apart from the image's own")
