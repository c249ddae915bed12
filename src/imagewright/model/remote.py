# SPDX-License-Identifier: Apache-2.0
"""What is changed in a repository. Field names are those of ``--json``."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.model.digest import Digest


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag and what it names: ``before`` and ``after`` are digests, empty for nothing."""

    tag: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RemoteChanges:
    """What was changed in a repository, or would be (``dry_run``); ``manifests`` were deleted."""

    ref: str
    tags: tuple[TagChange, ...]
    manifests: tuple[Digest, ...]
    dry_run: bool
