# SPDX-License-Identifier: Apache-2.0
"""The reference pages say what the code does."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from imagewright.catalog import configuration
from imagewright.catalog.configuration import apply_configuration, read_environment
from imagewright.catalog.reading import Table
from imagewright.catalog.reference import EXAMPLE, KEYS, VARIABLES, catalog_page, configuration_page
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.errors import ConfigurationError, Problems
from imagewright.planning.lockfile import read_lock, write_lock
from imagewright.planning.reference import example_lock, lock_page

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("catalog.md", catalog_page(shipped_catalog())),
        ("configuration.md", configuration_page()),
        ("lock.md", lock_page()),
    ],
)
def test_the_pages_are_up_to_date(name: str, text: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == text, "run bin/generate-reference"


def test_the_example_is_right() -> None:
    catalog, choices = apply_configuration(shipped_documents(), EXAMPLE)
    assert choices.jobs == 4
    assert "3.13.99" in catalog.by_release


TABLES = {"defaults", "overrides", "network", "cache", "workers", "publication", "windows", "tags", "catalog"}


def documented(table: str) -> set[str]:
    return {key.name for key in KEYS if key.table == table}


def test_the_example_uses_every_simple_key() -> None:
    written = tomllib.loads(EXAMPLE)
    assert set(written) == documented("") | TABLES
    assert set(written["defaults"]) == documented("defaults")


def test_every_key_that_is_read_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    tables: list[Table] = []

    class Recording(Table):
        def __init__(
            self, values: object, path: str, problems: Problems, essential: frozenset[str] | None = None
        ) -> None:
            super().__init__(values, path, problems, essential)  # type: ignore[arg-type] # any values will do
            tables.append(self)

    monkeypatch.setattr("imagewright.catalog.reading.Table", Recording)
    configuration.read_table(Recording(tomllib.loads(EXAMPLE), "", Problems()))
    asked = {table.path: set(table._asked) for table in tables}
    assert asked[""] == documented("") | TABLES
    assert asked["defaults"] == documented("defaults")
    assert asked["overrides[0]"] == documented("overrides")
    assert asked["network"] == documented("network")
    assert asked["cache"] == documented("cache")
    assert asked["workers"] == documented("workers")
    assert asked["publication"] == documented("publication")
    assert asked["windows"] == documented("windows")
    assert asked["catalog"] == documented("catalog")


@pytest.mark.parametrize("name", [name for name, _ in VARIABLES if name != "IMAGEWRIGHT_STORE"])
def test_every_variable_is_read(name: str) -> None:
    before = read_environment({})
    try:
        after = read_environment({name: "no such thing"})
    except ConfigurationError as error:
        assert {problem.path for problem in error.problems} == {name}  # noqa: PT017 - a wrong value is one answer
    else:
        assert after != before


def test_the_example_lock_is_a_lock() -> None:
    assert read_lock(write_lock(example_lock())) == example_lock()
