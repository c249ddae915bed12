# SPDX-License-Identifier: Apache-2.0
"""What a lock is kept by: targets, the sets each of them uses, and the checksum of what each was locked for.

A target is ``3.13-slim-trixie linux/amd64`` where the image is the series' current release, so that a new release
makes its lock stale instead of forgotten; any other release has a target of its own (``3.13.5-slim-trixie …``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from imagewright.catalog.model import Catalog
from imagewright.catalog.resolve import locked_distribution, locked_source
from imagewright.errors import StaleLockError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import Foreign, ImageDefinition, RootKind
from imagewright.model.lock import Lock, PackageSet, Role
from imagewright.model.platforms import Platform, parse_platform

MINBASE = "minbase"
"""The key of base sets that distributions' scripts configure; those of bare roots are called as their variant."""

_TARGET = re.compile(
    r"(?P<key>(?P<series>\d+\.\d+)[^\s-]*(?:-[a-z]+)*)-(?P<suite>[a-z0-9.]+) (?P<platform>[a-z0-9/]+)"
    r"(?: (?P<way>cross|emulated) on (?P<machine>[a-z0-9]+))?",
    re.ASCII,
)

SetId = tuple[Role, str, str, str]
"""Role, suite, architecture and key: what a :class:`PackageSet` is told apart by."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target and the sets it uses: base and buildroot are shared with other targets, runtime is its own.

    The last three are for what this machine cannot run: ``emulator``, and where it is compiled across ``sysroot``
    and the build root of the interpreter that runs meanwhile (``native``).
    """

    name: str
    spec: str
    base: SetId
    buildroot: SetId
    runtime: SetId
    series: str
    emulator: SetId | None = None
    sysroot: SetId | None = None
    native: SetId | None = None

    @property
    def sets(self) -> tuple[SetId, ...]:
        """All of them."""
        others = (self.emulator, self.sysroot, self.native)
        return (self.base, self.buildroot, self.runtime, *(found for found in others if found is not None))


def target_of(definition: ImageDefinition, catalog: Catalog) -> Target:
    """The target that a definition is locked as."""
    current = catalog.by_series[definition.series].current == definition.name.release
    release = definition.series if current else definition.name.release
    words = [f"{release}{definition.name.flavour.value}"]
    word = catalog.by_variant[definition.name.variant].word
    if word and not definition.name.suite.startswith(word):  # tags do not say it twice either
        words.append(word)
    suite, key = definition.name.suite, "-".join(words)
    target = _target(
        key, suite, definition.platform, definition.series, base_key(definition.name.variant, catalog)
    )
    foreign = definition.foreign
    return target if foreign is None else _on(target, foreign.way, foreign.machine.debian)


def base_key(variant: str, catalog: Catalog) -> str:
    """The key of the base set of a variant: one for all configured roots, one for each kind of bare root."""
    ground = catalog.ground(variant)
    return ground.name if ground.root is RootKind.BARE else MINBASE


def parse_target(name: str, catalog: Catalog | None = None) -> Target:
    """Read a target's name again; without a catalog every base is taken for a configured one.

    Raises ``ValueError`` if it is none.
    """
    match = _TARGET.fullmatch(name)
    if match is None:
        raise ValueError(f"{name[:80]!r} is not a target such as `3.13-slim-trixie linux/amd64`")
    platform = parse_platform(match["platform"])
    word = match["key"].partition("-")[2]
    variants = catalog.variants if catalog else ()
    key = next((base_key(each.name, catalog) for each in variants if catalog and each.word == word), MINBASE)
    target = _target(match["key"], match["suite"], platform, match["series"], key)
    return target if match["way"] is None else _on(target, Foreign(match["way"]), match["machine"])


def _target(key: str, suite: str, platform: Platform, series: str, base: str) -> Target:
    return Target(
        name=f"{key}-{suite} {platform}",
        spec=f"{key}-{suite}",
        base=(Role.BASE, suite, platform.debian, base),
        buildroot=(Role.BUILDROOT, suite, platform.debian, series),
        runtime=(Role.RUNTIME, suite, platform.debian, key),
        series=series,
    )


def _on(target: Target, way: Foreign, machine: str) -> Target:
    """The target as a machine (Debian's name) makes it that cannot run it."""
    _, suite, architecture, _ = target.base
    emulated = replace(
        target,
        name=f"{target.name} {way.value} on {machine}",
        emulator=(Role.EMULATOR, suite, machine, "qemu-user"),
    )
    if way is Foreign.EMULATED:
        return emulated
    return replace(
        emulated,
        buildroot=(Role.BUILDROOT, suite, machine, f"{target.series}-{architecture}"),
        sysroot=(Role.SYSROOT, suite, architecture, target.series),
        native=(Role.BUILDROOT, suite, machine, target.series),
    )


def set_id(found: PackageSet) -> SetId:
    """What a set is told apart by."""
    return found.role, found.suite, found.architecture, found.key


def checksum(definition: ImageDefinition, catalog: Catalog) -> Digest:
    """Of everything that decides what a lock should hold, and of nothing else.

    Labels, tags, environment, compression and optimisation may change without a new lock; package lists,
    archives, their keys, and the release's pin may not.
    """
    suite = catalog.by_suite[definition.name.suite]
    release = catalog.by_release[definition.name.release]
    wheels = locked_source(release, catalog.by_series[release.series], catalog.wheels).wheels
    return Digest.of(
        canonical_json(
            {
                "image": [
                    definition.name.release,
                    definition.name.flavour.value,
                    definition.name.variant,
                    definition.name.suite,
                ],
                "platform": str(definition.platform),
                "source": release.pin.hex,
                **({"wheels": [wheel.sha256.hex for wheel in wheels]} if wheels else {}),
                "archives": [
                    [
                        archive.name,
                        suite.mirror_of(archive, definition.platform.debian),
                        archive.components,
                        sorted(archive.keys),
                    ]
                    for archive in suite.archives
                ],
                "base": definition.base_packages,
                **_bare(definition, catalog),
                "buildroot": definition.build_packages,
                "runtime": definition.runtime_packages,
                **_own(definition),
                **_windows(definition, catalog),
            }
        )
    )


def _windows(definition: ImageDefinition, catalog: Catalog) -> dict[str, object]:
    """What more decides where all files are distributed."""
    if definition.platform.os != "windows":
        return {}
    found = locked_distribution(definition.name, catalog)
    return {"distribution": [found.sha256.hex, found.pip.sha256.hex, found.identity, found.issuer]}


def _bare(definition: ImageDefinition, catalog: Catalog) -> dict[str, object]:
    """What more decides where the root is a bare one."""
    if definition.root is not RootKind.BARE:
        return {}
    cuts = catalog.ground(definition.name.variant).cuts
    return {"cuts": sorted([cut.package, *sorted(cut.depends)] for cut in cuts)}


def _own(definition: ImageDefinition) -> dict[str, object]:
    """What of a person's own a lock holds, where there is any."""
    site = definition.site
    found: dict[str, object] = {}
    if site.requirements:
        found["python"] = [
            [each.project, each.version, [digest.hex for digest in each.hashes]] for each in site.requirements
        ]
    if site.locale:
        found["locale"] = True
    return found


def is_locked(lock: Lock, definition: ImageDefinition, catalog: Catalog) -> bool:
    """Whether the lock knows the target at all, stale or not."""
    return target_of(definition, catalog).name in dict(lock.configuration)


def check_fresh(configuration: Mapping[str, Digest], definition: ImageDefinition, catalog: Catalog) -> None:
    """Raise :class:`StaleLockError` unless a lock was made from the configuration there is now.

    ``configuration`` is ``dict(lock.configuration)``, made once for any number of definitions.
    """
    target = target_of(definition, catalog)
    have = configuration.get(target.name)
    want = checksum(definition, catalog)
    if have == want:
        return
    raise StaleLockError(
        f"the lock does not fit {target.name}",
        why=(
            "it does not know this image yet"
            if have is None
            else "catalog or configuration changed since it was made: releases, suites or package lists"
        ),
        hint=f"run: imagewright lock {target.spec}",
        details={"target": target.name, "have": None if have is None else str(have), "want": str(want)},
    )


def locked_set(lock: Lock, wanted: SetId) -> PackageSet:
    """One set of a lock. Raises :class:`StaleLockError` if it is not there."""
    for found in lock.sets:
        if set_id(found) == wanted:
            return found
    role, suite, architecture, key = wanted
    raise StaleLockError(
        f"the lock has no {role.value} packages {key} for {suite} {architecture}",
        hint="make it anew: remove it, or run `imagewright lock` for the image",
    )
