# SPDX-License-Identifier: Apache-2.0
"""What a person may choose, and how choices come together: defaults < file < overrides < environment < flags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeVar

from imagewright.catalog.model import DEFAULT_SCHEME
from imagewright.catalog.publication import Publication
from imagewright.catalog.sites import SiteChoices
from imagewright.catalog.sites import over as over_site
from imagewright.catalog.tags import DEFAULT_VARIANT, TagDefaults
from imagewright.model.images import Bytecode, Compression, Foreign, Profile
from imagewright.model.schedules import Workers

_T = TypeVar("_T")
Pairs = tuple[tuple[str, str], ...]
Addresses = tuple[tuple[str, tuple[str, ...]], ...]
"""Mirror role → its addresses, tried in order."""


@dataclass(frozen=True, slots=True)
class ImageChoices:
    """What may be chosen for an image. ``None`` and empty mean: not said.

    ``packages`` are installed besides the variant's own; ``configure`` are further arguments of CPython's
    configure script.
    """

    profile: Profile | None = None
    bytecode: Bytecode | None = None
    frame_pointers: bool | None = None
    compression: Compression | None = None
    foreign: Foreign | None = None
    packages: tuple[str, ...] = ()
    configure: tuple[str, ...] = ()
    environment: Pairs = ()
    labels: Pairs = ()
    site: SiteChoices = field(default_factory=SiteChoices)


@dataclass(frozen=True, slots=True)
class NetworkChoices:
    """How downloads reach the network. ``None`` and empty mean: not said, so the environment decides.

    ``proxy`` is a proxy's URL; ``direct`` hosts and domains reached without it; ``authorities`` the path of a file
    of CA certificates that are believed besides the system's. None of it gets into an image.
    """

    proxy: str | None = None
    direct: tuple[str, ...] = ()
    authorities: str | None = None


@dataclass(frozen=True, slots=True)
class CacheChoices:
    """Where finished steps are shared with other machines. ``None`` and empty mean: not said.

    ``keys`` are paths of public keys, one of which must have signed what is believed; ``anyone`` believes whoever
    can write there. ``sign`` is the path of the private key that signs what this machine leaves there.
    """

    repository: str | None = None
    read: bool | None = None
    write: bool | None = None
    keys: tuple[str, ...] = ()
    anyone: bool = False
    sign: str | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class WindowsChoices:
    """Where images of Windows find their base: a repository whose tags are suites; ``plain`` without TLS.

    What the repository is where nobody says one is the default here: Microsoft's own.
    """

    base: str = "mcr.microsoft.com/windows/servercore"
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """Choices for the images whose name, or one of whose simple tags, matches one of the ``select`` patterns."""

    select: tuple[str, ...]
    choices: ImageChoices


@dataclass(frozen=True, slots=True)
class Choices:
    """One layer of choices. ``None`` and empty mean: not said.

    ``only_*`` narrow the catalog; ``image_sources`` are the addresses written into an image's own apt
    sources; ``snapshots`` serve packages that left the archive; archives of the suites
    ``allow_expired`` may be past their Valid-Until; ``store`` and ``lock`` are paths, and so are
    ``keyrings``, which make further keys known that may sign archives. ``files``
    are those that the choices name, by path, with their bytes. ``dated`` images have a
    tag with their date; ``immutable`` are patterns of tags that never move, besides the scheme's.
    """

    store: str | None = None
    lock: str | None = None
    jobs: int | None = None
    scheme: str | None = None
    suite: str | None = None
    variant: str | None = None
    dated: bool | None = None
    immutable: tuple[str, ...] = ()
    mirrors: Addresses = ()
    snapshots: Addresses = ()
    image_sources: Addresses = ()
    allow_expired: tuple[str, ...] = ()
    only_series: tuple[str, ...] = ()
    only_suites: tuple[str, ...] = ()
    only_variants: tuple[str, ...] = ()
    keyrings: tuple[str, ...] = ()
    image: ImageChoices = field(default_factory=ImageChoices)
    overrides: tuple[Override, ...] = ()
    network: NetworkChoices = field(default_factory=NetworkChoices)
    cache: CacheChoices = field(default_factory=CacheChoices)
    workers: Workers = field(default_factory=Workers)
    files: tuple[tuple[str, bytes], ...] = ()
    publication: Publication = field(default_factory=Publication)
    windows: WindowsChoices = field(default_factory=WindowsChoices)


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """Everything chosen for one image."""

    profile: Profile
    bytecode: Bytecode
    frame_pointers: bool
    compression: Compression
    foreign: Foreign
    packages: tuple[str, ...]
    configure: tuple[str, ...]
    environment: Pairs
    labels: Pairs
    site: SiteChoices


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything chosen. ``store`` and ``lock`` are "" where nobody said; ``jobs`` 0 means one per core.

    ``below`` and ``above`` are the choices for images that come before and after the ``overrides``.
    """

    store: str
    lock: str
    jobs: int
    scheme: str
    suite: str
    variant: str
    mirrors: Addresses
    snapshots: Addresses
    image_sources: Addresses
    allow_expired: tuple[str, ...]
    only_series: tuple[str, ...]
    only_suites: tuple[str, ...]
    only_variants: tuple[str, ...]
    below: ImageChoices
    overrides: tuple[Override, ...]
    above: ImageChoices
    network: NetworkChoices = field(default_factory=NetworkChoices)
    cache: CacheChoices = field(default_factory=CacheChoices)
    workers: Workers = field(default_factory=Workers)
    files: tuple[tuple[str, bytes], ...] = ()
    dated: bool = False
    immutable: tuple[str, ...] = ()
    windows: WindowsChoices = field(default_factory=WindowsChoices)

    @property
    def tag_defaults(self) -> TagDefaults:
        """What a SPEC or a tag without the word means."""
        return TagDefaults(variant=self.variant, suite=self.suite)

    def image(self, names: Iterable[str]) -> ImageSettings:
        """What was chosen for the image that has these names: its own, and its simple tags."""
        names = tuple(names)
        matching = [
            override.choices
            for override in self.overrides
            if any(fnmatchcase(name, pattern) for name in names for pattern in override.select)
        ]
        chosen = self.below
        for choices in (*matching, self.above):
            chosen = _over(chosen, choices)
        return ImageSettings(
            profile=Profile.RELEASE if chosen.profile is None else chosen.profile,
            bytecode=Bytecode.STDLIB if chosen.bytecode is None else chosen.bytecode,
            frame_pointers=False if chosen.frame_pointers is None else chosen.frame_pointers,
            compression=Compression.GZIP if chosen.compression is None else chosen.compression,
            foreign=Foreign.CROSS if chosen.foreign is None else chosen.foreign,
            packages=chosen.packages,
            configure=chosen.configure,
            environment=chosen.environment,
            labels=chosen.labels,
            site=chosen.site,
        )


def resolve_settings(
    *,
    machine: Choices | None = None,
    file: Choices | None = None,
    environment: Choices | None = None,
    flags: Choices | None = None,
) -> Settings:
    """Bring the layers together; a later one wins. ``machine`` is what this machine says (its apt sources).

    Single values replace, mirrors replace role by role, lists of packages and arguments grow, tables merge.
    """
    layers = tuple(layer or Choices() for layer in (machine, file, environment, flags))
    return Settings(
        store=_last((layer.store for layer in layers), ""),
        lock=_last((layer.lock for layer in layers), ""),
        jobs=_last((layer.jobs for layer in layers), 0),
        scheme=_last((layer.scheme for layer in layers), DEFAULT_SCHEME),
        suite=_last((layer.suite for layer in layers), ""),
        variant=_last((layer.variant for layer in layers), DEFAULT_VARIANT),
        mirrors=_merged(layer.mirrors for layer in layers),
        snapshots=_merged(layer.snapshots for layer in layers),
        image_sources=_merged(layer.image_sources for layer in layers),
        allow_expired=tuple(dict.fromkeys(suite for layer in layers for suite in layer.allow_expired)),
        only_series=_last((layer.only_series or None for layer in layers), ()),
        only_suites=_last((layer.only_suites or None for layer in layers), ()),
        only_variants=_last((layer.only_variants or None for layer in layers), ()),
        below=_over(layers[0].image, layers[1].image),
        overrides=layers[1].overrides,
        above=_over(layers[2].image, layers[3].image),
        network=layers[1].network,
        cache=layers[1].cache,
        workers=layers[1].workers,
        files=layers[1].files,
        dated=bool(layers[1].dated),
        immutable=tuple(dict.fromkeys(pattern for layer in layers for pattern in layer.immutable)),
        windows=layers[1].windows,
    )


def _last(values: Iterable[_T | None], default: _T) -> _T:
    """The last that was said."""
    found = default
    for value in values:
        found = found if value is None else value
    return found


def _merged(values: Iterable[tuple[tuple[str, _T], ...]]) -> tuple[tuple[str, _T], ...]:
    """Tables laid over each other, key by key; the place of a key is where it was first said."""
    found: dict[str, _T] = {}
    for value in values:
        found.update(value)
    return tuple(found.items())


def _over(below: ImageChoices, above: ImageChoices) -> ImageChoices:
    return ImageChoices(
        profile=_last((below.profile, above.profile), None),
        bytecode=_last((below.bytecode, above.bytecode), None),
        frame_pointers=_last((below.frame_pointers, above.frame_pointers), None),
        compression=_last((below.compression, above.compression), None),
        foreign=_last((below.foreign, above.foreign), None),
        packages=tuple(dict.fromkeys((*below.packages, *above.packages))),
        configure=tuple(dict.fromkeys((*below.configure, *above.configure))),
        environment=_merged((below.environment, above.environment)),
        labels=_merged((below.labels, above.labels)),
        site=over_site(below.site, above.site),
    )
