# SPDX-License-Identifier: Apache-2.0
"""The step for what is a person's own: whether an image has one, and what it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imagewright.errors import StaleLockError
from imagewright.model.images import Bytecode, ImageDefinition, RootKind
from imagewright.model.lock import LockedWheel, PackageSet, WheelSet
from imagewright.model.packages import LockedPackage
from imagewright.model.plan import SiteWork
from imagewright.model.site import Installers
from imagewright.planning.locking import LOCALE_SOURCES
from imagewright.recipes.site import bytecode_script, library, locale_script


def site_work(
    definition: ImageDefinition, locked: Mapping[str, WheelSet], target: str, runtime: PackageSet
) -> SiteWork | None:
    """What the step does; ``None`` where nothing was chosen that needs one.

    ``locked`` are the lock's wheels by target, ``runtime`` the target's packages. Raises :class:`StaleLockError`.
    """
    site = definition.site
    bytecode = definition.bytecode is Bytecode.STDLIB_SITE
    account = None if definition.root is RootKind.BARE else site.account  # there it is part of the base
    if not (site.requirements or account or site.locale or bytecode):
        return None
    return SiteWork(
        architecture=definition.platform.debian,
        library=library(definition.series, definition.name.flavour),
        parts=definition.parts,
        wheels=_wheels(definition, locked, target),
        account=account,
        locale=site.locale,
        locale_sources=_locale_sources(runtime.packages) if site.locale else None,
        bytecode=bytecode,
        keep_ensurepip=site.installers is Installers.PINNED,
        scripts=(*((locale_script(),) if site.locale else ()), *((bytecode_script(),) if bytecode else ())),
        epoch=definition.release_epoch,
        system=definition.system,
    )


def _wheels(definition: ImageDefinition, locked: Mapping[str, WheelSet], target: str) -> tuple[LockedWheel, ...]:
    wanted = definition.site.requirements
    found = {wheel.project: wheel for wheel in (locked[target].wheels if target in locked else ())}
    missing = [each.project for each in wanted if each.project not in found]
    if missing:
        raise StaleLockError(f"the lock has no {missing[0]} for {target}", hint="run: imagewright lock")
    return tuple(found[each.project] for each in wanted)


def _locale_sources(packages: Iterable[LockedPackage]) -> LockedPackage:
    for package in packages:
        if package.name == LOCALE_SOURCES:
            return package
    raise StaleLockError(f"the lock has no package {LOCALE_SOURCES}", hint="run: imagewright lock")
