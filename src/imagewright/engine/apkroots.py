# SPDX-License-Identifier: Apache-2.0
"""Roots made of Alpine's packages: unpacked by us, their own scripts and triggers run in the sandbox, normalised.

apk installs one package after the other, in the order of their dependencies, each script in its turn. Here all
packages without a pre-install script are unpacked at once, their post-install scripts run in that order, then the
pre-install scripts of the others, and so on; triggers come last, as with apk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from imagewright.archives.alpine.apk import ApkControl, read_control
from imagewright.archives.alpine.index import format_checksum
from imagewright.engine import apk
from imagewright.engine.apk import ApkUnpacker, Brought
from imagewright.engine.dpkg import make_directory
from imagewright.engine.files import inside, write_file
from imagewright.engine.normalise import normalise, now_on
from imagewright.engine.overlays import Overlay
from imagewright.engine.roots import AssembledRoot, ExtendedRoot, Machine
from imagewright.engine.unpack import disk
from imagewright.errors import BuildError
from imagewright.model.packages import LockedPackage
from imagewright.model.plan import RootWork
from imagewright.model.sandboxing import OverlayRoot, PlainRoot, SandboxRequest
from imagewright.recipes import apkroots as recipe
from imagewright.recipes.pathrules import PathRules
from imagewright.recipes.roots import in_order

_TIMEOUT = 3600.0


def assemble_root(work: RootWork, machine: Machine, workspace: Path) -> AssembledRoot:
    """Make a root in ``workspace`` (empty, on the store's file system). The packages must be in the store.

    The tree depends on the work alone. Raises :class:`BuildError` when a script fails, ``VerificationError`` for a
    package that is not what it should be.
    """
    root = workspace / "root"
    started = now_on(workspace)
    with disk("cannot make a root"):
        make_directory(root)
    assembly = _Assembly(machine, root, (), None, PathRules(work.exclude, work.include))
    assembly.run(work.packages, dict(work.files))
    normalise(root, started, assembly.epoch, whole=True, layout=recipe.LAYOUT)
    return AssembledRoot(root, assembly.epoch, recipe.STATE)


def extend_root(
    packages: Iterable[LockedPackage],
    lower: tuple[Path, ...],
    machine: Machine,
    workspace: Path,
    *,
    rules: PathRules,
    automatic: Iterable[LockedPackage] = (),
    epoch: int = 0,
    files: Mapping[str, str] | None = None,
) -> ExtendedRoot:
    """Install packages on top of a root (``lower``, topmost first), in ``workspace`` (empty).

    Arguments and errors are those of :func:`imagewright.engine.roots.extend_root`; what nobody asked for is not
    noted in apk's world.
    """
    upper, inner = workspace / "upper", workspace / "work"
    started = now_on(workspace)
    with disk("cannot extend a root"):
        make_directory(upper)
        make_directory(inner)
    added = tuple(packages)
    came_along = {package.name for package in automatic}
    world = apk.world(lower)
    world += [package.name for package in added if package.name not in came_along]
    assembly = _Assembly(machine, upper, lower, inner, rules)
    assembly.run(added, {**(files or {}), recipe.WORLD: recipe.world_text(world)})
    latest = assembly.epoch or epoch
    normalise(upper, started, latest, whole=False, layout=recipe.LAYOUT)
    Overlay(upper, lower, recipe.STATE, apk.owners).check_nothing_hidden()
    return ExtendedRoot(upper, lower, latest, recipe.STATE)


class _Assembly:
    """One root being made."""

    def __init__(
        self, machine: Machine, root: Path, lower: tuple[Path, ...], work: Path | None, rules: PathRules
    ) -> None:
        self._machine = machine
        self._unpacker = ApkUnpacker(root, lower, rules)
        self._root = root
        self._lower = lower
        self._work = work
        self._done: dict[str, Brought] = {}
        self.epoch = 0

    def run(self, packages: Sequence[LockedPackage], files: Mapping[str, str]) -> None:
        ordered = in_order(packages)
        controls = {package.name: self._control(package) for package in ordered}
        late = [package for package in ordered if "pre-install" in controls[package.name].scripts]
        early = [package for package in ordered if package not in late]
        self._unpack(early)
        with disk("cannot write files of a root"):
            for path, text in sorted(files.items()):
                write_file(self._root, path, text)
        self._scripts("post-install", early)
        self._scripts("pre-install", late, controls)
        self._unpack(late)
        self._scripts("post-install", late)
        with disk("cannot write apk's database"):
            whole = ((package, self._done[package.name]) for package in ordered)
            apk.write_database(self._root, self._lower, whole)
        self._triggers()

    def _control(self, package: LockedPackage) -> ApkControl:
        with self._machine.blobs.open(package.sha256) as file:
            return read_control(file, str(package))

    def _unpack(self, packages: Sequence[LockedPackage]) -> None:
        done = self._unpacker.unpack(
            packages,
            lambda package: self._machine.blobs.open(package.sha256),
            diversions={},
            jobs=self._machine.jobs,
        )
        self.epoch = max([self.epoch, *(each.newest for each in done)])
        self._done.update({each.package.name: each.control for each in done})

    def _scripts(
        self, kind: str, packages: Iterable[LockedPackage], controls: Mapping[str, ApkControl] | None = None
    ) -> None:
        for package in packages:
            control = controls[package.name] if controls else self._done[package.name].control
            text = control.scripts.get(kind)
            if text is not None:
                self._execute(package.name, package.version, kind, text, (package.version,))

    def _triggers(self) -> None:
        """Each package with triggers once, with all directories that concern it and in which something changed.

        For a package that is new itself, everything that is there changed (apk-tools, ``run_all_triggers``).
        """
        trees = (self._root, *self._lower)
        new = {format_checksum(brought.control.checksum) for brought in self._done.values()}
        changed = frozenset(path for brought in self._done.values() for path in brought.directories)
        everything = apk.directories(trees)
        installed = apk.installed(trees)
        for checksum, patterns in apk.waiting(trees).items():
            among = everything if checksum in new else changed
            hit = sorted(f"/{path}" for path in among if any(_concerns(one, f"/{path}") for one in patterns))
            if hit:
                text = apk.script(trees, checksum, "trigger")
                self._execute(*installed[checksum], "trigger", text, tuple(hit))

    def _execute(self, package: str, version: str, kind: str, text: bytes, arguments: tuple[str, ...]) -> None:
        name = f"{package}-{version}.{kind}"
        self._machine.output(f"Executing {name}\n".encode())
        place = inside(self._root, f"{recipe.EXEC}/{name}")
        with disk("cannot stage a script"):
            make_directory(place.parent)
            place.write_bytes(text)
            place.chmod(0o755)
        request = SandboxRequest(
            root=OverlayRoot(self._lower, self._root, self._work) if self._work else PlainRoot(self._root),
            argv=(f"/{recipe.EXEC}/{name}", *arguments),
            environment=(
                ("APK_PACKAGE", package),
                ("APK_SCRIPT", kind),
                *recipe.ENVIRONMENT,
                ("SOURCE_DATE_EPOCH", str(self.epoch)),
            ),
            tmpfs=("/tmp",),  # noqa: S108 - inside the sandbox
            timeout=_TIMEOUT,
        )
        result = self._machine.sandbox.run(request, self._machine.output)
        if result.status:
            raise BuildError(
                f"the {kind} script of {package}-{version} ended with status {result.status}",
                why="the step's log has its output",
                details={"status": result.status, "replay": self._machine.sandbox.replay(request)},
            )
        with disk("cannot remove a script"):
            place.unlink()
            place.parent.rmdir()


def _concerns(pattern: str, path: str) -> bool:
    """Whether a pattern of directories (glob(7)) is about a path; ``+`` in front means nothing here."""
    wanted, parts = pattern.lstrip("+").split("/"), path.split("/")
    return len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted))
