# SPDX-License-Identifier: Apache-2.0
"""``versions.json`` of a docker-library repository: series → release, digest, variants.

A series' key is its directory: ``3.13``, or ``3.15-rc`` before its first final release. Variants are directories
below it: ``trixie``, ``slim-trixie``, ``alpine3.22``, ``windows/windowsservercore-ltsc2025``.
"""

from __future__ import annotations

import json
import re
from typing import Any

from imagewright.catalog.versions import is_release, series_of
from imagewright.emit.takeover.model import MAXIMUM, Place, Remarks, Series

NAME = "versions.json"
_MOST = 64
"""Series, and variants of one of them."""

_WINDOWS = "windows/windowsservercore-"
_WORD = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}", re.ASCII)
_KEY = re.compile(r"\d{1,3}\.\d{1,3}(-rc)?", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KNOWN = {"version", "variants", "checksums", "pip", "setuptools"}


def read_versions(text: str, remarks: Remarks) -> tuple[Series, ...]:
    """Every series, in the file's order. Raises ``ValueError`` for a text that is no such file."""
    if len(text) > MAXIMUM:
        raise ValueError(f"it is longer than {MAXIMUM} characters")
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")
    found = []
    for key, value in list(document.items())[:_MOST]:
        line = _line(text, key)
        series = _series(key, value, line, remarks) if _KEY.fullmatch(key) and isinstance(value, dict) else None
        if series is None:
            remarks.add(NAME, line, f"{key[:40]!r} is no series that is published")
        else:
            found.append(series)
    if len(document) > _MOST:
        remarks.add(NAME, 0, f"only the first {_MOST} series are read")
    return tuple(found)


def _series(key: str, value: dict[str, Any], line: int, remarks: Remarks) -> Series | None:
    release = value.get("version")
    if not isinstance(release, str) or not is_release(release) or series_of(release) != key.removesuffix("-rc"):
        return None
    for other in value.keys() - _KNOWN:
        remarks.add(NAME, line, f"{other[:40]!r} of {key} means nothing here")
    for name in ("pip", "setuptools"):
        pinned = value.get(name)
        version = pinned.get("version") if isinstance(pinned, dict) else None
        if isinstance(version, str):
            remarks.add(
                NAME, line, f"{name} {version[:20]} of {key}: images have what CPython brings, see installers"
            )
    variants = value.get("variants")
    names = variants if isinstance(variants, list) else []
    if len(names) > _MOST:
        remarks.add(NAME, line, f"only the first {_MOST} variants of {key} are read")
    places = []
    for name in names[:_MOST]:
        place = _place(key, name) if isinstance(name, str) else None
        if place is None:
            remarks.add(NAME, line, f"{str(name)[:60]!r} of {key} is no variant that is known here")
        else:
            places.append(place)
    return Series(series_of(release), release, _digest(value), tuple(dict.fromkeys(places)), NAME, line)


def _digest(value: dict[str, Any]) -> str:
    at: Any = value
    for key in ("checksums", "source", "sha256"):
        at = at.get(key) if isinstance(at, dict) else None
    return at if isinstance(at, str) and _DIGEST.fullmatch(at) else ""


def _place(key: str, name: str) -> Place | None:
    file = f"{key}/{name}/Dockerfile"
    variant, suite = "full", name
    if name.startswith(_WINDOWS):
        variant, suite = "windowsservercore", name.removeprefix(_WINDOWS)
    elif name.startswith("slim-"):
        variant, suite = "slim", name.removeprefix("slim-")
    elif name.startswith("alpine"):
        variant = "alpine"
    return Place(variant, suite, file) if _WORD.fullmatch(suite) else None


def _line(text: str, key: str) -> int:
    """Where a key is said first; 0 where it is escaped."""
    at = text.find(json.dumps(key, ensure_ascii=False))
    return 0 if at < 0 else text.count("\n", 0, at) + 1
