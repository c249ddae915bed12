# SPDX-License-Identifier: Apache-2.0
"""The recipe of images on Windows: where the interpreter lies, what starts it, what pip's commands are.

Nothing of it runs here: files are put where the release's own installer puts them with ``TargetDir=C:\\Python``.
Registered in the registry is nothing, so the search path is the image configuration's.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

REVISION = "1"
"""Part of the step's identity: changed when the same files give other bytes."""

DIRECTORY = "Python"
"""Below ``C:\\``."""

PLACE = "C:\\Python"
SITE = "Lib/site-packages"
SCRIPTS = "Scripts"
LAUNCHER = "pip/_vendor/distlib/t64.exe"
"""The program in pip's wheel that pip makes its commands from: for consoles, x86-64."""

DEFAULT_PATH = ";".join(
    (
        "C:\\Windows\\system32",
        "C:\\Windows",
        "C:\\Windows\\System32\\Wbem",
        "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\",
        "C:\\Windows\\System32\\OpenSSH\\",
        "C:\\Users\\ContainerAdministrator\\AppData\\Local\\Microsoft\\WindowsApps",
    )
)
"""What PATH is in Windows Server Core where no image configuration says one: engines put a configuration's PATH in
its place, and add nothing."""

_PATH = "PATH"
_OFF = "#import site"
_SCRIPT = """\
# -*- coding: utf-8 -*-
import sys
from {module} import {function}
if __name__ == "__main__":
    sys.argv[0] = sys.argv[0].removesuffix(".exe")
    sys.exit({function}())
"""

Variables = tuple[tuple[str, str], ...]


def environment(below: Iterable[tuple[str, str]], own: Variables) -> Variables:
    """The base image's variables with the interpreter first in PATH, then our own, which win.

    Windows does not tell variables apart by case.
    """
    said = {name.upper() for name, _ in own}
    before = tuple(below)
    path = next((value for name, value in before if name.upper() == _PATH), DEFAULT_PATH)
    kept = tuple((name, value) for name, value in before if name.upper() not in {*said, _PATH})
    ours = () if _PATH in said else ((_PATH, f"{PLACE}\\{SCRIPTS};{PLACE};{path}"),)
    return (*kept, *ours, *own)


def with_site(text: str) -> str:
    """The ``._pth`` file of the embeddable package with the line that lets ``site-packages`` be found."""
    lines = text.splitlines()
    if "import site" in lines:
        return text
    kept = [line for line in lines if line.replace(" ", "") != _OFF.replace(" ", "")]
    return "\r\n".join((*kept, "import site", ""))


def commands(points: Iterable[tuple[str, str]], series: str) -> dict[str, str]:
    """The commands of pip (``pip``, ``pip3``, ``pip3.13``) and the ``module:function`` that each calls."""
    found = dict(points)
    if "pip3" in found:
        found[f"pip{series}"] = found["pip3"]
    return dict(sorted(found.items()))


def command(launcher: bytes, target: str) -> bytes:
    """A program that calls ``module:function``: launcher, interpreter, and an archive with the script.

    The form is distlib's (``distlib.scripts``): the launcher reads what is behind itself.
    """
    module, _, function = target.partition(":")
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as archive:
        member = zipfile.ZipInfo("__main__.py", date_time=(1980, 1, 1, 0, 0, 0))
        member.create_system = 0
        archive.writestr(member, _SCRIPT.format(module=module, function=function))
    return b"".join((launcher, f"#!{PLACE}\\python.exe\r\n".encode(), place.getvalue()))


def replaced(path: str) -> bool:
    """Whether a distributed file is of the pip that ours stands for."""
    lower = path.lower()
    return lower.startswith(("lib/site-packages/pip/", "lib/site-packages/pip-", "scripts/pip"))
