# SPDX-License-Identifier: Apache-2.0
"""Commands for another architecture than this machine's own: under which emulator, as which kind of machine.

Whether an emulator is needed was decided when the plan was made: a step that needs one has the step that unpacked
it among its needs (role :data:`EMULATOR`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from imagewright.engine.materialise import tree_of
from imagewright.errors import BuildError
from imagewright.model.plan import StepRecord
from imagewright.model.ports import Ports, Sandbox
from imagewright.model.processors import Emulator, emulator_for, emulator_program, needs_personality
from imagewright.model.sandboxing import Output, SandboxRequest, SandboxResult

EMULATOR = "emulator"
"""The role of the step that unpacked the emulator."""


def emulator_of(needs: Mapping[str, StepRecord], architecture: str, ports: Ports) -> Emulator | None:
    """The emulator among a step's needs, if any. Raises :class:`BuildError` where its program is missing."""
    if EMULATOR not in needs:
        return None
    tree = tree_of(needs[EMULATOR], ports)
    places = [tree / name for name in emulator_program(architecture)]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise BuildError(
            f"{needs[EMULATOR].name} has no emulator of {architecture}",
            why=f"there is no {' or '.join(emulator_program(architecture))}",
            hint="name another package for it in the suite's `emulator` (imagewright.toml)",
        )
    return emulator_for(architecture, found)


@dataclass(frozen=True, slots=True)
class ForeignSandbox:
    """A sandbox whose commands are those of an architecture; implements :class:`Sandbox` on top of another."""

    inner: Sandbox
    architecture: str
    emulator: Emulator | None

    def run(self, request: SandboxRequest, output: Output) -> SandboxResult:
        """See :meth:`Sandbox.run`. Emulated commands get as much more time as they are slower."""
        return self.inner.run(self._told(request), output)

    def stop(self) -> None:
        """See :meth:`Sandbox.stop`."""
        self.inner.stop()

    def replay(self, request: SandboxRequest) -> str:
        """See :meth:`Sandbox.replay`."""
        return self.inner.replay(self._told(request))

    def _told(self, request: SandboxRequest) -> SandboxRequest:
        if self.emulator is None:
            return replace(request, thirty_two_bits=needs_personality(self.architecture))
        return replace(request, emulator=self.emulator, timeout=request.timeout * SLOWER)


SLOWER = 5
"""How many times the time limit of a command is when it is emulated; the limits are generous already."""


def sandbox_for(needs: Mapping[str, StepRecord], architecture: str, ports: Ports) -> Sandbox:
    """The sandbox for commands of an architecture, with the emulator that ``needs`` have, if any."""
    return ForeignSandbox(ports.sandbox, architecture, emulator_of(needs, architecture, ports))
