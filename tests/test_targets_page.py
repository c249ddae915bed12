# SPDX-License-Identifier: Apache-2.0
"""What targets need: the page is what the engine reckons with, for every kind of compile and each variant."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from imagewright.catalog.shipped import shipped_catalog
from imagewright.engine.loads import COMPILES

BENCH = Path(__file__).parent.parent / "bench"


@pytest.fixture(scope="module")
def writer() -> Iterator[ModuleType]:
    """The module of the benchmarks that writes the page; they are no package."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(BENCH)
        yield importlib.import_module("target_page")


def test_the_page_is_up_to_date(writer: ModuleType) -> None:
    assert writer.PAGE.read_text(encoding="utf-8") == writer.page(shipped_catalog()), "run bin/generate-docs"


def test_every_compile_and_variant_has_a_row(writer: ModuleType) -> None:
    names = [row.name for row in writer.ROWS]
    assert len(names) == len(set(names)) == len(COMPILES) + 3
    for row in writer.ROWS:
        assert f"| {row.name} | {row.load.cores} |" in writer.page(shipped_catalog())
