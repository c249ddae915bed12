# SPDX-License-Identifier: Apache-2.0
"""Which blobs lead to which: manifests and indexes name others, and keep them from being collected."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from imagewright.model.digest import Digest
from imagewright.store.blobs import DiskBlobs

_LARGEST_DOCUMENT = 4 << 20
_FIELDS = ("config", "layers", "manifests", "blobs", "subject")


@dataclass(frozen=True, slots=True)
class Reference:
    """One blob naming another, with the ``size`` it says that one has (-1: it says nothing)."""

    source: Digest
    target: Digest
    size: int


def references(blobs: DiskBlobs, digest: Digest) -> list[Reference]:
    """What a blob names, if it is a manifest or an index; nothing for any other content, or none."""
    try:
        with blobs.inspect(digest) as file:
            if file.peek(1)[:1] != b"{":
                return []
            document = json.loads(file.read(_LARGEST_DOCUMENT))
    except (KeyError, ValueError, RecursionError):
        return []
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:  # noqa: PLR2004 - manifests' version
        return []
    found: list[Reference] = []
    for field in _FIELDS:
        value = document.get(field)
        for item in value if isinstance(value, list) else [value]:
            reference = _reference(digest, item)
            if reference is not None:
                found.append(reference)
    return found


def _reference(source: Digest, item: object) -> Reference | None:
    if not isinstance(item, dict) or item.get("urls"):  # what is elsewhere is not expected here
        return None
    size = item.get("size", -1)
    try:
        return Reference(source, Digest.parse(str(item.get("digest", ""))), size if isinstance(size, int) else -1)
    except ValueError:
        return None


def closure(blobs: DiskBlobs, roots: Iterable[Digest]) -> tuple[set[Digest], list[Reference]]:
    """All that the roots lead to, themselves included, and every reference met on the way."""
    seen: set[Digest] = set()
    met: list[Reference] = []
    pending = list(roots)
    while pending:
        digest = pending.pop()
        if digest in seen:
            continue
        seen.add(digest)
        found = references(blobs, digest)
        met.extend(found)
        pending.extend(reference.target for reference in found)
    return seen, met
