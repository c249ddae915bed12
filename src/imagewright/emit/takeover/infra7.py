# SPDX-License-Identifier: Apache-2.0
"""``versions/*.env`` and ``targets/*`` of a repository as infra7's: every version on every target, one variant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from imagewright.catalog.versions import is_release, series_key, series_of
from imagewright.emit.takeover.environment import Variable, read_environment
from imagewright.emit.takeover.model import Extra, Place, Remarks, Series

_VARIANT = "slim"
_RUNTIME, _FLAGS = "REQUIRES", "PYTHON_EXTRA_BUILD_OPTS"
_CARRIED = {"PYTHON_RELEASE", "PYTHON_VERSION", _RUNTIME, _FLAGS, "BUILD_REQUIRES"}
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+", re.ASCII)
_FLAG = re.compile(r"--[A-Za-z][^\s'\"\\$`;&|<>()]*", re.ASCII)


def read_versions(
    files: Mapping[str, str], targets: Sequence[str], known: frozenset[str], remarks: Remarks
) -> tuple[tuple[Series, ...], dict[str, Extra]]:
    """Series by their files (path → text), newest first, and what each asks for besides.

    ``targets`` are the suites that have a Dockerfile, ``known`` packages that our images have anyway.
    """
    found: list[Series] = []
    extras: dict[str, Extra] = {}
    for file, text in files.items():
        try:
            variables = {variable.name: variable for variable in read_environment(text)}
        except ValueError as error:
            remarks.add(file, _line(str(error)), str(error))
            continue
        release = variables.get("PYTHON_RELEASE") or variables.get("PYTHON_VERSION")
        if release is None or not release.literal or not is_release(release.value):
            remarks.add(file, release.line if release else 0, "it names no release of CPython")
            continue
        name = series_of(release.value)
        places = tuple(Place(_VARIANT, target, f"{file}#{target}") for target in targets)
        found.append(Series(name, release.value, "", places, file, release.line))
        extra = _extra(file, variables, known, remarks)
        extras |= {place.file: extra for place in places}
    return tuple(sorted(found, key=lambda one: series_key(one.name), reverse=True)), extras


def default_suite(text: str, remarks: Remarks) -> str:
    """What tags without a suite mean: TARGET_OS of the repository's ``.env``."""
    try:
        variables = {variable.name: variable for variable in read_environment(text)}
    except ValueError as error:
        remarks.add(".env", _line(str(error)), str(error))
        return ""
    said = variables.get("TARGET_OS")
    return said.value if said is not None and said.literal else ""


def _extra(file: str, variables: Mapping[str, Variable], known: frozenset[str], remarks: Remarks) -> Extra:
    packages, flags = (_words(file, variables.get(name), remarks) for name in (_RUNTIME, _FLAGS))
    for variable in variables.values():
        if variable.name not in _CARRIED:
            remarks.add(file, variable.line, f"{variable.name[:60]} means nothing here")
    wrong = [word for word in packages if not _PACKAGE.fullmatch(word)]
    wrong += [word for word in flags if not _FLAG.fullmatch(word)]
    for word in wrong:
        remarks.add(file, 0, f"{word[:60]!r} is neither a package nor an argument of configure")
    return Extra(
        packages=tuple(word for word in packages if word not in known and word not in wrong),
        configure=tuple(word for word in flags if word not in wrong),
    )


def _words(file: str, variable: Variable | None, remarks: Remarks) -> list[str]:
    if variable is None:
        return []
    if not variable.literal:
        remarks.add(file, variable.line, f"{variable.name} depends on other variables")
        return []
    return list(dict.fromkeys(variable.value.replace("\\", " ").split()))


def _line(message: str) -> int:
    match = re.match(r"line (\d+)", message)
    return int(match[1]) if match else 0
