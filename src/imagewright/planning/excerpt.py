# SPDX-License-Identifier: Apache-2.0
"""The part of a lock that one image is built from."""

from __future__ import annotations

from imagewright.catalog.model import Catalog
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import Lock
from imagewright.planning.targets import set_id, target_of


def excerpt(lock: Lock, definition: ImageDefinition, catalog: Catalog) -> Lock:
    """What a plan for this image reads of the lock: the plan from the excerpt is the same."""
    target = target_of(definition, catalog)
    sets = tuple(found for found in lock.sets if set_id(found) in target.sets)
    archives = {package.archive for found in sets for package in found.packages}
    release, suite = definition.name.release, definition.name.suite
    return Lock(
        configuration=tuple(pair for pair in lock.configuration if pair[0] == target.name),
        archives=tuple(
            archive for archive in lock.archives if archive.name in archives or archive.suite.startswith(suite)
        ),
        sets=sets,
        sources=tuple(source for source in lock.sources if source.release == release),
        profiles=tuple(
            profile for profile in lock.profiles if (profile.release, profile.suite) == (release, suite)
        ),
        wheels=tuple(found for found in lock.wheels if found.target == target.name),
    )
