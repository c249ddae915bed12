# SPDX-License-Identifier: Apache-2.0
"""SPEC → :class:`ImageDefinition`: every choice made, nothing looked up any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from imagewright.catalog.model import Catalog, PackageWish, Release, Series, Suite, Variant, Wheel
from imagewright.catalog.own import make_site, own_parts, own_tags, site_packages
from imagewright.catalog.settings import ImageSettings, Settings
from imagewright.catalog.specs import parse_spec, refuse_impossible
from imagewright.catalog.tags import Tags, tags_of
from imagewright.catalog.versions import directory, is_prerelease, series_key
from imagewright.errors import Problems, UsageError
from imagewright.model.images import (
    Bytecode,
    Flavour,
    ImageConfiguration,
    ImageDefinition,
    ImageName,
    Profile,
    RootKind,
)
from imagewright.model.lock import LockedDistribution, LockedSource, LockedWheel
from imagewright.model.packages import PackageSystem
from imagewright.model.platforms import Platform
from imagewright.model.site import Site

ANNOTATION = "io.imagewright."
"""Prefix of our own annotations and labels."""

PROFILE_KEY = f"{ANNOTATION}profile"
"""``quick`` marks images that are for tests only; a push refuses them unless forced."""

_PATH = "/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DOWNLOADS = "{python}/ftp/python"
_FREE_THREADED_SINCE = (3, 13)


def resolve(spec: str, catalog: Catalog, settings: Settings, platform: Platform) -> ImageDefinition:
    """The image that ``spec`` names, for one platform. Raises :class:`UsageError`."""
    return define(parse_spec(spec, catalog, settings.tag_defaults), catalog, settings, platform)


def define(name: ImageName, catalog: Catalog, settings: Settings, platform: Platform) -> ImageDefinition:
    """The definition of one image. Raises :class:`UsageError` where it cannot be built."""
    suite = catalog.by_suite[name.suite]
    series = catalog.by_series[catalog.by_release[name.release].series]
    _refuse_planned(name, series, suite, catalog.by_variant[name.variant])
    refuse_impossible(name, catalog)
    if suite.distribution == "windows":
        return _for_windows(name, catalog, settings, platform)
    if platform.debian not in suite.architectures:
        raise UsageError(
            f"{name} is not built for {platform}",
            why=f"{suite.name} has no packages for {platform.debian or platform}",
            hint=f"its architectures are {', '.join(suite.architectures)}",
        )
    return sketch(name, catalog, settings, platform)


def _for_windows(name: ImageName, catalog: Catalog, settings: Settings, platform: Platform) -> ImageDefinition:
    """One whose files are all distributed: nothing is compiled, and no package installed."""
    if platform.os != "windows":
        raise UsageError(
            f"{name} is not built for {platform}",
            why=f"{name.suite} is a version of Windows",
            hint="its platform is windows/amd64",
        )
    definition = sketch(name, catalog, settings, platform)
    locked_distribution(name, catalog)
    if definition.site != Site() or definition.runtime_packages or definition.extra_configure:
        raise UsageError(
            f"{name} cannot have packages, patches or users of its own",
            why="an image of Windows gets the files that CPython distributes, and nothing is run to make it",
            hint="choose environment, labels, command and entrypoint; the rest goes into a Dockerfile FROM it",
        )
    return definition


def sketch(name: ImageName, catalog: Catalog, settings: Settings, platform: Platform) -> ImageDefinition:
    """As :func:`define`, also for what only other engines can build: whether we have packages is not asked."""
    release = catalog.by_release[name.release]
    series = catalog.by_series[release.series]
    suite = catalog.by_suite[name.suite]
    variant = catalog.by_variant[name.variant]
    ground = catalog.ground(name.variant)
    _ = release.pin  # a release whose digest nobody knows cannot be built
    tags = tags_of(name, catalog, catalog.by_scheme[settings.scheme], settings.tag_defaults)
    chosen = settings.image((str(name), *tags.simple))
    if platform.os == "windows":
        chosen = replace(chosen, bytecode=Bytecode.NONE)  # only what is distributed, and that has none
    problems = Problems()
    if chosen.site.locale and suite.system is PackageSystem.APK:
        raise UsageError(
            f"{name} cannot have the locale {chosen.site.locale}",
            why="musl, Alpine's C library, knows C.UTF-8 alone, which needs no choosing",
            hint="choose another suite, or no locale",
        )
    site = make_site(chosen.site, name, platform, dict(settings.files), problems, ground.root)
    problems.raise_if_any(f"what was chosen for {name} is wrong")
    base = _base(ground, suite, series)
    there = base if ground.root is RootKind.BARE else ()  # the others leave it to the solver
    own = None if chosen.site.tags is None else own_tags(chosen.site.tags, name)
    return ImageDefinition(
        name=name,
        series=series.name,
        platform=platform,
        profile=chosen.profile,
        tags=tags.simple if own is None else own,
        shared_tags=tags.shared if own is None else (),
        base_packages=base,
        runtime_packages=_sorted(
            *wished(variant.packages, series.name, suite.name),
            *chosen.packages,
            *(package for package in site_packages(chosen.site, suite.name) if package not in there),
        ),
        build_packages=wished((*suite.foundation, *(variant.build or catalog.toolchain)), series.name, suite.name),
        optional_modules=tuple(sorted(variant.optional_modules)),
        absent_modules=tuple(sorted(variant.absent_modules)),
        system=suite.system,
        slim=variant.slim,
        root=ground.root,
        parts=own_parts(variant.parts, site),
        bytecode=chosen.bytecode,
        frame_pointers=chosen.frame_pointers,
        extra_configure=chosen.configure,
        compression=chosen.compression,
        configuration=_configuration(name, release, series, variant, chosen, windows=platform.os == "windows"),
        release_epoch=release.epoch,
        repository=chosen.site.repository or "python",
        site=site,
    )


def _base(ground: Variant, suite: Suite, series: Series) -> tuple[str, ...]:
    """What the base of an image is asked to hold; the suite says it, and for bare roots the variant."""
    wishes = ground.base if ground.root is RootKind.BARE else (*suite.foundation, *suite.base)
    return wished(wishes, series.name, suite.name)


def locked_source(release: Release, series: Series, wheels: Iterable[Wheel] = ()) -> LockedSource:
    """Where the source of a release is to be had, and what it must be; with those of ``wheels`` that it takes."""
    filename = f"Python-{release.version}.{release.packed}"
    upstream = f"{_DOWNLOADS}/{directory(release.version)}/{filename}"
    urls = [upstream]
    signatures = [f"{upstream}.asc"] if series.openpgp else []
    if release.debian:
        urls.append(f"{{debian}}/{release.debian}")
    if release.signature and series.openpgp:
        signatures.append(f"{{debian}}/{release.signature}")
    return LockedSource(
        release=release.version,
        filename=filename,
        size=release.size,
        sha256=release.pin,
        urls=tuple(urls),
        signature_urls=tuple(signatures),
        fingerprint=series.openpgp,
        wheels=_wheels(series, wheels),
    )


def _wheels(series: Series, wheels: Iterable[Wheel]) -> tuple[LockedWheel, ...]:
    if not series.setuptools:
        return ()
    fitting = (wheel for wheel in wheels if not wheel.windows and _within(wheel, series.name))
    locked = (LockedWheel(one.name, one.version, one.filename, one.size, one.sha256) for one in fitting)
    return tuple(sorted(locked, key=lambda one: one.filename))


def locked_distribution(name: ImageName, catalog: Catalog) -> LockedDistribution:
    """A release as it is distributed for Windows, with pip. Raises :class:`UsageError` where nobody knows one."""
    found = catalog.by_distribution.get(name.release)
    series = catalog.by_release[name.release].series
    # What a person adds comes last, and wins.
    pip = next((wheel for wheel in reversed(catalog.wheels) if wheel.windows and _within(wheel, series)), None)
    if found is None or pip is None or name.flavour is not Flavour.DEFAULT:
        what = f"distribution of CPython {name.release}{name.flavour.value}" if pip else f"pip for {series}"
        raise UsageError(
            f"{name} cannot be built yet",
            why=f"the catalog knows no {what} for Windows",
            hint="name its archive in imagewright.toml: [[catalog.distribution]], see docs/how-to/windows.md",
        )
    return LockedDistribution(
        release=found.release,
        filename=found.filename,
        size=found.size,
        sha256=found.sha256,
        url=found.url,
        pip=LockedWheel(pip.name, pip.version, pip.filename, pip.size, pip.sha256),
        identity=found.sigstore.identity if found.sigstore else "",
        issuer=found.sigstore.issuer if found.sigstore else "",
    )


def wished(wishes: Iterable[PackageWish], series: str, suite: str) -> tuple[str, ...]:
    """The names asked for in a series and suite, sorted."""
    return _sorted(*(wish.name for wish in wishes if _applies(wish, series, suite)))


def _applies(wish: PackageWish, series: str, suite: str) -> bool:
    here = suite in wish.suites if wish.suites else suite not in wish.not_in
    return here and _within(wish, series)


def _within(item: PackageWish | Wheel, series: str) -> bool:
    key = series_key(series)
    return (not item.since or key >= series_key(item.since)) and (not item.before or key < series_key(item.before))


def _sorted(*names: str) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _refuse_planned(name: ImageName, series: Series, suite: Suite, variant: Variant) -> None:
    flavour = "" if name.flavour is Flavour.DEFAULT else f"{series.name}{name.flavour.value}"
    if name.flavour is Flavour.FREE_THREADED and series_key(series.name) < _FREE_THREADED_SINCE:
        raise UsageError(f"there is no {flavour}", why="free-threaded Python begins with 3.13 (PEP 703)")
    for what, item in (("variant", variant), ("suite", suite), ("series", series)):
        if item.planned:
            raise UsageError(f"{name} cannot be built yet", why=f"{what} {item.name}: {item.planned}")


def _configuration(
    name: ImageName,
    release: Release,
    series: Series,
    variant: Variant,
    chosen: ImageSettings,
    *,
    windows: bool,
) -> ImageConfiguration:
    """Environment and command as the official image has them, then what was chosen.

    That of Windows has no PATH here: it goes before what the base image has.
    """
    environment = {} if windows else _linux_environment(series, variant)
    environment["PYTHON_VERSION"] = release.version
    if not windows:
        environment["PYTHON_SHA256"] = release.pin.hex
    if chosen.site.locale:
        environment["LANG"] = chosen.site.locale
    environment.update(chosen.environment)
    account = chosen.site.account
    labels = dict(chosen.labels)
    if chosen.profile is Profile.QUICK:
        labels[PROFILE_KEY] = Profile.QUICK.value
    return ImageConfiguration(
        environment=tuple(environment.items()),
        command=_command(series, chosen, windows=windows),
        entrypoint=chosen.site.entrypoint or (),
        working_directory=chosen.site.working_directory or _directory(variant, chosen),
        user=f"{account.uid}:{account.gid}" if account else variant.user,
        labels=tuple(sorted(labels.items())),
        annotations=_annotations(name, release, variant, chosen),
    )


def _linux_environment(series: Series, variant: Variant) -> dict[str, str]:
    environment = {"PATH": f"{_PATH}:{variant.path}" if variant.path else _PATH}
    if series.lang:
        environment["LANG"] = "C.UTF-8"
    if series.openpgp:
        environment["GPG_KEY"] = series.openpgp
    return environment


def _directory(variant: Variant, chosen: ImageSettings) -> str:
    """Where a container runs: a variant that begins in its user's home begins in the home of another user too."""
    account = chosen.site.account
    return account.home if account and variant.directory else variant.directory


def _command(series: Series, chosen: ImageSettings, *, windows: bool) -> tuple[str, ...]:
    """The interpreter, unless something else was chosen; an entrypoint of one's own begins without arguments."""
    if chosen.site.command is not None:
        return chosen.site.command
    if chosen.site.entrypoint:
        return ()
    if windows:
        return ("python",)
    return ("python3" if series_key(series.name) >= (3, 0) else "python2",)


def _annotations(
    name: ImageName, release: Release, variant: Variant, chosen: ImageSettings
) -> tuple[tuple[str, str], ...]:
    """Keys of the OCI image specification (annotations.md), and our own."""
    kind = {Flavour.DEFAULT: "", Flavour.FREE_THREADED: " (free-threaded)", Flavour.DEBUG: " (debug build)"}
    stage = ", a prerelease" if is_prerelease(release.version) else ""
    description = f"CPython {release.version}{kind[name.flavour]}{stage} on {name.suite}, {variant.title}"
    return tuple(
        sorted(
            {
                "org.opencontainers.image.title": "python",
                "org.opencontainers.image.description": description,
                "org.opencontainers.image.version": release.version,
                "org.opencontainers.image.licenses": "PSF-2.0",
                "org.opencontainers.image.url": "https://www.python.org/",
                f"{ANNOTATION}image": str(name),
                f"{ANNOTATION}bytecode": chosen.bytecode.value,
                PROFILE_KEY: chosen.profile.value,
            }.items()
        )
    )


def all_tags(
    catalog: Catalog, settings: Settings, names: Iterable[ImageName]
) -> tuple[tuple[ImageName, Tags], ...]:
    """Every image with its tags, in the order given."""
    scheme = catalog.by_scheme[settings.scheme]
    return tuple((name, tags_of(name, catalog, scheme, settings.tag_defaults)) for name in names)
