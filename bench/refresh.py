# SPDX-License-Identifier: Apache-2.0
"""A security update of one base package, from a new version in the archive to moved tags: one refresh.

``PYTHONPATH=tests python bench/refresh.py [SPEC…] [--store DIR] [--profile P] [--package NAME] [--dockerfile S]
[--stages FILE] [--prove]``: builds and pushes the images first, from Debian's archives and one more that this
script makes, signs and serves on loopback; then a newer version of the package appears there. Measured is the
whole ``imagewright refresh``: looking, locking, building, all acceptance checks, and pushing what changed to a
docker-registry on loopback.

Beside it stands what rebuilding from Dockerfiles takes: ``--dockerfile`` seconds for each, which
``bench/image_vs_buildah.py`` measures; a changed base starts every Dockerfile from its first line, and minimal has
none. Goals: under 60 s for two suites and three variants, and 50 times faster.
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
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from imagewright.app.world import SystemClock
from imagewright.catalog.shipped import shipped_documents
from imagewright.model.plan import StepKind
from imagewright.planning.lockfile import read_lock
from imagewright.store.store import Store
from peers.registries import real_registry
from recorded import save
from support.archive import SignedArchive, SigningKey
from support.loopback import serve

GOAL_SECONDS = 60.0
GOAL_RATIO = 50.0
SPECS = [f"3.13{variant}-{suite}" for suite in ("trixie", "bookworm") for variant in ("", "-slim", "-minimal")]
STAGES = Path(__file__).with_name("stages.py")
KEY = SigningKey.make()


@dataclass(frozen=True, slots=True)
class Project:
    """A directory with configuration and lock, its store, and how the program is called there."""

    directory: Path
    store: Path
    mirror: str
    stages: Path | None = None

    @property
    def lock(self) -> Path:
        """The project's lock."""
        return self.directory / "imagewright.lock"

    def __call__(self, *words: str) -> tuple[float, Any]:
        """Seconds of wall time, and the answer. Raises ``SystemExit`` if it fails."""
        alone = [str(STAGES), f"--out={self.stages}", "--", "--jobs=1"] if self.stages else ["-m", "imagewright"]
        program = [sys.executable, *alone, f"--store={self.store}", f"--mirror=bench={self.mirror}"]
        begun = time.perf_counter()
        ended = subprocess.run(
            [*program, *words, "--json"],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
        seconds = time.perf_counter() - begun
        if ended.returncode:
            sys.exit(f"imagewright {' '.join(words)} ended with {ended.returncode}")
        return seconds, json.loads(ended.stdout)


def configuration(suites: Sequence[str]) -> str:
    """The shipped suites, each with one more archive."""
    shipped = tomllib.loads(shipped_documents()["suites.toml"])["suite"]
    chosen = [suite for suite in shipped if suite["name"] in suites]
    for suite in chosen:
        name = f"{suite['name']}-bench"
        suite["archives"].append(
            {"name": name, "mirror": "bench", "components": ["main"], "keys": [KEY.fingerprint]}
        )
    return tomli_w.dumps({"catalog": {"keyrings": ["key.asc"], "suite": chosen}})


def publish(files: dict[str, bytes], directory: Path, suite: str, debs: Sequence[Path]) -> None:
    """Write the archive of one suite anew."""
    archive = SignedArchive(directory, KEY)
    for deb in debs:
        archive.add_deb(deb)
    archive.write(suite=f"{suite}-bench", codename=f"{suite}-bench", date=datetime.now(UTC))
    files.update(archive.files)


def newer(project: Project, suite: str, package: str, directory: Path) -> Iterator[Path]:
    """The locked package of a suite once more, as a later version, and all others of its source package."""
    locked = {
        one.sha256: one
        for group in read_lock(project.lock.read_text()).sets
        for one in group.packages
        if group.suite == suite
    }
    sources = {(one.source, one.version) for one in locked.values() if one.name == package}
    for one in [one for one in locked.values() if (one.source, one.version) in sources]:
        deb = project.store / "blobs" / "sha256" / one.sha256.hex
        root = directory / f"{suite}-{one.name}"
        subprocess.run(["dpkg-deb", "-R", deb, root], check=True)
        control = root / "DEBIAN" / "control"
        text = control.read_text().replace(f"Version: {one.version}\n", f"Version: {one.version}.1\n")
        control.write_text(text.replace(f"(= {one.version})", f"(= {one.version}.1)"))
        path = directory / f"{one.name}_{suite}_{one.architecture}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, path], check=True, stdout=subprocess.DEVNULL)
        yield path


def proved(project: Project, specs: Sequence[str], profile: str, done: dict[str, Any]) -> bool:
    """Whether a build from nothing but the compiled interpreters gives the same images; prints what differs."""
    nothing = project.directory / "nothing"
    with Store.open(project.store, clock=SystemClock()) as one, Store.open(nothing, clock=SystemClock()) as other:
        for record, _ in one.steps.all():
            if record.kind is StepKind.PYTHON and one.steps.get(record.id) is not None:
                for _, digest in record.outputs:
                    with one.blobs.open(digest) as file:
                        other.blobs.put(iter(lambda: file.read(1 << 20), b""), expected=digest)
                other.steps.put(record)
    _, built = replace(project, store=nothing)("build", *specs, f"--profile={profile}")
    wanted = {one["image"]: one["digest"] for one in done["refreshed"]}
    found = {one["image"]: one["digest"] for one in built}
    for image, digest in sorted(wanted.items()):
        print(f"{image:<28}{'the same' if found.get(image) == digest else 'ANOTHER'} from nothing")
    return bool(wanted) and all(found.get(image) == digest for image, digest in wanted.items())


def main() -> int:
    """Measure and print; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--profile", default="release")
    parser.add_argument("--package", default="zlib1g")
    parser.add_argument("--stages", type=Path, help="write where the time goes to this file; implies one job")
    parser.add_argument("--dockerfile", type=float, default=0.0, help="seconds that one Dockerfile takes")
    parser.add_argument("--prove", action="store_true", help="build the same once more from nothing, and compare")
    words = parser.parse_args()
    suites = sorted({spec.rpartition("-")[2] for spec in words.specs})
    with tempfile.TemporaryDirectory(prefix="bench-refresh-") as temporary:
        directory = Path(temporary)
        (directory / "imagewright.toml").write_text(configuration(suites))
        (directory / "key.asc").write_text(KEY.certificate)
        (directory / "registry").mkdir()
        files: dict[str, bytes] = {}
        for suite in suites:
            publish(files, directory, suite, ())
        with serve(files) as url, real_registry(directory / "registry") as registry:
            project = Project(directory, words.store or directory / "store", str(url))
            where = f"{registry.host}/bench/python"
            project("push", *words.specs, where, f"--profile={words.profile}", "--force")
            idle, _ = project("refresh", "--only=packages", f"--push={where}", "--force")
            for suite in suites:
                publish(files, directory, suite, tuple(newer(project, suite, words.package, directory)))
            measured = replace(project, stages=words.stages)
            seconds, done = measured(
                "refresh", "--only=packages", f"--push={where}", "--force", f"--notes={directory / 'notes'}"
            )
            same = proved(project, words.specs, words.profile, done) if words.prove else True
    return max(report(words, idle, seconds, done), int(not same))


def report(words: argparse.Namespace, idle: float, seconds: float, done: dict[str, Any]) -> int:
    """Print what came out; 1 if a goal is missed."""
    count = sum("-minimal" not in spec for spec in words.specs)
    save(
        "refresh",
        {
            "images": len(done["refreshed"]),
            "seconds": seconds,
            "idle": idle,
            "sent": sum(each["bytes"] for each in done["pushed"]),
            "dockerfiles": count * words.dockerfile,
        },
    )
    print(f"images built anew   {len(done['refreshed']):8} of {done['looked']}, {done['compiles']} compiles")
    print(f"nothing to do       {idle:8.1f} s")
    print(f"one base package    {seconds:8.1f} s")
    print(f"sent                {sum(each['bytes'] for each in done['pushed']) / 1e6:8.1f} MB")
    missed = seconds >= GOAL_SECONDS
    print(f"goal: under {GOAL_SECONDS:.0f} s: {'MISSED' if missed else 'met'}")
    if words.dockerfile:
        ratio = count * words.dockerfile / seconds
        print(f"{count} Dockerfiles      {count * words.dockerfile:8.0f} s: {ratio:.0f} times as long")
        print(f"goal: {GOAL_RATIO:.0f} times: {'MISSED' if ratio < GOAL_RATIO else 'met'}")
        missed |= ratio < GOAL_RATIO
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
