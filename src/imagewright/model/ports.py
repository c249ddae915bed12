# SPDX-License-Identifier: Apache-2.0
"""The interfaces between rooms and the world. Adapters and fakes implement them; contract tests hold both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from imagewright.model.digest import Digest

if TYPE_CHECKING:  # every command comes by here; few need these
    from imagewright.model.records import StepRecord
    from imagewright.model.sandboxing import Output, SandboxRequest, SandboxResult


class Clock(Protocol):
    """The time, asked for only where a person or a Valid-Until needs it."""

    def now(self) -> datetime:
        """The time now, in UTC, with its zone."""
        ...

    def monotonic(self) -> float:
        """Seconds from some fixed moment; only differences mean something."""
        ...


class Fetcher(Protocol):
    """Reads an address. Retries are its business; which mirror to try next is its caller's."""

    def stream(self, url: str, *, maximum: int) -> Iterator[bytes]:
        """Yield the body in pieces. Raises ``FetchError``; ``VerificationError`` beyond ``maximum`` bytes."""
        ...


class BlobStore(Protocol):
    """Content by digest. A blob is there whole or not at all."""

    def has(self, digest: Digest) -> bool:
        """Whether the blob is there."""
        ...

    def size(self, digest: Digest) -> int:
        """Its size in bytes. Raises ``KeyError`` if it is not there."""
        ...

    def path(self, digest: Digest) -> Path:
        """Where its bytes are, read only. Raises ``KeyError``."""
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Its bytes. Raises ``KeyError``."""
        ...

    def put(self, chunks: Iterable[bytes], *, expected: Digest | None = None, size: int | None = None) -> Digest:
        """Keep a stream. With ``expected`` or ``size``, anything else is refused (``VerificationError``)."""
        ...


@dataclass(frozen=True, slots=True)
class WrittenPiece:
    """A compressed piece of a blob: ``key`` says what it was made from and how, ``sha256`` and ``size`` (bytes)
    what it is."""

    key: bytes
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class FoundPiece:
    """A piece as a blob of the store has it, ``start`` bytes from its beginning."""

    data: bytes
    sha256: bytes
    blob: Digest
    start: int


class PieceCache(Protocol):
    """Compressed pieces of blobs in the store; safe for threads. A cache: what is not there is made again."""

    def get(self, key: bytes) -> FoundPiece | None:
        """The piece of that key, exactly as it was written; ``None`` if it is not to be had."""
        ...

    def keep(self, blob: Digest, pieces: Sequence[WrittenPiece]) -> None:
        """Remember what a blob of the store consists of, from its beginning to its end."""
        ...


class DerivedBlobs(Protocol):
    """Blobs that were made of something else, by its name. A cache: what is not there is made again."""

    def get(self, source: str) -> Digest | None:
        """What was made of ``source``, if it is in the store."""
        ...

    def put(self, source: str, digest: Digest) -> None:
        """Remember what was made of ``source``; it must be in the store already."""
        ...


class DerivedKinds(Protocol):
    """Derived blobs by what they are; of another ``revision`` of the way they are made, none counts."""

    def __call__(self, kind: str, revision: str) -> DerivedBlobs:
        """Those of one kind."""
        ...


class StepIndex(Protocol):
    """What finished steps left."""

    def get(self, step: Digest) -> StepRecord | None:
        """The record, only if every blob it names is in the store."""
        ...

    def put(self, record: StepRecord) -> None:
        """Keep a record; the blobs it names must be there already."""
        ...


class TreeStore(Protocol):
    """Unpacked, immutable directory trees, each under a key; a cache that can always be made again."""

    def get(self, key: Digest) -> Path | None:
        """The tree, if it is there whole."""
        ...

    def adopt(self, directory: Path, key: Digest) -> Path:
        """Take a finished directory (same file system) as the tree for ``key``; atomic; first one wins."""
        ...

    def workspace(self, name: str) -> AbstractContextManager[Path]:
        """An empty directory on the store's file system, gone afterwards, also after a kill (next run)."""
        ...


class Sandbox(Protocol):
    """Runs one command in a root, and nothing else."""

    def run(self, request: SandboxRequest, output: Output) -> SandboxResult:
        """Run it to its end. Raises ``MachineError`` where isolation is not to be had."""
        ...

    def stop(self) -> None:
        """End every command that runs now, from any thread."""
        ...

    def replay(self, request: SandboxRequest) -> str:
        """A command line a person can paste to run the same thing again."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside the pure core that a build uses, made once by the composition root.

    Without ``pieces`` everything is compressed anew, without ``derived`` read anew.
    """

    clock: Clock
    fetcher: Fetcher
    blobs: BlobStore
    steps: StepIndex
    trees: TreeStore
    sandbox: Sandbox
    pieces: PieceCache | None = None
    derived: DerivedKinds | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A directory in a Git repository: its path from the top, and the last commit that touched it."""

    directory: str
    commit: str


class History(Protocol):
    """A Git repository of Dockerfiles, as far as its history is concerned."""

    def kept(self, directories: Iterable[str]) -> dict[str, Kept]:
        """Those of some directories that have a committed Dockerfile.

        Raises ``ConfigurationError`` where a commit would not be what is there: changes that are not committed,
        a history that was cut off.
        """
        ...

    def origin(self) -> str:
        """The address that the repository was cloned from; "" if nothing says."""
        ...
