# SPDX-License-Identifier: Apache-2.0
"""Images as words: what a specification names, and what an image's configuration says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from imagewright.model.packages import PackageSystem
from imagewright.model.platforms import Platform
from imagewright.model.site import Site


class Profile(StrEnum):
    """How hard the interpreter is optimised; ``quick`` is for tests and is marked in the image."""

    RELEASE = "release"
    QUICK = "quick"


class Flavour(StrEnum):
    """How the interpreter is configured; the value is the suffix in tags."""

    DEFAULT = ""
    FREE_THREADED = "t"
    DEBUG = "d"


class Bytecode(StrEnum):
    """Which bytecode an image ships."""

    NONE = "none"
    STDLIB = "stdlib"
    STDLIB_SITE = "stdlib+site"


class PythonPart(StrEnum):
    """Parts of an interpreter's install tree, in the order of their layers.

    recipes/parts.py says what is in each.
    """

    INTERPRETER = "interpreter"
    DEVELOPMENT = "development"
    INSTALLERS = "installers"
    EXTRAS = "extras"
    DEBUG = "debug"


class RootKind(StrEnum):
    """How packages become a root: configured by their own scripts, or unpacked without any (``minimal``)."""

    CONFIGURED = "configured"
    BARE = "bare"


class Foreign(StrEnum):
    """How an interpreter is compiled where it cannot run: across, or by a compiler that is emulated too."""

    CROSS = "cross"
    EMULATED = "emulated"


class Compression(StrEnum):
    """How layers are compressed."""

    GZIP = "gzip"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class ImageName:
    """release × flavour × suite × variant; ``str()`` gives the canonical simple tag.

    ``variant`` is ``full``, ``slim``, …; ``full`` has no word in tags, and one that the suite's own name begins
    with is not said twice (``3.14.0-alpine3.22``).
    """

    release: str
    flavour: Flavour
    variant: str
    suite: str

    def __str__(self) -> str:
        words = [f"{self.release}{self.flavour.value}"]
        if self.variant != "full" and not self.suite.startswith(self.variant):
            words.append(self.variant)
        words.append(self.suite)
        return "-".join(words)


@dataclass(frozen=True, slots=True)
class ImageConfiguration:
    """The OCI image configuration's execution parameters (OCI image-spec, config.md) and annotations."""

    environment: tuple[tuple[str, str], ...]
    command: tuple[str, ...]
    entrypoint: tuple[str, ...] = ()
    working_directory: str = ""
    user: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignBuild:
    """How an image is made on a machine that cannot run it.

    ``machine`` is this machine's platform, ``emulator`` the package that holds qemu-user. When compiling across,
    the definition's ``build_packages`` are the machine's; ``sysroot_packages`` are the image's architecture's, and
    ``native_packages`` make the build root of the interpreter that runs on the machine meanwhile.
    """

    machine: Platform
    way: Foreign
    emulator: str
    sysroot_packages: tuple[str, ...] = ()
    native_packages: tuple[str, ...] = ()

    @property
    def cross(self) -> bool:
        """Whether it is compiled across."""
        return self.way is Foreign.CROSS


@dataclass(frozen=True, slots=True)
class ImageDefinition:
    """One image as the catalog resolves it: every choice made, nothing looked up any more.

    ``tags`` are simple tags in publication order, ``shared_tags`` the shared ones.
    ``base_packages`` are asked for besides Essential and required; ``runtime_packages`` besides what the
    interpreter's ELF files need; ``build_packages`` make the build root. ``optional_modules`` are extension
    modules whose libraries this variant leaves out (``_tkinter`` in slim); ``parts`` are those of the
    interpreter's tree that it has; ``root`` says how packages get into it, ``system`` whose they are.
    ``repository`` is what stands before the tags' colon; ``site`` what a person added; ``absent_modules``
    are extension modules that need not come of compiling at all.
    """

    name: ImageName
    series: str
    platform: Platform
    profile: Profile
    tags: tuple[str, ...]
    shared_tags: tuple[str, ...]
    base_packages: tuple[str, ...]
    runtime_packages: tuple[str, ...]
    build_packages: tuple[str, ...]
    optional_modules: tuple[str, ...]
    slim: bool
    root: RootKind
    parts: tuple[PythonPart, ...]
    bytecode: Bytecode
    frame_pointers: bool
    extra_configure: tuple[str, ...]
    compression: Compression
    configuration: ImageConfiguration
    release_epoch: int
    foreign: ForeignBuild | None = None
    repository: str = "python"
    system: PackageSystem = PackageSystem.DPKG
    absent_modules: tuple[str, ...] = ()
    site: Site = field(default_factory=Site)
