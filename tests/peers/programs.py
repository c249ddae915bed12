# SPDX-License-Identifier: Apache-2.0
"""Finding and starting the real programs that tests meet."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


def output(command: Sequence[str | Path], *, stdin: Path | None = None, timeout: float = 300) -> str:
    """Run a program to its end; its standard output. A failure shows what it said."""
    with (stdin or Path(os.devnull)).open("rb") as source:
        ended = subprocess.run(
            command,
            stdin=source,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    words = " ".join(str(word) for word in command)
    assert ended.returncode == 0, f"{words}\nended with {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def peers_directory() -> Path:
    """Where roots of peers are kept between runs."""
    return Path(os.environ.get("IMAGEWRIGHT_PEERS", "/var/cache/imagewright-peers"))


def wait_until(what: str, ready: Callable[[], bool], *, seconds: float) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, f"{what} was not ready within {seconds:.0f} s"
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class DockerEngine:
    """A running Docker Engine; ``pid`` is the engine's own process, in whose namespaces its client runs too."""

    pid: int

    def __call__(self, *words: str, stdin: Path | None = None) -> str:
        """Run ``docker WORDS``; its output."""
        # env: nsenter opens --wd before it enters, so that the directory is not below the new root.
        inside = ["nsenter", "--target", str(self.pid), "--mount", "--root", "--wd=/"]
        inside += ["env", "--chdir=/", "--unset=TMPDIR"]  # what it names is not below the new root
        client = ["docker", "--host", "unix:///run/state/docker.sock"]
        return output([*inside, *client, *words], stdin=stdin)


def start_docker(root: Path, state: Path, network: str = "none") -> tuple[subprocess.Popen[bytes], DockerEngine]:
    """Start an engine and wait until it answers; both the process to end and the engine to talk to.

    ``network`` is ``none``, or ``bridge`` for an engine whose containers have one that leads nowhere.
    """
    log = (state / "engine.log").open("wb")
    # A session of its own, so that Ctrl-C leaves it to the fixture; and it never outlives this process.
    command: list[str | Path] = ["setpriv", "--pdeathsig", "KILL", HERE / "start-docker", root, state, network]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    log.close()

    def ready() -> bool:
        assert process.poll() is None, (state / "engine.log").read_text()
        return "API listen on" in (state / "engine.log").read_text()

    try:
        wait_until("the Docker Engine", ready, seconds=60)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process, DockerEngine(_child_of(process.pid))


def docker_client(root: Path, state: Path, place: Path) -> Path:
    """A directory to be first in PATH, whose ``docker`` is a client of the engine that keeps its state there."""
    plugins = place / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(root / "usr/libexec/docker/cli-plugins/docker-buildx")
    return _program(
        place / "docker",
        f"export DOCKER_HOST=unix://{state}/docker.sock DOCKER_CONFIG={place}/config\n"
        f'exec {root}/usr/bin/docker "$@"\n',
    )


def podman_client(state: Path, runroot: Path, place: Path) -> Path:
    """A directory to be first in PATH, whose ``podman`` has a store of its own in ``state``.

    ``runroot`` has at most 50 characters; podman refuses longer ones.

    Each call has its own mount namespace, where cgroups are not of both versions: Debian's crun refuses such.
    """
    podman = shutil.which("podman")
    assert podman is not None
    inside = (
        f'umount /sys/fs/cgroup/unified 2>/dev/null; exec {podman} --root {state}/root --runroot {runroot} "$@"'
    )
    return _program(place / "podman", f"exec unshare --mount sh -c '{inside}' podman \"$@\"\n")


def _program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
    return path.parent


def stop_docker(process: subprocess.Popen[bytes], engine: DockerEngine) -> None:
    """Let the engine end in order, then make sure; what is in its namespaces ends with it."""
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself: the tests have seen what it did
        os.kill(engine.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _child_of(pid: int) -> int:
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)
