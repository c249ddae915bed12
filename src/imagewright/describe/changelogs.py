# SPDX-License-Identifier: Apache-2.0
"""What is new in packages, by the changelogs in the image.

``changelog.Debian.gz`` is the distribution's, ``changelog.gz`` upstream's, or the distribution's own where a
package has no upstream; rebuilds of one architecture are told in ``changelog.Debian.ARCH.gz`` (Debian Policy 12.7;
dh_installchangelogs(1)).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from imagewright.archives.debian.version import compare
from imagewright.describe.scan import Scan

_LINES = 40
_ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]* \(([^()\s]+)\) ", re.ASCII)
_TRAILER = " -- "
_DIRECTORY = "usr/share/doc"
_NAMES = ("changelog.Debian.gz", "changelog.gz")


def changelog_of(found: Scan, package: str, architecture: str, relatives: Iterable[str]) -> str:
    """The distribution's changelog of a package, or of a relative of the same source; "" where the image has none.

    Directories of documentation may be links to a relative's.
    """
    for name in dict.fromkeys((package, *relatives)):
        place = found.gathered.links.get(f"{_DIRECTORY}/{name}", name).rstrip("/").rpartition("/")[2]
        rebuilt = f"changelog.Debian.{architecture}.gz" if name == package else ""
        texts = [found.changelogs.get(f"{_DIRECTORY}/{place}/{file}", "") for file in (rebuilt, *_NAMES)]
        if whole := _joined(texts):
            return whole
    return ""


def new_changes(changelog: str, since: str) -> tuple[str, ...]:
    """The lines of a Debian changelog (deb-changelog(5)) in entries that are newer than ``since``."""
    lines: list[str] = []
    for line in changelog.splitlines():
        match = _ENTRY.match(line)
        if match and not _newer(match[1], since):
            break
        if line.strip() and not line.startswith(_TRAILER):
            lines.append(line.rstrip())
    return tuple(lines[:_LINES])


def _joined(texts: Iterable[str]) -> str:
    """The first of them that is a Debian changelog, below what is told of a rebuild."""
    rebuilt, *others = texts
    main = next((text for text in others if _ENTRY.match(text)), "")
    return f"{rebuilt}\n{main}" if _ENTRY.match(rebuilt) else main


def _newer(version: str, since: str) -> bool:
    try:
        return compare(version, since) > 0
    except ValueError:
        return version != since
