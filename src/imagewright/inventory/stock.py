# SPDX-License-Identifier: Apache-2.0
"""What is in an image, read from its files: packages, Python packages, the distribution, documents about it.

Files in, dataclasses out: whoever reports on an image can begin here. :func:`gather` takes what is needed out of
layers, :func:`take_stock` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser

from imagewright.archives.alpine.database import INSTALLED, read_installed
from imagewright.archives.debian.deb822 import MalformedError, Stanza, read_stanzas
from imagewright.errors import VerificationError
from imagewright.inventory.licences import copyright_licences, stated
from imagewright.model.packages import PackageSystem
from imagewright.model.tree import Kind
from imagewright.oci.toc import TocEntry
from imagewright.recipes.embedded import DIRECTORY

MAXIMUM_ALL = 256 << 20
"""Bytes of all of them; a full image has about 20 million."""

_STATUS = "var/lib/dpkg/status"
_STATUS_FILES = "var/lib/dpkg/status.d/"
_DOCUMENTATION = "usr/share/doc/"
WANTED = re.compile(
    r"var/lib/dpkg/status(\.d/(?!.*\.md5sums$)[^/]+)?"
    rf"|{INSTALLED}"
    r"|usr/share/doc/[^/]+/copyright"
    r"|(etc|usr/lib)/os-release"
    rf"|{DIRECTORY}/[^/]+\.spdx\.json"
    r"|usr/local/lib/python[0-9.t]+/site-packages/pip/_vendor/vendor\.txt"
    r"|usr/(local/)?lib/python[0-9.t]+/(site|dist)-packages/[^/]+\.(dist-info/METADATA|egg-info/PKG-INFO|egg-info)"
)
"""Paths of files that say something of the whole image."""

_LINKED = re.compile(r"usr/share/doc/[^/]+(/copyright)?")
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_SOURCE = re.compile(r"([^\s()]+)(?:\s+\(([^()\s]+)\))?")
_PIN = re.compile(r"^[ \t]*([A-Za-z0-9._-]+)==([A-Za-z0-9.!+_-]+)[ \t]*(?:#.*)?$", re.MULTILINE)
_DEPTH = 8
_FIELDS = frozenset(
    {
        "package",
        "status",
        "version",
        "architecture",
        "source",
        "maintainer",
        "homepage",
        "section",
        "installed-size",
    }
)


@dataclass(slots=True)
class Gathered:
    """Files of an image that say what it consists of: path → content, and symbolic links: path → target."""

    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def read(self, path: str) -> bytes | None:
        """A file, through links."""
        for _ in range(_DEPTH):
            if path in self.files:
                return self.files[path]
            followed = self._follow(path)
            if followed is None:
                return None
            path = followed
        return None

    def _follow(self, path: str) -> str | None:
        parts = path.split("/")
        for length in range(len(parts), 0, -1):
            head = "/".join(parts[:length])
            if head in self.links:
                return _joined(head, self.links[head], parts[length:])
        return None


@dataclass(frozen=True, slots=True)
class Distribution:
    """What an image calls itself (os-release(5))."""

    identifier: str = ""
    version: str = ""
    codename: str = ""
    name: str = ""

    @property
    def qualifier(self) -> str:
        """``debian-13``, as package URLs name it."""
        return "-".join(word for word in (self.identifier, self.version or self.codename) if word)


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """A package that dpkg or apk knows as installed.

    ``licence`` is an SPDX expression, "" where it is not told; ``installed_size`` in bytes, as the package says.
    """

    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    maintainer: str = ""
    homepage: str = ""
    licence: str = ""
    section: str = ""
    installed_size: int = 0
    system: PackageSystem = PackageSystem.DPKG


@dataclass(frozen=True, slots=True)
class PythonPackage:
    """A Python package by its own metadata; ``path`` is where that is, ``vendored`` (name, version) are inside."""

    name: str
    version: str
    licence: str
    homepage: str
    path: str
    vendored: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is in an image; everything sorted. ``documents`` are bills of materials that lie in it, by path."""

    distribution: Distribution
    packages: tuple[SystemPackage, ...]
    python_packages: tuple[PythonPackage, ...]
    documents: tuple[tuple[str, bytes], ...]


def gather(layers: Iterable[Iterable[TocEntry]]) -> Gathered:
    """The files that :func:`take_stock` wants, from layers (lowest first, whiteouts included, ``WANTED`` kept).

    Raises ``VerificationError`` where there is more of them than there can be.
    """
    found = Gathered()
    for layer in layers:
        new = Gathered()
        removed: list[str] = []
        for one in layer:
            entry = one.entry
            directory, _, name = entry.path.rpartition("/")
            if name.startswith(_WHITEOUT):
                hidden = "" if name == _OPAQUE else name.removeprefix(_WHITEOUT)
                removed.append(f"{directory}/{hidden}".strip("/"))
            elif entry.kind is Kind.SYMLINK and _LINKED.fullmatch(entry.path):
                new.links[entry.path] = entry.link
            elif one.content is not None and WANTED.fullmatch(entry.path):
                new.files[entry.path] = one.content
        _remove(found, removed)
        found = Gathered(found.files | new.files, found.links | new.links)
        if sum(map(len, found.files.values())) > MAXIMUM_ALL:
            raise VerificationError(f"refused an image: its package data has more than {MAXIMUM_ALL} bytes")
    return found


def take_stock(found: Gathered) -> Inventory:
    """Read what was gathered. Raises ``VerificationError`` for a package database that is damaged."""
    status = found.files.get(_STATUS, b"")
    parts = [content for path, content in sorted(found.files.items()) if path.startswith(_STATUS_FILES)]
    stanzas = [stanza for stanza in _stanzas(status) if stanza.get("status").endswith(" installed")]
    stanzas += [stanza for content in parts for stanza in _stanzas(content) if _is_installed(stanza)]
    packages = [_package(stanza, found) for stanza in stanzas]
    packages += [
        _apk(fields)
        for path, content in sorted(found.files.items())
        if re.fullmatch(INSTALLED, path)
        for fields in read_installed(content, "the image")
    ]
    python = [
        package
        for path, content in found.files.items()
        if path.endswith(("/METADATA", "/PKG-INFO", ".egg-info")) and (package := _python(path, content, found))
    ]
    return Inventory(
        distribution=read_os_release(found.read("etc/os-release") or found.read("usr/lib/os-release") or b""),
        packages=tuple(sorted(packages, key=lambda one: (one.name, one.architecture))),
        python_packages=tuple(sorted(python, key=lambda one: (one.name.lower(), one.path))),
        documents=tuple(sorted(item for item in found.files.items() if item[0].startswith(f"{DIRECTORY}/"))),
    )


def read_os_release(content: bytes) -> Distribution:
    """os-release(5); what cannot be read is left out."""
    values: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        name, equals, value = line.partition("=")
        if equals and name.isidentifier():
            values[name] = value.strip().strip("\"'")
    return Distribution(
        identifier=values.get("ID", ""),
        version=values.get("VERSION_ID", ""),
        codename=values.get("VERSION_CODENAME", ""),
        name=values.get("PRETTY_NAME", ""),
    )


def _stanzas(content: bytes) -> Iterable[Stanza]:
    try:
        return list(read_stanzas([content], wanted=_FIELDS))
    except MalformedError as error:
        raise VerificationError("refused a package database", why=str(error)) from None


def _is_installed(stanza: Stanza) -> bool:
    """What a bare root has of a package may be its control file alone, which has no status."""
    status = stanza.get("status")
    return bool(stanza.get("package")) and (not status or status.endswith(" installed"))


def _package(stanza: Stanza, found: Gathered) -> SystemPackage:
    name, version = stanza.get("package"), stanza.get("version")
    match = _SOURCE.fullmatch(stanza.get("source"))
    source = match[1] if match else name
    text = found.read(f"{_DOCUMENTATION}{name}/copyright")
    return SystemPackage(
        name=name,
        version=version,
        architecture=stanza.get("architecture"),
        source=source,
        source_version=(match[2] if match else None) or version,
        maintainer=stanza.get("maintainer"),
        homepage=stanza.get("homepage"),
        licence=copyright_licences(text) if text else "",
        section=stanza.get("section"),
        installed_size=int(size) * 1024 if (size := stanza.get("installed-size")).isdigit() else 0,
    )


def _apk(fields: Mapping[str, str]) -> SystemPackage:
    get = fields.get
    return SystemPackage(
        name=fields["P"],
        version=fields["V"],
        architecture=get("A", ""),
        source=get("o", fields["P"]),
        source_version=fields["V"],
        maintainer=get("m", ""),
        homepage=get("U", ""),
        licence=stated(get("L", "")),
        installed_size=int(size) if (size := get("I", "")).isdigit() else 0,
        system=PackageSystem.APK,
    )


def _python(path: str, content: bytes, found: Gathered) -> PythonPackage | None:
    headers = BytesHeaderParser().parsebytes(content)
    name, version = str(headers.get("Name", "")), str(headers.get("Version", ""))
    if not name or not version:
        return None
    licence = str(headers.get("License-Expression", ""))
    vendored = found.files.get(f"{path.rpartition('-packages/')[0]}-packages/pip/_vendor/vendor.txt", b"")
    inside = _pinned(vendored) if name == "pip" else ()
    return PythonPackage(name, version, licence, str(headers.get("Home-page", "")), path, inside)


def _pinned(content: bytes) -> tuple[tuple[str, str], ...]:
    """``name==version`` lines, indented where one package holds another."""
    return tuple(sorted(set(_PIN.findall(content.decode("utf-8", "replace")))))


def _remove(found: Gathered, paths: Iterable[str]) -> None:
    for path in paths:
        for kept in (found.files, found.links):
            for name in [name for name in kept if not path or name == path or name.startswith(f"{path}/")]:
                del kept[name]


def _joined(link: str, target: str, rest: Iterable[str]) -> str | None:
    """Where a link leads, relative to the root; ``None`` if it climbs out."""
    parts = [] if target.startswith("/") else link.split("/")[:-1]
    for word in (*target.split("/"), *rest):
        if word == "..":
            if not parts:
                return None
            parts.pop()
        elif word not in ("", "."):
            parts.append(word)
    return "/".join(parts)
