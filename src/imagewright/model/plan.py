# SPDX-License-Identifier: Apache-2.0
"""The plan: a graph of steps, each named by the hash of everything that can change its result."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.model.digest import Digest
from imagewright.model.images import Compression, ImageConfiguration, PythonPart, RootKind
from imagewright.model.lock import LockedBase, LockedDistribution, LockedProfile, LockedSource, LockedWheel
from imagewright.model.packages import LockedPackage, PackageSystem
from imagewright.model.records import StepKind as StepKind  # noqa: PLC0414 - found here as well
from imagewright.model.records import StepRecord as StepRecord  # noqa: PLC0414 - found here as well
from imagewright.model.site import Account, LocalFile

ONLY_TREES = frozenset({StepKind.BUILDROOT, StepKind.EMULATOR, StepKind.SYSROOT})
"""Steps whose result is nothing but an unpacked tree: it stays on the machine that made it."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a step runs: POSIX shell text and its environment. The sandbox runs it; Dockerfiles print it."""

    name: str
    text: str
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RootWork:
    """Make a root from packages alone (``base``, ``buildroot``).

    ``files`` are written into the root before configuration: path → text (apt and dpkg configuration).
    ``exclude`` and ``include`` are dpkg path rules (``path-exclude``/``path-include`` globs, in order).
    ``layered`` says whether a layer is wanted (a build root is only ever a tree), ``system`` whose packages they
    are. Nothing replaces a file of a
    bare root, so what a person adds to its databases is in it from the start: ``account`` is one whose home is
    made (the user database is among ``files``), ``certificates`` are authorities believed besides the packages'.
    """

    suite: str
    architecture: str
    packages: tuple[LockedPackage, ...]
    files: tuple[tuple[str, str], ...]
    exclude: tuple[str, ...]
    include: tuple[str, ...]
    layered: bool
    kind: RootKind = RootKind.CONFIGURED
    account: Account | None = None
    certificates: tuple[LocalFile, ...] = ()
    system: PackageSystem = PackageSystem.DPKG


@dataclass(frozen=True, slots=True)
class UnpackWork:
    """Unpack packages, running nothing of them (``sysroot``, ``emulator``); only ever a tree.

    ``exclude`` and ``include`` as for :class:`RootWork`.
    """

    suite: str
    architecture: str
    packages: tuple[LockedPackage, ...]
    exclude: tuple[str, ...]
    include: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PythonWork:
    """Compile the interpreter. ``toolchain`` are the packages that can change its bytes; ``epoch`` seconds.

    ``architecture`` (Debian's name) is the one that the interpreter is for.
    ``patches`` are applied to the source in this order. ``sysroot`` are the packages of that architecture that it
    is compiled against, where the build root is the machine's own.
    """

    release: str
    source: LockedSource
    profile: LockedProfile | None
    toolchain: tuple[LockedPackage, ...]
    scripts: tuple[Script, ...]
    epoch: int
    architecture: str
    patches: tuple[LocalFile, ...] = ()
    sysroot: tuple[LockedPackage, ...] = ()


@dataclass(frozen=True, slots=True)
class RuntimeWork:
    """Add the packages the interpreter needs to the base root.

    ``candidates`` is the locked runtime set; ``wanted`` are installed whatever the ELF files need;
    ``optional_modules`` are extension modules whose needs do not count; ``parts`` those of the interpreter that
    the image has; ``certificates`` of authorities are believed besides those that come with packages;
    ``interpreter`` is the source that a document in the image tells of, dated ``release_epoch`` (seconds).
    """

    suite: str
    architecture: str
    base: tuple[LockedPackage, ...]
    candidates: tuple[LockedPackage, ...]
    wanted: tuple[str, ...]
    optional_modules: tuple[str, ...]
    parts: tuple[PythonPart, ...]
    exclude: tuple[str, ...]
    include: tuple[str, ...]
    kind: RootKind = RootKind.CONFIGURED
    certificates: tuple[LocalFile, ...] = ()
    interpreter: LockedSource | None = None
    release_epoch: int = 0
    system: PackageSystem = PackageSystem.DPKG


@dataclass(frozen=True, slots=True)
class ImageWork:
    """Put layers and configuration together. ``minimum_epoch`` bounds the creation date from below.

    ``compression`` is chosen here alone: steps keep their layers as gzip, and one that was compiled once serves
    images of either kind.
    """

    name: str
    platform: str
    configuration: ImageConfiguration
    minimum_epoch: int
    parts: tuple[PythonPart, ...]
    compression: Compression = Compression.GZIP


@dataclass(frozen=True, slots=True)
class CheckWork:
    """Run acceptance checks inside the image; ``checks`` are their names, ``release`` the version expected;
    ``revision`` changes with the checks' programs, ``address`` is an archive they may reach (none where empty),
    ``parts`` are those of the interpreter's tree that should be there, ``told`` variables for the programs."""

    name: str
    platform: str
    release: str
    variant: str
    checks: tuple[str, ...]
    optional_modules: tuple[str, ...]
    address: str
    revision: str = ""
    parts: tuple[PythonPart, ...] = tuple(PythonPart)
    told: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SiteWork:
    """Add what is a person's own: Python packages, a user, a locale, bytecode.

    ``library`` is the name of the interpreter's library (``python3.13``), ``parts`` what the image has of its
    tree. ``locale_sources`` is the package that ``locale`` is compiled from; ``bytecode`` says whether packages
    are compiled, ``keep_ensurepip`` whether virtual environments get a pip although the image has another one.
    """

    architecture: str
    library: str
    parts: tuple[PythonPart, ...]
    wheels: tuple[LockedWheel, ...]
    account: Account | None
    locale: str
    locale_sources: LockedPackage | None
    bytecode: bool
    keep_ensurepip: bool
    scripts: tuple[Script, ...]
    epoch: int
    system: PackageSystem = PackageSystem.DPKG


@dataclass(frozen=True, slots=True)
class WindowsWork:
    """Make a layer of Windows from what is distributed; ``epoch`` in seconds is when all of it was made."""

    distribution: LockedDistribution
    epoch: int


@dataclass(frozen=True, slots=True)
class WindowsImageWork:
    """Put a layer on an image of Windows; the fields as :class:`ImageWork`'s."""

    name: str
    platform: str
    configuration: ImageConfiguration
    minimum_epoch: int
    base: LockedBase
    compression: Compression = Compression.GZIP


Work = (
    RootWork
    | UnpackWork
    | PythonWork
    | RuntimeWork
    | SiteWork
    | ImageWork
    | CheckWork
    | WindowsWork
    | WindowsImageWork
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``id`` is the hash of kind, recipe revision, the work's identity and the ids of ``needs``.

    ``needs`` are steps whose results this one reads, by role (``base``, ``buildroot``, ``python``, …).
    ``name`` is for people: ``python 3.13.15 trixie amd64``.
    """

    id: Digest
    kind: StepKind
    name: str
    work: Work
    needs: tuple[tuple[str, Digest], ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """One image build of a plan: its tags and its steps, last one last."""

    spec: str
    platform: str
    tags: tuple[str, ...]
    steps: tuple[Digest, ...]
    image: Digest
    check: Digest


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order in which each comes after all it needs, without duplicates, and the images."""

    steps: tuple[Step, ...]
    images: tuple[PlannedImage, ...]

    def steps_of(self, image: PlannedImage) -> tuple[Step, ...]:
        """The steps of one image in its own order: that of the plan depends on what else is planned."""
        known = {step.id: step for step in self.steps}
        return tuple(known[each] for each in image.steps)
