# SPDX-License-Identifier: Apache-2.0
"""pip installs a wheel into the image and takes it away again, and nothing else is installed."""

from __future__ import annotations

import sys
import tempfile

import wheels
from verdict import need, passed, python, run, words

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
WITHOUT_TLS = "WARNING: Disabling truststore since ssl support is missing\n"
LIST = """
from importlib.metadata import distributions
print(*sorted(each.metadata["Name"].lower().replace("_", "-").replace(".", "-") for each in distributions()))
"""


def installed() -> list[str]:
    return python(LIST).split()


expected = ["pip"] if sys.version_info >= (3, 12) else ["pip", "setuptools", "wheel"]
own = [word.partition("==")[0] for word in words("IW_SITE")]
expected = sorted({*own, *(expected if "installers" in (words("IW_PARTS") or ["installers"]) else [])})
need(installed() == expected, f"installed are {installed()}, expected {expected}")
with tempfile.TemporaryDirectory() as directory:
    wheel = wheels.make(directory)
    output = run(*PIP, "install", "--no-index", wheel, PIP_ROOT_USER_ACTION="ignore")
    need("Successfully installed" in output, f"pip install says {output!r}")
    if "_ssl" in words("IW_ABSENT_MODULES"):
        output = output.replace(WITHOUT_TLS, "")
    need("WARNING" not in output, f"pip install warns: {output!r}")
need(python(f"import {wheels.NAME}; {wheels.NAME}.main()") == "it works\n", "an installed module does not work")
need(run("imagewright-check") == "it works\n", "an installed command does not work")
check = run(*PIP, "check")
need("No broken requirements" in check, f"pip check says {check!r}")
run(*PIP, "uninstall", "--yes", wheels.NAME, PIP_ROOT_USER_ACTION="ignore")
need(installed() == expected, f"after pip uninstall there are {installed()}")
passed(f"{', '.join(installed())}: install, run, check, uninstall")
