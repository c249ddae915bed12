# SPDX-License-Identifier: Apache-2.0
"""Requirements files as ``pip install --require-hashes`` reads them: exact versions, each with its hashes.

https://pip.pypa.io/en/stable/reference/requirements-file-format/. What would make an installation depend on the
day, or on who serves it, is refused: ranges, addresses, other files, indexes. Pure: text in, requirements out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name

from imagewright.errors import Problems
from imagewright.model.digest import Digest
from imagewright.model.platforms import Platform
from imagewright.model.site import Requirement

MAXIMUM_LINES = 100_000
"""Lines of one requirements file."""

_HASH = re.compile(r"--hash[= ]([a-z0-9]+):([0-9a-fA-F]+)", re.ASCII)
_COMMENT = re.compile(r"(^|\s)#.*$")
_HARMLESS = frozenset({"--require-hashes", "--only-binary=:all:", "--only-binary :all:", "--no-deps"})


def read_requirements(
    text: str, where: str, environment: Mapping[str, str], problems: Problems
) -> tuple[Requirement, ...]:
    """Read a file, or lines written in the configuration; ``environment`` decides markers (PEP 508).

    What is wrong goes into ``problems``, each with its line.
    """
    found: list[Requirement] = []
    for number, line in _logical_lines(text):
        place = f"{where}:{number}"
        if line.startswith("-"):
            if line not in _HARMLESS:
                word = line.split()[0].partition("=")[0]
                problems.add(place, f"{word} is not understood here", "only pinned packages with their hashes")
            continue
        requirement = _read(line, place, environment, problems)
        if requirement is not None:
            found.append(requirement)
    return tuple(found)


def marker_environment(platform: Platform, release: str) -> dict[str, str]:
    """What PEP 508's markers are compared with: the image's interpreter, not ours."""
    processor = platform.gnu.partition("-")[0]
    return {
        "implementation_name": "cpython",
        "implementation_version": release,
        "os_name": "posix",
        "platform_machine": {"i386": "i686", "arm": "armv7l", "powerpc64le": "ppc64le"}.get(processor, processor),
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": release,
        "python_version": ".".join(release.split(".")[:2]),
        "sys_platform": "linux",
        "extra": "",
    }


def merged(requirements: Iterable[Requirement], problems: Problems) -> tuple[Requirement, ...]:
    """One requirement for each project, sorted; the same one may be there twice, another version may not."""
    found: dict[str, Requirement] = {}
    for each in requirements:
        before = found.setdefault(each.project, each)
        if (before.version, before.hashes) != (each.version, each.hashes):
            problems.add(each.where, f"{each.project} is asked for twice, and differently", f"see {before.where}")
    return tuple(found[name] for name in sorted(found))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with those that a backslash continues, and without comments; each with the number of its first."""
    gathered, first = "", 0
    for number, raw in enumerate(text.splitlines()[:MAXIMUM_LINES], 1):
        first = first or number
        line = _COMMENT.sub("", raw).rstrip()
        if line.endswith("\\"):
            gathered += line[:-1] + " "
            continue
        if whole := (gathered + line).strip():
            yield first, whole
        gathered, first = "", 0
    if whole := gathered.strip():
        yield first, whole


def _read(line: str, place: str, environment: Mapping[str, str], problems: Problems) -> Requirement | None:
    hashes = [(kind, digits.lower()) for kind, digits in _HASH.findall(line)]
    words = _HASH.sub("", line).strip()
    if " --" in f" {words}":
        problems.add(place, f"{words.partition('--')[2].split()[0]!r} is not understood here", "only --hash is")
        return None
    try:
        parsed = Parsed(words)
    except InvalidRequirement as error:
        problems.add(place, f"{words[:80]!r} is no requirement: {str(error).splitlines()[0]}", "NAME==VERSION")
        return None
    if parsed.marker is not None and not parsed.marker.evaluate(dict(environment)):
        return None
    version = _pinned(parsed)
    if not version:
        problems.add(place, f"{parsed.name} is not pinned to one version", f"write {parsed.name}==VERSION")
    digests = _digests(hashes)
    if not digests:
        problems.add(place, f"{parsed.name} has no SHA-256", "--hash=sha256:… for each file that is allowed")
    if not (version and digests):
        return None
    return Requirement(canonicalize_name(parsed.name), version, digests, place)


def _digests(hashes: Iterable[tuple[str, str]]) -> tuple[Digest, ...]:
    """The SHA-256 that are written; nothing where one of them is none. Other kinds of hashes do not count."""
    try:
        return tuple(sorted({Digest(digits) for kind, digits in hashes if kind == "sha256"}))
    except ValueError:
        return ()


def _pinned(parsed: Parsed) -> str:
    """The one version that is allowed; empty where that is not one."""
    specifiers = list(parsed.specifier)
    if parsed.url or len(specifiers) != 1 or specifiers[0].operator not in {"==", "==="}:
        return ""
    return "" if specifiers[0].version.endswith("*") else specifiers[0].version
