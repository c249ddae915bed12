# SPDX-License-Identifier: Apache-2.0
# -*- coding: utf-8 -*-
"""The locale C.UTF-8 is there and is the image's own; Python 2 itself knows bytes, and UTF-8 where it is told."""

from __future__ import absolute_import, division, print_function, unicode_literals

import io
import locale
import os
import sys
import tempfile

from verdict import failed, need, passed, python

try:
    locale.setlocale(locale.LC_ALL, str("C.UTF-8"))
except locale.Error as error:
    failed(str("no locale C.UTF-8: %s" % error))
need(os.environ.get("LANG") == "C.UTF-8", str("LANG is %s" % os.environ.get("LANG")))
need(locale.getpreferredencoding(False) == "UTF-8", locale.getpreferredencoding(False))
need(sys.getfilesystemencoding() == "UTF-8", sys.getfilesystemencoding())
name = os.path.join(tempfile.mkdtemp(), "naïve €.txt")
with io.open(name, "w", encoding="utf-8") as file:
    file.write("naïve € 𝄞\n")
need(os.listdir(os.path.dirname(name)) == ["naïve €.txt"], str("a file has another name"))
output = python(str("print(u'\\u20ac'.encode('utf-8'))"))
need(output.decode("utf-8") == "€\n", str("a child prints %r" % output))
need(len("𝄞") == 1, str("characters beyond the basic plane are two"))
need("ü.example".encode("idna") == b"xn--tda.example", str("no IDNA"))
passed(str("C.UTF-8, files and names"))
