# SPDX-License-Identifier: Apache-2.0
"""The machine's apt sources (sources.list(5)): which addresses serve Debian's and Ubuntu's archives.

Only addresses are taken from them. Whom to believe is our own (keys.toml), so ``Signed-By`` means nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from imagewright.archives.debian.deb822 import MalformedError, Stanza, read_stanzas

MAXIMUM_FILE = 1 << 20
"""Bytes in one file of apt's configuration."""

DEBIAN_SUITES = frozenset(
    {"bullseye", "bookworm", "trixie", "forky", "duke", "sid"}
    | {"stable", "oldstable", "oldoldstable", "testing", "unstable"}
)
UBUNTU_SUITES = frozenset(
    {"focal", "jammy", "noble", "oracular", "plucky", "questing", "resolute", "stonking", "tenacious", "devel"}
)

_POCKETS = ("-updates", "-backports", "-proposed-updates", "-proposed")
_OPTIONS = re.compile(r"\[([^\]]*)\]")
_LIST_FILE = "mirror+file"


@dataclass(frozen=True, slots=True)
class AptSource:
    """One ``deb`` entry: an address, a suite, its components. ``where`` names file and line."""

    uri: str
    suite: str
    components: tuple[str, ...]
    where: str


@dataclass(frozen=True, slots=True)
class AptSources:
    """The entries of some files, and ``notes`` on lines that were passed over."""

    entries: tuple[AptSource, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: AptSources) -> AptSources:
        return AptSources(self.entries + other.entries, self.notes + other.notes)


def parse_list(text: str, where: str) -> AptSources:
    """Read a file in one-line style (``deb [options] uri suite components``)."""
    entries: list[AptSource] = []
    notes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        row = line.partition("#")[0].strip()
        words = _OPTIONS.sub(" ", row, count=1).split()
        if not words or words[0] == "deb-src":
            continue
        if words[0] != "deb" or len(words) < 3:  # noqa: PLR2004 - deb, uri, suite
            notes.append(f"{where}:{number}: passed over {row[:80]!r}")
            continue
        entries.append(AptSource(words[1], words[2], tuple(words[3:]), f"{where}:{number}"))
    return AptSources(tuple(entries), tuple(notes))


def parse_sources(text: str, where: str) -> AptSources:
    """Read a file in deb822 style (``Types:``, ``URIs:``, ``Suites:``, ``Components:``)."""
    # apt separates stanzas by lines of blanks too, and comments may stand between stanzas.
    rows = [row.rstrip() for row in text.splitlines() if not row.startswith("#")]
    entries: list[AptSource] = []
    try:
        for stanza in read_stanzas(["\n".join(rows).encode()]):
            entries += _entries(stanza, where)
    except MalformedError as error:
        return AptSources((), (f"{where}: passed over: {error}",))
    return AptSources(tuple(entries), ())


def _entries(stanza: Stanza, where: str) -> Iterator[AptSource]:
    if stanza.get("enabled").lower() in {"no", "false", "off", "disable", "without", "0"}:
        return
    if "deb" not in stanza.get("types").split():
        return
    components = tuple(stanza.get("components").split())
    for uri in stanza.get("uris").split():
        for suite in stanza.get("suites").split():
            yield AptSource(uri, suite, components, f"{where}:{stanza.line}")


def read_apt_sources(directory: Path = Path("/etc/apt")) -> AptSources:
    """Read ``sources.list`` and ``sources.list.d`` as apt does, in its order. Unreadable files become notes."""
    found = AptSources()
    folder = directory / "sources.list.d"
    parts = sorted(path for path in folder.iterdir()) if folder.is_dir() else []
    for path in (directory / "sources.list", *parts):
        parse = {".list": parse_list, ".sources": parse_sources}.get(path.suffix)
        if parse is None or not path.is_file():
            continue
        try:
            found += parse(_read(path), str(path))
        except (OSError, ValueError) as error:
            found += AptSources((), (f"{path}: passed over: {error}",))
    return _with_lists(found, lambda path: _read(Path(path)))


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAXIMUM_FILE + 1)
    if len(data) > MAXIMUM_FILE:
        raise ValueError(f"it has more than {MAXIMUM_FILE} bytes")
    return data.decode()


def _with_lists(sources: AptSources, read: Callable[[str], str]) -> AptSources:
    """Replace ``mirror+file:`` entries, which cloud images have, by the addresses listed in that file."""
    entries: list[AptSource] = []
    notes = list(sources.notes)
    for entry in sources.entries:
        parts = urlsplit(entry.uri)
        if parts.scheme != _LIST_FILE:
            entries.append(entry)
            continue
        try:
            lines = read(parts.path).splitlines()
        except (OSError, ValueError) as error:
            notes.append(f"{entry.where}: passed over {entry.uri}: {error}")
            continue
        entries.extend(
            AptSource(words[0], entry.suite, entry.components, parts.path)
            for line in lines
            if (words := line.partition("#")[0].split())
        )
    return AptSources(tuple(entries), tuple(notes))


def mirror_roles(sources: AptSources) -> tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """Addresses by mirror role (``debian``, ``debian-security``, ``ubuntu``, ``ubuntu-security``,
    ``ubuntu-ports``), in apt's order, and notes on addresses we cannot use.

    Other people's archives may have suites of the same names; what ends in ``/debian`` or the like comes first,
    and an archive that is another one after all is refused by its signature.
    """
    found: dict[str, list[str]] = {}
    notes = list(sources.notes)
    for entry in sources.entries:
        role = _role(entry)
        if role is None:
            continue
        if urlsplit(entry.uri).scheme not in {"http", "https", "file"}:
            notes.append(f"{entry.where}: passed over {entry.uri}: only http, https and file addresses are used")
            continue
        addresses = found.setdefault(role, [])
        if (address := entry.uri.rstrip("/")) not in addresses:
            addresses.append(address)
    ordered = {role: tuple(sorted(addresses, key=lambda one: not _looks_like(one, role))) for role, addresses in
               found.items()}  # fmt: skip
    return MappingProxyType(ordered), tuple(notes)


def _role(entry: AptSource) -> str | None:
    if "main" not in entry.components:
        return None
    suite = entry.suite.removesuffix("/updates")  # buster/updates and before
    security = suite != entry.suite or suite.endswith("-security")
    base = suite.removesuffix("-security")
    for pocket in _POCKETS:
        base = base.removesuffix(pocket)
    if base in DEBIAN_SUITES:
        return "debian-security" if security else "debian"
    if base in UBUNTU_SUITES:
        parts = urlsplit(entry.uri)
        host = parts.hostname or ""
        if host.startswith(("ppa.", "private-ppa.")):  # people's own archives, with Ubuntu's suite names and paths
            return None
        if "ports" in parts.path + host:
            return "ubuntu-ports"
        return "ubuntu-security" if security else "ubuntu"
    return None


def _looks_like(address: str, role: str) -> bool:
    last: Sequence[str] = urlsplit(address).path.rstrip("/").split("/")[-1:]
    return bool(last) and last[0] in {role, role.removesuffix("-security")}
