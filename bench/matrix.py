# SPDX-License-Identifier: Apache-2.0
"""The matrix for real: releases, suites and flavours, each built from source, checked, and run.

``PYTHONPATH=tests python bench/matrix.py [SPEC…] [--store DIR] [--profile P] [--again] [--docker]``: needs
root or subordinate ids. Prints a table, and ends with 1 if anything failed.

``--again`` builds everything once more from an empty store in another directory, with another number of jobs, and
compares the digests. ``--docker`` loads each image into a real Docker Engine and runs it there; needs root and
mmdebstrap.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peers.programs import HERE, DockerEngine, output, peers_directory, start_docker, stop_docker

SPECS = (
    "3.13.15-slim-trixie",
    "3.13.15-slim-bookworm",
    "3.13.15-slim-bullseye",
    "3.13.15-slim-forky",
    "3.13.5-slim-trixie",
    "3.11.2-slim-bookworm",
    "3.11.2-slim-trixie",
    "3.9.2-slim-bullseye",
    "3.9.2-slim-bookworm",
    "2.7.18-slim-bullseye",
    "3.13.15t-slim-trixie",
    "3.13.15d-slim-trixie",
)
EXPIRED = ("forky",)
"""Testing suites, whose mirrors may stand still past their Valid-Until."""

PROGRAM = "import ctypes, sqlite3, ssl, sys, zlib; sys.stdout.write(sys.version.split()[0] + chr(10))"


@dataclass(frozen=True, slots=True)
class Place:
    """A store and a lock of their own."""

    directory: Path
    jobs: int

    def call(self, *words: str | Path) -> Any:
        """Run ``imagewright WORDS --json``; what it answered. ``RuntimeError`` with its error if it failed."""
        command = [sys.executable, "-m", "imagewright", f"--store={self.directory}/store", f"--jobs={self.jobs}"]
        command += [
            f"--lock={self.directory}/imagewright.lock",
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


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one image."""

    spec: str
    seconds: float = 0.0
    size: int = 0
    checks: str = ""
    digest: str = ""
    again: str = ""
    docker: str = ""
    problem: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing failed."""
        return not self.problem and self.again in ("", "same") and not self.docker.startswith("FAILED")


def build(spec: str, place: Place, other: Place | None, profile: str, docker: DockerEngine | None) -> Row:
    """Build, check, build again, run."""
    archive = place.directory / "image.tar"
    words = ("build", spec, "--profile", profile)
    begun = time.perf_counter()
    try:
        (image,) = place.call(*words, "-o", archive)
        seconds = time.perf_counter() - begun
        results = place.call("check", spec, "--profile", profile)
        passed = f"{sum(one['passed'] for one in results)} of {len(results)}"
        again = "" if other is None else _compared(image, other.call(*words)[0])
        ran = "" if docker is None else _run(docker, archive, image["tags"][0], spec)
    except RuntimeError as error:
        return Row(spec, time.perf_counter() - begun, problem=str(error))
    finally:
        archive.unlink(missing_ok=True)
    return Row(spec, seconds, image["size"], passed, image["digest"], again, ran)


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
    yield "| image | seconds | MB | checks | manifest | built again | Docker |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        if row.problem:
            yield f"| {row.spec} | {row.seconds:.0f} | | FAILED: {row.problem} | | | |"
        else:
            short = row.digest.removeprefix("sha256:")[:12]
            size = f"{row.size / 1e6:.1f}"
            cells = (row.spec, f"{row.seconds:.0f}", size, row.checks, short, row.again or "-", row.docker or "-")
            yield f"| {' | '.join(cells)} |"


def main() -> int:
    """Build all, print the table; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", default=SPECS, metavar="SPEC")
    parser.add_argument(
        "--store", type=Path, help="a directory for store and lock, kept (default: a temporary one)"
    )
    parser.add_argument("--profile", choices=("quick", "release"), default="quick")
    parser.add_argument("--again", action="store_true", help="build twice and compare")
    parser.add_argument("--docker", action="store_true", help="run each in a real Docker Engine")
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="matrix-") as first, engine(wanted=options.docker) as docker:
        place = Place(options.store or Path(first), 2)
        place.directory.mkdir(parents=True, exist_ok=True)
        for spec in options.specs:
            # Its name is longer on purpose, and it is gone before the next image: disks are small.
            with tempfile.TemporaryDirectory(prefix="matrix-another-place-") as second:
                other = Place(Path(second), 3) if options.again else None
                if other is not None:
                    _same_lock(place, other, spec, options.profile)
                rows.append(build(spec, place, other, options.profile, docker))
            print(list(table(rows))[-1], file=sys.stderr, flush=True)
    print("\n".join(table(rows)))
    return 0 if all(row.good for row in rows) else 1


def _same_lock(place: Place, other: Place, spec: str, profile: str) -> None:
    """The same inputs in both places: the lock that knows the image already."""
    lock = place.directory / "imagewright.lock"
    try:
        place.call("plan", spec, "--profile", profile)
    except RuntimeError:
        return  # the build that follows shows why
    (other.directory / "imagewright.lock").write_bytes(lock.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
