# SPDX-License-Identifier: Apache-2.0
"""What may be built, as data: series, releases, suites, variants, toolchain and tag schemes."""

from __future__ import annotations

from dataclasses import dataclass, field

from imagewright.catalog.versions import is_prerelease
from imagewright.errors import UsageError
from imagewright.model.digest import Digest
from imagewright.model.images import PythonPart, RootKind
from imagewright.model.packages import PackageSystem
from imagewright.model.platforms import Platform

DEFAULT_SCHEME = "official"
PRERELEASE_ALIAS = "rc"
"""The only alias of a prerelease, and none of a final release."""


@dataclass(frozen=True, slots=True)
class PackageWish:
    """A package that is asked for, and ``why``. ``suites`` narrows it to some suites (none: all), ``not_in``
    leaves some out.

    ``since`` and ``before`` are series: from which, and before which, the package is needed ("" for no limit).
    ``modules`` are the extension modules it serves, where it serves nothing else.
    """

    name: str
    why: str
    suites: tuple[str, ...] = ()
    since: str = ""
    before: str = ""
    modules: tuple[str, ...] = ()
    not_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel installed besides what ensurepip bundles; see ``data/wheels.toml``. ``size`` in bytes.

    ``name`` is the project's on an index; ``since`` and ``before`` are series ("" for no limit). ``windows`` says
    whether it is for images of Windows, where it is the only way in, and for no others.
    """

    name: str
    version: str
    filename: str
    size: int
    sha256: Digest
    why: str
    since: str = ""
    before: str = ""
    windows: bool = False


@dataclass(frozen=True, slots=True)
class Sigstore:
    """Who signs releases with Sigstore (PEP 761): certificate identity and OIDC issuer."""

    identity: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Limit:
    """From which release a series works with a ``library`` of a ``version`` or newer, and ``why``.

    Without ``since`` no release does.
    """

    library: str
    version: str
    since: str
    why: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """A release as it is distributed for Windows; see ``data/windows.toml``. ``size`` in bytes.

    ``url`` may begin with a mirror's role in braces; ``sigstore`` is who signed it, where there is a bundle at
    that address with ``.sigstore`` behind it.
    """

    release: str
    filename: str
    size: int
    sha256: Digest
    url: str
    sigstore: Sigstore | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One series of CPython; see ``data/series.toml``. The first of ``suites`` is the default one.

    ``variant_suites`` narrows variants to some suites, the first of them their default; without any, the series
    lacks the variant.
    ``platforms`` narrows the series to some platforms (none: all that suite and variant have). ``limits`` say
    which of its releases a suite's libraries are too new for (:mod:`imagewright.catalog.possible`).
    """

    name: str
    status: str
    end_of_life: str
    current: str
    aliases: tuple[str, ...]
    suites: tuple[str, ...]
    setuptools: bool
    lang: bool
    openpgp: str
    sigstore: Sigstore | None
    planned: str = ""
    variant_suites: tuple[tuple[str, tuple[str, ...]], ...] = ()
    platforms: tuple[Platform, ...] = ()
    limits: tuple[Limit, ...] = ()

    @property
    def said_aliases(self) -> tuple[str, ...]:
        """The aliases of its current release: a prerelease is never ``latest``, a final one never ``rc``."""
        early = is_prerelease(self.current)
        return tuple(alias for alias in self.aliases if early == (alias == PRERELEASE_ALIAS))

    @property
    def default_suite(self) -> str:
        """The suite that a tag without one means."""
        return self.suites[0]


@dataclass(frozen=True, slots=True)
class Release:
    """One release; see ``data/releases.toml``. ``epoch`` in seconds, ``size`` in bytes (0: not known).

    Without ``sha256`` a release is known to exist, and has tags, but cannot be built. ``provenance`` says why the
    digest is believed, where ``imagewright update`` found the release (:mod:`imagewright.catalog.found`); it is
    empty for what ships.
    """

    version: str
    series: str
    epoch: int
    sha256: Digest | None
    size: int
    packed: str
    debian: str
    signature: str
    provenance: str = ""

    @property
    def pin(self) -> Digest:
        """The SHA-256 of the source. Raises :class:`UsageError` where the catalog does not know it."""
        if self.sha256 is None:
            raise UsageError(
                f"CPython {self.version} cannot be built yet",
                why="the catalog does not know the digest of its source",
                hint=f"run: imagewright update --series {self.series}",
            )
        return self.sha256


@dataclass(frozen=True, slots=True)
class SuiteArchive:
    """One archive of a suite. ``keys`` are primary fingerprints, any one of which must have signed it; of Alpine's
    archives, names of key files.

    ``mirror`` is the role of the mirror that serves it; ``components`` the areas packages are taken from.
    """

    name: str
    mirror: str
    components: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ports:
    """The role of the mirror that serves some of a suite's architectures instead of the archives' own mirrors."""

    mirror: str
    architectures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite; see ``data/suites.toml``. ``architectures`` are Debian's names, also of Alpine's.

    ``platforms`` are those that images of this suite are published for.
    ``foundation`` is asked for in every root, ``base`` in the base of an image besides that. ``ports`` says which
    architectures are elsewhere; ``sources`` in which form an image's own apt sources are written. ``emulator``
    is the package with qemu-user, ``cross`` the architectures that the suite has cross compilers for.
    ``libraries`` are versions of what a release may be too old for.
    ``os_version`` is what the version of a Windows begins with (``10.0.26100.``).
    A suite that is ``named_only`` is left out
    where all images are meant: its mirror and keys are a person's own to configure.
    """

    name: str
    distribution: str
    version: str
    status: str
    compiler: str
    architectures: tuple[str, ...]
    foundation: tuple[PackageWish, ...]
    base: tuple[PackageWish, ...]
    archives: tuple[SuiteArchive, ...]
    planned: str = ""
    ports: Ports | None = None
    sources: str = "deb822"
    platforms: tuple[Platform, ...] = ()
    emulator: str = ""
    cross: tuple[str, ...] = ()
    libraries: tuple[tuple[str, str], ...] = ()
    os_version: str = ""
    named_only: bool = False

    @property
    def system(self) -> PackageSystem:
        """Whose packages it consists of."""
        return PackageSystem.APK if self.distribution == "alpine" else PackageSystem.DPKG

    def mirror_of(self, archive: SuiteArchive, architecture: str) -> str:
        """The role of the mirror that has an archive's packages for an architecture (Debian's name)."""
        return self.ports.mirror if self._on_ports(architecture) and self.ports else archive.mirror

    def lock_name(self, archive: SuiteArchive, architecture: str) -> str:
        """What a lock calls an archive: mirrors of their own have Release files of their own."""
        return f"{archive.name}-ports" if self._on_ports(architecture) else archive.name

    def _on_ports(self, architecture: str) -> bool:
        return self.ports is not None and architecture in self.ports.architectures


@dataclass(frozen=True, slots=True)
class Cut:
    """Dependencies of a package that a bare root does without: ``depends`` are package names; and ``why``."""

    package: str
    depends: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant; see ``data/variants.toml``. ``word`` is how tags say it ("" for not at all).

    ``parts`` are those of the interpreter's tree that it has. ``root`` says how packages get into its root; a bare
    one is made of ``base`` instead of the suite's, and ``cuts`` are dependencies that do not count there. ``like``
    names the variant whose root it has, with these three. ``user``, ``directory`` and ``path`` are the
    configuration's: user, working directory, and what comes last in PATH.
    ``distributions`` are those it fits; ``platforms`` narrows it to some (none: all that the suite has).
    ``build`` is asked for where its interpreter is compiled, in place of the catalog's toolchain, and
    ``absent_modules`` are extension modules that need not come of it.
    """

    name: str
    word: str
    title: str
    slim: bool
    optional_modules: tuple[str, ...]
    packages: tuple[PackageWish, ...]
    parts: tuple[PythonPart, ...]
    root: RootKind = RootKind.CONFIGURED
    base: tuple[PackageWish, ...] = ()
    cuts: tuple[Cut, ...] = ()
    like: str = ""
    user: str = ""
    directory: str = ""
    path: str = ""
    planned: str = ""
    distributions: tuple[str, ...] = ("debian", "ubuntu")
    platforms: tuple[Platform, ...] = ()
    build: tuple[PackageWish, ...] = ()
    absent_modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagPattern:
    """One pattern of a scheme; see ``data/tags.toml``."""

    tag: str
    when: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagScheme:
    """How images are tagged; see ``data/tags.toml``."""

    name: str
    versions: tuple[str, ...]
    simple: tuple[TagPattern, ...]
    shared: tuple[TagPattern, ...]
    directories: tuple[TagPattern, ...] = ()
    dated: tuple[TagPattern, ...] = ()
    immutable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """All of it. Lookups by name raise ``KeyError``; tuples keep the order of the data."""

    series: tuple[Series, ...]
    releases: tuple[Release, ...]
    suites: tuple[Suite, ...]
    variants: tuple[Variant, ...]
    toolchain: tuple[PackageWish, ...]
    wheels: tuple[Wheel, ...]
    schemes: tuple[TagScheme, ...]
    distributions: tuple[Distribution, ...] = ()
    by_series: dict[str, Series] = field(init=False, repr=False, compare=False)
    by_release: dict[str, Release] = field(init=False, repr=False, compare=False)
    by_distribution: dict[str, Distribution] = field(init=False, repr=False, compare=False)
    by_suite: dict[str, Suite] = field(init=False, repr=False, compare=False)
    by_variant: dict[str, Variant] = field(init=False, repr=False, compare=False)
    by_scheme: dict[str, TagScheme] = field(init=False, repr=False, compare=False)
    by_alias: dict[str, str] = field(init=False, repr=False, compare=False)
    _places: dict[tuple[str, str], tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def ground(self, variant: str) -> Variant:
        """The variant whose root a variant stands on: itself, or the one it is like. Raises ``KeyError``."""
        found = self.by_variant[variant]
        return self.by_variant[found.like] if found.like else found

    def __post_init__(self) -> None:
        for name, index in (
            ("by_series", {item.name: item for item in self.series}),
            ("by_release", {item.version: item for item in self.releases}),
            ("by_distribution", {item.release: item for item in self.distributions}),
            ("by_suite", {item.name: item for item in self.suites}),
            ("by_variant", {item.name: item for item in self.variants}),
            ("by_scheme", {item.name: item for item in self.schemes}),
            ("by_alias", {alias: item.name for item in reversed(self.series) for alias in item.aliases}),
            ("_places", {}),
        ):
            object.__setattr__(self, name, index)

    def suites_of(self, series: str, variant: str) -> tuple[str, ...]:
        """The suites that a variant exists for in a series, its default one first; none: the series lacks it."""
        found = self._places.get((series, variant))
        if found is None:
            found = self._places[series, variant] = self._fitting(self.by_series[series], self.by_variant[variant])
        return found

    def _fitting(self, series: Series, variant: Variant) -> tuple[str, ...]:
        said = dict(series.variant_suites).get(variant.name, series.suites)
        suites = (self.by_suite[name] for name in said if name in self.by_suite)
        return tuple(suite.name for suite in suites if suite.distribution in variant.distributions)
