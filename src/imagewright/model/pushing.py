# SPDX-License-Identifier: Apache-2.0
"""How images are pushed."""

from __future__ import annotations

from dataclasses import dataclass, field

from imagewright.model.options import Selection
from imagewright.model.platforms import Platform
from imagewright.model.transfers import RegistryAccess


@dataclass(frozen=True, slots=True)
class PushOptions:
    """How to push.

    ``require`` are platforms that every index must hold before a tag moves; ``mount`` repositories that may have
    blobs already; ``force`` publishes images of the quick profile too; ``replace`` gives up platforms that other
    machines published of the same image; ``attestations`` says whether bills of materials and provenance go along.
    ``per_architecture`` is a repository with ``{architecture}`` in its name, where each platform goes as well,
    alone, under the same tags.
    """

    selection: Selection = field(default_factory=Selection)
    access: RegistryAccess = field(default_factory=RegistryAccess)
    require: tuple[Platform, ...] = ()
    mount: tuple[str, ...] = ()
    per_architecture: str = ""
    force: bool = False
    replace: bool = False
    dry_run: bool = False
    attestations: bool = True
