# SPDX-License-Identifier: Apache-2.0
"""A command in an image, in the sandbox, with this process' terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping

from imagewright.engine.foreign import sandbox_for
from imagewright.engine.materialise import image_root
from imagewright.errors import UsageError
from imagewright.model.digest import Digest
from imagewright.model.options import RunOptions
from imagewright.model.plan import ImageWork, Step, StepRecord
from imagewright.model.platforms import parse_platform
from imagewright.model.ports import Ports
from imagewright.model.sandboxing import OverlayRoot, SandboxRequest


def run_command(
    step: Step,
    records: Mapping[Digest, StepRecord],
    needs: Mapping[str, StepRecord],
    argv: tuple[str, ...],
    options: RunOptions,
    ports: Ports,
) -> int:
    """Run ``argv``, or what the image would run by itself; its exit status. What it writes is lost.

    ``needs`` are those of the image's check, for the emulator among them.
    """
    work = step.work
    assert isinstance(work, ImageWork)
    configuration = work.configuration
    request = SandboxRequest(
        root=OverlayRoot(image_root(records[step.id], ports)),
        argv=argv or (*configuration.entrypoint, *configuration.command),
        environment=tuple(
            {"HOME": "/root", **dict(configuration.environment), **dict(options.environment)}.items()
        ),
        tmpfs=("/tmp", "/run"),  # noqa: S108 - inside the sandbox
        directory=options.directory or configuration.working_directory or "/",
        user=parse_user(options.user or configuration.user),
        interactive=True,
    )
    sandbox = sandbox_for(needs, parse_platform(work.platform).debian, ports)
    return sandbox.run(request, lambda _: None).status


def parse_user(text: str) -> tuple[int, int]:
    """``uid[:gid]`` in numbers; root where nothing is said. Raises :class:`UsageError`."""
    match = re.fullmatch(r"(\d{1,9})(?::(\d{1,9}))?", text or "0:0")
    if match is None:
        raise UsageError(f"{text!r} is not a user", hint="give numbers: --user 1000 or --user 1000:1000")
    uid = int(match[1])
    return uid, int(match[2]) if match[2] else uid
