# SPDX-License-Identifier: Apache-2.0
"""Text is UTF-8 everywhere, whatever the locale."""

from __future__ import annotations

import locale
import os
import sys
import tempfile

from verdict import failed, need, passed, python

REPORT = """
import locale, sys
print(sys.stdout.encoding, sys.getfilesystemencoding(), locale.getpreferredencoding(False), "é€𝄞")
"""
for environment in ({}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "", "LANG": ""}, {"LC_ALL": "C.UTF-8"}):
    output = python(REPORT, PYTHONIOENCODING="", **environment).lower().split()
    need(output == ["utf-8", "utf-8", "utf-8", "é€𝄞"], f"with {environment or 'our environment'}: {output}")
try:
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
except locale.Error as error:
    failed(f"no locale C.UTF-8: {error}")
need(locale.strcoll("a", "b") < 0, "nothing is sorted")
with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "naïve €.txt")
    with open(path, "w") as file:
        file.write("naïve €\n")
    with open(path, "rb") as file:
        need(file.read() == "naïve €\n".encode(), "files are not written in UTF-8")
    need(os.listdir(directory) == ["naïve €.txt"], f"a file is called {os.listdir(directory)}")
text = python("print('\\u20ac')", PYTHONUTF8="0")
need(text == "€\n", f"without UTF-8 mode: {text!r}")
need("idna" in sys.modules or "ü.example".encode("idna") == b"xn--tda.example", "no IDNA")
passed("UTF-8 for streams, files and names, in every locale")
