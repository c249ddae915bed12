# SPDX-License-Identifier: Apache-2.0
"""What a wheel says about itself: name, version and what it needs (core metadata, PEP 566 and later)."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import BinaryIO

from imagewright.errors import VerificationError

MAXIMUM_METADATA = 8 << 20
"""Bytes of one METADATA file; some hold a whole README."""

MAXIMUM_CONTENT = 8 << 30
"""Bytes that a wheel may unpack to."""

MAXIMUM_MEMBERS = 200_000
"""Files in one wheel."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Of one wheel; ``requires`` are its ``Requires-Dist``, as written."""

    name: str
    version: str
    requires: tuple[str, ...]


def read_metadata(file: BinaryIO, filename: str) -> Metadata:
    """Read a wheel's own words. Raises :class:`VerificationError` for one that cannot be read, or is too large."""
    try:
        with zipfile.ZipFile(file) as wheel:
            members = wheel.infolist()
            size = sum(member.file_size for member in members)
            if len(members) > MAXIMUM_MEMBERS or size > MAXIMUM_CONTENT:
                raise VerificationError(f"{filename} is too large", why=f"{len(members)} files, {size} bytes")
            wanted = _dist_info(filename)
            found = [one for one in members if one.filename.lower() == f"{wanted}/metadata".lower()]
            if len(found) != 1:
                raise VerificationError(f"{filename} has no {wanted}/METADATA")
            with wheel.open(found[0]) as member:
                data = member.read(MAXIMUM_METADATA + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise VerificationError(f"{filename} is not a wheel", why=str(error)[:200]) from error
    if len(data) > MAXIMUM_METADATA:
        raise VerificationError(f"{filename}: its METADATA is longer than {MAXIMUM_METADATA} bytes")
    headers = BytesHeaderParser().parsebytes(data)
    needs = tuple(str(value) for value in headers.get_all("Requires-Dist", []))
    return Metadata(str(headers.get("Name", "")), str(headers.get("Version", "")), needs)


def _dist_info(filename: str) -> str:
    """``six-1.17.0.dist-info`` of ``six-1.17.0-py3-none-any.whl`` (binary distribution format)."""
    return "-".join(filename.split("-")[:2]) + ".dist-info"
