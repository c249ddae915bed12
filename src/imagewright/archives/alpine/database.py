# SPDX-License-Identifier: Apache-2.0
"""apk's database of installed packages, read: paragraphs as in an index, each with its directories and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imagewright.archives.alpine.index import paragraphs
from imagewright.errors import VerificationError

INSTALLED = r"(?:usr/)?lib/apk/db/installed"
"""Where it is, as a regular expression; apk 3 has it below /usr where the root is merged."""

_FILES = frozenset({b"F:", b"M:", b"R:", b"a:", b"Z:"})


def read_installed(data: bytes, subject: str) -> tuple[Mapping[str, str], ...]:
    """The packages of a database: for each its fields by letter. Raises :class:`VerificationError`."""
    text = b"\n".join(line for line in data.split(b"\n") if line[:2] not in _FILES)
    try:
        found = tuple(fields for _, fields in paragraphs(text))
        if any(not fields.get("P") or not fields.get("V") for fields in found):
            raise ValueError("a package without name or version")
    except ValueError as error:
        raise VerificationError(f"the package database of {subject} cannot be read", why=str(error)) from None
    return found


def installed_files(data: bytes) -> Iterator[tuple[str, str]]:
    """Each file (relative path) with the name of its package."""
    package = directory = ""
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith("P:"):
            package = line[2:]
        elif line.startswith("F:"):
            directory = line[2:]
        elif line.startswith("R:"):
            yield f"{directory}/{line[2:]}".lstrip("/"), package
