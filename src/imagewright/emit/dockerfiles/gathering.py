# SPDX-License-Identifier: Apache-2.0
"""Definition and lock → what a Dockerfile is made from, by the same functions that make plans."""

from __future__ import annotations

from imagewright.catalog.model import Catalog
from imagewright.catalog.profiles import fitting_profile
from imagewright.catalog.resolve import locked_source
from imagewright.emit.dockerfiles.model import LockedSets, PlatformBuild
from imagewright.errors import UsageError
from imagewright.model.images import ImageDefinition, Profile
from imagewright.model.lock import Lock, LockedProfile
from imagewright.planning.closures import compiler_of
from imagewright.planning.steps import compilation
from imagewright.planning.targets import check_fresh, is_locked, locked_set, target_of
from imagewright.recipes.python import compile_scripts


def gather(
    definition: ImageDefinition, catalog: Catalog, lock: Lock, profiles: tuple[LockedProfile, ...] = ()
) -> PlatformBuild:
    """One image on one platform. ``profiles`` are those that ship, for images that the lock does not know.

    Raises :class:`StaleLockError` where the lock knows it from another configuration, and :class:`UsageError` for
    what a Dockerfile cannot say.
    """
    _refuse_own(definition)
    locked = _locked(definition, catalog, lock)
    release = catalog.by_release[definition.name.release]
    source = locked_source(release, catalog.by_series[release.series], catalog.wheels)
    known = {found.release: found for found in lock.sources}
    source = known.get(source.release, source) if locked else source
    profile = _profile(definition, catalog, (*lock.profiles, *profiles), locked)
    scripts = compile_scripts(compilation(definition, source, trained=profile is not None))
    return PlatformBuild(definition, source, profile, scripts, locked)


def _locked(definition: ImageDefinition, catalog: Catalog, lock: Lock) -> LockedSets | None:
    if not is_locked(lock, definition, catalog):
        return None
    check_fresh(dict(lock.configuration), definition, catalog)
    target = target_of(definition, catalog)
    found = (locked_set(lock, wanted) for wanted in (target.base, target.buildroot, target.runtime))
    return LockedSets(*found)


def _profile(
    definition: ImageDefinition, catalog: Catalog, profiles: tuple[LockedProfile, ...], locked: LockedSets | None
) -> LockedProfile | None:
    if definition.profile is not Profile.RELEASE:
        return None
    suite = catalog.by_suite[definition.name.suite]
    compiler = compiler_of(locked.buildroot) if locked else ""
    return fitting_profile(
        profiles,
        release=definition.name.release,
        suite=suite.name,
        architecture=definition.platform.debian,
        flavour=definition.name.flavour.value,
        compiler=compiler or suite.compiler,
    )


def _refuse_own(definition: ImageDefinition) -> None:
    """Things of a person's own that only the native engine adds."""
    site = definition.site
    own = {
        "Python packages": site.requirements,
        "a user": site.account,
        "a locale": site.locale,
        "certificates": site.certificates,
        "patches": site.patches,
    }
    found = [what for what, value in own.items() if value]
    if found:
        raise UsageError(
            f"{definition.name} cannot be written as a Dockerfile",
            why=f"imagewright.toml gives it {', '.join(found)}, which only the native engine adds",
            hint="build it with: imagewright build; or add them in a Dockerfile of your own, FROM this image",
        )
