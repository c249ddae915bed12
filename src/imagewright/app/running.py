# SPDX-License-Identifier: Apache-2.0
"""A command in an image, in the sandbox, with this process' terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from imagewright.engine.foreign import sandbox_for
from imagewright.engine.materialise import image_root
from imagewright.errors import UsageError
from imagewright.model.digest import Digest
from imagewright.model.options import RunOptions
from imagewright.model.plan import ImageWork, Step, StepRecord
from imagewright.model.platforms import parse_platform
from imagewright.model.ports import Ports
from imagewright.model.sandboxing import OverlayRoot, SandboxRequest

_HOME = 5  # the field of passwd(5)


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
    trees = image_root(records[step.id], ports)
    user = parse_user(options.user or configuration.user)
    request = SandboxRequest(
        root=OverlayRoot(trees),
        argv=(*configuration.entrypoint, *(argv or configuration.command)),
        environment=tuple(
            {
                "HOME": home_of(user[0], trees),
                **dict(configuration.environment),
                **dict(options.environment),
            }.items()
        ),
        tmpfs=("/tmp", "/run"),  # noqa: S108 - inside the sandbox
        directory=options.directory or configuration.working_directory or "/",
        user=user,
        interactive=True,
    )
    sandbox = sandbox_for(needs, parse_platform(work.platform).debian, ports)
    return sandbox.run(request, lambda _: None).status


def home_of(uid: int, trees: Iterable[Path]) -> str:
    """The home of a user, from the topmost passwd(5) there is, as container engines look it up; else ``/``."""
    for tree in trees:
        path = tree / "etc/passwd"
        if path.is_file() and not path.is_symlink():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                fields = line.split(":")
                if len(fields) > _HOME and fields[2] == str(uid):
                    return fields[_HOME] or "/"
            break
    return "/root" if uid == 0 else "/"


def parse_user(text: str) -> tuple[int, int]:
    """``uid[:gid]`` in numbers; root where nothing is said. Raises :class:`UsageError`."""
    match = re.fullmatch(r"(\d{1,9})(?::(\d{1,9}))?", text or "0:0")
    if match is None:
        raise UsageError(f"{text!r} is not a user", hint="give numbers: --user 1000 or --user 1000:1000")
    uid = int(match[1])
    return uid, int(match[2]) if match[2] else uid
