# SPDX-License-Identifier: Apache-2.0
"""Debian's copyright files and SPDX's words for licences.

A machine-readable file (copyright-format 1.0, https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/)
names the licence of every group of files. Debian's short names are turned into SPDX's; what SPDX has no name for
becomes a ``LicenseRef-``. Any other file says nothing that could be relied on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from imagewright.archives.debian.deb822 import MalformedError, read_stanzas

MAXIMUM_COPYRIGHT = 4 << 20
"""Bytes of one copyright file that are read; the longest in a full image has 1.5 MB."""

_TERM = r"\(*[A-Za-z0-9][A-Za-z0-9.+-]*\)*"
_EXPRESSION = re.compile(rf"{_TERM}(?: (?:AND|OR|WITH) {_TERM})*", re.ASCII)
_FORMAT = "copyright-format/1.0"
_MOST_NAMES = 200
_WANTED = frozenset({"format", "files", "license"})

_SAME = (
    "0BSD AFL-2.1 Apache-1.1 Apache-2.0 BSL-1.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CECILL-2.0"
    " CECILL-2.1 EPL-1.0 EPL-2.0 FTL HPND ICU IJG ImageMagick ISC Libpng MIT MIT-0 MPL-1.1 MPL-2.0 NCSA NTP"
    " OFL-1.0 OFL-1.1 OLDAP-2.8 OpenSSL PHP-3.01 PostgreSQL Python-2.0 Ruby Sleepycat TCL Unicode-DFS-2016"
    " Unlicense Vim W3C WTFPL X11 Zlib ZPL-2.1 bzip2-1.0.6 curl"
)
_OTHERS = {
    "apache-2": "Apache-2.0",
    "artistic": "Artistic-1.0",
    "artistic-2": "Artistic-2.0",
    "artistic-2.0": "Artistic-2.0",
    "boost-1.0": "BSL-1.0",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-4-clause": "BSD-4-Clause",
    "bsd-4-clause-uc": "BSD-4-Clause-UC",
    "cc0": "CC0-1.0",
    "expat": "MIT",
    "perl": "Artistic-1.0-Perl OR GPL-1.0-or-later",
    "psf-2": "PSF-2.0",
    "psf-2.0": "PSF-2.0",
    "zlib/libpng": "Zlib",
}
_KNOWN = {name.lower(): name for name in _SAME.split()} | _OTHERS
_GNU = re.compile(
    r"(A?GPL|LGPL|GFDL|GFDL-NIV)-?v?([0-9](?:\.[0-9])?)(?:\.0)?(\+|-or-later|-only)?", re.IGNORECASE | re.ASCII
)
_GNU_VERSIONS = {
    "GPL": {"1.0", "2.0", "3.0"},
    "LGPL": {"2.0", "2.1", "3.0"},
    "AGPL": {"1.0", "3.0"},
    "GFDL": {"1.1", "1.2", "1.3"},
}
_UNNAMEABLE = re.compile(r"[^A-Za-z0-9.-]")
"""Signs that no identifier of SPDX has (SPDX 2.3, clause 10.1)."""
_COMMA = re.compile(r",\s*(and|or)\s+", re.IGNORECASE)


def stated(text: str) -> str:
    """What a package of Alpine's says its licence is, where that is an SPDX expression by its form; else ""."""
    return text if _EXPRESSION.fullmatch(text) and text.count("(") == text.count(")") else ""


def copyright_licences(content: bytes) -> str:
    """The licences of a package as one SPDX expression; "" where its file is not machine-readable."""
    if len(content) > MAXIMUM_COPYRIGHT:
        return ""
    try:
        stanzas = list(read_stanzas([content], wanted=_WANTED, comments=True))
    except MalformedError:
        return ""
    if not stanzas or _FORMAT not in stanzas[0].get("format"):
        return ""
    texts = (each.get("license").partition("\n")[0] for each in stanzas if each.get("files"))
    return together(expression(text) for text in texts if text.strip())


def together(expressions: Iterable[str]) -> str:
    """All of them apply: joined with AND, sorted, each once."""
    parts = (part for each in expressions for part in (each.split(" AND ") if "(" not in each else [each]))
    found = sorted(set(filter(None, parts)))[:_MOST_NAMES]
    if len(found) == 1:
        return found[0]
    return " AND ".join(f"({each})" if " " in each else each for each in found)


def expression(text: str) -> str:
    """One licence field as an SPDX expression. A comma binds weaker than ``and`` and ``or`` (7.2.1)."""
    words = _COMMA.split(text.strip())
    parts = [_alternatives(words[0])]
    for operator, part in zip(words[1::2], words[2::2], strict=True):
        parts += [operator.upper(), _alternatives(part)]
    if len(parts) == 1:
        return parts[0]
    return " ".join(f"({part})" if " " in part else part for part in parts)


def _alternatives(text: str) -> str:
    """``or`` binds weaker than ``and``."""
    choices = [_all_of(choice) for choice in re.split(r"\s+or\s+", text, flags=re.IGNORECASE)]
    return " OR ".join(f"({each})" if len(choices) > 1 and " " in each else each for each in choices)


def _all_of(text: str) -> str:
    parts = [name_of(part) for part in re.split(r"\s+and\s+", text, flags=re.IGNORECASE)]
    return " AND ".join(f"({each})" if len(parts) > 1 and " " in each else each for each in parts)


def name_of(short: str) -> str:
    """SPDX's name for one short name of Debian's."""
    plain = short.strip().strip(",;()")
    if found := _KNOWN.get(plain.lower()):
        return found
    if (match := _GNU.fullmatch(plain)) and (found := _gnu(match)):
        return found
    reference = _UNNAMEABLE.sub("-", "-".join(plain.split())).strip("-")
    return f"LicenseRef-{reference or 'unnamed'}"


def _gnu(match: re.Match[str]) -> str:
    family, version = match[1].upper(), match[2] if "." in match[2] else f"{match[2]}.0"
    free = family.removesuffix("-NIV")
    if version not in _GNU_VERSIONS[free]:
        return ""
    later = "-or-later" if match[3] in {"+", "-or-later"} else "-only"
    middle = "-no-invariants" if family != free else ""
    return f"{free}-{version}{middle}{later}"
