# SPDX-License-Identifier: Apache-2.0
"""The tree of errors: each class has a stable exit status, and says what happened, why, and what to do.

Exit statuses (a contract with scripts; see docs/reference/exit-status.md)::

    0    done
    1    BuildError           a build or a check failed             (ImmutableTagError)
    2    UsageError           wrong words on the command line
    3    ConfigurationError   wrong configuration, catalog or lock   (StaleLockError, SolveError)
    4    FetchError           an input could not be fetched          (OfflineError)
    5    VerificationError    an input could not be believed
    6    MachineError         the machine lacks something            (StoreBusyError)
    7    RegistryError        a registry refused or failed
    8    NotReproducibleError not reproducible or not verified
    130  InterruptedBuild     stopped by the person
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


class ImagewrightError(Exception):
    """Base of all errors a person can act on.

    ``message`` says what happened, ``why`` the reason where it is known, ``hint`` what to do next;
    each is one line. ``details`` carries facts for ``--json``.
    """

    code: ClassVar[int] = 1
    kind: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        why: str = "",
        hint: str = "",
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.hint = hint
        self.details: dict[str, object] = dict(details or {})

    def lines(self) -> tuple[str, ...]:
        """What happened, why, what to do: at most three lines, empty ones left out."""
        return tuple(line for line in (self.message, self.why, self.hint) if line)


class BuildError(ImagewrightError):
    """A step failed; ``details`` name its log, its kept root and a command that replays it."""

    code = 1
    kind = "build"


class CheckError(BuildError):
    """An image was built, but an acceptance check did not pass."""

    kind = "check"


class ImmutableTagError(BuildError):
    """A tag that must name the same content for ever would name another; ``details["tags"]`` has all such."""

    kind = "immutable-tag"


class UsageError(ImagewrightError):
    """The words on the command line do not mean anything."""

    code = 2
    kind = "usage"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a document: ``path`` (``variants[2].packages[0]``) and what is wrong there."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        tail = f" ({self.hint})" if self.hint else ""
        return f"{self.path}: {self.message}{tail}" if self.path else f"{self.message}{tail}"


class ConfigurationError(ImagewrightError):
    """Catalog, configuration or lock are wrong; ``problems`` holds every one found, not the first."""

    code = 3
    kind = "configuration"

    def __init__(
        self,
        message: str,
        *,
        why: str = "",
        hint: str = "",
        problems: Sequence[Problem] = (),
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message, why=why, hint=hint, details=details)
        self.problems = tuple(problems)
        if problems:
            self.details["problems"] = [{"path": p.path, "message": p.message, "hint": p.hint} for p in problems]


class StaleLockError(ConfigurationError):
    """The lock was made from another configuration than the one given now."""

    kind = "stale-lock"


class LockChangedError(ConfigurationError):
    """Another command wrote the lock while this one made a new one of it. Nothing was written."""

    kind = "lock-changed"


class SolveError(ConfigurationError):
    """No set of packages satisfies what was asked; ``why`` names requirement, candidate and reason."""

    kind = "solve"


class FetchError(ImagewrightError):
    """An input could not be fetched from any of its addresses."""

    code = 4
    kind = "fetch"


class OfflineError(FetchError):
    """An input is not in the store and the network may not be used."""

    kind = "offline"


class VerificationError(ImagewrightError):
    """An input could not be believed: signature, digest, size, date, or a path that escapes."""

    code = 5
    kind = "verification"


class MachineError(ImagewrightError):
    """The machine lacks something: namespaces, subordinate ids, space, a program."""

    code = 6
    kind = "machine"


class StoreBusyError(MachineError):
    """Another process holds the store for something that excludes this one."""

    kind = "store-busy"


class RegistryError(ImagewrightError):
    """A registry refused or failed."""

    code = 7
    kind = "registry"


class NotReproducibleError(ImagewrightError):
    """A second build or a verification gave something else."""

    code = 8
    kind = "not-reproducible"


class InterruptedBuild(ImagewrightError):  # noqa: N818 - named for what it is, not an accident
    """The person stopped the work; the store is clean."""

    code = 130
    kind = "interrupted"


@dataclass(slots=True)
class Problems:
    """Collects what is wrong while a document is read, so that all of it is shown at once."""

    found: list[Problem] = field(default_factory=list)

    def add(self, path: str, message: str, hint: str = "") -> None:
        """Record one problem."""
        self.found.append(Problem(path, message, hint))

    def raise_if_any(self, message: str, *, hint: str = "") -> None:
        """Raise :class:`ConfigurationError` with everything found so far, if anything was."""
        if self.found:
            first = str(self.found[0])
            more = f" (and {len(self.found) - 1} more)" if len(self.found) > 1 else ""
            raise ConfigurationError(message, why=first + more, hint=hint, problems=self.found)
