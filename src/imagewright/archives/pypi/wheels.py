# SPDX-License-Identifier: Apache-2.0
"""Which wheel of a project an image takes: by version, by hash, by what its interpreter and C library understand.

Tags: https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/ (PEP 425, 600).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from imagewright.archives.pypi.simple import IndexFile
from imagewright.errors import SolveError
from imagewright.model.site import Requirement

_OLDEST_GLIBC = {"x86_64": 5, "i686": 5}
"""glibc 2.x of the oldest wheels there are, by processor; 2.17 for all others."""

_LEGACY = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""Names from before PEP 600, by glibc's minor version."""

_PROCESSORS = {
    "amd64": "x86_64",
    "i386": "i686",
    "arm64": "aarch64",
    "armhf": "armv7l",
    "ppc64el": "ppc64le",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
"""Debian's architectures, as wheels call the processor."""


@dataclass(frozen=True, slots=True)
class WheelTarget:
    """What wheels must fit: a release of CPython, its ABI (``cp313``, ``cp313t``), Debian's architecture, and the
    version of glibc (0.0: none is known, and only wheels without compiled code fit)."""

    release: str
    abi: str
    architecture: str
    glibc: tuple[int, int]

    def tags(self) -> tuple[Tag, ...]:
        """The tags that fit, best first."""
        version = tuple(int(part) for part in self.release.split(".")[:2])
        platforms = tuple(self._platforms())
        interpreter = f"cp{version[0]}{version[1]}"
        return (
            *cpython_tags(version, [self.abi], platforms),
            *compatible_tags(version, interpreter, platforms),
        )

    def _platforms(self) -> Iterator[str]:
        processor = _PROCESSORS.get(self.architecture)
        if processor is None:
            return
        major, minor = self.glibc
        for number in range(minor if major == 2 else -1, _OLDEST_GLIBC.get(processor, 17) - 1, -1):  # noqa: PLR2004
            yield f"manylinux_2_{number}_{processor}"
            if number in _LEGACY:
                yield f"{_LEGACY[number]}_{processor}"
        yield f"linux_{processor}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The file that was chosen, and the version it is of, as its name spells it."""

    file: IndexFile
    version: str


def choose(requirement: Requirement, files: Sequence[IndexFile], target: WheelTarget) -> Chosen:
    """The best wheel that is allowed. Raises :class:`SolveError` with the reason why each file will not do."""
    ranks = {tag: number for number, tag in reversed(list(enumerate(target.tags())))}
    fitting: list[tuple[Version, int, str, IndexFile]] = []
    reasons: dict[str, None] = {}
    for file in files:
        answer = _judge(requirement, file, target, ranks)
        if isinstance(answer, str):
            reasons[answer] = None
        elif answer is not None:
            fitting.append((answer[0], -answer[1], file.filename, file))
    if not fitting:
        wanted = f"{requirement.project} {requirement.version}".rstrip()
        raise SolveError(
            f"no wheel of {wanted} fits CPython {target.release} on {target.architecture}",
            why="; ".join(list(reasons)[:4]) or "the index has no such version",
            hint=f"asked for by {requirement.where}; packages that must be compiled belong into a wheel first",
        )
    version, _, _, file = max(fitting, key=lambda one: one[:3])
    return Chosen(file, str(version))


def _judge(
    requirement: Requirement, file: IndexFile, target: WheelTarget, ranks: dict[Tag, int]
) -> tuple[Version, int] | str | None:
    """Version and rank of a file that will do, the reason why one will not, ``None`` for another version's."""
    try:
        _, version, _, tags = parse_wheel_filename(file.filename)
    except InvalidWheelFilename:
        return _not_a_wheel(requirement, file)
    reason = ""
    if requirement.version:
        if not _same(version, requirement.version):
            return None
    elif version.is_prerelease or file.yanked:
        return None
    if requirement.hashes and file.sha256 not in requirement.hashes:
        reason = "its SHA-256 is not among those allowed"
    elif file.sha256 is None:
        reason = "the index does not tell its SHA-256"
    elif not _supports(file.requires_python, target.release):
        reason = f"it wants Python {file.requires_python}"
    else:
        found = [ranks[tag] for tag in tags if tag in ranks]
        if found:
            return version, min(found)
        reason = "it is for another interpreter or platform"
    return f"{file.filename}: {reason}" if requirement.version else None


def _not_a_wheel(requirement: Requirement, file: IndexFile) -> str | None:
    try:
        _, version = parse_sdist_filename(file.filename)
    except InvalidSdistFilename:
        return None
    if requirement.version and _same(version, requirement.version):
        return f"{file.filename}: it is source, which would run a build of its own"
    return None


def _same(version: Version, text: str) -> bool:
    try:
        return version == Version(text)
    except InvalidVersion:
        return False


def _supports(specifier: str, release: str) -> bool:
    """Whether ``Requires-Python`` allows a release; what cannot be read allows it, as pip has it."""
    try:
        return not specifier or SpecifierSet(specifier).contains(release, prereleases=True)
    except InvalidSpecifier:
        return True


def unmet(metadata: Iterable[tuple[str, str, Sequence[str]]], environment: dict[str, str]) -> tuple[str, ...]:
    """What packages need that is not among them: ``requests 2.32.5 needs idna<4``.

    ``metadata`` are name, version and ``Requires-Dist`` of each; ``environment`` decides markers.
    """
    packages = list(metadata)
    here = {canonicalize_name(name): version for name, version, _ in packages}
    found: list[str] = []
    for name, version, needs in packages:
        for text in needs:
            try:
                need = Parsed(text)
            except InvalidRequirement:
                continue
            if need.marker is not None and not need.marker.evaluate({**environment, "extra": ""}):
                continue
            have = here.get(canonicalize_name(need.name))
            if have is None or not need.specifier.contains(have, prereleases=True):
                there = f", and {have} is there" if have else ""
                found.append(f"{name} {version} needs {need.name}{need.specifier}{there}")
    return tuple(found)
