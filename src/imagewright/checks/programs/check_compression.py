# SPDX-License-Identifier: Apache-2.0
"""Compressed data of every kind is read and written."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import sys
import tarfile
import zipfile
import zlib
from typing import Any

from verdict import need, passed

TEXT = b"how now brown cow " * 5000
METHODS: dict[str, Any] = {"zlib": zlib, "gzip": gzip, "bz2": bz2, "lzma": lzma}
MODES = ["gz", "bz2", "xz"]
ZIPS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
if sys.version_info >= (3, 14):
    METHODS["zstd"] = importlib.import_module("compression.zstd")
    MODES.append("zst")
    ZIPS.append(93)
for name, module in METHODS.items():
    small = module.compress(TEXT)
    need(len(small) < len(TEXT) // 20, f"{name} made {len(small)} of {len(TEXT)} bytes")
    need(module.decompress(small) == TEXT, f"{name} does not give back what it got")
need(zlib.crc32(b"123456789") == 0xCBF43926, "CRC-32 is wrong")
need(lzma.decompress(lzma.compress(TEXT, check=lzma.CHECK_SHA256)) == TEXT, "xz has no SHA-256")
for mode in MODES:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{mode}") as archive:  # type: ignore[call-overload]
        member = tarfile.TarInfo("text")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as archive:
        extracted = archive.extractfile("text")
        need(extracted is not None and extracted.read() == TEXT, f"tar with {mode} lost its member")
for method in ZIPS:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as written:
        written.writestr("text", TEXT)
    with zipfile.ZipFile(buffer) as read:
        need(read.read("text") == TEXT, f"zip with method {method} lost its member")
passed(f"{', '.join(METHODS)}; tar {', '.join(MODES)}; {len(ZIPS)} zip methods")
