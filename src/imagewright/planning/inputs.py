# SPDX-License-Identifier: Apache-2.0
"""What goes into a step from outside: packages, sources, profiles; for fetching, for reports and for reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from imagewright.model.digest import Digest
from imagewright.model.lock import LockedSource
from imagewright.model.packages import LockedPackage
from imagewright.model.plan import (
    CheckWork,
    ImageWork,
    PythonWork,
    RootWork,
    RuntimeWork,
    SiteWork,
    Step,
    UnpackWork,
    WindowsImageWork,
    WindowsWork,
    Work,
)
from imagewright.model.site import LocalFile

FACT = "inputs"
"""The name of the fact under which :func:`dump_inputs` is kept in a step's record."""


@dataclass(frozen=True, slots=True)
class StepInput:
    """One input: ``size`` in bytes (0: not known). ``version`` is for people.

    ``read`` says whether the step itself reads the file; an interpreter's toolchain is read by its build root.
    """

    name: str
    version: str
    digest: Digest
    size: int
    read: bool = True


def step_inputs(work: Work) -> tuple[StepInput, ...]:  # noqa: PLR0911 - one for each kind
    """The inputs of a step, without the results of other steps; packages by name."""
    match work:
        case RootWork():
            return (*(_package(package) for package in work.packages), *map(_file, work.certificates))
        case UnpackWork():
            return tuple(_package(package) for package in work.packages)
        case PythonWork():
            source = work.source
            found = [_source(source)]
            if work.profile is not None:
                profile = work.profile
                found.append(StepInput("profile", profile.compiler, profile.sha256, profile.size))
            found += [StepInput(one.project, one.version, one.sha256, one.size) for one in source.wheels]
            found += map(_file, work.patches)
            found += [_package(package, read=False) for package in work.toolchain]
            against = (_package(package, read=False) for package in work.sysroot)
            return (*found, *(replace(one, name=f"{one.name}:{work.architecture}") for one in against))
        case RuntimeWork():
            told = () if work.interpreter is None else (_source(work.interpreter),)
            return (*(_package(package) for package in work.candidates), *map(_file, work.certificates), *told)
        case SiteWork():
            wheels = (StepInput(one.project, one.version, one.sha256, one.size) for one in work.wheels)
            return (*wheels, *((_package(work.locale_sources),) if work.locale_sources else ()))
        case WindowsWork():
            archive, pip = work.distribution, work.distribution.pip
            return (
                StepInput(archive.filename, archive.release, archive.sha256, archive.size),
                StepInput(pip.project, pip.version, pip.sha256, pip.size),
            )
        case WindowsImageWork():
            base = work.base
            return (StepInput(base.repository, base.os_version, base.digest, base.size),)
        case ImageWork() | CheckWork():
            return ()


def dump_inputs(step: Step) -> str:
    """The inputs as a small JSON text, to be kept in the step's record (fact :data:`FACT`)."""
    return json.dumps({found.name: _text(found) for found in step_inputs(step.work)}, separators=(",", ":"))


def changed_inputs(before: str, step: Step) -> tuple[str, ...]:
    """What differs from a record's :func:`dump_inputs`: ``libc6 2.41-12 → 2.41-13``, ``+ libfoo 1``, ``- libbar``.

    A text that cannot be read gives nothing: it only explains.
    """
    try:
        have = json.loads(before)
    except ValueError:
        return ()
    if not isinstance(have, dict):
        return ()
    now = {found.name: _text(found) for found in step_inputs(step.work)}
    lines: list[str] = []
    for name in sorted(have.keys() | now.keys()):
        old, new = have.get(name), now.get(name)
        if old is None:
            lines.append(f"+ {_people(name, new)}")
        elif new is None:
            lines.append(f"- {name}")
        elif old != new:
            old_version, new_version = str(old).partition(" ")[0], new.partition(" ")[0]
            same = old_version == new_version
            lines.append(
                f"{name} {new_version} (other content)" if same else f"{name} {old_version} → {new_version}"
            )
    return tuple(lines)


def _text(found: StepInput) -> str:
    return f"{found.version.replace(' ', '_')} {found.digest.short}"


def _people(name: str, text: str | None) -> str:
    return f"{name} {(text or '').partition(' ')[0]}".rstrip()


def _file(file: LocalFile) -> StepInput:
    return StepInput(file.path, "", file.sha256, file.size)


def _source(source: LockedSource) -> StepInput:
    return StepInput(source.filename, source.release, source.sha256, source.size)


def _package(package: LockedPackage, *, read: bool = True) -> StepInput:
    return StepInput(package.name, package.version, package.sha256, package.size, read)
