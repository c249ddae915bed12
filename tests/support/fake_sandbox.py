# SPDX-License-Identifier: Apache-2.0
"""A sandbox that runs nothing: it answers as it was told, and remembers what it was asked."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from imagewright.errors import InterruptedBuild
from imagewright.model.sandboxing import Output, SandboxRequest, SandboxResult
from imagewright.sandbox.runner import to_jail


@dataclass(frozen=True)
class Reply:
    """What a command does: pieces of output, an exit status, and whatever ``effect`` does to the files."""

    status: int = 0
    output: tuple[bytes, ...] = ()
    seconds: float = 0.5
    peak_memory: int = 1 << 20
    effect: Callable[[SandboxRequest], None] | None = None


Answer = Reply | BaseException | Callable[[SandboxRequest], Reply]


@dataclass
class FakeSandbox:
    """Implements the port :class:`imagewright.model.ports.Sandbox`.

    ``answers`` maps a whole command line, or its first word, to an answer: a :class:`Reply`, a function that gives
    one, or an error to raise. Anything else gets ``default``. Requests are checked like real ones, and kept.
    """

    answers: Mapping[tuple[str, ...], Answer] = field(default_factory=dict)
    default: Answer = field(default_factory=Reply)
    requests: list[SandboxRequest] = field(default_factory=list)
    stopped: bool = False

    def run(self, request: SandboxRequest, output: Output) -> SandboxResult:
        """Answer, after the checks that a real sandbox makes."""
        to_jail(request)
        if self.stopped:
            raise InterruptedBuild("The sandbox was stopped")
        self.requests.append(request)
        answer = self.answers.get(request.argv, self.answers.get(request.argv[:1], self.default))
        if isinstance(answer, BaseException):
            raise answer
        reply = answer if isinstance(answer, Reply) else answer(request)
        for piece in reply.output:
            output(piece)
        if reply.effect is not None:
            reply.effect(request)
        if request.timeout and reply.seconds > request.timeout:
            return SandboxResult(137, request.timeout, 0)
        return SandboxResult(reply.status, reply.seconds, reply.peak_memory)

    def stop(self) -> None:
        """Refuse every later run."""
        self.stopped = True

    def replay(self, request: SandboxRequest) -> str:
        """A line that names the command."""
        return shlex.join(("replay", to_jail(request).to_json()))
