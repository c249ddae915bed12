# SPDX-License-Identifier: Apache-2.0
"""Which package each file belongs to, by the lists that packages leave."""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Iterator

from imagewright.archives.alpine.database import INSTALLED, installed_files
from imagewright.describe.scan import Scan

PYTHON = "cpython"
"""Who owns an interpreter below /usr/local, where no package does."""

_LIST = re.compile(r"var/lib/dpkg/info/([^/:]+)(?::[^/]+)?\.list")
_SUMS = re.compile(r"var/lib/dpkg/status\.d/([^/]+)\.md5sums")
_APK = re.compile(INSTALLED)
_RECORD = re.compile(r"(.*/(?:site|dist)-packages)/([^/]+?)-[^/-]+\.dist-info/RECORD")
_INTERPRETER = re.compile(
    r"usr/local/(?:lib/(?:lib)?python|include/python|lib/pkgconfig/python|share/man/man1/python"
    r"|bin/(?:python|pydoc|idle|2to3)|lib/debug/usr/local/)"
)
_DATABASE = re.compile(r"var/lib/dpkg/info/([^/:]+)(?::[^/.]+)?\.[a-z0-9]+$")


def owners(found: Scan) -> dict[str, str]:
    """Path → package: ``libc6``, ``python:pip``, or ``cpython``; what belongs to none is left out."""
    owned: dict[str, str] = {}
    for path in sorted(found.files):
        if _INTERPRETER.match(path):
            owned[path] = PYTHON
        elif match := _DATABASE.fullmatch(path):
            owned[path] = match[1]
    for path, content in sorted(found.texts.items()):
        for name, owner in _listed(path, content):
            place = found.resolved(name)
            if place in found.files:
                owned[place] = owner
    return owned


def _listed(path: str, content: bytes) -> Iterator[tuple[str, str]]:
    lines = content.decode("utf-8", "surrogateescape").splitlines()
    if match := _LIST.fullmatch(path):
        yield from ((line.strip("/"), match[1]) for line in lines if line not in ("", "/."))
    elif match := _SUMS.fullmatch(path):
        yield from ((line[34:].strip("/"), match[1]) for line in lines if len(line) > 34)  # noqa: PLR2004 - MD5
    elif _APK.fullmatch(path):
        yield from installed_files(content)
    elif match := _RECORD.fullmatch(path):
        owner = f"python:{match[2].replace('_', '-').lower()}"
        for row in _rows(lines):
            yield posixpath.normpath(f"{match[1]}/{row[0]}" if not row[0].startswith("/") else row[0][1:]), owner
        yield path, owner


def _rows(lines: list[str]) -> Iterator[list[str]]:
    """Rows of a RECORD (PyPA, "Recording installed projects"); a damaged one ends the list."""
    try:
        for row in csv.reader(lines):
            if row and row[0]:
                yield row
    except csv.Error:
        return
