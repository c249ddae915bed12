# SPDX-License-Identifier: Apache-2.0
"""The data that ships with Imagewright: the one place that reads this package's files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from imagewright.catalog.loading import load_catalog
from imagewright.catalog.model import Catalog
from imagewright.catalog.profiles import ShippedProfile, read_profile
from imagewright.catalog.speeds import Speed, read_speeds
from imagewright.model.digest import Digest

DOCUMENTS = tuple(
    f"{name}.toml"
    for name in ("series", "releases", "suites", "variants", "toolchain", "wheels", "windows", "tags")
)


SPEEDS = "speeds.toml"


def _data() -> Traversable:
    return files("imagewright.catalog") / "data"


def shipped_documents() -> dict[str, str]:
    """The catalog's documents: name → TOML text."""
    return {name: (_data() / name).read_text(encoding="utf-8") for name in DOCUMENTS}


def first_configuration() -> str:
    """What ``imagewright init`` writes."""
    return (_data() / "imagewright.toml").read_text(encoding="utf-8")


@cache
def shipped_catalog() -> Catalog:
    """The catalog that ships: today's official set. The data never changes, so it is read once."""
    return load_catalog(shipped_documents())


@cache
def shipped_speeds() -> Mapping[Digest, Speed]:
    """What is known of the speed of interpreters, by :func:`imagewright.planning.identity.compile_identity`."""
    return read_speeds((_data() / SPEEDS).read_text(encoding="utf-8"), SPEEDS)


def shipped_profiles() -> tuple[ShippedProfile, ...]:
    """The trained profiles that ship, sorted by name; their bytes are read by :func:`profile_bytes`."""
    directory = _data() / "profiles"
    if not directory.is_dir():
        return ()
    names = sorted(entry.name for entry in directory.iterdir() if entry.name.endswith(".toml"))
    return tuple(read_profile((directory / name).read_text(encoding="utf-8"), name) for name in names)


def profile_bytes(name: str) -> bytes:
    """The bytes of the shipped profile whose file is ``name``. Raises ``KeyError`` if there is none."""
    if name not in {profile.locked.origin.removeprefix("catalog:") for profile in shipped_profiles()}:
        raise KeyError(name)
    return (_data() / "profiles" / name).read_bytes()
