# SPDX-License-Identifier: Apache-2.0
"""What the jail is asked, as data and as JSON. Standard library only."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Iterator
from dataclasses import asdict, dataclass

LIMITS: tuple[tuple[str, int, int], ...] = (("core", 0, 0), ("nofile", 1024, 524288), ("stack", 8 << 20, -1))
"""Resource limits of the command: name, soft, hard (-1: none), clamped to what the machine allows."""

PERSONALITIES = (0, 8)
"""PER_LINUX and PER_LINUX32 of personality(2): the second has ``uname -m`` give the 32-bit name."""

HIGHEST_ID = 2**32 - 2


@dataclass(frozen=True)
class BindRequest:
    """``source`` outside is seen at ``target`` inside."""

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True)
class EmulatorRequest:
    """``program`` runs programs that begin with ``magic`` where ``mask`` has ones; both in hexadecimal digits."""

    program: str
    magic: str
    mask: str


@dataclass(frozen=True)
class Request:
    """One run; see :class:`imagewright.model.sandboxing.SandboxRequest` for the meaning of the fields.

    Either ``plain`` or ``lower`` is set. ``limits`` as in :data:`LIMITS`; ``personality`` as in personality(2).
    Raises ``ValueError`` naming everything that is wrong.
    """

    argv: tuple[str, ...]
    plain: str | None = None
    lower: tuple[str, ...] = ()
    upper: str | None = None
    work: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    binds: tuple[BindRequest, ...] = ()
    tmpfs: tuple[str, ...] = ()
    directory: str = "/"
    user: tuple[int, int] = (0, 0)
    hostname: str = "localhost"
    network: bool = False
    interactive: bool = False
    limits: tuple[tuple[str, int, int], ...] = LIMITS
    emulator: EmulatorRequest | None = None
    personality: int = 0

    def __post_init__(self) -> None:
        wrong = [*self._wrong_paths(), *self._wrong_words()]
        if wrong:
            raise ValueError("; ".join(wrong))

    def _wrong_paths(self) -> Iterator[str]:
        if (self.plain is None) != bool(self.lower):
            yield "needed: either a plain root or lower directories"
        if (self.upper is None) != (self.work is None) or (self.upper is not None and not self.lower):
            yield "upper and work come together, and with lower directories"
        sources = (self.plain, self.upper, self.work, *self.lower, *(bind.source for bind in self.binds))
        for source in sources:
            if source is not None and (not source.startswith("/") or "\0" in source):
                yield f"not an absolute path: {source!r}"
        for target in (*self.tmpfs, *(bind.target for bind in self.binds)):
            if not is_plain_target(target):
                yield f"not an absolute, normal path below the root: {target!r}"
            elif target.split("/")[1] in {"proc", "sys", "dev"}:
                yield f"reserved for the sandbox itself: {target!r}"
        if self.emulator is not None and not self.emulator.program.startswith("/"):
            yield f"not an absolute path: {self.emulator.program!r}"
        if self.directory != "/" and not is_plain_target(self.directory):
            yield f"not an absolute, normal path: {self.directory!r}"

    def _wrong_words(self) -> Iterator[str]:
        if not self.argv or not self.argv[0]:
            yield "no command"
        if any("\0" in word for word in (*self.argv, *(value for _, value in self.environment))):
            yield "a NUL in an argument or in the environment"
        for name, _ in self.environment:
            if not name or "=" in name or "\0" in name:
                yield f"not the name of an environment variable: {name!r}"
        if len(self.user) != len(("uid", "gid")) or not all(0 <= number <= HIGHEST_ID for number in self.user):
            yield f"not a user and a group id: {self.user}"
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}", self.hostname):
            yield f"not a host name: {self.hostname!r}"
        if self.emulator is not None and not (
            re.fullmatch(r"([0-9a-f]{2}){4,128}", self.emulator.magic)
            and len(self.emulator.mask) == len(self.emulator.magic)
            and re.fullmatch(r"[0-9a-f]+", self.emulator.mask)
        ):
            yield "magic and mask of an emulator are as many hexadecimal digits"
        if self.personality not in PERSONALITIES:
            yield f"not a personality: {self.personality!r}"
        for name, _, _ in self.limits:
            if not hasattr(resource, f"RLIMIT_{name.upper()}"):
                yield f"not a resource limit: {name!r}"

    def to_json(self) -> str:
        """The request as one line of JSON; fields that have their default value are left out."""
        default = Request(argv=("-",), plain="/")
        document = {name: value for name, value in asdict(self).items() if value != getattr(default, name)}
        return json.dumps({**document, "argv": self.argv, "plain": self.plain}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Read what :meth:`to_json` wrote. Raises ``ValueError`` for anything else."""
        try:
            document = json.loads(text)
            document["binds"] = tuple(BindRequest(**bind) for bind in document.get("binds", ()))
            if document.get("emulator") is not None:
                document["emulator"] = EmulatorRequest(**document["emulator"])
            for name in ("argv", "lower", "tmpfs", "user"):
                if name in document:
                    document[name] = tuple(document[name])
            for name in ("environment", "limits"):
                if name in document:
                    document[name] = tuple(tuple(item) for item in document[name])
            return cls(**document)
        except (TypeError, AttributeError, KeyError) as error:
            raise ValueError(f"not a request: {error}") from error


def is_plain_target(path: str) -> bool:
    """Whether a path is absolute, normal (no ``.``, ``..``, empty parts) and not the root itself."""
    parts = path.split("/")
    return parts[0] == "" and len(parts) > 1 and not {"", ".", ".."} & set(parts[1:]) and "\0" not in path
