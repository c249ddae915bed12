# SPDX-License-Identifier: Apache-2.0
"""The matrix for real: releases, suites, variants, flavours and processors, built from source, checked, and run.

``PYTHONPATH=tests python bench/matrix.py [--only GLOB]… [--store DIR] [--profile P] [--again] [--docker]``: needs
root or subordinate ids. Prints a table in Markdown, and ends with 1 if anything failed. A GLOB is matched with a
row's name, ``3.13.15-slim-trixie amd64``; ``--list`` prints the names. All of it takes days on a small machine:

``--resume`` goes on where an earlier run with the same ``--store`` ended: what became of each row is noted in
``matrix.jsonl`` there at once, and rows that were whole are not built again.

``--again`` builds everything once more from an empty store in another directory, with another number of jobs, and
compares the digests. ``--docker`` loads each image that this machine can run into a real Docker Engine and runs it
there; needs root and mmdebstrap. ``--record`` notes what became of all in ``bench/matrix.jsonl``, of which the
documentation's page is made.

``--without GLOB`` leaves archives out of the suites (``--without '*-security'``), where a mirror does not have
them whole: an index that its signed Release does not list is refused. The row says so. A store for each choice.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import tomli_w

import matrix_rows
from imagewright.catalog.possible import possible_suites
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from matrix_rows import Row
from peers.programs import HERE, DockerEngine, output, peers_directory, start_docker, stop_docker

RELEASES = ("3.13.15", "3.13.5", "3.11.2", "3.9.2", "2.7.18")
"""Releases whose sources Debian has; each is built on the suites whose libraries it knows."""

SUITES = ("bullseye", "bookworm", "trixie", "forky")

VARIANTS = ("", "slim-", "minimal-", "minimal-debug-")
FLAVOURS = ("", "t", "d")
NATIVE = ("amd64", "i386")
"""Debian's names. Others are compiled across, and built as slim alone."""

EXPIRED = ("forky",)
"""Testing suites, whose mirrors may stand still past their Valid-Until."""

NOTES = "matrix.jsonl"
"""What became of each row, one JSON object in a line, beside the store."""

PROGRAM = "import ctypes, sqlite3, ssl, sys, zlib; sys.stdout.write(sys.version.split()[0] + chr(10))"


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One image for one processor (Debian's name)."""

    spec: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.spec} {self.architecture}"

    @property
    def native(self) -> bool:
        """Whether a machine with an amd64 processor runs it as it is."""
        return self.architecture in NATIVE


def cells() -> Iterator[Cell]:
    """The whole matrix, in the order of the table."""
    catalog = shipped_catalog()
    for name in SUITES:
        suite = catalog.by_suite[name]
        across = (one for one in suite.cross if one not in NATIVE)
        for architecture in (*(one for one in NATIVE if one in suite.architectures), *across):
            for release in RELEASES:
                if name in possible_suites(release, "slim", catalog):
                    yield from _images(release, name, architecture)


def _images(release: str, suite: str, architecture: str) -> Iterator[Cell]:
    native = architecture in NATIVE
    flavours = FLAVOURS if native and release.startswith("3.13") else ("",)
    variants = VARIANTS if native and not release.startswith("2.") else ("slim-",)
    for flavour in flavours:
        yield from (Cell(f"{release}{flavour}-{variant}{suite}", architecture) for variant in variants)


@dataclass(frozen=True, slots=True)
class Place:
    """A store and a lock of their own, and patterns of archives that are not asked."""

    directory: Path
    jobs: int
    without: tuple[str, ...] = ()

    def configure(self) -> Path:
        """Write ``imagewright.toml``: the shipped suites, but for those archives."""
        suites = [
            one for one in tomllib.loads(shipped_documents()["suites.toml"])["suite"] if one["name"] in SUITES
        ]
        for suite in suites:
            suite["archives"] = [one for one in suite["archives"] if not self._lacks(one["name"])]
        path = self.directory / "imagewright.toml"
        path.write_text(tomli_w.dumps({"catalog": {"suite": suites}} if self.without else {}), encoding="utf-8")
        return path

    def lacking(self, suite: str) -> str:
        """Names of the suite's archives that are left out, with blanks between them."""
        names = [archive.name for archive in shipped_catalog().by_suite[suite].archives]
        return " ".join(name for name in names if self._lacks(name))

    def _lacks(self, name: str) -> bool:
        return any(fnmatch(name, glob) for glob in self.without)

    def call(self, *words: str | Path) -> Any:
        """Run ``imagewright WORDS --json``; what it answered. ``RuntimeError`` with its error if it failed."""
        command = [sys.executable, "-m", "imagewright", f"--store={self.directory}/store", f"--jobs={self.jobs}"]
        command += [
            f"--lock={self.directory}/imagewright.lock",
            f"--config={self.configure()}",
            *(f"--allow-expired={suite}" for suite in EXPIRED),
        ]
        ended = subprocess.run(
            [*command, *words, "--json", "--progress=none"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        answer = json.loads(ended.stdout or "{}")
        if ended.returncode:
            error = answer.get("error", {}) if isinstance(answer, dict) else {}
            failed = [one["check"] for one in answer if not one["passed"]] if isinstance(answer, list) else []
            raise RuntimeError(f"{error.get('message', f'failed: {failed}')}; {error.get('why', '')}".strip("; "))
        return answer


def build(cell: Cell, place: Place, other: Place | None, profile: str, docker: DockerEngine | None) -> Row:
    """Build, check, build again, run."""
    archive = place.directory / "image.tar"
    words = ("build", *chosen(cell, profile))
    lacking = place.lacking(cell.spec.rpartition("-")[2])
    begun = time.perf_counter()
    try:
        (image,) = place.call(*words, "-o", archive)
        seconds = time.perf_counter() - begun
        results = place.call("check", *chosen(cell, profile))
        passed = f"{sum(one['passed'] for one in results)} of {len(results)}"
        again = "" if other is None else _compared(image, other.call(*words)[0])
        ran = "" if docker is None or not cell.native else _run(docker, archive, image["tags"][0], cell.spec)
    except (AssertionError, RuntimeError) as error:
        failed = time.perf_counter() - begun
        told = " ".join(str(error).split())
        return Row(cell.spec, cell.architecture, profile, today(), failed, without=lacking, problem=told)
    finally:
        archive.unlink(missing_ok=True)
    size, digest = image["size"], image["digest"]
    return Row(cell.spec, cell.architecture, profile, today(), seconds, size, passed, digest, again, ran, lacking)


def today() -> str:
    """The day as in ISO 8601."""
    return datetime.now(UTC).date().isoformat()


def chosen(cell: Cell, profile: str) -> tuple[str, ...]:
    """The words that choose one image."""
    return (cell.spec, "--platform", cell.architecture, "--profile", profile)


def _compared(one: dict[str, Any], two: dict[str, Any]) -> str:
    if one["digest"] == two["digest"]:
        return "same"
    pairs = zip(one["layers"], two["layers"], strict=True)
    return "OTHER " + ", ".join(a["step"] for a, b in pairs if a["digest"] != b["digest"])


def _run(docker: DockerEngine, archive: Path, tag: str, spec: str) -> str:
    docker("load", stdin=archive)
    reference = f"python:{tag}"
    said = docker("run", "--rm", "--network", "none", reference, "python", "-c", PROGRAM).strip()
    docker("image", "rm", "--force", reference)
    release = spec.split("-", maxsplit=1)[0].rstrip("td")
    return "ran" if said.rstrip("+") == release else f"FAILED: {said}"


@contextmanager
def engine(*, wanted: bool) -> Iterator[DockerEngine | None]:
    """A Docker Engine while the block runs, if one is wanted."""
    if not wanted:
        yield None
        return
    root = peers_directory() / "docker"
    output([HERE / "make-docker-root", root], timeout=900)
    with tempfile.TemporaryDirectory(prefix="matrix-docker-") as state:
        process, docker = start_docker(root, Path(state))
        try:
            yield docker
        finally:
            stop_docker(process, docker)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows as Markdown."""
    yield "| image | processor | built, seconds | MB | checks | manifest | built again | Docker |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        name = f"{row.spec} | {row.architecture} | {row.seconds:.0f}"
        if row.problem:
            yield f"| {name} | | FAILED: {row.problem.replace('|', '/')} | | | |"
        else:
            short = row.digest.removeprefix("sha256:")[:12]
            said = (f"{row.size / 1e6:.1f}", row.checks, short, row.again or "-", row.docker or "-")
            yield f"| {name} | {' | '.join(said)} |"


def whole(path: Path, profile: str) -> dict[Cell, Row]:
    """The rows of earlier runs with this profile that were whole."""
    rows = matrix_rows.read(path).values()
    return {Cell(row.spec, row.architecture): row for row in rows if row.good and row.profile == profile}


def note(path: Path, row: Row) -> None:
    """Note a row at once."""
    with path.open("a", encoding="utf-8") as file:
        file.write(matrix_rows.line(row))


def enough(row: Row, cell: Cell, *, again: bool, docker: bool) -> bool:
    """Whether an earlier run did all that is asked for now."""
    return (bool(row.again) or not again) and (bool(row.docker) or not docker or not cell.native)


def main() -> int:
    """Build all, print the table; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="GLOB", help="rows by name")
    parser.add_argument("--list", action="store_true", help="print the rows' names and build nothing")
    parser.add_argument("--resume", action="store_true", help="go on where a run with the same --store ended")
    parser.add_argument(
        "--store", type=Path, help="a directory for store and lock, kept (default: a temporary one)"
    )
    parser.add_argument("--profile", choices=("quick", "release"), default="quick")
    parser.add_argument("--again", action="store_true", help="build twice and compare")
    parser.add_argument("--docker", action="store_true", help="run each in a real Docker Engine")
    parser.add_argument("--without", action="append", default=[], metavar="GLOB", help="leave out archives")
    parser.add_argument("--record", action="store_true", help="note the rows in bench/matrix.jsonl")
    options = parser.parse_args()
    wanted = [
        cell for cell in cells() if not options.only or any(fnmatch(str(cell), glob) for glob in options.only)
    ]
    if options.list:
        print("\n".join(map(str, wanted)))
        return 0
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="matrix-") as first, engine(wanted=options.docker) as docker:
        place = Place(options.store or Path(first), 2, tuple(options.without))
        place.directory.mkdir(parents=True, exist_ok=True)
        notes = place.directory / NOTES
        known = whole(notes, options.profile) if options.resume else {}
        for cell in wanted:
            if cell in known and enough(known[cell], cell, again=options.again, docker=options.docker):
                rows.append(known[cell])
                continue
            # Its name is longer on purpose, and it is gone before the next image: disks are small.
            with tempfile.TemporaryDirectory(prefix="matrix-another-place-") as second:
                other = Place(Path(second), 3, place.without) if options.again else None
                if other is not None:
                    _same_lock(place, other, cell, options.profile)
                rows.append(build(cell, place, other, options.profile, docker))
            note(notes, rows[-1])
            print(list(table(rows))[-1], file=sys.stderr, flush=True)
    print("\n".join(table(rows)))
    if options.record:
        matrix_rows.record(matrix_rows.RECORD, rows)
    return 0 if rows and all(row.good for row in rows) else 1


def _same_lock(place: Place, other: Place, cell: Cell, profile: str) -> None:
    """The same inputs in both places: the lock that knows the image already."""
    lock = place.directory / "imagewright.lock"
    try:
        place.call("plan", *chosen(cell, profile))
    except RuntimeError:
        return  # the build that follows shows why
    (other.directory / "imagewright.lock").write_bytes(lock.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
