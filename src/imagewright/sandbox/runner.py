# SPDX-License-Identifier: Apache-2.0
"""The sandbox port on Linux namespaces: starts :mod:`imagewright.sandbox.jail` and reads what it says."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO

from imagewright.errors import InterruptedBuild, MachineError
from imagewright.model.processors import Emulator
from imagewright.model.sandboxing import Output, OverlayRoot, PlainRoot, SandboxRequest, SandboxResult
from imagewright.sandbox import jail
from imagewright.sandbox.mounts import operations_for
from imagewright.sandbox.request import LIMITS, PERSONALITIES, BindRequest, EmulatorRequest, Request
from imagewright.sandbox.system import JailError
from imagewright.sandbox.userns import explain

PIECE = 1 << 16
PATIENCE = 10.0
"""Seconds that a jail told to end is given before it is killed."""


def to_jail(request: SandboxRequest, limits: tuple[tuple[str, int, int], ...] = LIMITS) -> Request:
    """The request in the jail's words. Raises ``ValueError`` naming all that is wrong with it."""
    root = request.root
    overlay = root if isinstance(root, OverlayRoot) else None
    return Request(
        argv=request.argv,
        plain=str(root.path) if isinstance(root, PlainRoot) else None,
        lower=tuple(map(str, overlay.lower)) if overlay else (),
        upper=str(overlay.upper) if overlay and overlay.upper else None,
        work=str(overlay.work) if overlay and overlay.work else None,
        environment=request.environment,
        binds=tuple(BindRequest(str(bind.source), bind.target, bind.writable) for bind in request.binds),
        tmpfs=request.tmpfs,
        directory=request.directory,
        user=request.user,
        hostname=request.hostname,
        network=request.network,
        interactive=request.interactive,
        limits=limits,
        emulator=None if request.emulator is None else _emulator(request.emulator),
        personality=PERSONALITIES[request.thirty_two_bits],
    )


def _emulator(wanted: Emulator) -> EmulatorRequest:
    return EmulatorRequest(str(wanted.program), wanted.magic.hex(), wanted.mask.hex())


class NamespaceSandbox:
    """Runs commands in namespaces of their own. May be used from several threads.

    The calling thread must live as long as its run: the kernel ends a jail when the thread that started it
    dies. ``limits`` are resource limits: name, soft, hard.
    """

    def __init__(self, *, limits: tuple[tuple[str, int, int], ...] = LIMITS, python: str = sys.executable) -> None:
        self.limits = limits
        self.python = python
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, request: SandboxRequest, output: Output) -> SandboxResult:
        """Run one command to its end; nothing of it is left when this returns or raises.

        ``output`` gets standard output and error as they come; an interactive run has this process' own
        standard streams instead. A run that takes longer than its ``timeout`` is ended: status 137. Peak
        memory is the largest process', not their sum. Raises ``ValueError`` for a request that makes no sense,
        :class:`MachineError` where isolation is not to be had, :class:`InterruptedBuild` after :meth:`stop`.
        """
        asked = to_jail(request, self.limits)
        operations_for(asked)  # raises ValueError here rather than in another process
        started = time.monotonic()
        deadline = started + request.timeout if request.timeout else None
        with _start(self.python, asked) as (process, channel), self._known(process):
            try:
                if process.stdout is not None:
                    _pump(process.stdout, output, deadline)
                status = _wait(process, deadline, patient=request.interactive)
            except TimeoutError:
                _end(process)
                return SandboxResult(128 + signal.SIGKILL, time.monotonic() - started, 0)
            except BaseException:
                _end(process)
                raise
            answer = _read_answer(channel)
        if self._stopped:
            raise InterruptedBuild("The sandbox was stopped")
        if "operation" in answer:
            raise explain(JailError(str(answer["operation"]), int(str(answer["errno"])), str(answer["reason"])))
        if "status" not in answer:
            raise MachineError(
                f"The sandbox ended unexpectedly, with status {status}",
                why="It was killed from outside (-9: by a person, or for want of memory)." if status < 0 else "",
            )
        return SandboxResult(
            status=int(str(answer["status"])),
            seconds=time.monotonic() - started,
            peak_memory=int(str(answer["peak_memory"])),
        )

    def stop(self) -> None:
        """End all runs, from any thread; they raise :class:`InterruptedBuild`, and so do later ones."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()

    @contextlib.contextmanager
    def _known(self, process: subprocess.Popen[bytes]) -> Iterator[None]:
        """Have :meth:`stop` reach a process."""
        with self._lock:
            self._running.add(process)
            if self._stopped:
                process.terminate()
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)

    def replay(self, request: SandboxRequest) -> str:
        """A line for a shell that that runs the same thing again, for root and for an ordinary user."""
        words = [self.python, "-I", jail.__file__, "--request", to_jail(request, self.limits).to_json()]
        return shlex.join(words)


@contextlib.contextmanager
def _start(python: str, request: Request) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A jail's process and its channel; both are gone afterwards."""
    asked = os.memfd_create("request")
    channel, told = os.pipe()
    try:
        os.write(asked, request.to_json().encode())
        try:
            process = subprocess.Popen(
                [
                    *(python, "-I", "-S", "-X", "utf8", jail.__file__),
                    *("--request", f"/proc/self/fd/{asked}", "--channel", str(told), "--parent", str(os.getpid())),
                ],
                stdin=None if request.interactive else subprocess.DEVNULL,
                stdout=None if request.interactive else subprocess.PIPE,
                stderr=None if request.interactive else subprocess.STDOUT,
                env={"PATH": os.defpath},
                pass_fds=(asked, told),
                start_new_session=not request.interactive,
            )
        except OSError as error:
            raise MachineError(f"The sandbox could not start {python}: {error.strerror}") from error
        finally:
            os.close(told)
        try:
            yield process, channel
        finally:
            if process.stdout is not None:
                process.stdout.close()
    finally:
        os.close(asked)
        os.close(channel)


def _pump(source: IO[bytes], output: Output, deadline: float | None) -> None:
    """Hand over output until it ends. Raises ``TimeoutError``."""
    poll = select.poll()
    poll.register(source)
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        if not poll.poll(left):
            raise TimeoutError
        piece = os.read(source.fileno(), PIECE)
        if not piece:
            return
        output(piece)


def _wait(process: subprocess.Popen[bytes], deadline: float | None, *, patient: bool) -> int:
    """Its exit status. Raises ``TimeoutError``. Ctrl-C is an interactive command's own business."""
    while True:
        try:
            return process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error
        except KeyboardInterrupt:
            if not patient:
                raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a jail with all that runs in it, and wait until it is gone."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read_answer(channel: int) -> dict[str, object]:
    """The first thing the jail said; empty if it was killed."""
    text = b"".join(iter(lambda: os.read(channel, PIECE), b""))
    first = text.partition(b"\n")[0]
    answer: dict[str, object] = json.loads(first) if first else {}
    return answer
