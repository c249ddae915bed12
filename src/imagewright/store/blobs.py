# SPDX-License-Identifier: Apache-2.0
"""Blobs on disk: written under an unverified name, hashed on the way, renamed to their content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest
from imagewright.store.failures import machine_errors
from imagewright.store.layout import Layout
from imagewright.store.session import Session

if TYPE_CHECKING:
    from imagewright.model.ports import Clock

_DAY = 86_400
_CHUNK = 1 << 20
_FLUSH = 4 << 20
"""Bytes after which the kernel is asked to begin writing, so that little is left to flush at the end."""


class DiskBlobs:
    """The port ``BlobStore`` on a directory. Safe for threads, and for processes beside each other."""

    def __init__(self, layout: Layout, session: Session, clock: Clock) -> None:
        self._layout = layout
        self._session = session
        self._clock = clock

    def has(self, digest: Digest) -> bool:
        """Whether the blob is there. Counts as a use, for gc."""
        return self._look(digest) is not None

    def size(self, digest: Digest) -> int:
        """Its size in bytes. Raises ``KeyError`` if it is not there."""
        found = self._look(digest)
        if found is None:
            raise KeyError(str(digest))
        return found.st_size

    def path(self, digest: Digest) -> Path:
        """Where its bytes are, read only. Raises ``KeyError``."""
        self.size(digest)
        return self._layout.blob(digest)

    def open(self, digest: Digest, *, size: int | None = None) -> BinaryIO:
        """Its bytes. Raises ``KeyError``; ``VerificationError`` if ``size`` is known and it has another."""
        self.has(digest)
        file = self.inspect(digest)
        actual = os.fstat(file.fileno()).st_size
        if size is not None and actual != size:
            file.close()
            raise _damaged(digest, f"it has {actual} bytes instead of {size}")
        return file

    def inspect(self, digest: Digest) -> BufferedReader:
        """As ``open``, without counting as a use. Raises ``KeyError``."""
        try:
            return self._layout.blob(digest).open("rb")
        except FileNotFoundError:
            raise KeyError(str(digest)) from None

    def read(self, digest: Digest, *, limit: int) -> bytes:
        """A small blob, verified. Raises ``KeyError``; ``VerificationError`` beyond ``limit`` or if damaged."""
        with self.open(digest) as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise VerificationError(f"blob {digest.short} is larger than {limit} bytes")
        if Digest.of(content) != digest:
            raise _damaged(digest, "its content has another digest")
        return content

    def put(self, chunks: Iterable[bytes], *, expected: Digest | None = None, size: int | None = None) -> Digest:
        """Keep a stream. With ``expected`` or ``size``, anything else is refused (``VerificationError``).

        A blob that is there already is not read again: ``chunks`` then stays unread.
        """
        if expected is not None:
            found = self._look(expected)
            if found is not None and size in (None, found.st_size):
                return expected
        with self.writer(expected=expected, size=size) as writer:
            for chunk in chunks:
                writer.write(chunk)
            return writer.finish()

    def writer(self, *, expected: Digest | None = None, size: int | None = None) -> BlobWriter:
        """For those who push: a context manager with ``write`` and ``finish``; not finished is forgotten."""
        return BlobWriter(self._layout, self._session.name("blob"), expected, size)

    def verify(self, digest: Digest) -> int:
        """Read and hash the whole blob; its size. Raises ``KeyError``, ``VerificationError``."""
        state = hashlib.sha256()
        total = 0
        with self.inspect(digest) as file:
            while chunk := file.read(_CHUNK):
                state.update(chunk)
                total += len(chunk)
        if state.hexdigest() != digest.hex:
            raise _damaged(digest, f"its content has digest sha256:{state.hexdigest()}")
        return total

    def remove(self, digest: Digest) -> None:
        """Forget a blob; missing is fine. For gc and repair, under the store's exclusive lock."""
        with machine_errors(self._layout.blobs, "cannot remove a blob"):
            self._layout.blob(digest).unlink(missing_ok=True)

    def all(self) -> Iterator[tuple[Digest, os.stat_result]]:
        """Every blob with its file's state, in no order; whatever is no blob is passed over."""
        with os.scandir(self._layout.blobs) as entries:
            for entry in entries:
                try:
                    digest = Digest(entry.name)
                except ValueError:
                    continue
                if not entry.is_file(follow_symlinks=False):
                    continue
                with suppress(FileNotFoundError):
                    yield digest, entry.stat(follow_symlinks=False)

    def _look(self, digest: Digest) -> os.stat_result | None:
        path = self._layout.blob(digest)
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        touch(path, found, self._clock)
        return found


class BlobWriter:
    """One blob being written. ``finish`` verifies, flushes and names it."""

    def __init__(self, layout: Layout, temporary: Path, expected: Digest | None, size: int | None) -> None:
        self._layout = layout
        self._temporary = temporary
        self._expected = expected
        self._size = size
        self._state = hashlib.sha256()
        self._written = 0
        self._asked = 0
        with machine_errors(temporary, "cannot write to the store"):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._descriptor = descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    def write(self, data: bytes) -> int:
        """Add bytes. Raises ``VerificationError`` beyond the expected size, ``MachineError`` on a full disk."""
        if self._size is not None and self._written + len(data) > self._size:
            raise VerificationError(
                f"refused {self._subject()}: it is larger than {self._size} bytes",
                why="what was sent is not what was asked for",
            )
        self._state.update(data)
        view = memoryview(data)
        with machine_errors(self._layout.root, "cannot write to the store"):
            while view:
                view = view[os.write(self._descriptor, view) :]
            self._written += len(data)
            if self._written - self._asked >= _FLUSH:
                # Starts writing what is dirty, and lets nothing of it go as long as it is (Linux, mm/fadvise.c).
                fresh = self._written - self._asked
                os.posix_fadvise(self._descriptor, self._asked, fresh, os.POSIX_FADV_DONTNEED)
                self._asked = self._written
        return len(data)

    def finish(self) -> Digest:
        """Verify and keep. Raises ``VerificationError`` (nothing is kept) and ``MachineError``."""
        digest = Digest(self._state.hexdigest())
        if self._size is not None and self._written != self._size:
            raise VerificationError(
                f"refused {self._subject()}: {self._written} bytes instead of {self._size}",
                why="what was sent is not what was asked for",
                details={"expected": str(self._expected or ""), "size": self._written},
            )
        if self._expected is not None and digest != self._expected:
            raise VerificationError(
                f"refused {self._subject()}: its content has another digest",
                why=f"it has {digest}",
                hint="the mirror or the way to it is broken, or somebody changed the file; try another mirror",
                details={"expected": str(self._expected), "actual": str(digest)},
            )
        with machine_errors(self._layout.root, "cannot write to the store"):
            os.fchmod(self._descriptor, 0o444)
            # Flushed before it has its name: after a loss of power it is there whole or not at all. Whether
            # the name itself survives does not matter: a record that names a missing blob does not count.
            os.fdatasync(self._descriptor)
            self._temporary.rename(self._layout.blob(digest))
        os.close(self._descriptor)
        self._descriptor = -1
        return digest

    def abandon(self) -> None:
        """Forget what was written, unless finished."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        self._temporary.unlink(missing_ok=True)

    def _subject(self) -> str:
        return f"blob {self._expected}" if self._expected else "a blob"


def touch(path: Path, found: os.stat_result, clock: Clock) -> None:
    """Note a use: the modification time, moved at most once a day."""
    now = clock.now().timestamp()
    if now - found.st_mtime > _DAY:
        with suppress(OSError):  # only a note for gc; a read-only store serves as well
            os.utime(path, (now, now))


def _damaged(digest: Digest, why: str) -> VerificationError:
    return VerificationError(
        f"blob {digest} in the store is damaged",
        why=why,
        hint="`imagewright store fsck --repair` drops it; it will be fetched or made again",
    )
