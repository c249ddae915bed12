# SPDX-License-Identifier: Apache-2.0
"""Choices for a person's own images → what is in them: requirements read, files by content, names made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from imagewright.catalog.requirements import marker_environment, merged, read_requirements
from imagewright.catalog.sites import SiteChoices, local_file
from imagewright.catalog.versions import series_of
from imagewright.errors import Problems, UsageError
from imagewright.model.images import ImageName, PythonPart, RootKind
from imagewright.model.platforms import Platform
from imagewright.model.site import Installers, LocalFile, Requirement, Site

_WITH_ALL_ZONES = frozenset({"bullseye", "bookworm", "jammy"})
"""Suites whose tzdata holds the old names of time zones itself."""

_SHELL = "/bin/sh"
_NO_SHELL = "/sbin/nologin"
"""What all users have in roots that have no shell."""

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


def make_site(
    chosen: SiteChoices,
    name: ImageName,
    platform: Platform,
    files: Mapping[str, bytes],
    problems: Problems,
    root: RootKind,
) -> Site:
    """Everything of a person's own in one image; ``files`` are those that the choices name."""
    account = chosen.account
    if account is not None and not account.shell:
        account = replace(account, shell=_NO_SHELL if root is RootKind.BARE else _SHELL)
    return Site(
        installers=Installers.ENSUREPIP if chosen.installers is None else chosen.installers,
        requirements=_requirements(chosen, name, platform, files, problems),
        account=account,
        locale=chosen.locale or "",
        certificates=_certificates(chosen, files, problems),
        patches=tuple(local_file(path, files) for path in chosen.patches),
    )


def site_packages(chosen: SiteChoices, suite: str) -> tuple[str, ...]:
    """The distribution's packages that the choices come to."""
    found = ["ca-certificates"] if chosen.certificates else []
    if chosen.tzdata_legacy:
        found.append("tzdata" if suite in _WITH_ALL_ZONES else "tzdata-legacy")
    return tuple(found)


def own_parts(parts: tuple[PythonPart, ...], site: Site) -> tuple[PythonPart, ...]:
    """The parts of the interpreter's tree without CPython's own pip, where it is not wanted."""
    without = set() if site.installers is Installers.ENSUREPIP else {PythonPart.INSTALLERS}
    return tuple(part for part in parts if part not in without)


def own_tags(templates: tuple[str, ...], name: ImageName) -> tuple[str, ...]:
    """The tags that templates give for one image. Raises :class:`UsageError` for one that is no tag."""
    words = {
        "release": name.release,
        "series": series_of(name.release),
        "flavour": name.flavour.value,
        "variant": name.variant,
        "suite": name.suite,
    }
    found = tuple(dict.fromkeys(template.format_map(words) for template in templates))
    for tag in found:
        if not _TAG.fullmatch(tag):
            raise UsageError(f"{tag!r} is no tag", why="letters, digits, dots, hyphens, at most 128 of them")
    return found


def _requirements(
    chosen: SiteChoices, name: ImageName, platform: Platform, files: Mapping[str, bytes], problems: Problems
) -> tuple[Requirement, ...]:
    environment = marker_environment(platform, name.release)
    found: list[Requirement] = []
    for path in chosen.requirements:
        found += read_requirements(files[path].decode("utf-8", "replace"), path, environment, problems)
    for number, line in enumerate(chosen.packages):
        found += read_requirements(line, f"python_packages[{number}]", environment, problems)
    for installer, wanted, version in (
        ("pip", Installers.PINNED, chosen.pip),
        ("uv", Installers.UV, chosen.uv),
    ):
        named = any(each.project == installer for each in found)
        if chosen.installers is wanted and not named:
            found.append(Requirement(installer, version or "", where=f"installers = {wanted.value}"))
    return merged(found, problems)


def _certificates(chosen: SiteChoices, files: Mapping[str, bytes], problems: Problems) -> tuple[LocalFile, ...]:
    found = tuple(local_file(path, files) for path in chosen.certificates)
    names: dict[str, str] = {}
    for each in found:
        if names.setdefault(_name(each), each.path) != each.path:
            problems.add("ca_certificates", f"{each.path} has the name of {names[_name(each)]}")
    return found


def _name(file: LocalFile) -> str:
    """What tells certificates apart in an image: the name without its last part."""
    return file.name.rpartition(".")[0] or file.name
