# SPDX-License-Identifier: Apache-2.0
"""The Release file of a suite: what is in it, and whether it is the one asked for and fresh (apt-secure(8))."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from imagewright.archives.debian.deb822 import MalformedError, Stanza, read_stanzas
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

MAXIMUM_FILES = 200_000
"""Indexes listed in one Release; Debian's largest lists about 3,000."""

CLOCK_SLACK = timedelta(hours=1)
"""How far a machine's clock may be behind the archive's before a Release counts as from the future."""

_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?([0-9]{1,2}) ([A-Z][a-z]{2}) ([12][0-9]{3})"
    r" ([0-9]{1,2}):([0-9]{2}):([0-9]{2}) (?:UTC|GMT|Z|\+0000)",
    re.ASCII,
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LISTED = re.compile(r"([0-9a-f]{64})\s+([0-9]{1,15})\s+([A-Za-z0-9+.~_/-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One file below the suite's directory: ``path``, ``size`` in bytes."""

    path: str
    size: int
    sha256: Digest


@dataclass(frozen=True, slots=True)
class Release:
    """What a Release says. ``date`` and ``valid_until`` are in UTC; ``files`` are by path.

    ``all_is_separate`` says that packages for every architecture (``all``) have indexes of their own.
    """

    origin: str
    label: str
    suite: str
    codename: str
    version: str
    date: datetime
    valid_until: datetime | None
    by_hash: bool
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    all_is_separate: bool
    files: Mapping[str, IndexFile]

    def has_component(self, component: str) -> bool:
        """Whether it is listed; security archives list ``updates/main`` for ``main``."""
        return any(listed == component or listed.endswith(f"/{component}") for listed in self.components)


@dataclass(frozen=True, slots=True)
class Leniency:
    """What a person allowed an archive: ``expired`` (past Valid-Until), ``older`` than what was seen before."""

    expired: bool = False
    older: bool = False


STRICT = Leniency()
"""Nothing is allowed; the default."""


class SeenReleases(Protocol):
    """Remembers the newest Release seen of each archive, as ISO 8601 dates."""

    def get(self, name: str) -> str | None:
        """The date kept under ``name``."""
        ...

    def put_larger(self, name: str, value: str) -> str:
        """Keep the later of ``value`` and what is there, at once; the one kept."""
        ...


def parse_release(text: bytes, *, subject: str) -> Release:
    """Read a Release whose signature has been verified. Raises ``VerificationError``."""
    try:
        stanzas = list(read_stanzas([text]))
        if len(stanzas) != 1:
            raise MalformedError(1, f"{len(stanzas)} stanzas instead of one")
        return _read(stanzas[0])
    except ValueError as error:
        raise VerificationError(f"the Release of {subject} cannot be read", why=str(error)) from None


def check_release(
    release: Release, *, wanted: str, subject: str, now: datetime, seen: str | None, leniency: Leniency = STRICT
) -> None:
    """Whether it is the suite asked for, in force at ``now``, and not older than the one ``seen`` last.

    ``wanted`` is a codename or suite; ``seen`` an ISO 8601 date as :func:`iso` writes it. Raises
    ``VerificationError``.
    """
    if not _is_suite(release, wanted):
        raise VerificationError(
            f"{subject} is another suite than {wanted}",
            why=f"its Release says Codename {release.codename!r}, Suite {release.suite!r}",
            hint="correct the mirror's address",
        )
    if release.date > now + CLOCK_SLACK:
        raise VerificationError(
            f"the Release of {subject} is from the future",
            why=f"its Date is {iso(release.date)}, and here it is {iso(now)}",
            hint="set this machine's clock",
        )
    if release.valid_until is not None and release.valid_until < now and not leniency.expired:
        raise VerificationError(
            f"the Release of {subject} has expired",
            why=f"it was valid until {iso(release.valid_until)}, and here it is {iso(now)}",
            hint="the mirror is stale, or somebody holds back updates: use another one (--mirror NAME=URL), or"
            f" take it as it is (--allow-expired {subject.partition(' ')[0]})",
        )
    if seen is not None and iso(release.date) < seen and not leniency.older:
        raise VerificationError(
            f"the Release of {subject} is older than the one seen before",
            why=f"its Date is {iso(release.date)}; {seen} has been seen",
            hint="the mirror lags, or somebody replays an old state: use another one (--mirror NAME=URL)",
        )


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, to the second: ``2026-09-12T07:55:41Z``. Order as text is order in time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_date(text: str) -> datetime:
    """Read a date as Release files write it (``Sat, 12 Sep 2026 07:55:41 UTC``). Raises ``ValueError``."""
    match = _DATE.fullmatch(text)
    if not match or match[2] not in _MONTHS:
        raise ValueError(f"not a date in UTC: {text[:60]!r}")
    day, month, year, *time = match[1], _MONTHS.index(match[2]) + 1, match[3], match[4], match[5], match[6]
    hour, minute, second = map(int, time)
    return datetime(int(year), month, int(day), hour, minute, second, tzinfo=UTC)


def _is_suite(release: Release, wanted: str) -> bool:
    if wanted == release.suite:
        return True
    # Ubuntu gives noble-updates the codename noble too; asking for noble must not give that one.
    return wanted == release.codename and not release.suite.startswith(f"{release.codename}-")


def _read(stanza: Stanza) -> Release:
    for required in ("date", "sha256"):
        if not stanza.get(required):
            raise ValueError(f"it has no field {required.title()}")
    architectures = tuple(stanza.get("architectures").split())
    return Release(
        origin=stanza.get("origin"),
        label=stanza.get("label"),
        suite=stanza.get("suite"),
        codename=stanza.get("codename"),
        version=stanza.get("version"),
        date=parse_date(stanza.get("date")),
        valid_until=parse_date(stanza.get("valid-until")) if stanza.get("valid-until") else None,
        by_hash=stanza.get("acquire-by-hash") == "yes",
        components=tuple(stanza.get("components").split()),
        architectures=architectures,
        all_is_separate="all" in architectures
        and "Packages" not in stanza.get("no-support-for-architecture-all").split(),
        files=_files(stanza.get("sha256")),
    )


def _files(section: str) -> Mapping[str, IndexFile]:
    rows = section.strip().split("\n")
    if len(rows) > MAXIMUM_FILES:
        raise ValueError(f"it lists more than {MAXIMUM_FILES} files")
    files: dict[str, IndexFile] = {}
    for row in rows:
        match = _LISTED.fullmatch(row.strip())
        if not match or {"", ".", ".."} & set(match[3].split("/")):
            raise ValueError(f"SHA256 lists {row.strip()[:160]!r}")
        file = IndexFile(match[3], int(match[2]), Digest(match[1]))
        if files.setdefault(file.path, file) != file:
            raise ValueError(f"SHA256 lists {file.path} twice, differently")
    return MappingProxyType(files)
