# SPDX-License-Identifier: Apache-2.0
"""What was built: the page is what the record says, the record is about images that there are, and runs go on."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.possible import hindrance
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
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


CELL = "3.13.15-slim-trixie i386"


class Call:
    """Stands for the program: what it was asked, and a digest that it answers."""

    def __init__(self, digest: str) -> None:
        self.asked: list[str] = []
        self.digest = digest

    def __call__(self, place: Any, *words: str | Path) -> Any:
        another = "another-place" in str(place.directory)
        self.asked.append(f"{words[0]}{' again' if another else ''}")
        if words[0] == "check":
            return [{"check": "version", "passed": True}]
        (place.directory / "imagewright.lock").touch()
        layers = [{"digest": self.digest, "step": "python"}]
        return [{"digest": self.digest, "layers": layers, "size": 1_000_000, "tags": ["3.13-slim"]}]


def run(matrix: ModuleType, monkeypatch: pytest.MonkeyPatch, call: Call, *words: str) -> tuple[int, list[str]]:
    """What the benchmark ended with, and what it asked of the program."""
    call.asked.clear()
    monkeypatch.setattr("sys.argv", ["matrix.py", "--only", CELL, *words])

    def bound(place: Any, *given: str | Path) -> Any:
        return call(place, *given)

    monkeypatch.setattr(matrix.Place, "call", bound)
    return matrix.main(), list(call.asked)


def test_what_was_whole_is_not_built_again(
    rows: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = importlib.import_module("matrix")
    call = Call("sha256:1")
    store = f"--store={tmp_path}"
    once, twice = ["build", "check"], ["plan", "build", "check", "build again"]
    assert run(matrix, monkeypatch, call, store, "--resume") == (0, once)
    assert run(matrix, monkeypatch, call, store, "--resume") == (0, [])
    assert run(matrix, monkeypatch, call, store, "--resume", "--again") == (0, twice)
    assert run(matrix, monkeypatch, call, store, "--resume", "--again") == (0, [])
    assert run(matrix, monkeypatch, call, store, "--resume") == (0, [])
    assert "| 3.13.15-slim-trixie | i386 |" in capsys.readouterr().out.splitlines()[-1]
    assert run(matrix, monkeypatch, call, store, "--again") == (0, twice)
    assert run(matrix, monkeypatch, call, store) == (0, once)
    (kept,) = rows.read(tmp_path / matrix.NOTES).values()
    assert kept.again == "same", "of the same bytes it is known already"


def test_another_digest_or_a_failure_is_told_and_built_again(
    rows: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix = importlib.import_module("matrix")

    class Differs(Call):
        def __call__(self, place: Any, *words: str | Path) -> Any:
            self.digest = f"sha256:{len(self.asked)}"
            return super().__call__(place, *words)

    class Fails(Call):
        def __call__(self, place: Any, *words: str | Path) -> Any:
            raise RuntimeError("no | space")

    store = f"--store={tmp_path}"
    assert run(matrix, monkeypatch, Differs(""), store, "--again")[0] == 1
    assert "| OTHER python |" in capsys.readouterr().out
    assert run(matrix, monkeypatch, Fails(""), store)[0] == 1
    assert "FAILED: no / space" in capsys.readouterr().out
    assert run(matrix, monkeypatch, Call("sha256:1"), store, "--resume") == (0, ["build", "check"])


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


def test_a_page_says_which_archives_were_left_out_and_what_suites_lack(rows: ModuleType) -> None:
    left = "trixie-updates trixie-security"
    made = [rows.Row("3.13.15-slim-trixie", one, checks="24 of 24", without=left) for one in ("s390x", "i386")]
    text = rows.page([*made, rows.Row("3.13.15-slim-trixie", "amd64", checks="24 of 24")], CATALOG)
    assert "without `trixie-updates`, `trixie-security`, which the mirror did not have whole: i386, s390x." in text
    head, _, *suites = [
        line.strip("| ").split(" | ") for line in text.split("## Processors")[1].splitlines()[6:14]
    ]
    table = {cells[0]: dict(zip(head, cells, strict=True)) for cells in suites}
    assert [table["trixie"][one] for one in ("amd64", "s390x", "armhf")] == ["**native**", "**across**", "across"]
    assert table["forky"]["armel"] == table["trixie"]["mips64el"] == "no"
    for suite in CATALOG.suites:
        offered = {one for one, cell in table.get(suite.name, {}).items() if cell not in (suite.name, "no")}
        assert offered in (set(), set(suite.architectures))


def test_archives_are_left_out_of_every_suite_and_nothing_else_changes(rows: ModuleType, tmp_path: Path) -> None:
    matrix = importlib.import_module("matrix")
    place = matrix.Place(tmp_path, 2, ("*-updates", "*-security"))
    text = place.configure().read_text(encoding="utf-8")
    catalog, _ = apply_configuration(shipped_documents(), text)
    assert place.lacking("trixie") == "trixie-updates trixie-security"
    for name in matrix.SUITES:
        suite = CATALOG.by_suite[name]
        assert catalog.by_suite[name] == replace(suite, archives=suite.archives[:1])
    assert matrix.Place(tmp_path, 2).configure().read_text(encoding="utf-8") == ""


def test_the_matrix_has_what_is_possible_and_nothing_else(rows: ModuleType) -> None:
    cells = list(importlib.import_module("matrix").cells())
    assert len(set(cells)) == len(cells)
    for cell in cells:
        name = parse_spec(cell.spec, CATALOG)
        assert not hindrance(name.release, name.suite, CATALOG)
    names = {str(cell) for cell in cells}
    assert {"2.7.18-slim-bullseye amd64", "3.13.5t-minimal-forky i386", "3.13.15-slim-trixie s390x"} <= names
    assert not [name for name in names if name.startswith("3.9.2") and "bullseye" not in name]
