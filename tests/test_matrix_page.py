# SPDX-License-Identifier: Apache-2.0
"""The page on what was built is what its record says, and the record is about images that there are."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from imagewright.catalog.possible import hindrance
from imagewright.catalog.shipped import shipped_catalog
from imagewright.catalog.specs import parse_spec
from imagewright.model.digest import Digest

BENCH = Path(__file__).parent.parent / "bench"
CATALOG = shipped_catalog()


@pytest.fixture(scope="module")
def rows() -> Iterator[ModuleType]:
    """The module of the benchmarks that reads the record; they are no package."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(BENCH)
        yield importlib.import_module("matrix_rows")


def test_the_page_is_up_to_date(rows: ModuleType) -> None:
    found = list(rows.read(rows.RECORD).values())
    assert rows.PAGE.read_text(encoding="utf-8") == rows.page(found, CATALOG), "run bin/generate-docs"


def test_every_row_is_about_an_image_of_the_catalog(rows: ModuleType) -> None:
    found = rows.read(rows.RECORD)
    assert found
    for row in found.values():
        name = parse_spec(row.spec, CATALOG)
        assert str(name) == row.spec
        assert (name.release, name.suite) == (row.release, row.suite)
        assert row.architecture in CATALOG.by_suite[name.suite].architectures
        assert bool(row.checks) is not bool(row.problem)
        if row.digest:
            Digest.parse(row.digest)


def test_a_new_row_keeps_what_was_found_out_of_the_same_image(rows: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    one = rows.Row("3.13.15-slim-trixie", "amd64", digest="sha256:1", checks="1 of 1", docker="ran", seconds=5.0)
    rows.record(path, [one])
    rows.record(path, [rows.Row("3.13.15-slim-trixie", "amd64", digest="sha256:1", checks="1 of 1", again="same")])
    (kept,) = rows.read(path).values()
    assert (kept.docker, kept.again, kept.seconds) == ("ran", "same", 0.0)
    rows.record(path, [rows.Row("3.13.15-slim-trixie", "amd64", digest="sha256:2", checks="1 of 1")])
    (other,) = rows.read(path).values()
    assert (other.docker, other.again) == ("", "")


def test_a_page_says_what_failed_and_what_nobody_built(rows: ModuleType) -> None:
    good = rows.Row("3.13.5-slim-forky", "amd64", checks="24 of 24", docker="ran")
    bad = rows.Row("3.13.5-slim-forky", "i386", problem="a | b")
    text = rows.page([bad, good], CATALOG)
    assert text.index("| 3.13.5-slim-forky | amd64 |") < text.index("| 3.13.5-slim-forky | i386 |")
    assert "FAILED: a / b" in text
    (left,) = [line for line in text.splitlines() if line.startswith("| 3.13.5 |")]
    assert "forky (arm64, armhf, i386," in left
    (nine,) = [line for line in text.splitlines() if line.startswith("| 3.9.2 |")]
    assert nine == "| 3.9.2 | bullseye |"


def test_the_matrix_has_what_is_possible_and_nothing_else(rows: ModuleType) -> None:
    cells = list(importlib.import_module("matrix").cells())
    assert len(set(cells)) == len(cells)
    for cell in cells:
        name = parse_spec(cell.spec, CATALOG)
        assert not hindrance(name.release, name.suite, CATALOG)
    names = {str(cell) for cell in cells}
    assert {"2.7.18-slim-bullseye amd64", "3.13.5t-minimal-forky i386", "3.13.15-slim-trixie s390x"} <= names
    assert not [name for name in names if name.startswith("3.9.2") and "bullseye" not in name]
