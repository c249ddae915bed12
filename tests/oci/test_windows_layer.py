# SPDX-License-Identifier: Apache-2.0
"""Layers of Windows: what is written, and what is refused."""

from __future__ import annotations

import base64
import io
import tarfile
from dataclasses import replace

import pytest

from imagewright.errors import VerificationError
from imagewright.model.tree import Entry, EntrySource, Kind
from imagewright.oci.reader import read_layer
from imagewright.oci.security import DIRECTORY, FILE
from imagewright.oci.tar import archive
from imagewright.oci.windows import check_windows_layer, windows_layer

EPOCH = 1_785_000_000
ENTRIES: tuple[tuple[Entry, bytes | None], ...] = (
    (Entry("Python", Kind.DIRECTORY, 0o755), None),
    (Entry("Python/python.exe", Kind.FILE, 0o644, size=2), b"MZ"),
)


def stream() -> EntrySource:
    return ((entry, None if data is None else io.BytesIO(data)) for entry, data in ENTRIES)


def written() -> bytes:
    return b"".join(archive(windows_layer(stream(), epoch=EPOCH), epoch=EPOCH))


def dressed() -> list[Entry]:
    return [entry for entry, _ in read_layer(io.BytesIO(written()))]


def test_python_reads_what_is_written() -> None:
    with tarfile.open(fileobj=io.BytesIO(written())) as found:
        members = {member.name: member for member in found.getmembers()}
    assert list(members) == ["Files", "Files/Python", "Files/Python/python.exe", "Hives"]
    assert members["Hives"].pax_headers == {"LIBARCHIVE.creationtime": str(EPOCH), "MSWINDOWS.fileattr": "16"}
    assert members["Files/Python"].pax_headers["MSWINDOWS.rawsd"] == base64.b64encode(DIRECTORY.encode()).decode()
    file = members["Files/Python/python.exe"]
    assert file.pax_headers["MSWINDOWS.rawsd"] == base64.b64encode(FILE.encode()).decode()
    assert file.pax_headers["MSWINDOWS.fileattr"] == "32"
    assert file.mtime == EPOCH


def test_we_read_what_is_written() -> None:
    found = [(entry.path, entry.kind) for entry, _ in check_windows_layer(read_layer(io.BytesIO(written())))]
    assert found == [("Python", Kind.DIRECTORY), ("Python/python.exe", Kind.FILE)]


def without(entry: Entry, name: str) -> Entry:
    return replace(entry, records=tuple(pair for pair in entry.records if pair[0] != name))


@pytest.mark.parametrize(
    ("number", "change", "reason"),
    [
        (1, None, "Files/Python does not come before it"),
        (0, None, "Files does not come before it"),
        (3, None, "has no Hives"),
        (2, {"kind": Kind.SYMLINK}, "is a symlink"),
        (2, {"path": "Windows"}, "below neither Files nor Hives"),
        (2, "MSWINDOWS.fileattr", "does not tell its attributes"),
        (2, "LIBARCHIVE.creationtime", "does not tell its attributes"),
        (2, "MSWINDOWS.rawsd", "no security descriptor"),
        (2, {"records": (("MSWINDOWS.rawsd", b"AQAE"),)}, "does not tell its attributes"),
    ],
)
def test_what_windows_could_not_read_is_refused(number: int, change: object, reason: str) -> None:
    entries = dressed()
    if change is None:
        del entries[number]
    elif isinstance(change, str):
        entries[number] = without(entries[number], change)
    else:
        assert isinstance(change, dict)
        entries[number] = replace(entries[number], **change)
    with pytest.raises(VerificationError) as caught:
        list(check_windows_layer((entry, None) for entry in entries))
    assert reason in caught.value.message
