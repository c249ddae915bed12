# SPDX-License-Identifier: Apache-2.0
"""Packages by their source, and where that is to be had.

The archives are those that the image itself names (sources.list(5)); below them the pool is laid out as Debian's
(Debian wiki, "DebianRepository/Format"; Debian Policy has no word on it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from imagewright.archives.debian.deb822 import MalformedError, read_stanzas
from imagewright.describe.scan import Scan
from imagewright.inventory.stock import Inventory, SystemPackage
from imagewright.model.contents import BinaryPackage, SourcePackage

_LINE = re.compile(r"deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+)\s")
_UPDATED = re.compile(r"[+~]deb\d+u|ubuntu")
_WANTED = frozenset({"types", "uris", "enabled"})


def source_packages(inventory: Inventory, found: Scan) -> tuple[SourcePackage, ...]:
    """Packages of one source together, by its name."""
    groups: dict[tuple[str, str], list[SystemPackage]] = {}
    for package in inventory.packages:
        groups.setdefault((package.source, package.source_version), []).append(package)
    archives = tuple(dict.fromkeys(_archives(found)))
    return tuple(_group(name, version, groups[name, version], found, archives) for name, version in sorted(groups))


def _group(
    name: str, version: str, packages: list[SystemPackage], found: Scan, archives: Iterable[str]
) -> SourcePackage:
    area, slash, _ = packages[0].section.partition("/")
    path = pool_path(name, version, area if slash else "main")
    fitting = [archive for archive in archives if "security" not in archive or _UPDATED.search(version)]
    files = [f"usr/share/doc/{package.name}/copyright" for package in packages]
    homepages = [package.homepage for package in packages if package.homepage.startswith(("http://", "https://"))]
    return SourcePackage(
        name=name,
        version=version,
        packages=tuple(
            BinaryPackage(package.name, package.version, package.architecture, package.installed_size)
            for package in packages
        ),
        licences=tuple(sorted({package.licence for package in packages if package.licence})),
        copyright_files=tuple(f"/{file}" for file in files if found.gathered.read(file) is not None),
        homepage=homepages[0] if homepages else "",
        retrieve=f"apt-get source {name}={version}",
        path=path,
        urls=tuple(f"{archive}/{quote(path, safe='/+~:')}" for archive in fitting),
    )


def pool_path(source: str, version: str, area: str) -> str:
    """``pool/main/o/openssl/openssl_3.5.4-1.dsc``; names in lib have directories by their fourth letter."""
    prefix = source[:4] if source.startswith("lib") else source[:1]
    return f"pool/{area}/{prefix}/{source}/{source}_{version.partition(':')[2] or version}.dsc"


def _archives(found: Scan) -> Iterator[str]:
    for path, content in sorted(found.texts.items()):
        if not path.startswith("etc/apt/"):
            continue
        addresses = _stanza_addresses(content) if path.endswith(".sources") else _line_addresses(content)
        for address in addresses:
            if address.startswith(("http://", "https://")):
                yield address.rstrip("/")


def _stanza_addresses(content: bytes) -> list[str]:
    try:
        stanzas = list(read_stanzas([content], wanted=_WANTED, comments=True))
    except MalformedError:
        return []
    return [word for stanza in stanzas if stanza.get("enabled") != "no" for word in stanza.get("uris").split()]


def _line_addresses(content: bytes) -> list[str]:
    lines = content.decode("utf-8", "replace").splitlines()
    return [match[1] for line in lines if (match := _LINE.match(line.strip()))]
