# SPDX-License-Identifier: Apache-2.0
"""What is no longer wanted in a repository. Pure: what there is in, what to do out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from imagewright.model.digest import Digest

_DATED = re.compile(r"(?P<stem>.+)-(?P<date>\d{8}(?:\d{6})?)", re.ASCII)
_FALLBACK = re.compile(r"sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """``tags`` to delete, and ``manifests`` that only they named, each after what names it."""

    tags: tuple[str, ...]
    manifests: tuple[Digest, ...]


def superfluous(
    tags: Mapping[str, Digest], reach: Mapping[Digest, tuple[Digest, ...]], *, only: Iterable[str], keep: int
) -> Housekeeping:
    """Dated tags beyond the newest ``keep`` of their kind, and notes on manifests that no tag leads to any more.

    ``tags`` is what each tag names; ``reach`` what each index or manifest leads to, itself left out. ``only``
    narrows by patterns (none: all). Nothing that a tag that stays leads to is touched. Costs O(tags + manifests).
    """
    patterns = tuple(only)
    old = {tag for tag in _outdated(tags, keep) if not patterns or any(fnmatchcase(tag, one) for one in patterns)}
    staying = {tag: digest for tag, digest in tags.items() if tag not in old and not _FALLBACK.fullmatch(tag)}
    alive: set[Digest] = set()
    for digest in staying.values():
        alive |= {digest, *reach.get(digest, ())}
    dead = {part for tag in old for part in (tags[tag], *reach.get(tags[tag], ()))} - alive
    notes = [tag for tag in tags if (match := _FALLBACK.fullmatch(tag)) and Digest(match[1]) in dead]
    # What names others goes first: then nothing is ever named that is not there.
    order = sorted(dead, key=lambda digest: (-len(reach.get(digest, ())), digest.hex))
    return Housekeeping(tuple(sorted((*old, *notes))), tuple(order))


def _outdated(tags: Iterable[str], keep: int) -> set[str]:
    kinds: dict[str, list[tuple[str, str]]] = {}
    for tag in tags:
        if match := _DATED.fullmatch(tag):
            kinds.setdefault(match["stem"], []).append((match["date"], tag))
    return {tag for dated in kinds.values() for _, tag in sorted(dated, reverse=True)[keep:]}
