# SPDX-License-Identifier: Apache-2.0
"""One store, opened: its parts bundled, its lock held."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from imagewright.store.blobs import DiskBlobs
from imagewright.store.database import Database
from imagewright.store.facts import Facts
from imagewright.store.images import Images
from imagewright.store.layout import Layout
from imagewright.store.locks import Held, StoreLocks
from imagewright.store.session import Session

if TYPE_CHECKING:
    from imagewright.model.ports import Clock
    from imagewright.store.derived import Derived
    from imagewright.store.pieces import Pieces
    from imagewright.store.steps import SqliteSteps
    from imagewright.store.trees import DiskTrees


class Store:
    """An open store; a context manager. While it is open, no other process can collect it.

    ``blobs``, ``pieces``, ``steps`` and ``trees`` are the ports of :mod:`imagewright.model.ports`; ``images``
    names what was built; ``locks.step`` keeps two processes from making the same step. What only builds need,
    ``pieces``, ``steps`` and ``trees``, is loaded when it is first asked for: pulls and descriptions start sooner
    without.
    """

    def __init__(self, layout: Layout, clock: Clock, held: Held, *, exclusive: bool) -> None:
        self.layout = layout
        self.clock = clock
        self.locks = StoreLocks(layout.locks)
        self.session = Session(layout)
        self.database = Database(layout.database)
        self.blobs = DiskBlobs(layout, self.session, clock)
        self.images = Images(self.database, self.blobs, layout.index, self.session)
        self.exclusive = exclusive
        self._held = held

    @classmethod
    def open(cls, path: Path, *, clock: Clock, exclusive: bool = False) -> Self:
        """Open the store at ``path``, making it if there is none.

        ``exclusive`` is for gc and repair, and refuses with ``StoreBusyError`` while anybody uses the store.
        Raises ``ConfigurationError`` for a directory that is no store or one of a newer version, and
        ``MachineError`` where it cannot be used.
        """
        layout = Layout(path.absolute())
        layout.create()
        locks = StoreLocks(layout.locks)
        return cls(layout, clock, locks.own() if exclusive else locks.use(), exclusive=exclusive)

    @cached_property
    def pieces(self) -> Pieces:
        """Where compressed pieces of layers lie."""
        from imagewright.store.pieces import Pieces  # noqa: PLC0415 - see the class

        return Pieces(self.database, self.blobs)

    @cached_property
    def steps(self) -> SqliteSteps:
        """What finished steps left."""
        from imagewright.store.steps import SqliteSteps  # noqa: PLC0415 - see the class

        return SqliteSteps(self.database, self.blobs, self.clock)

    @cached_property
    def trees(self) -> DiskTrees:
        """Unpacked trees."""
        from imagewright.store.trees import DiskTrees  # noqa: PLC0415 - see the class

        return DiskTrees(self.layout, self.session, self.clock)

    def facts(self, scope: str) -> Facts:
        """Small things to remember between runs."""
        return Facts(self.database, scope)

    def derived(self, kind: str, revision: str) -> Derived:
        """What was made of other things and can be made again."""
        from imagewright.store.derived import Derived  # noqa: PLC0415 - see the class

        return Derived(self.database, self.blobs, kind, revision)

    def forget_index(self) -> None:
        """Start a new index in place of a damaged one (repair): every step is then done again."""
        self.database.close()
        for suffix in ("", "-wal", "-shm"):
            self.session.discard(self.layout.database.with_name(f"{self.layout.database.name}{suffix}"))
        self.images.rewrite_index()

    def close(self) -> None:
        """Remove what is unfinished and let go of the lock."""
        self.session.close()
        self.database.close()
        self._held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
