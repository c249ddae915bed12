# SPDX-License-Identifier: Apache-2.0
"""Definition and lock → what a Dockerfile is made from, by the same functions that make plans."""

from __future__ import annotations

from collections.abc import Sequence

from imagewright.catalog.model import Catalog
from imagewright.catalog.profiles import fitting_profile
from imagewright.catalog.resolve import define, locked_source, sketch
from imagewright.catalog.settings import Settings
from imagewright.catalog.shipped import shipped_profiles
from imagewright.emit.dockerfiles.model import LockedSets, PlatformBuild
from imagewright.errors import UsageError
from imagewright.model.images import ImageDefinition, ImageName, Profile
from imagewright.model.lock import Lock, LockedProfile, LockedSource, LockedWheel
from imagewright.model.platforms import Platform
from imagewright.planning.closures import compiler_of
from imagewright.planning.steps import compilation
from imagewright.planning.targets import check_fresh, is_locked, locked_set, target_of
from imagewright.recipes.alpine import ARCHITECTURES
from imagewright.recipes.python import compile_scripts


def build_of(
    name: ImageName, catalog: Catalog, settings: Settings, platform: Platform, lock: Lock
) -> PlatformBuild:
    """One image on one platform, whatever it stands on. Raises as :func:`gather`."""
    distribution = catalog.by_suite[name.suite].distribution
    if distribution == "alpine":
        return gather_alpine(sketch(name, catalog, settings, platform), catalog)
    if distribution == "windows":
        return gather_windows(sketch(name, catalog, settings, platform), catalog)
    return gather(define(name, catalog, settings, platform), catalog, lock)


def gather(definition: ImageDefinition, catalog: Catalog, lock: Lock) -> PlatformBuild:
    """One image on one platform. Images that the lock does not know get the profiles that ship.

    Raises :class:`StaleLockError` where the lock knows it from another configuration, and :class:`UsageError` for
    what a Dockerfile cannot say.
    """
    locked = _locked(definition, catalog, lock)
    source = _source(definition, catalog)
    known = {found.release: found for found in lock.sources}
    source = known.get(source.release, source) if locked else source
    profile = _profile(definition, catalog, lock.profiles if locked else _shipped(), locked)
    scripts = compile_scripts(compilation(definition, source, trained=profile is not None))
    wheels = _wheels(definition, catalog, lock)
    return PlatformBuild(definition, definition.platform.debian, source, profile, scripts, locked, wheels)


def _wheels(definition: ImageDefinition, catalog: Catalog, lock: Lock) -> tuple[LockedWheel, ...]:
    """Python packages of a person's own, by the hashes that a lock has. Raises :class:`UsageError` without one."""
    if not definition.site.requirements:
        return ()
    target = target_of(definition, catalog).name
    found = next((one.wheels for one in lock.wheels if one.target == target), None)
    if found is None:
        raise UsageError(
            f"{definition.name} needs a lock to become a Dockerfile",
            why="its Python packages are chosen by us, each with its hash",
            hint=f"run: imagewright lock {definition.name}",
        )
    return found


def gather_alpine(definition: ImageDefinition, catalog: Catalog) -> PlatformBuild:
    """One image of Alpine's on one platform. Raises :class:`UsageError` for what a Dockerfile cannot say."""
    _refuse_own(definition)
    architecture, _ = ARCHITECTURES[definition.platform.library]
    source = _source(definition, catalog)
    scripts = compile_scripts(compilation(definition, source, trained=False))
    return PlatformBuild(definition, architecture, source, scripts=scripts)


def gather_windows(definition: ImageDefinition, catalog: Catalog) -> PlatformBuild:
    """One image of Windows'. Raises :class:`UsageError` for what a Dockerfile cannot say."""
    _refuse_own(definition)
    return PlatformBuild(definition, definition.platform.library, _source(definition, catalog))


def _source(definition: ImageDefinition, catalog: Catalog) -> LockedSource:
    release = catalog.by_release[definition.name.release]
    return locked_source(release, catalog.by_series[release.series], catalog.wheels)


def same_kind(builds: Sequence[PlatformBuild]) -> tuple[PlatformBuild, ...]:
    """Those that one Dockerfile is for: where the lock knows some of the platforms, these; else all.

    So its packages are pinned on every platform, or on none.
    """
    return tuple(build for build in builds if build.locked is not None) or tuple(builds)


def _shipped() -> tuple[LockedProfile, ...]:
    return tuple(found.locked for found in shipped_profiles())


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
    """Things of a person's own that only images of Debian's packages have."""
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
            why=f"imagewright.toml gives it {', '.join(found)}, which only images of Debian or Ubuntu get",
            hint="add them in a Dockerfile of your own, FROM this image",
        )
