# SPDX-License-Identifier: Apache-2.0
"""Making a lock: solving what is asked for, and keeping what may be kept.

A build root, once locked, stays as it is while the packages asked for in it stay the same: what is newer in the
archive reaches images through base and runtime, and nothing is compiled again for it. ``refresh_toolchain``
brings it up to date (docs/explanation/identity.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from imagewright.catalog.model import Catalog
from imagewright.catalog.profiles import fitting_profile
from imagewright.catalog.resolve import locked_distribution, locked_source
from imagewright.catalog.versions import series_of
from imagewright.errors import SolveError
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import (
    Lock,
    LockedArchive,
    LockedBase,
    LockedDistribution,
    LockedProfile,
    LockedSource,
    LockedWheel,
    PackageSet,
    Role,
    WheelSet,
)
from imagewright.planning.candidates import Candidates, Locked
from imagewright.planning.closures import closure, compiler_of
from imagewright.planning.targets import MINBASE, SetId, Target, checksum, parse_target, set_id, target_of

__all__ = ["CandidatesOf", "LockInputs", "closure", "compiler_of", "make_lock", "with_profile"]

LOCALE_SOURCES = "locales"
"""The package that locales are compiled from; it does not get into the image."""

CandidatesOf = Callable[[str, str], Candidates]
"""The candidates of a suite and architecture, from archives that were verified."""


WheelsOf = Callable[[ImageDefinition, tuple[int, int]], tuple[LockedWheel, ...]]
"""The wheels for an image whose C library is glibc of that version."""


BaseOf = Callable[[ImageDefinition], LockedBase]
"""The image of Windows that an image stands on, as its registry has it now."""


def _no_base(definition: ImageDefinition) -> LockedBase:
    raise SolveError(f"nobody says what {definition.name} stands on")


@dataclass(frozen=True, slots=True)
class LockInputs:
    """What a lock is made from.

    ``archives`` are the states of the archives that ``candidates`` are read from; ``profiles`` those that may be
    used, best first (trained here, then shipped); ``wheels`` chooses an image's Python packages, ``bases`` what an
    image of Windows stands on.
    """

    candidates: CandidatesOf
    archives: tuple[LockedArchive, ...]
    profiles: tuple[LockedProfile, ...] = ()
    wheels: WheelsOf = lambda _definition, _glibc: ()
    bases: BaseOf = _no_base


def make_lock(
    definitions: Iterable[ImageDefinition],
    catalog: Catalog,
    inputs: LockInputs,
    *,
    previous: Lock | None = None,
    refresh_toolchain: bool = False,
    keep: bool = False,
) -> Lock:
    """Lock the definitions anew, keeping what ``previous`` holds for other targets.

    A base that is refreshed is shared, so every runtime set that stands on it is solved again with it. With
    ``keep``, the definitions join the base and the versions that are locked already, so that no other target
    changes; only where these do not go together with what the archive has now is all of it refreshed.
    Raises :class:`SolveError`.
    """
    # Archive by archive, since the candidates of one at a time are in memory.
    wanted = sorted(definitions, key=lambda item: (item.name.suite, item.platform.debian))
    before = previous or Lock()
    if keep and before.sets:
        with suppress(SolveError):
            return _Locker(catalog, inputs, before, refresh_toolchain=refresh_toolchain, keep=True).lock(wanted)
    return _Locker(catalog, inputs, before, refresh_toolchain=refresh_toolchain, keep=False).lock(wanted)


class _Locker:
    def __init__(
        self, catalog: Catalog, inputs: LockInputs, previous: Lock, *, refresh_toolchain: bool, keep: bool
    ) -> None:
        self._catalog = catalog
        self._inputs = inputs
        self._previous = previous
        self._refresh_toolchain = refresh_toolchain
        self._keep = keep
        self._before = {set_id(found): found for found in previous.sets}
        self._sets: dict[SetId, PackageSet] = {}
        self._bases: set[SetId] = set()
        self._targets: dict[str, Target] = {}
        self._configuration = dict(previous.configuration)
        self._sources: dict[str, LockedSource] = {}
        self._candidates: dict[SetId, Candidates] = {}
        self._wheels: dict[str, WheelSet] = {}
        self._profiles: dict[tuple[str, str, str, str], LockedProfile] = {}
        self._distributions: dict[str, LockedDistribution] = {}
        self._windows: dict[str, LockedBase] = {}

    def lock(self, definitions: Iterable[ImageDefinition]) -> Lock:
        for definition in definitions:
            self._add(definition)
        return self._finish()

    def _add(self, definition: ImageDefinition) -> None:
        target = target_of(definition, self._catalog)
        if target.name in self._targets:
            return
        self._targets[target.name] = target
        self._configuration[target.name] = checksum(definition, self._catalog)
        if definition.platform.os == "windows":
            self._add_windows(definition)
            return
        release = self._catalog.by_release[definition.name.release]
        series = self._catalog.by_series[definition.series]
        self._sources[release.version] = locked_source(release, series, self._catalog.wheels)
        standing = self._standing_on(target.base)
        whole = self._inputs.candidates(definition.name.suite, definition.platform.debian)
        self._base(target.base, standing, definition.base_packages)
        buildroot = self._made_in(target, definition, whole)
        tools = (LOCALE_SOURCES,) if definition.site.locale else ()
        needed = whole.libraries(buildroot, self._unused(definition)) or ()
        self._runtime(target.runtime, target.base, standing, (*definition.runtime_packages, *tools, *needed))
        self._profile(definition, buildroot)
        wheels = self._inputs.wheels(definition, whole.glibc(buildroot))
        if wheels:
            self._wheels[target.name] = WheelSet(target.name, wheels)

    def _add_windows(self, definition: ImageDefinition) -> None:
        """Nothing is solved: what is distributed, and the base of the suite, which is refreshed unless kept."""
        name = definition.name
        self._distributions[name.release] = locked_distribution(name, self._catalog)
        if name.suite not in self._windows:
            before = next((base for base in self._previous.bases if base.suite == name.suite), None)
            self._windows[name.suite] = before if before and self._keep else self._inputs.bases(definition)

    def _finish(self) -> Lock:
        """Everything together: what was locked now, and what of the lock before is still used."""
        self._resolve_others()
        others = [name for name in self._configuration if name not in self._targets]
        kept = [parse_target(name, self._catalog) for name in others]
        used = {wanted for target in (*kept, *self._targets.values()) for wanted in target.sets}
        sets = {key: found for key, found in (*self._before.items(), *self._sets.items()) if key in used}
        series = {target.series for target in kept}
        sources = {
            source.release: source for source in self._previous.sources if series_of(source.release) in series
        }
        sources.update(self._sources)
        profiles = {_profile_key(found): found for found in self._previous.profiles if found.release in sources}
        profiles.update(self._profiles)
        wheels = {found.target: found for found in self._previous.wheels if found.target in others}
        wheels.update(self._wheels)
        distributions = {
            found.release: found for found in self._previous.distributions if series_of(found.release) in series
        }
        distributions.update(self._distributions)
        suites = {target.base[1] for target in kept}
        bases = {base.suite: base for base in self._previous.bases if base.suite in suites}
        bases.update(self._windows)
        archives = {archive.name: archive for archive in self._previous.archives}
        archives.update({archive.name: archive for archive in self._inputs.archives})
        needed = {package.archive for found in sets.values() for package in found.packages}
        needed |= {archive.name for archive in self._inputs.archives}
        return Lock(
            configuration=tuple(sorted(self._configuration.items())),
            archives=tuple(archive for name, archive in sorted(archives.items()) if name in needed),
            sets=tuple(found for _, found in sorted(sets.items())),
            sources=tuple(found for _, found in sorted(sources.items())),
            profiles=tuple(found for _, found in sorted(profiles.items())),
            wheels=tuple(found for _, found in sorted(wheels.items())),
            distributions=tuple(found for _, found in sorted(distributions.items())),
            bases=tuple(found for _, found in sorted(bases.items())),
        )

    def _standing_on(self, base: SetId) -> Candidates:
        """The candidates for what stands on a base: for a bare one, without the dependencies that are cut."""
        if base not in self._candidates:
            found = self._inputs.candidates(base[1], base[2])
            if base[3] != MINBASE:
                found = found.without({cut.package: cut.depends for cut in self._catalog.by_variant[base[3]].cuts})
            self._candidates[base] = found
        return self._candidates[base]

    def _made_in(self, target: Target, definition: ImageDefinition, candidates: Candidates) -> PackageSet:
        """Lock what the interpreter is made with; the set that it is compiled against."""
        foreign = definition.foreign
        if foreign is None or target.emulator is None:
            return self._buildroot(target.buildroot, candidates, definition.build_packages)
        against = None
        if target.sysroot is not None:
            against = self._sysroot(target.sysroot, candidates, foreign.sysroot_packages)
        else:
            against = self._buildroot(target.buildroot, candidates, definition.build_packages)
        machine = self._inputs.candidates(definition.name.suite, foreign.machine.debian)
        self._emulator(target.emulator, machine, foreign.emulator)
        if target.native is not None:
            self._buildroot(target.buildroot, machine, definition.build_packages)
            native = self._buildroot(target.native, machine, foreign.native_packages)
            self._profile(replace(definition, platform=foreign.machine), native)
        return against

    def _sysroot(self, wanted: SetId, candidates: Candidates, roots: Sequence[str]) -> PackageSet:
        """What is compiled against, and nothing that would run: no foundation, no Essential packages."""
        return self._toolset(wanted, candidates, roots, lambda: candidates.plain(roots))

    def _buildroot(self, wanted: SetId, candidates: Candidates, roots: Sequence[str]) -> PackageSet:
        return self._toolset(wanted, candidates, roots, lambda: self._root(wanted, candidates, roots))

    def _toolset(
        self, wanted: SetId, candidates: Candidates, roots: Sequence[str], solve: Callable[[], Locked]
    ) -> PackageSet:
        """A set that interpreters are made with, kept as it was while it can be and is asked for alike."""
        if wanted in self._sets:
            return self._sets[wanted]
        before = self._before.get(wanted)
        keep = before is not None and not self._refresh_toolchain and before.roots == tuple(sorted(roots))
        if before is not None and keep and candidates.libraries(before) is not None:
            self._sets[wanted] = before
        else:
            self._sets[wanted] = _package_set(wanted, roots, solve())
        return self._sets[wanted]

    def _emulator(self, wanted: SetId, candidates: Candidates, name: str) -> None:
        """One package: its programs are linked statically. Kept while the toolchain is."""
        before = self._before.get(wanted)
        if before is not None and before.roots == (name,) and not self._refresh_toolchain:
            self._sets[wanted] = before
            return
        found = candidates.alone(name)
        if found is None:
            raise SolveError(
                f"there is no package {name}",
                why="it is to hold the emulators of other processors",
                hint="name another one as the suite's `emulator` in imagewright.toml",
            )
        self._sets[wanted] = _package_set(wanted, (name,), (found,))

    def _base(self, wanted: SetId, candidates: Candidates, roots: Sequence[str]) -> None:
        if wanted in self._bases:
            return
        self._bases.add(wanted)
        before = self._before.get(wanted)
        if self._keep and before is not None and before.roots == tuple(sorted(roots)):
            self._sets[wanted] = before
        else:
            self._sets[wanted] = _package_set(wanted, roots, self._root(wanted, candidates, roots))

    def _root(self, wanted: SetId, candidates: Candidates, roots: Sequence[str]) -> Locked:
        """A root from nothing."""
        if wanted[0] is Role.BASE and wanted[3] != MINBASE:
            return candidates.plain(roots)  # bare
        suite = self._catalog.by_suite[wanted[1]]
        return candidates.whole(roots, (wish.name for wish in suite.foundation))

    def _unused(self, definition: ImageDefinition) -> frozenset[str]:
        """Development packages that serve only modules whose libraries this image leaves out."""
        left_out = set(definition.optional_modules)
        return frozenset(
            wish.name for wish in self._catalog.toolchain if wish.modules and left_out.issuperset(wish.modules)
        )

    def _runtime(self, wanted: SetId, base: SetId, candidates: Candidates, roots: Sequence[str]) -> None:
        if wanted in self._sets:
            return
        if self._keep:
            candidates = candidates.fixed(self._beside(wanted))
        added = candidates.above(roots, [self._sets[base]])
        self._sets[wanted] = _package_set(wanted, roots, added)

    def _beside(self, wanted: SetId) -> list[PackageSet]:
        """Runtime sets that were locked for the same suite and architecture."""
        return [found for key, found in self._before.items() if key != wanted and key[:3] == wanted[:3]]

    def _resolve_others(self) -> None:
        """Runtime sets of targets that were not asked for, where their base was refreshed."""
        refreshed = {base for base in self._bases if self._sets[base] != self._before.get(base)}
        for name in self._configuration:
            target = parse_target(name, self._catalog)
            before = self._before.get(target.runtime)
            if before is not None and target.base in refreshed:
                self._runtime(target.runtime, target.base, self._standing_on(target.base), before.roots)

    def _profile(self, definition: ImageDefinition, buildroot: PackageSet) -> None:
        suite = self._catalog.by_suite[definition.name.suite]
        found = fitting_profile(
            (*self._previous.profiles, *self._inputs.profiles),
            release=definition.name.release,
            suite=suite.name,
            architecture=definition.platform.debian,
            flavour=definition.name.flavour.value,
            compiler=compiler_of(buildroot) or suite.compiler,
        )
        if found is not None:
            self._profiles[_profile_key(found)] = found


def with_profile(lock: Lock, profile: LockedProfile) -> Lock:
    """The lock with a profile that was trained, in place of the one there was for the same build."""
    profiles = {_profile_key(found): found for found in (*lock.profiles, profile)}
    return replace(lock, profiles=tuple(found for _, found in sorted(profiles.items())))


def _package_set(wanted: SetId, roots: Iterable[str], packages: Locked) -> PackageSet:
    role, suite, architecture, key = wanted
    return PackageSet(role, suite, architecture, key, tuple(sorted(set(roots))), packages)


def _profile_key(profile: LockedProfile) -> tuple[str, str, str, str]:
    return profile.release, profile.suite, profile.architecture, profile.flavour
