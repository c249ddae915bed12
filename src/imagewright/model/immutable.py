# SPDX-License-Identifier: Apache-2.0
"""Tags that never move: one rule for stores and registries. Which ones, a tag scheme says (``catalog/data``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from imagewright.errors import ImmutableTagError
from imagewright.model.digest import Digest


def is_immutable(tag: str, patterns: Iterable[str]) -> bool:
    """Whether a tag, once given, must name the same content for ever."""
    return any(fnmatchcase(tag, pattern) for pattern in patterns)


def refuse_moves(before: Mapping[str, Digest], after: Mapping[str, Digest], patterns: Iterable[str]) -> None:
    """Raise :class:`ImmutableTagError` if ``after`` gives an immutable tag to other content than ``before`` has.

    Both are tag → digest of what it names, for one platform or for one index; pure, so that a store and a
    registry are held to the same rule.
    """
    chosen = tuple(patterns)
    moved = [
        tag
        for tag, digest in after.items()
        if tag in before and before[tag] != digest and is_immutable(tag, chosen)
    ]
    if moved:
        tag = moved[0]
        raise ImmutableTagError(
            f"the tag {tag} must not move",
            why=f"it names {before[tag].short}, and would name {after[tag].short}",
            hint="it names one image for ever: leave the tag out, or build from the lock it was made from",
            details={"tags": [[tag, str(before[tag]), str(after[tag])] for tag in moved]},
        )
