# SPDX-License-Identifier: Apache-2.0
"""Layers of Windows: what a layer for Linux has at its root lies below ``Files``, beside ``Hives``.

``Hives`` would hold changes of the registry as delta hives; a layer that changes none has an empty one. Each entry
tells in PAX records what tar has no room for. Sources: OCI image-spec, layer.md ("File Types", "Platform-specific
attributes"); microsoft/go-winio, ``backuptar``, by which Windows reads layers; moby/buildkit, ``util/winlayers``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace

from imagewright.errors import VerificationError
from imagewright.model.tree import Entry, EntrySource, EntryStream, Kind
from imagewright.oci import security

FILES = "Files"
HIVES = "Hives"
ATTRIBUTES = "MSWINDOWS.fileattr"
DESCRIPTOR = "MSWINDOWS.rawsd"
CREATED = "LIBARCHIVE.creationtime"

_TIME = re.compile(rb"\d{1,12}(\.\d{1,9})?")
"""Seconds since the epoch, as PAX writes times."""

_ATTRIBUTES = {Kind.DIRECTORY: b"16", Kind.FILE: b"32"}
"""FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_ARCHIVE ([MS-FSCC] 2.6), as decimal numbers."""

_DESCRIPTORS = {
    kind: base64.b64encode(found.encode())
    for kind, found in ((Kind.DIRECTORY, security.DIRECTORY), (Kind.FILE, security.FILE))
}


def windows_layer(entries: EntrySource, *, epoch: int) -> EntryStream:
    """A layer of these files and directories, which are sorted and each preceded by the directory it is in.

    ``epoch`` is when all of them were made, in seconds. The order is that of tar: ``Files`` before what is in it.
    """
    yield _dressed(Entry(FILES, Kind.DIRECTORY, 0o755), epoch, described=False), None
    for entry, content in entries:
        yield _dressed(replace(entry, path=f"{FILES}/{entry.path}"), epoch), content
    yield _dressed(Entry(HIVES, Kind.DIRECTORY, 0o755), epoch, described=False), None


def _dressed(entry: Entry, epoch: int, *, described: bool = True) -> Entry:
    """The two directories at the top are the format's own, so they belong to nobody."""
    records = {ATTRIBUTES: _ATTRIBUTES[entry.kind], CREATED: b"%d" % epoch}
    if described:
        records[DESCRIPTOR] = _DESCRIPTORS[entry.kind]
    return replace(entry, mtime=epoch, records=tuple(sorted(records.items())))


def check_windows_layer(entries: EntrySource) -> EntryStream:
    """Look over a layer as Windows would read it, entry by entry; each that is below ``Files``, without that word.

    Raises ``VerificationError`` for one whose directory does not come first, that is neither file nor directory,
    or that lacks a record; at the end if ``Files`` or ``Hives`` is not there.
    """
    directories: set[str] = set()
    for entry, content in entries:
        parent = entry.path.rpartition("/")[0]
        if parent and parent not in directories:
            raise _refused(entry, f"{parent} does not come before it")
        if entry.kind not in _ATTRIBUTES:
            raise _refused(entry, f"is a {entry.kind.value}")
        if entry.kind is Kind.DIRECTORY:
            directories.add(entry.path)
        records = dict(entry.records)
        if records.get(ATTRIBUTES) != _ATTRIBUTES[entry.kind] or not _TIME.fullmatch(records.get(CREATED, b"")):
            raise _refused(entry, "does not tell its attributes, or when it was made")
        top, slash, rest = entry.path.partition("/")
        if top not in (FILES, HIVES):
            raise _refused(entry, f"is below neither {FILES} nor {HIVES}")
        if slash:
            _check_descriptor(entry, records.get(DESCRIPTOR, b""))
        if slash and top == FILES:
            yield replace(entry, path=rest), content
    for name in (FILES, HIVES):
        if name not in directories:
            raise VerificationError(f"refused a layer of Windows: it has no {name}")


def _check_descriptor(entry: Entry, record: bytes) -> None:
    try:
        security.Descriptor.parse(base64.b64decode(record, validate=True))
    except (VerificationError, binascii.Error) as error:
        raise _refused(entry, f"has no security descriptor that can be read ({error})") from None


def _refused(entry: Entry, what: str) -> VerificationError:
    return VerificationError(f"refused a layer of Windows: {entry.path} {what}")
