# SPDX-License-Identifier: Apache-2.0
"""How packages become roots: one interface for the package systems, and the one place that chooses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from imagewright.archives.alpine.apk import read_control
from imagewright.engine import apk, apkroots, bare, dpkg, roots
from imagewright.engine.needs import RuntimePackages, installed_sonames, package_sonames
from imagewright.engine.overlays import Overlay
from imagewright.engine.roots import ExtendedRoot, Machine
from imagewright.errors import ConfigurationError
from imagewright.model.images import RootKind
from imagewright.model.packages import LockedPackage, PackageSystem
from imagewright.model.plan import RootWork
from imagewright.model.ports import BlobStore
from imagewright.model.tree import EntryStream
from imagewright.recipes.apkroots import LAYOUT as APK_LAYOUT
from imagewright.recipes.pathrules import PathRules
from imagewright.recipes.roots import DEBIAN_LAYOUT, Layout

Sonames = list[tuple[LockedPackage, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class MadeRoot:
    """A root made of packages alone: its tree, the latest time in its packages (seconds), and its layers."""

    tree: Path
    epoch: int
    layers: tuple[tuple[str, EntryStream], ...]


@dataclass(frozen=True, slots=True)
class Extension:
    """What is added to a root: ``packages`` on ``lower`` (topmost first), of which ``base`` is the root itself and
    the rest parts of an interpreter; ``files`` (path → text) are written before any script runs."""

    packages: RuntimePackages
    base: Path
    parts: tuple[Path, ...]
    architecture: str
    rules: PathRules
    epoch: int
    files: Mapping[str, str]


class RootSystem(Protocol):
    """One way of making roots. Raises as :func:`imagewright.engine.roots.assemble_root`."""

    layout: Layout

    def assemble(self, work: RootWork, machine: Machine, workspace: Path) -> MadeRoot:
        """A root from nothing."""
        ...

    def extend(self, wanted: Extension, machine: Machine, workspace: Path) -> ExtendedRoot:
        """Packages added to a root."""
        ...

    def layers(self, root: ExtendedRoot) -> tuple[tuple[str, EntryStream], ...]:
        """What was added, and the whole state as it is now."""
        ...

    def there(self, tree: Path, packages: Iterable[LockedPackage], blobs: BlobStore) -> frozenset[str]:
        """The sonames that a root made of ``packages`` has."""
        ...

    def sonames(self, packages: Iterable[LockedPackage], blobs: BlobStore) -> Sonames:
        """Each package with the sonames that its own control data gives it."""
        ...

    def overlay(self, upper: Path, lower: tuple[Path, ...]) -> Overlay:
        """What was changed above a root."""
        ...


class _Dpkg:
    """Debian's packages, configured by dpkg in the root itself."""

    layout = DEBIAN_LAYOUT

    def assemble(self, work: RootWork, machine: Machine, workspace: Path) -> MadeRoot:
        root = roots.assemble_root(work, machine, workspace)
        return MadeRoot(root.tree, root.epoch, (("layer", root.layer()), ("state", root.state())))

    def extend(self, wanted: Extension, machine: Machine, workspace: Path) -> ExtendedRoot:
        return roots.extend_root(
            wanted.packages.packages,
            (*wanted.parts, wanted.base),
            machine,
            workspace,
            architecture=wanted.architecture,
            rules=wanted.rules,
            automatic=wanted.packages.automatic,
            epoch=wanted.epoch,
            files=wanted.files,
        )

    def layers(self, root: ExtendedRoot) -> tuple[tuple[str, EntryStream], ...]:
        return root.layers()

    def there(self, tree: Path, packages: Iterable[LockedPackage], blobs: BlobStore) -> frozenset[str]:
        del packages, blobs
        return installed_sonames(tree)

    def sonames(self, packages: Iterable[LockedPackage], blobs: BlobStore) -> Sonames:
        return package_sonames(packages, blobs)

    def overlay(self, upper: Path, lower: tuple[Path, ...]) -> Overlay:
        return Overlay(upper, lower, self.layout.state, dpkg.owners)


class _Bare(_Dpkg):
    """Debian's packages, unpacked only: no script, no database that a later layer would change."""

    def assemble(self, work: RootWork, machine: Machine, workspace: Path) -> MadeRoot:
        root = bare.assemble_bare(work, machine, workspace)
        return MadeRoot(root.tree, root.epoch, (("layer", root.layer()),))

    def extend(self, wanted: Extension, machine: Machine, workspace: Path) -> ExtendedRoot:
        return bare.extend_bare(
            wanted.packages.packages,
            (wanted.base,),
            machine,
            workspace,
            rules=wanted.rules,
            epoch=wanted.epoch,
        )

    def layers(self, root: ExtendedRoot) -> tuple[tuple[str, EntryStream], ...]:
        return (("layer", root.layer()),)

    def there(self, tree: Path, packages: Iterable[LockedPackage], blobs: BlobStore) -> frozenset[str]:
        del tree
        return frozenset(name for _, sonames in self.sonames(packages, blobs) for name in sonames)


class _Apk:
    """Alpine's packages, with their own scripts and triggers."""

    layout = APK_LAYOUT

    def assemble(self, work: RootWork, machine: Machine, workspace: Path) -> MadeRoot:
        root = apkroots.assemble_root(work, machine, workspace)
        return MadeRoot(root.tree, root.epoch, (("layer", root.layer()), ("state", root.state())))

    def extend(self, wanted: Extension, machine: Machine, workspace: Path) -> ExtendedRoot:
        return apkroots.extend_root(
            wanted.packages.packages,
            (*wanted.parts, wanted.base),
            machine,
            workspace,
            rules=wanted.rules,
            automatic=wanted.packages.automatic,
            epoch=wanted.epoch,
            files=wanted.files,
        )

    def layers(self, root: ExtendedRoot) -> tuple[tuple[str, EntryStream], ...]:
        return root.layers()

    def there(self, tree: Path, packages: Iterable[LockedPackage], blobs: BlobStore) -> frozenset[str]:
        del packages, blobs
        return apk.sonames(tree)

    def sonames(self, packages: Iterable[LockedPackage], blobs: BlobStore) -> Sonames:
        found = []
        for package in packages:
            with blobs.open(package.sha256) as file:
                found.append((package, read_control(file, str(package)).sonames))
        return found

    def overlay(self, upper: Path, lower: tuple[Path, ...]) -> Overlay:
        return Overlay(upper, lower, self.layout.state, apk.owners)


_SYSTEMS: Mapping[tuple[PackageSystem, RootKind], RootSystem] = {
    (PackageSystem.DPKG, RootKind.CONFIGURED): _Dpkg(),
    (PackageSystem.DPKG, RootKind.BARE): _Bare(),
    (PackageSystem.APK, RootKind.CONFIGURED): _Apk(),
}


def system_of(system: PackageSystem, kind: RootKind = RootKind.CONFIGURED) -> RootSystem:
    """The way of making roots of a kind. Raises :class:`ConfigurationError` where there is none."""
    found = _SYSTEMS.get((system, kind))
    if found is None:
        raise ConfigurationError(
            f"there are no {kind.value} roots of {system.value}'s packages", hint="choose another variant or suite"
        )
    return found
