# SPDX-License-Identifier: Apache-2.0
"""Every kind of compressed data."""

from __future__ import absolute_import, division, print_function

import bz2
import io
import tarfile
import zipfile
import zlib

from verdict import need, passed

TEXT = b"how now brown cow " * 5000
METHODS = {"zlib": zlib, "bz2": bz2}
for name, module in METHODS.items():
    small = module.compress(TEXT)
    need(len(small) < len(TEXT) // 20, "%s made %d of %d bytes" % (name, len(small), len(TEXT)))
    need(module.decompress(small) == TEXT, "%s does not give back what it got" % name)
need(zlib.crc32(b"123456789") & 0xFFFFFFFF == 0xCBF43926, "CRC-32 is wrong")
for mode in ("gz", "bz2"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:%s" % mode) as archive:
        member = tarfile.TarInfo("text")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as archive:
        need(archive.extractfile("text").read() == TEXT, "tar with %s lost its member" % mode)
for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as written:
        written.writestr("text", TEXT)
    with zipfile.ZipFile(buffer) as read:
        need(read.read("text") == TEXT, "zip with method %s lost its member" % method)
passed("zlib, bz2; tar gz, bz2; 2 zip methods")
