# SPDX-License-Identifier: Apache-2.0
"""``imagewright library`` as a use case, on a history that is made up."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from imagewright.app.library import read_manifest, take_over, write_manifest
from imagewright.app.world import SystemClock, World
from imagewright.errors import ConfigurationError, UsageError
from imagewright.model.emitted import LibraryOptions
from imagewright.model.general import GlobalOptions
from imagewright.model.platforms import parse_platform
from imagewright.model.ports import Kept

CATALOGS = Path(__file__).parent.parent / "catalogs"
WORLD = World(GlobalOptions(), SystemClock(), 0o022)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
ADA = "Ada Example (@ada)"


class MadeUp:
    """Implements ``History``: every directory that has a word in its name is kept."""

    def __init__(self, word: str, origin: str = "https://git.example/python.git") -> None:
        self._word, self._origin = word, origin

    def kept(self, directories: Iterable[str]) -> dict[str, Kept]:
        return {name: Kept(f"images/{name}", COMMIT) for name in directories if self._fits(name)}

    def _fits(self, name: str) -> bool:
        return self._word in name and name.count("/") == 1  # for all architectures

    def origin(self) -> str:
        return self._origin


def test_a_manifest_has_what_is_committed_and_tells_what_is_not() -> None:
    options = LibraryOptions(
        maintainers=(ADA,), catalog=CATALOGS / "002-2025.toml", platforms=(parse_platform("i386"),)
    )
    found = write_manifest(WORLD, options, MadeUp("slim"))
    assert len(found.entries) == 14
    assert len(found.missing) == 28
    assert "3.13.9-trixie (3.13/trixie/Dockerfile)" in found.missing
    first = found.entries[0]
    assert first.tags == ("3.15.0a1-slim-trixie", "3.15-rc-slim-trixie", "3.15.0a1-slim", "3.15-rc-slim")
    amd64 = first.sources[0]
    assert (amd64.architecture, amd64.commit, amd64.directory) == ("amd64", COMMIT, "images/3.15-rc/slim-trixie")
    assert (amd64.repository, amd64.builder) == ("https://git.example/python.git", "buildkit")


def test_the_catalog_that_ships_has_a_manifest(tmp_path: Path) -> None:
    found = write_manifest(WORLD, LibraryOptions(maintainers=(ADA,), repository="https://x.example/y"), MadeUp(""))
    assert found.missing == ()
    (tmp_path / "python").write_text(found.text)
    again = read_manifest(tmp_path / "python")
    assert again.entries == found.entries
    assert {source.repository for entry in again.entries for source in entry.sources} == {"https://x.example/y"}
    assert "3.13" in take_over(tmp_path / "python").catalog


def test_what_must_be_known() -> None:
    with pytest.raises(UsageError, match="address is not known"):
        write_manifest(WORLD, LibraryOptions(maintainers=(ADA,)), MadeUp("", origin=""))
    with pytest.raises(UsageError, match="nobody is said to maintain"):
        write_manifest(WORLD, LibraryOptions(), MadeUp(""))
    with pytest.raises(ConfigurationError, match="has no Dockerfile"):
        write_manifest(WORLD, LibraryOptions(maintainers=(ADA,)), MadeUp("nowhere"))
    with pytest.raises(ConfigurationError, match="what would be written is wrong"):
        write_manifest(WORLD, LibraryOptions(maintainers=("Ada",)), MadeUp(""))
