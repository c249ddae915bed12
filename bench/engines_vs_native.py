# SPDX-License-Identifier: Apache-2.0
"""Images by another engine beside the native ones: is the interpreter compiled once, do they pass, are they equal?

``PYTHONPATH=tests python bench/engines_vs_native.py [SPEC…] [--engine buildkit|podman] [--profile P] [--store DIR]
[--log FILE]``: needs root and mmdebstrap, or podman. Builds natively, then has a real engine build the same from
generated Dockerfiles (BuildKit all at once, from one bake file), checks what it made, and compares file by file.
Prints the engine's own words about compiling. Ends with 1 if it compiled more than once, a check failed, or
anything differs that docs/how-to/dockerfiles.md does not list.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peers.engine_log import checks, compiles
from peers.programs import (
    HERE,
    docker_client,
    output,
    peers_directory,
    podman_client,
    start_docker,
    stop_docker,
)

SPECS = ("3.13-trixie", "3.13-slim-trixie", "3.13-minimal-trixie")
LISTED = {"etc/hosts", "etc/hostname", "var/lib/dpkg/triggers/File"}
"""Files that docs/how-to/dockerfiles.md says differ."""


@contextmanager
def engine_of(kind: str, place: Path) -> Iterator[Path]:
    """A directory to be first in PATH, with the client of a real engine that has an empty store."""
    state, client = place / "state", place / "client"
    state.mkdir()
    client.mkdir()
    if kind == "podman":
        yield podman_client(state, state / "run", client)
        return
    root = peers_directory() / "docker"
    output([HERE / "make-docker-root", root], timeout=900)
    process, engine = start_docker(root, state, "bridge")
    try:
        yield docker_client(root, state, client)
    finally:
        stop_docker(process, engine)


class Program:
    """imagewright with one store and one lock."""

    def __init__(self, store: Path, place: Path) -> None:
        self._words = [sys.executable, "-m", "imagewright", f"--store={store}", f"--lock={place}/lock"]

    def __call__(self, *words: str | Path, path: str = "", log: Path | None = None) -> Any:
        """The answer of ``imagewright WORDS --json``; its events go into the log."""
        environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}" if path else os.environ["PATH"]}
        with (log or Path(os.devnull)).open("wb") as events:
            ended = subprocess.run(
                [*self._words, *words, "--json", "--progress", "json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=events,
                env=environment,
                check=False,
            )
        if ended.returncode and not ended.stdout.startswith(b"["):
            sys.exit(f"imagewright {words[0]} ended with {ended.returncode}\n{ended.stdout.decode()}")
        return json.loads(ended.stdout)


def measure(program: Program, words: argparse.Namespace, place: Path) -> int:
    """Build both ways and compare; how much is wrong."""
    quick = ("--profile", words.profile)
    begun = time.perf_counter()
    native = program("build", *words.specs, *quick, "-o", f"{place}/native/")
    print(f"native: {time.perf_counter() - begun:.0f} s", flush=True)
    begun = time.perf_counter()
    log = words.log or place / "log"
    with engine_of(words.engine, place) as client:
        theirs = program(
            "build", *words.specs, *quick, "--engine", words.engine, "-o", f"{place}/other/",
            path=str(client), log=log,
        )  # fmt: skip
    print(f"{words.engine}: {time.perf_counter() - begun:.0f} s", flush=True)
    said = compiles(log)
    passed, failed = checks(log)
    print(
        *said, f"compiles: {len(said)}; checks passed: {passed}, failed: {failed or 'none'}", sep="\n", flush=True
    )
    wrong = int(len(said) != 1) + len(failed)
    for one, other in zip(native, theirs, strict=True):
        wrong += compare(program, one, other)
    return wrong


def compare(program: Program, one: dict[str, Any], other: dict[str, Any]) -> int:
    """Print what differs; how much of it should not."""
    answer = program("diff", f"oci-archive:{one['archive']}", f"oci-archive:{other['archive']}")
    paths = {change["path"].lstrip("/") for group in answer["files"] for change in group["files"]}
    print(
        f"{one['spec']}: configuration: {answer['configuration'] or 'equal'}; "
        f"files that differ: {', '.join(sorted(paths)) or 'none'}",
        flush=True,
    )
    return len(paths - LISTED) + len(answer["configuration"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--engine", choices=["buildkit", "podman"], default="buildkit")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--log", type=Path)
    words = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="imagewright-bench-", dir="/var/tmp") as name:
        place = Path(name)
        wrong = measure(Program(words.store or place / "store", place), words, place)
    print("goal met" if not wrong else f"goal MISSED: {wrong} things are wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
