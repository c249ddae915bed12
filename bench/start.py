# SPDX-License-Identifier: Apache-2.0
"""How long Python takes to start in a fresh container: ours beside the official form, cold and warm.

``sudo PYTHONPATH=tests python bench/start.py --store DIR [--image NAME] [--official PATH] [--rounds N]
[--application WHEEL]``: takes an image out of the store (``3.13.15-slim-trixie``) and makes the official form of
it, which is the same files without the bytecode below /usr/local (what ``--bytecode none`` builds). ``--official``
adds a third: an image in a file (oci-archive or docker-archive: of the official Dockerfile, say, in
``bench/dockerfile``), a directory that is a whole root, or one that is an installation to take the place of
/usr/local, such as a build of the official configuration; then the goals are about that one, without bytecode.

Every run has a fresh container: an overlay of its own, with nothing written, on the unpacked files, so that no run
leaves bytecode for the next one. What is measured begins with fork(2) inside of it and ends when the process has
ended; processor time is shown too, which tells more on a machine that others use.

Cold means that the pages of the image's files are not in memory (posix_fadvise(2), POSIX_FADV_DONTNEED;
directories and inodes stay known); ``--drop-caches`` throws out everything of the whole machine before each cold
run instead. Images take turns in every round, and ratios are made round by round. ``--application`` names a wheel
(django, say) that pip fetches beforehand; its own bytecode is there in all forms, as pip leaves it.

With ``--docker`` the same runs in a real Docker Engine (needs mmdebstrap): ``docker run`` for each, and the time
is taken inside, by the shell.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewright.app.world import SystemClock
from imagewright.engine.flattening import flatten
from imagewright.model.digest import Digest
from imagewright.sandbox.system import MS_PRIVATE, MS_REC, NEW_NS, checked, libc, mount
from imagewright.store.store import Store
from peers.programs import HERE, output, peers_directory, start_docker, stop_docker
from recorded import ratios, save, shown

OURS, OFFICIAL_FORM, OFFICIAL = "ours", "official form", "official image"
PYTHON = "/usr/local/bin/python3"
APPLICATION = "/opt/application"

COMMANDS: dict[str, tuple[str, ...]] = {
    "pass": ("-c", "pass"),
    "imports": ("-c", "import asyncio, json, http.client, email, argparse"),
    "pip --version": ("-m", "pip", "--version"),
}
GOALS = {"pass": 1 / 1.02, "imports": 6.0, "pip --version": 3.0}
"""Times as fast as the official form at least; ``pass`` within what can be told apart."""

NO_USAGE = resource.struct_rusage
"""Named so that its module is there: os.wait4 imports it, which it could not after chroot(2)."""

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}

Taken = tuple[float, float]
"""Seconds by the clock, and of processor time (0 where nobody can tell)."""

Run = Callable[[Sequence[str]], Taken]
"""One run in a fresh container."""


@dataclass(frozen=True, slots=True)
class Form:
    """One of the images side by side: how a command runs in it, and how its files leave the memory."""

    name: str
    run: Run
    forget: Callable[[], None]


def fresh(root: Path, space: Path, argv: Sequence[str]) -> Taken:
    """What a command takes above ``root``, in an overlay of its own. Raises ``RuntimeError`` if it fails."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _enter(root, space)
            os.write(writer, " ".join(map(repr, _timed(argv))).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    if not said:
        raise RuntimeError(f"{' '.join(argv)} failed in {root}")
    wall, processor = map(float, said.split())
    return wall, processor


def _enter(root: Path, space: Path) -> None:
    """Become a process in a fresh container: mounts of one's own, an empty upper directory in memory."""
    checked(libc.unshare(NEW_NS))
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", str(space), "tmpfs", 0)
    for name in ("upper", "work", "root"):
        (space / name).mkdir()
    layers = f"lowerdir={root},upperdir={space}/upper,workdir={space}/work"
    mount("overlay", f"{space}/root", "overlay", 0, layers)
    os.chroot(space / "root")
    os.chdir("/")


def _timed(argv: Sequence[str]) -> Taken:
    nowhere = os.open(os.devnull, os.O_RDWR) if os.path.exists(os.devnull) else -1  # noqa: PTH110 - after chroot
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        for stream in (0, 1, 2):
            if nowhere >= 0:
                os.dup2(nowhere, stream)
            elif stream == 1:
                os.close(stream)
        os.execve(argv[0], list(argv), ENVIRONMENT)
    _, status, usage = os.wait4(child, 0)
    taken = time.perf_counter() - begun
    if status:
        raise RuntimeError(f"{argv} ended with {status}")
    return taken, usage.ru_utime + usage.ru_stime


def forget(directory: Path) -> None:
    """Let the pages of all files below leave the memory."""
    for path, _, names in os.walk(directory):
        for name in names:
            place = f"{path}/{name}"
            if os.path.isfile(place) and not os.path.islink(place):  # noqa: PTH113, PTH114 - thousands of them
                handle = os.open(place, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)


def drop_caches() -> None:
    """Let everything leave the memory of the whole machine (Documentation/admin-guide/sysctl/vm.rst)."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


def unpack(manifest: Digest, store: Store, root: Path) -> None:
    """Unpack the layers of an image of the store."""
    layers = json.loads(store.blobs.read(manifest, limit=4 << 20))["layers"]
    flatten([Digest.parse(layer["digest"]) for layer in layers], root, store.blobs)
    (root / "dev").mkdir(exist_ok=True)
    (root / "dev/null").write_bytes(b"")  # a file will do, and needs no device


def without_bytecode(root: Path) -> None:
    """Remove what the official form does not have."""
    for path in sorted((root / "usr/local").rglob("__pycache__")):
        shutil.rmtree(path)


def add_application(root: Path, source: Path) -> None:
    """Put an application with its own bytecode into a root."""
    shutil.copytree(source, root / APPLICATION[1:])
    compiled: list[str | Path] = ["chroot", root, PYTHON, "-m", "compileall", "-q", APPLICATION]
    subprocess.run(compiled, check=True, env=ENVIRONMENT, stdout=subprocess.DEVNULL)


@contextmanager
def unpacked(words: argparse.Namespace, directory: Path) -> Iterator[list[Form]]:
    """The images as directories."""
    roots: dict[str, Path] = {}
    with Store.open(words.store, clock=SystemClock()) as store:
        image = next(one for one in store.images.all() if one.spec == words.image)
        for name in (OURS, OFFICIAL_FORM):
            roots[name] = directory / name.replace(" ", "-")
            roots[name].mkdir(mode=0o755)
            unpack(image.manifest, store, roots[name])
    without_bytecode(roots[OFFICIAL_FORM])
    if words.official:
        roots[OFFICIAL] = directory / "official"
        add_official(words.official, roots[OFFICIAL_FORM], roots[OFFICIAL], directory / "official-store")
    if words.application:
        source = directory / "wheel"
        pip: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-compile",
            "--target",
            source,
            words.application,
        ]
        subprocess.run(pip, check=True)
        for root in roots.values():
            add_application(root, source)
    space = directory / "space"
    space.mkdir()
    os.sync()  # what was not written yet cannot be forgotten
    yield [
        Form(
            name,
            lambda argv, root=root: fresh(root, space, argv),  # type: ignore[misc]
            drop_caches if words.drop_caches else lambda root=root: forget(root),  # type: ignore[misc]
        )
        for name, root in roots.items()
    ]


def add_official(place: Path, ours: Path, root: Path, space: Path) -> None:
    """Make a root of the official image; an installation is put into what is around ours. None has bytecode."""
    if place.is_file():
        from_archive(place, root, space)
    elif (place / "bin/python3").exists():
        without_usr_local: list[str | Path] = ["cp", "-a", "--reflink=auto", ours, root]
        subprocess.run(without_usr_local, check=True)
        shutil.rmtree(root / "usr/local")
        subprocess.run(["cp", "-a", place, root / "usr/local"], check=True)
    else:
        subprocess.run(["cp", "-a", "--reflink=auto", place, root], check=True)
    without_bytecode(root)


def from_archive(archive: Path, root: Path, space: Path) -> None:
    """Unpack another image through a store of its own."""
    program = [sys.executable, "-m", "imagewright", f"--store={space}"]
    kind = "docker-archive" if "manifest.json" in _names(archive) else "oci-archive"
    subprocess.run([*program, "pull", f"{kind}:{archive}", "-q"], check=True)
    root.mkdir(mode=0o755)
    with Store.open(space, clock=SystemClock()) as store:
        (image,) = store.images.all()
        unpack(image.manifest, store, root)


def _names(archive: Path) -> list[str]:
    return subprocess.run(["tar", "-tf", archive], check=True, capture_output=True, text=True).stdout.split()


@contextmanager
def in_docker(words: argparse.Namespace, directory: Path) -> Iterator[list[Form]]:
    """The images in a Docker Engine."""
    archive = directory / "ours.tar"
    program = [sys.executable, "-m", "imagewright", f"--store={words.store}"]
    subprocess.run([*program, "copy", f"store:{words.image}", f"docker-archive:{archive}:python:ours"], check=True)
    root, state = peers_directory() / "docker", directory / "state"
    state.mkdir()
    output([HERE / "make-docker-root", root], timeout=900)
    process, docker = start_docker(root, state)
    try:
        docker("load", stdin=archive)
        bare = "find /usr/local -name __pycache__ -prune -exec rm -r {} +"
        docker("run", "--name", "bare", "--network", "none", "python:ours", "sh", "-c", bare)
        docker("commit", "bare", "python:official-form")
        names = {OURS: "python:ours", OFFICIAL_FORM: "python:official-form"}
        if words.official:
            said = docker("load", stdin=words.official)
            names[OFFICIAL] = said.strip().rpartition(" ")[2]

        def run(image: str) -> Run:
            def timed(argv: Sequence[str]) -> Taken:
                script = 'a=$(date +%s%N); "$@" >/dev/null; b=$(date +%s%N); echo $((b - a))'
                said = docker("run", "--rm", "--network", "none", image, "sh", "-c", script, "-", *argv)
                return int(said) / 1e9, 0.0

            return timed

        cold = drop_caches if words.drop_caches else lambda: forget(state)
        yield [Form(name, run(image), cold) for name, image in names.items()]
    finally:
        stop_docker(process, docker)


Times = dict[str, list[Taken]]
"""By form, round by round."""


def measure(forms: Sequence[Form], argv: Sequence[str], rounds: int, *, cold: bool) -> Times:
    """Every form in turn, round after round."""
    found: Times = {form.name: [] for form in forms}
    if not cold:
        for form in forms:
            form.run(argv)
    for _ in range(rounds):
        for form in forms:
            if cold:
                form.forget()
            found[form.name].append(form.run(argv))
    return found


def main() -> int:
    """Measure and print; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--image", default="3.13.15-slim-trixie")
    parser.add_argument("--official", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--application", default="")
    parser.add_argument("--docker", action="store_true")
    parser.add_argument("--drop-caches", action="store_true")
    words = parser.parse_args()
    commands = dict(COMMANDS)
    if words.application:
        code = f"import sys; sys.path.insert(0, {APPLICATION!r}); import runpy; sys.argv = ['x', '--version']; "
        commands[words.application] = ("-c", f"{code}runpy.run_module({words.application!r}, run_name='__main__')")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bench-start-") as temporary:
        place = in_docker if words.docker else unpacked
        with place(words, Path(temporary)) as forms:
            print(
                f"{'command':<16}{'':<6}" + "".join(f"{form.name:>18}" for form in forms) + "   the last to ours"
            )
            for name, argv in commands.items():
                for cold in (True, False):
                    times = measure(forms, (PYTHON, *argv), words.rounds, cold=cold)
                    rows.append(row(name, times, cold=cold))
    goals = [one for one in rows if one["command"] in GOALS]
    missed = [one for one in goals if one["ratio"]["median"] < GOALS[one["command"]]]
    for one in missed:
        state = "cold" if one["cold"] else "warm"
        print(f"goal {GOALS[one['command']]:.2f} MISSED: {one['command']}, {state}")
    save("start-docker" if words.docker else "start", {"image": words.image, "rounds": words.rounds, "rows": rows})
    return int(bool(missed))


def row(name: str, times: Times, *, cold: bool) -> dict[str, Any]:
    """Print one line; the same as data. ``ratio`` is beside the official image where there is one."""
    peer = OFFICIAL if OFFICIAL in times else OFFICIAL_FORM
    walls, processors = (
        {form: [each[which] for each in all_] for form, all_ in times.items()} for which in (0, 1)
    )
    ratio = ratios(walls[OURS], walls[peer])
    medians = {form: statistics.median(found) for form, found in walls.items()}
    state = "cold" if cold else "warm"
    shown_times = "".join(f"{median * 1000:>15.1f} ms" for median in medians.values())
    work = ratios(processors[OURS], processors[peer]) if all(processors[OURS]) else None
    print(f"{name:<16}{state:<6}{shown_times}   {shown(ratio)}" + (f"; processor {shown(work)}" if work else ""))
    return {
        "command": name,
        "cold": cold,
        "seconds": medians,
        "beside": peer,
        "ratio": ratio,
        "form": ratios(walls[OURS], walls[OFFICIAL_FORM]),
        "processor": work,
    }


if __name__ == "__main__":
    sys.exit(main())
