# SPDX-License-Identifier: Apache-2.0
"""Roots made of Debian packages: unpacked by us, configured by their own maintainer scripts, normalised.

Packages with a preinst script need those in their Pre-Depends configured before they are unpacked (Debian Policy
7.2). Essential packages are the exception that every installer makes, because nothing could run otherwise. So a
root comes to be in waves: first Essential and everything without a preinst, then the others, each wave after what
it pre-depends on. A base root, like most, has one wave and one run of dpkg.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from imagewright.archives.debian.deb import Control, read_control
from imagewright.archives.debian.relations import parse_dependency
from imagewright.archives.decompressed import Decompressed
from imagewright.engine import dpkg
from imagewright.engine.files import write_file
from imagewright.engine.normalise import normalise, now_on
from imagewright.engine.overlays import Overlay
from imagewright.engine.trees import scan, stream
from imagewright.engine.unpack import Unpacked, Unpacker, disk, relations_of
from imagewright.errors import BuildError, VerificationError
from imagewright.model.packages import LockedPackage
from imagewright.model.plan import RootWork
from imagewright.model.ports import BlobStore, Sandbox
from imagewright.model.sandboxing import Output, OverlayRoot, PlainRoot, SandboxRequest
from imagewright.model.tree import EntryStream
from imagewright.recipes import roots as recipe
from imagewright.recipes.pathrules import PathRules
from imagewright.recipes.rootfiles import extended_states

_TIMEOUT = 3600.0
_EXTENDED_STATES = "var/lib/apt/extended_states"


@dataclass(frozen=True, slots=True)
class Machine:
    """What a root is made with: packages, a sandbox, where its output goes, threads to use.

    ``kept`` is what was in packages that were unpacked before.
    """

    blobs: BlobStore
    sandbox: Sandbox
    output: Output
    jobs: int
    kept: Decompressed | None = None


@dataclass(frozen=True, slots=True)
class AssembledRoot:
    """A root made of packages alone.

    ``epoch`` (seconds) is the latest modification time in its packages; ``rules`` say which files are state.
    """

    tree: Path
    epoch: int
    rules: recipe.Rules = recipe.STATE

    def layer(self) -> EntryStream:
        """What stays as it is, sorted."""
        found = scan(self.tree)
        return stream(found, recipe.split(found.entries, self.rules)[0])

    def state(self) -> EntryStream:
        """What every later installation changes (:data:`imagewright.recipes.roots.STATE`), sorted."""
        found = scan(self.tree)
        return stream(found, recipe.split(found.entries, self.rules)[1])


@dataclass(frozen=True, slots=True)
class ExtendedRoot:
    """Packages added to a root: ``upper`` is what changed above ``lower``, as overlayfs keeps it.

    ``epoch`` (seconds) is the latest modification time in the packages that were added. What lies below has no
    part in it: an update of the base alone leaves the layer as it is.
    """

    upper: Path
    lower: tuple[Path, ...]
    epoch: int
    rules: recipe.Rules = recipe.STATE

    def layer(self) -> EntryStream:
        """What was added and stays as it is, sorted. Nothing of it is in ``lower``; that was checked."""
        return self._overlay().layer(self.epoch)

    def state(self) -> EntryStream:
        """The whole state as it is now, that of ``lower`` included, sorted."""
        return self._overlay().state()

    def layers(self) -> tuple[tuple[str, EntryStream], ...]:
        """Both, for which the tree is looked through once."""
        overlay = self._overlay()
        return (("layer", overlay.layer(self.epoch)), ("state", overlay.state()))

    def _overlay(self) -> Overlay:
        return Overlay(self.upper, self.lower, self.rules)


def assemble_root(work: RootWork, machine: Machine, workspace: Path) -> AssembledRoot:
    """Make a root in ``workspace`` (empty, on the store's file system). The packages must be in the store.

    The tree depends on the work alone, not on threads, time, user or place. Raises :class:`BuildError` when a
    maintainer script fails, :class:`VerificationError` for a package that is not what it should be.
    """
    root = workspace / "root"
    started = now_on(workspace)
    with disk("cannot make a root"):
        dpkg.make_directory(root)
        for name in recipe.merged_links(work.suite, work.architecture):
            dpkg.make_directory(root / "usr" / name)
            (root / name).symlink_to(f"usr/{name}")
    assembly = _Assembly(
        machine, Unpacker(root, (), PathRules(work.exclude, work.include), machine.kept), root, ()
    )
    first = recipe.bootstrap(work.packages)
    assembly.run(work.packages, first, work.architecture, dict(work.files))
    normalise(root, started, assembly.epoch, whole=True)
    return AssembledRoot(root, assembly.epoch)


def extend_root(
    packages: Iterable[LockedPackage],
    lower: tuple[Path, ...],
    machine: Machine,
    workspace: Path,
    *,
    architecture: str,
    rules: PathRules,
    automatic: Iterable[LockedPackage] = (),
    epoch: int = 0,
    files: Mapping[str, str] | None = None,
) -> ExtendedRoot:
    """Install packages on top of a root (``lower``, topmost first), in ``workspace`` (empty).

    ``automatic`` are those nobody asked for; ``epoch`` is that of what lies below, which counts where nothing is
    added; ``files`` (path → text) are written before any script runs. Raises as :func:`assemble_root`, and
    :class:`BuildError` naming files of ``lower`` that the packages or their scripts have changed, other than the
    state that every installation changes.
    """
    upper, inner = workspace / "upper", workspace / "work"
    started = now_on(workspace)
    with disk("cannot extend a root"):
        dpkg.make_directory(upper)
        dpkg.make_directory(inner)
    assembly = _Assembly(machine, Unpacker(upper, lower, rules, machine.kept), upper, lower, inner)
    written = dict(files or {})
    came_along = extended_states(automatic, architecture)
    if came_along:
        before = _first(lower, _EXTENDED_STATES)
        written[_EXTENDED_STATES] = (before.read_text(encoding="utf-8") if before else "") + came_along
    # "libraries": the dynamic linker must find those of other layers too, libpython for one, in /usr/local/lib.
    assembly.run(tuple(packages), frozenset(), architecture, written, last=["libraries"])
    latest = assembly.epoch or epoch
    normalise(upper, started, latest, whole=False)
    Overlay(upper, lower).check_nothing_hidden()
    return ExtendedRoot(upper, lower, latest)


class _Assembly:
    """One root being made: which packages are where on their way."""

    def __init__(
        self, machine: Machine, unpacker: Unpacker, root: Path, lower: tuple[Path, ...], work: Path | None = None
    ) -> None:
        self._machine = machine
        self._unpacker = unpacker
        self._root = root
        self._lower = lower
        self._work = work
        self._native = ""
        self._stages = 0
        self.epoch = 0

    def run(
        self,
        packages: tuple[LockedPackage, ...],
        first: frozenset[str],
        native: str,
        files: Mapping[str, str],
        last: list[str] | None = None,
    ) -> None:
        """Unpack and configure. ``first`` are unpacked before any script of theirs; the rest by the rules.

        ``last`` is a step of the script that follows everything else.
        """
        self._native = native
        after = [last] if last else []
        if not packages:
            if after:
                self._execute(after)
            return
        ordered = _ordered(packages)
        controls = {package.name: self._control(package) for package in ordered if package.name not in first}
        late = {name for name, control in controls.items() if _has_preinst(control)}
        early = self._unpack([package for package in ordered if package.name not in late])
        for path, text in sorted(files.items()):
            self._write(path, text)
        plan = self._stage(each.control for each in early if each.package.name in first)
        if late and first:
            plan.append(["configure", *sorted(first)])
        for wave, needed in _waves(ordered, late, controls, set(first)):
            if needed:
                plan.append(["configure", *sorted(needed)])
            plan += self._stage(controls[package.name] for package in wave)
            self._execute(plan)
            plan = []
            self._unpack(wave)
        self._execute([*plan, ["configure"], *after])
        dpkg.check_configured(self._root, (package.name for package in ordered))

    def _unpack(self, packages: list[LockedPackage]) -> tuple[Unpacked[Control], ...]:
        trees = (self._root, *self._lower)
        diversions = dpkg.read_diversions(trees)
        done = self._unpacker.unpack(
            packages,
            lambda package: self._machine.blobs.open(package.sha256),
            diversions=diversions,
            jobs=self._machine.jobs,
        )
        self.epoch = max([self.epoch, *(each.newest for each in done)])
        with disk("cannot write dpkg's database"):
            dpkg.write_database(self._root, done, status=dpkg.read_admin(trees, "status"), native=self._native)
            dpkg.write_triggers(self._root, trees, done)
        return done

    def _control(self, package: LockedPackage) -> Control:
        with self._machine.blobs.open(package.sha256) as file:
            return read_control(file, str(package))

    def _write(self, path: str, text: str) -> None:
        with disk(f"cannot write {path}"):
            write_file(self._root, path, text)

    def _stage(self, controls: Iterable[Control]) -> list[list[str]]:
        """Lay out control files where the script finds them: in order, named after the package."""
        relevant = [control for control in controls if _has_preinst(control)]
        if not relevant:
            return []
        self._stages += 1
        name = f"{dpkg.ADMIN}/imagewright.{self._stages}"
        with disk("cannot stage maintainer scripts"):
            for number, control in enumerate(relevant):
                directory = self._root / name / f"{number:04}_{control.name}_{control.architecture}"
                dpkg.make_directory(directory)
                (directory / "control").write_text(control.text, encoding="utf-8")
                dpkg.write_control(directory, control)
        return [["preinst", f"/{name}"]]

    def _execute(self, plan: list[list[str]]) -> None:
        script = recipe.configure_script()
        words = [word for step in plan for word in ("--", *step)][1:]
        root = OverlayRoot(self._lower, self._root, self._work) if self._work else PlainRoot(self._root)
        request = SandboxRequest(
            root=root,
            argv=("/bin/sh", "-c", script.text, script.name, *words),
            environment=(*script.environment, ("SOURCE_DATE_EPOCH", str(self.epoch))),
            tmpfs=(*recipe.WITHOUT_SYNC, "/tmp"),  # noqa: S108 - inside the sandbox
            timeout=_TIMEOUT,
        )
        result = self._machine.sandbox.run(request, self._machine.output)
        if result.status:
            raise BuildError(
                f"configuring packages ended with status {result.status}",
                why="a maintainer script failed; the step's log has its output",
                details={"status": result.status, "replay": self._machine.sandbox.replay(request)},
            )


def _has_preinst(control: Control) -> bool:
    return recipe.does_something(control.files.get("preinst", b""))


def _waves(
    ordered: tuple[LockedPackage, ...], late: set[str], controls: Mapping[str, Control], configured: set[str]
) -> Iterator[tuple[list[LockedPackage], frozenset[str]]]:
    """The ``late`` packages in groups that can go together, and what must be configured before each group."""
    by_name = {package.name: package for package in ordered}
    provides = {
        name: {each.name for each in relations_of(control, "provides")} for name, control in controls.items()
    }
    needs = {name: _pre_depends(by_name[name], controls[name], provides) for name in sorted(late)}
    closures = {name: recipe.closure(found, by_name) for name, found in needs.items()}
    waiting = [package for package in ordered if package.name in late]
    while waiting:
        names = {package.name for package in waiting}
        ready = [package for package in waiting if not (closures[package.name] - {package.name}) & names]
        group = ready or waiting[:1]  # a circle: dpkg breaks it somewhere too
        needed = frozenset().union(*(closures[package.name] for package in group)) - names
        yield group, needed - configured
        configured |= needed
        waiting = [package for package in waiting if package not in group]


def _pre_depends(package: LockedPackage, control: Control, provides: Mapping[str, set[str]]) -> frozenset[str]:
    try:
        dependency = parse_dependency(control.get("pre-depends"))
    except ValueError as error:
        raise VerificationError(f"{package}: its Pre-Depends cannot be read", why=str(error)) from error
    names = {relation.name for alternatives in dependency for relation in alternatives}
    return frozenset(name for name in package.depends if name in names or provides.get(name, set()) & names)


def _ordered(packages: tuple[LockedPackage, ...]) -> tuple[LockedPackage, ...]:
    ordered = recipe.in_order(packages)
    return tuple(sorted(ordered, key=lambda package: _rank(package.name)))


def _rank(name: str) -> int:
    first = recipe.FIRST_PACKAGES
    return first.index(name) if name in first else len(first)


def _first(trees: Iterable[Path], path: str) -> Path | None:
    return next((tree / path for tree in trees if (tree / path).is_file()), None)
