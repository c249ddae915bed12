# SPDX-License-Identifier: Apache-2.0
"""Version numbers of CPython (PEP 440, as far as CPython uses it): reading, order, series."""

from __future__ import annotations

import re
from functools import lru_cache

_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:(a|b|rc)(\d{1,3}))?", re.ASCII)
_SERIES = re.compile(r"\d{1,3}\.\d{1,3}", re.ASCII)
_STAGES = {"a": 0, "b": 1, "rc": 2, "": 3}


def is_release(text: str) -> bool:
    """Whether ``text`` is a release: ``3.13.15``, ``3.15.0b3``."""
    return _VERSION.fullmatch(text) is not None


def is_series(text: str) -> bool:
    """Whether ``text`` is a series: ``3.13``."""
    return _SERIES.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def release_key(text: str) -> tuple[int, int, int, int, int]:
    """A key that sorts releases by age of development. Raises ``ValueError`` if ``text`` is none."""
    match = _VERSION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a release of CPython, such as 3.13.15 or 3.15.0b3")
    major, minor, micro, stage, number = match.groups()
    return int(major), int(minor), int(micro), _STAGES[stage or ""], int(number or 0)


@lru_cache(maxsize=4096)
def series_key(text: str) -> tuple[int, int]:
    """A key that sorts series. Raises ``ValueError`` if ``text`` is none."""
    if not is_series(text):
        raise ValueError(f"{text[:40]!r} is not a series of CPython, such as 3.13")
    major, minor = text.split(".")
    return int(major), int(minor)


def series_of(release: str) -> str:
    """The series of a release: ``3.13`` of ``3.13.15``. Raises ``ValueError`` if ``release`` is none."""
    major, minor, *_ = release_key(release)
    return f"{major}.{minor}"


def is_prerelease(release: str) -> bool:
    """Whether it comes before the final release. Raises ``ValueError`` if ``release`` is none."""
    return release_key(release)[3] < _STAGES[""]


def directory(release: str) -> str:
    """The directory of python.org that holds it: ``3.15.0`` for ``3.15.0b3``."""
    major, minor, micro, *_ = release_key(release)
    return f"{major}.{minor}.{micro}"
