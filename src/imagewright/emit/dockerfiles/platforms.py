# SPDX-License-Identifier: Apache-2.0
"""One Dockerfile for several platforms: what they have in common is said once, the rest by architecture.

A shell asks the package manager, as TARGETARCH is not known to every builder and says less (``arm``).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from imagewright.model.lock import LockedWheel
from imagewright.model.packages import LockedPackage

ANY = "any"
"""The name for what all architectures have."""

_WIDTH = 100
Environment = tuple[tuple[str, str], ...]


def split_environment(by_architecture: Mapping[str, Environment]) -> tuple[Environment, str]:
    """Variables that have one value everywhere, and shell text that sets the others; "" where there are none."""
    environments = {architecture: dict(found) for architecture, found in by_architecture.items()}
    names = sorted({name for found in environments.values() for name in found})
    common, different = [], []
    for name in names:
        values = {found.get(name) for found in environments.values()}
        (value, *others) = values
        if others or value is None:
            different.append(name)
        else:
            common.append((name, value))
    if not different:
        return tuple(common), ""
    lines = [
        "architecture=$(dpkg --print-architecture 2> /dev/null || apk --print-arch)",
        'case "$architecture" in',
    ]
    groups: dict[str, list[str]] = {}
    for architecture, found in environments.items():
        text = "".join(f"        {name}={shlex.quote(found.get(name, ''))}\n" for name in different)
        groups.setdefault(text, []).append(architecture)
    for text, architectures in groups.items():
        lines.append(f"    {' | '.join(architectures)})\n{text}        ;;")
    lines.append('    *) echo "this image is not made for $architecture" >&2; exit 1 ;;')
    lines += ["esac", f"export {' '.join(different)}"]
    return tuple(common), "\n".join(lines) + "\n"


def pins(by_architecture: Mapping[str, Iterable[LockedPackage]]) -> dict[str, str]:
    """``NAME=VERSION`` of every package, wrapped: architecture, or :data:`ANY`, → text."""
    items = {name: [f"{one.name}={one.version}" for one in found] for name, found in by_architecture.items()}
    return {architecture: _wrapped(found) for architecture, found in _common(items).items()}


def edges(by_architecture: Mapping[str, Iterable[LockedPackage]]) -> dict[str, str]:
    """``PACKAGE DEPENDENCY…``, a line each: architecture, or :data:`ANY`, → text."""
    items = {
        name: [" ".join((one.name, *one.depends)) for one in found] for name, found in by_architecture.items()
    }
    return {architecture: "\n".join(found) + "\n" for architecture, found in _common(items).items()}


def requirements(by_architecture: Mapping[str, Iterable[LockedWheel]]) -> dict[str, str]:
    """``PROJECT==VERSION --hash=…``, a line each: architecture, or :data:`ANY`, → text."""
    items = {
        name: [f"{one.project}=={one.version} --hash=sha256:{one.sha256.hex}" for one in found]
        for name, found in by_architecture.items()
    }
    return {architecture: "\n".join(found) + "\n" for architecture, found in _common(items).items()}


def _common(by_architecture: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Items that all architectures have under :data:`ANY`, others under their architecture; each sorted."""
    sets = {architecture: set(items) for architecture, items in by_architecture.items()}
    if not sets:
        return {}
    common = set.intersection(*sets.values())
    found = {ANY: sorted(common), **{name: sorted(items - common) for name, items in sets.items()}}
    return {name: items for name, items in found.items() if items}


def _wrapped(items: Sequence[str]) -> str:
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + 1 + len(item) <= _WIDTH:
            lines[-1] += f" {item}"
        else:
            lines.append(item)
    return "\n".join(lines) + "\n"
