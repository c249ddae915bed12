# SPDX-License-Identifier: Apache-2.0
"""What a step is given while it runs, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from imagewright.errors import BuildError
from imagewright.events import Sink
from imagewright.events.building import StepOutput, StepPhase
from imagewright.model.digest import Digest
from imagewright.model.plan import Step, StepRecord
from imagewright.model.ports import Ports, Sandbox
from imagewright.model.sandboxing import SandboxRequest, SandboxResult

_PHASE = b"::phase "
"""A line a step's script prints to say which phase begins; it becomes an event and stays in the log."""

_LONGEST_LINE = 4096


class StepLog:
    """A step's log: every byte of its output in a file, every line an event, phases picked out.

    ``last`` is the last line that said anything.
    """

    def __init__(self, step: Step, path: Path, file: IO[bytes], sink: Sink) -> None:
        self.path = path
        self._step = step
        self._file = file
        self._sink = sink
        self._rest = b""
        self.last = ""

    def write(self, data: bytes) -> None:
        """Take a piece of output; pieces need not end at line ends."""
        self._file.write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._emit(line)
        if len(self._rest) > _LONGEST_LINE:
            self._emit(self._rest)
            self._rest = b""

    def phase(self, phase: str) -> None:
        """Say which phase begins."""
        self.write(_PHASE + phase.encode() + b"\n")

    def close(self) -> None:
        """Emit what is left of an unfinished line, and flush the file."""
        if self._rest:
            self._emit(self._rest)
            self._rest = b""
        self._file.flush()

    def _emit(self, line: bytes) -> None:
        step, name = str(self._step.id), self._step.name
        if line.startswith(_PHASE):
            self._sink(StepPhase(step, name, line.removeprefix(_PHASE).decode(errors="replace").strip()))
            return
        text = line.decode(errors="replace")
        self.last = text.strip() or self.last
        self._sink(StepOutput(step, name, text))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step made: blobs by name (already in the store) and facts, small values as text."""

    outputs: tuple[tuple[str, Digest], ...]
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StepContext:
    """One run of one step.

    ``needs`` are the records of the steps it reads, by role; ``workspace`` is an empty directory on the
    store's file system that is gone afterwards; ``jobs`` how many processes it may run at once.
    """

    step: Step
    needs: Mapping[str, StepRecord]
    ports: Ports
    workspace: Path
    log: StepLog
    jobs: int

    def phase(self, phase: str) -> None:
        """Say which phase of the step begins."""
        self.log.phase(phase)

    def run(self, request: SandboxRequest) -> SandboxResult:
        """Run a command in the sandbox into the log. Raises :class:`BuildError` unless it exits with 0."""
        return self.run_in(self.ports.sandbox, request)

    def run_in(self, sandbox: Sandbox, request: SandboxRequest) -> SandboxResult:
        """Run a command in a sandbox other than the plain one, as :meth:`run`."""
        result = sandbox.run(request, self.log.write)
        if result.status:
            raise BuildError(
                f"{self.step.name}: the command ended with {_ending(result.status)}",
                details={"status": result.status, "replay": sandbox.replay(request)},
            )
        return result


class StepRunner(Protocol):
    """Runs steps of one kind."""

    def __call__(self, context: StepContext) -> Outcome:
        """Do the work. Raises :class:`BuildError` (or another error of ours) when it cannot be done."""
        ...


def _ending(status: int) -> str:
    if status > 128:  # noqa: PLR2004 - the shell's convention: 128 + signal number
        return f"signal {status - 128}"
    if status == 127:  # noqa: PLR2004 - the shell's convention
        return "status 127 (a program was not found)"
    return f"status {status}"
