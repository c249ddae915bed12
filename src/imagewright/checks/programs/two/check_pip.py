# SPDX-License-Identifier: Apache-2.0
"""pip installs and uninstalls a wheel."""

from __future__ import absolute_import, division, print_function

import base64
import hashlib
import os
import sys
import tempfile
import zipfile

from verdict import need, passed, python, run

NAME = "imagewright_check"
FILES = (
    (NAME + "/__init__.py", "def main():\n    print('it works')\n"),
    (NAME + "-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n" % NAME),
    (
        NAME + "-1.0.dist-info/WHEEL",
        "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py2-none-any\n",
    ),
    (NAME + "-1.0.dist-info/entry_points.txt", "[console_scripts]\nimagewright-check = %s:main\n" % NAME),
)
PIP = (sys.executable, "-W", "ignore", "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir")
LIST = "import pkg_resources; print(' '.join(sorted(each.project_name for each in pkg_resources.working_set)))"


def make(directory):
    """Write a wheel; its path."""
    path = os.path.join(directory, "%s-1.0-py2-none-any.whl" % NAME)
    record = ""
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in FILES:
            digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=")
            record += "%s,sha256=%s,%d\n" % (name, digest, len(text))
            wheel.writestr(name, text)
        wheel.writestr(NAME + "-1.0.dist-info/RECORD", record + NAME + "-1.0.dist-info/RECORD,,\n")
    return path


def installed():
    names = set(python(LIST).split())
    return sorted(names - {"Python", "argparse", "wsgiref"})  # the standard library's own


expected = ["pip", "setuptools", "wheel"]
need(installed() == expected, "installed are %s, expected %s" % (installed(), expected))
output = run(*(PIP + ("install", "--no-index", make(tempfile.mkdtemp()))))
need("Successfully installed" in output, "pip install says %r" % output)
need(python("import %s; %s.main()" % (NAME, NAME)) == "it works\n", "an installed module does not work")
need(run("imagewright-check") == "it works\n", "an installed command does not work")
need("No broken requirements" in run(*(PIP + ("check",))), "pip check finds something")
run(*(PIP + ("uninstall", "--yes", NAME)))
need(installed() == expected, "after pip uninstall there are %s" % installed())
passed("%s: install, run, check, uninstall" % ", ".join(expected))
