# SPDX-License-Identifier: Apache-2.0
"""What can be checked of an image for Windows without Windows: nothing of it is started.

Its layer is read as Windows would read it, its programs as far as their heads, pip's files by pip's own record.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from imagewright.errors import VerificationError
from imagewright.events import Sink
from imagewright.events.building import CheckFinished
from imagewright.model.digest import Digest
from imagewright.model.plan import CheckWork
from imagewright.model.ports import BlobStore
from imagewright.model.results import CheckResult
from imagewright.oci.config import Config
from imagewright.oci.manifest import Manifest
from imagewright.oci.reader import read_layer
from imagewright.oci.windows import check_windows_layer
from imagewright.recipes import windows as recipe

REVISION = "1"
"""Changed when one of these looks at something else."""

_AMD64 = 0x8664
"""IMAGE_FILE_MACHINE_AMD64 (PE format, "Machine Types")."""

_LARGEST = 64 << 20
"""Bytes of a file that is looked into."""

_TOP = f"{recipe.DIRECTORY}/"


class _Failed(Exception):  # noqa: N818 - it never leaves this module
    """What a check found wrong."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """An image: its documents, the SHA-256 of every file in its own layer, and the bytes of some."""

    manifest: Manifest
    config: Config
    digests: Mapping[str, bytes]
    contents: Mapping[str, bytes]

    def content(self, path: str) -> bytes:
        if path not in self.contents:
            raise _Failed(f"there is no {path}")
        return self.contents[path]


def check_windows(work: CheckWork, manifest: Digest, blobs: BlobStore, sink: Sink) -> tuple[CheckResult, ...]:
    """Run the checks that ``work`` names; all of them, unless the layer cannot even be read."""
    found: list[CheckResult] = []
    try:
        seen: _Seen | str = _look(manifest, blobs)
    except VerificationError as error:
        seen = str(error)
    for name in work.checks:
        try:
            passed, detail = True, _CHECKS[name](_whole(seen), work)
        except _Failed as failure:
            passed, detail = False, str(failure)
        found.append(CheckResult(name, passed, detail, 0.0))
        sink(CheckFinished(name, passed, detail, 0.0))
    return tuple(found)


def _whole(seen: _Seen | str) -> _Seen:
    if isinstance(seen, str):
        raise _Failed(seen)
    return seen


def _look(digest: Digest, blobs: BlobStore) -> _Seen:
    with blobs.open(digest) as file:
        manifest = Manifest.parse(file.read())
    with blobs.open(manifest.config.digest) as file:
        config = Config.parse(file.read())
    digests: dict[str, bytes] = {}
    contents: dict[str, bytes] = {}
    with blobs.open(manifest.layers[-1].digest) as file:
        _read(file, digests, contents)
    return _Seen(manifest, config, digests, contents)


def _read(file: BinaryIO, digests: dict[str, bytes], contents: dict[str, bytes]) -> None:
    """One pass over the layer, whose form is checked on the way."""
    for entry, content in check_windows_layer(read_layer(file)):
        data = b"" if content is None else content.read(_LARGEST)
        digests[entry.path] = hashlib.sha256(data).digest()
        if entry.path.lower().endswith((".exe", ".dll", "/record")):
            contents[entry.path] = data


def _form(seen: _Seen, work: CheckWork) -> str:
    del work
    return f"{len(seen.digests)} files and directories, each with attributes, a time and a security descriptor"


def _interpreter(seen: _Seen, work: CheckWork) -> str:
    """The version resource of the library says which release it is (VS_FIXEDFILEINFO's strings are UTF-16)."""
    major, minor = work.release.split(".")[:2]
    names = (f"{_TOP}python.exe", f"{_TOP}python{major}{minor}.dll")
    for name in names:
        if _machine(seen.content(name)) != _AMD64:
            raise _Failed(f"{name} is not for x86-64")
    if work.release.encode("utf-16-le") not in seen.content(names[1]):
        raise _Failed(f"{names[1]} does not say that it is {work.release}")
    return f"python.exe and its library are for x86-64, and of {work.release}"


def _machine(program: bytes) -> int:
    """The machine that a portable executable is for, 0 for none (PE format, "COFF File Header")."""
    if program[:2] != b"MZ" or len(program) < 0x40:  # noqa: PLR2004 - the length of the head that all have
        return 0
    (at,) = struct.unpack_from("<I", program, 0x3C)
    if program[at : at + 4] != b"PE\0\0" or at + 6 > len(program):
        return 0
    (machine,) = struct.unpack_from("<H", program, at + 4)
    return int(machine)


def _pip(seen: _Seen, work: CheckWork) -> str:
    """Every file of pip's record is there as it says, and its commands are programs."""
    del work
    site = f"{_TOP}{recipe.SITE}/"
    records = [path for path in seen.contents if path.startswith(f"{site}pip-") and path.endswith("/RECORD")]
    if len(records) != 1:
        raise _Failed(f"there are {len(records)} records of pip instead of one")
    lines = [line for line in csv.reader(seen.contents[records[0]].decode().splitlines()) if line[1]]
    for name, digest, _ in lines:
        path = f"{_TOP}{name.removeprefix('../../')}" if name.startswith("../../") else f"{site}{name}"
        have = base64.urlsafe_b64encode(seen.digests.get(path, b"")).rstrip(b"=").decode()
        if f"sha256={have}" != digest:
            raise _Failed(f"{path} is not what pip's record says")
    if _machine(seen.content(f"{_TOP}{recipe.SCRIPTS}/pip.exe")) != _AMD64:
        raise _Failed("pip.exe is not for x86-64")
    return f"{len(lines)} files of pip are what its record says"


def _configuration(seen: _Seen, work: CheckWork) -> str:
    """The platform, and that ``python`` is found; every layer is there, or says where it is."""
    config = seen.config
    platform = f"{config.platform.os}/{config.platform.architecture}"
    if platform != work.platform or not config.platform.os_version:
        raise _Failed(f"it is for {platform} {config.platform.os_version}")
    path = next((value for name, value in config.execution.environment if name.upper() == "PATH"), "")
    if recipe.PLACE not in path.split(";"):
        raise _Failed(f"{recipe.PLACE} is not in PATH")
    if len(config.diff_ids) != len(seen.manifest.layers) or len(config.diff_ids) < 2:  # noqa: PLR2004 - base and ours
        raise _Failed(f"{len(seen.manifest.layers)} layers, and {len(config.diff_ids)} in its configuration")
    return f"for Windows {config.platform.os_version}, on {len(config.diff_ids) - 1} layers of the base"


_CHECKS: dict[str, Callable[[_Seen, CheckWork], str]] = {
    "windows-layer": _form,
    "windows-interpreter": _interpreter,
    "windows-pip": _pip,
    "windows-configuration": _configuration,
}
NAMES = tuple(_CHECKS)
"""The checks of every image for Windows, in the order they run."""
