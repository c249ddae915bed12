# SPDX-License-Identifier: Apache-2.0
"""Versions of Alpine's packages and their order, as apk-tools compares them (apk-package(5), apk-tools 3).

A version is digits, further ``.digits``, a letter, any ``_suffix`` with a number, ``~`` and a commit's hash, and
the package's own ``-rN``, in this order; all but the first may be missing.
"""

from __future__ import annotations

import re
from functools import lru_cache

_BEFORE = ("alpha", "beta", "pre", "rc")
_AFTER = ("cvs", "svn", "git", "hg", "p")
_SUFFIX = re.compile(rf"_({'|'.join((*_BEFORE, *_AFTER))})(\d*)", re.ASCII)
_VERSION = re.compile(
    rf"(?P<numbers>\d+(?:\.\d+)*)(?P<letter>[a-z]?)(?P<suffixes>(?:{_SUFFIX.pattern})*)"
    r"(?:~(?P<hash>[0-9a-f]+))?(?:-r(?P<revision>\d+))?",
    re.ASCII,
)
_LONGEST = 200

# What comes earlier in a version weighs more: of two that are the same so far, the one whose next part has the
# higher rank is the greater. Only suffixes of what comes before a release are less than nothing at all.
_DIGITS, _LETTER, _LATER, _NUMBER, _HASH, _REVISION, _END, _EARLIER = range(7, -1, -1)

Part = tuple[int, int | str | tuple[int, int, str]]
Key = tuple[Part, ...]

OPERATORS = frozenset({"<", "<=", "=", ">=", ">", "~", "=~", "~=", "<~", ">~", "<=~", ">=~"})
"""What may stand between a name and a version; ``~`` also means all that begin like it."""


@lru_cache(maxsize=1 << 16)
def key(version: str) -> Key:
    """What a version is ordered by. Raises ``ValueError`` if it is none."""
    match = _VERSION.fullmatch(version) if len(version) <= _LONGEST else None
    if match is None:
        raise ValueError(f"{version[:80]!r} is not a version of Alpine's, such as 1.2.3_rc1-r4")
    first, *others = match["numbers"].split(".")
    parts: list[Part] = [(_DIGITS, int(first)), *((_DIGITS, _digits(word)) for word in others)]
    if match["letter"]:
        parts.append((_LETTER, match["letter"]))
    for suffix in _SUFFIX.finditer(match["suffixes"]):
        word, number = suffix.groups()
        early = word in _BEFORE
        parts.append((_EARLIER, _BEFORE.index(word)) if early else (_LATER, _AFTER.index(word)))
        if number:
            parts.append((_NUMBER, int(number)))
    if match["hash"]:
        parts.append((_HASH, match["hash"]))
    if match["revision"]:
        parts.append((_REVISION, int(match["revision"])))
    return (*parts, (_END, 0))


def _digits(word: str) -> tuple[int, int, str]:
    """After the first, numbers that begin with 0 are fractions, compared as text, and less than all others."""
    return (0, 0, word) if word.startswith("0") else (1, int(word), "")


def compare(one: str, other: str) -> int:
    """Less than, equal to or greater than 0, as ``one`` is to ``other``. Raises ``ValueError``."""
    left, right = key(one), key(other)
    return (left > right) - (left < right)


def holds(version: str, operator: str, wanted: str) -> bool:
    """Whether ``version`` is as ``operator`` and ``wanted`` ask; "" asks for nothing.

    What is no version of Alpine's fits only itself: provided names carry versions of others (``pc:…``).
    """
    if not operator:
        return True
    try:
        have, want = key(version), key(wanted)
    except ValueError:
        return version == wanted and operator not in {"<", ">"}
    if "~" in operator and have[: len(want) - 1] == want[:-1]:
        return True
    if have == want:
        return "=" in operator or "~" in operator
    return (">" if have > want else "<") in operator
