# SPDX-License-Identifier: Apache-2.0
"""Debian version numbers and their order, exactly as deb-version(7) and dpkg define them.

A version is ``[epoch:]upstream[-revision]``. Both parts are read as alternating runs of non-digits and digits:
digit runs compare as numbers (an empty run is 0), non-digit runs character by character where ``~`` sorts
before the end of the run, the end before letters, and letters before everything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAXIMUM_LENGTH = 512
"""Characters in a version number; real ones stay below 100."""

_MAXIMUM_EPOCH = 2**31 - 1  # dpkg keeps it in an int
_UPSTREAM = re.compile(r"[A-Za-z0-9.+:~-]+", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9.+~]+", re.ASCII)
_RUNS = re.compile(r"([^0-9]*)([0-9]*)", re.ASCII)
_ORDER = {
    character: -1 if character == "~" else ord(character) if character.isalpha() else ord(character) + 256
    for character in map(chr, range(128))
}

VersionKey = tuple[int, tuple[int, ...], tuple[int, ...]]
"""Something whose order under ``<`` is the order of versions; ``1.0`` and ``1.00`` have equal keys."""

OPERATORS = ("<<", "<=", "=", ">=", ">>")
"""The relational operators of deb-version(7), from Debian Policy 7.1."""


@dataclass(frozen=True, slots=True)
class Version:
    """The parts of a version number; ``revision`` is empty where there is none (which sorts as ``0``)."""

    epoch: int
    upstream: str
    revision: str


def parse_version(text: str) -> Version:
    """Split a version number into its parts. Raises ``ValueError`` for anything dpkg would not accept cleanly."""
    if not text or len(text) > MAXIMUM_LENGTH:
        raise ValueError(f"not a version number: {text[:80]!r}")
    epoch_text, colon, rest = text.partition(":")
    if not colon:
        epoch_text, rest = "0", text
    upstream, hyphen, revision = rest.rpartition("-")
    if not hyphen:
        upstream, revision = rest, ""
    if not (epoch_text.isascii() and epoch_text.isdigit()) or int(epoch_text) > _MAXIMUM_EPOCH:
        raise ValueError(f"epoch is not a number in version {text[:80]!r}")
    if not _UPSTREAM.fullmatch(upstream):
        raise ValueError(f"malformed upstream part in version {text[:80]!r}")
    if hyphen and not _REVISION.fullmatch(revision):
        raise ValueError(f"malformed revision in version {text[:80]!r}")
    return Version(int(epoch_text), upstream, revision)


def _part_key(part: str) -> tuple[int, ...]:
    """Flat numbers: for each run its characters' orders, 0 for the run's end, then the number after it.

    0 for the end of a run lies between ``~`` (-1) and every character, so tuple order is version order; the
    last run is always the empty one at the end of the string.
    """
    key: list[int] = []
    for letters, digits in _RUNS.findall(part):
        key += [_ORDER[character] for character in letters]
        key.append(0)
        if letters or digits:
            key.append(int(digits or "0"))
    if len(key) == 1:  # an absent part is the same as "0"
        key = [0, 0, 0]
    return tuple(key)


def version_key(text: str) -> VersionKey:
    """A key for sorting. Raises ``ValueError`` as :func:`parse_version`."""
    version = parse_version(text)
    return version.epoch, _part_key(version.upstream), _part_key(version.revision)


def compare(left: str, right: str) -> int:
    """-1, 0 or 1 as ``left`` is older than, the same as or newer than ``right``. Raises ``ValueError``."""
    if left == right:
        parse_version(left)
        return 0
    a, b = version_key(left), version_key(right)
    return (a > b) - (a < b)


def holds(version: str, operator: str, wanted: str) -> bool:
    """Whether ``version operator wanted``. Raises ``ValueError``: unknown operator, malformed version."""
    order = compare(version, wanted)
    match operator:
        case "<<":
            return order < 0
        case "<=":
            return order <= 0
        case "=":
            return order == 0
        case ">=":
            return order >= 0
        case ">>":
            return order > 0
        case _:
            raise ValueError(f"not a version operator: {operator!r}")
