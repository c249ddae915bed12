# SPDX-License-Identifier: Apache-2.0
"""A whole image, side by side: imagewright, and buildah with a Dockerfile that does what the official one does.

``python bench/image_vs_buildah.py [SPEC] [--mode stored|training|both] [--rounds N]``: needs root, buildah and
mmdebstrap, and nothing else running. Each contestant begins with nothing but the base: imagewright with an empty
store, buildah with a root that mmdebstrap made beforehand (its time is shown, and not counted, in buildah's
favour). Both fetch packages from the machine's own archive; buildah gets the source archive as a file.

``stored`` uses the profile that ships with the catalog; ``training`` trains anew and builds with that, which is
what the Dockerfile does. Goals: at most 0.25 and 0.5 of the Dockerfile's time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MIRROR = HERE.parent / "tests" / "peers" / "debian-mirror"
GOALS = {"stored": 0.25, "training": 0.5}


def run(command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None) -> float:
    """Run to the end; wall time in seconds. Raises ``SystemExit`` with the end of its log if it fails."""
    begun = time.perf_counter()
    with log.open("wb") as file:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    if ended.returncode:
        sys.exit(f"{command[0]} ended with {ended.returncode}\n{log.read_text()[-3000:]}")
    return time.perf_counter() - begun


def imagewright(directory: Path, spec: str, *, train: bool) -> tuple[float, dict[str, Any]]:
    """Build with an empty store; seconds, and what was built."""
    program = [sys.executable, "-m", "imagewright", f"--store={directory}/store", f"--lock={directory}/lock"]
    seconds = 0.0
    if train:
        seconds += run([*program, "train", spec, "-q"], log=directory / "train.log")
    begun = time.perf_counter()
    ended = subprocess.run(
        [*program, "build", spec, "--json", "--progress=none"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    (image,) = json.loads(ended.stdout)
    return seconds + time.perf_counter() - begun, image


class Buildah:
    """buildah with storage of its own."""

    def __init__(self, directory: Path) -> None:
        # In a mount namespace of its own, since it leaves a mount on its storage.
        self._own = [
            "unshare",
            "--mount",
            "buildah",
            f"--root={directory}/containers",
            f"--runroot={directory}/run",
        ]
        self._directory = directory
        self._environment = {"BUILDAH_ISOLATION": "chroot"}

    def base(self, suite: str) -> float:
        """Make the root to build upon; seconds."""
        tar = self._directory / "base.tar"
        mirror = subprocess.run([MIRROR], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        seconds = run(["mmdebstrap", "--variant=minbase", suite, tar, mirror], log=self._directory / "base.log")
        (self._directory / "Base").write_text("FROM scratch\nADD base.tar /\n")
        self._build("Base", "bench-base", ())
        return seconds

    def image(self, source: Path, version: str, sha256: str) -> float:
        """Build the Dockerfile; seconds."""
        shutil.copy(HERE / "dockerfile" / "Dockerfile", self._directory / "Dockerfile")
        shutil.copy(source, self._directory / "Python.tar.xz")
        arguments = ("BASE=localhost/bench-base", f"VERSION={version}", f"SHA256={sha256}")
        return self._build("Dockerfile", "bench-python", arguments)

    def _build(self, file: str, name: str, arguments: Sequence[str]) -> float:
        words = [word for argument in arguments for word in ("--build-arg", argument)]
        path = self._directory / file
        command: list[str | Path] = [
            *self._own,
            "build",
            "--no-cache",
            "--network=host",
            "--format=oci",
            *words,
            "-f",
            path,
            "-t",
            name,
        ]
        log = self._directory / f"{name}.log"
        return run([*command, self._directory], log=log, environment=self._environment)


def source_of(directory: Path) -> tuple[Path, str, str]:
    """The source archive in the store, the release and its digest, from the lock."""
    with (directory / "lock").open("rb") as file:
        (source, *_) = tomllib.load(file)["source"]
    sha256 = source["sha256"].removeprefix("sha256:")
    return directory / "store" / "blobs" / "sha256" / sha256, source["release"], sha256


def main() -> int:
    """Measure and print; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", default="3.13-slim-trixie")
    parser.add_argument("--mode", choices=[*GOALS, "both"], default="both")
    parser.add_argument("--rounds", type=int, default=1)
    words = parser.parse_args()
    # A job in the background inherits an ignored SIGINT, with which CPython's training fails.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    modes = list(GOALS) if words.mode == "both" else [words.mode]
    ratios: dict[str, list[float]] = {mode: [] for mode in modes}
    for number in range(words.rounds):
        with tempfile.TemporaryDirectory(prefix="imagewright-bench-", dir="/var/tmp") as name:
            one_round(Path(name), words.spec, modes, ratios, number + 1)
    missed = 0
    for mode, found in ratios.items():
        middle = statistics.median(found)
        missed += middle > GOALS[mode]
        verdict = "met" if middle <= GOALS[mode] else "MISSED"
        print(f"{mode:<9} median ratio {middle:.2f}; goal at most {GOALS[mode]}: {verdict}")
    return int(missed > 0)


def one_round(place: Path, spec: str, modes: Sequence[str], ratios: dict[str, list[float]], number: int) -> None:
    """Every contestant once."""
    own: dict[str, float] = {}
    for mode in modes:
        directory = place / mode
        directory.mkdir()
        own[mode], image = imagewright(directory, spec, train=mode == "training")
        steps = ", ".join(f"{step['name'].split()[0]} {step['seconds']:.0f}" for step in image["steps"])
        print(f"round {number}: imagewright, {mode:<9} {own[mode]:7.1f} s   ({steps})", flush=True)
    other = place / "buildah"
    other.mkdir()
    buildah = Buildah(other)
    base = buildah.base(spec.rsplit("-", 1)[-1])
    theirs = buildah.image(*source_of(place / modes[0]))
    print(
        f"round {number}: buildah, Dockerfile    {theirs:7.1f} s   (its base before that: {base:.0f})", flush=True
    )
    for mode in modes:
        ratios[mode].append(own[mode] / theirs)


if __name__ == "__main__":
    raise SystemExit(main())
