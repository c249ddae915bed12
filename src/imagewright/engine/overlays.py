# SPDX-License-Identifier: Apache-2.0
"""What was changed above a root, as layers that never hide a file of the root's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from imagewright.engine import dpkg
from imagewright.engine.trees import Scan, entry_at, key, scan, stream
from imagewright.errors import BuildError
from imagewright.model.tree import Entry, EntryStream, Kind
from imagewright.recipes import roots as recipe

_READ = 1 << 20
_SHOWN = 20
_OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")


@dataclass(frozen=True)
class Overlay:
    """``upper`` as overlayfs wrote it above ``lower`` (topmost first).

    ``rules`` say which files are state; ``owners`` asks a root's package database who ships files.
    """

    upper: Path
    lower: tuple[Path, ...]
    rules: recipe.Rules = recipe.STATE
    owners: Callable[[Path, Iterable[str]], Mapping[str, str]] = dpkg.owners

    @cached_property
    def _scan(self) -> Scan:
        return scan(self.upper)

    @cached_property
    def _holders(self) -> dict[str, tuple[Path, ...]]:
        """Trees below by directories that they have; filled as questions come."""
        return {"": self.lower}

    def layer(self, epoch: int) -> EntryStream:
        """What was added above, without state, sorted.

        Directories that were there look as they did, but for their time, which is ``epoch`` (seconds): an update
        of what lies below would otherwise change this layer too.
        """
        return stream(self._scan, self._added(epoch))

    def state(self) -> EntryStream:
        """All state files as they are now, from above and below, with the directories above them, sorted."""
        merged: dict[str, tuple[Scan, Entry]] = {}
        for tree in reversed(self.lower):
            _merge(merged, scan(tree), self.rules)
        _merge(merged, self._scan, self.rules)
        for path in sorted(merged, key=key):
            found, entry = merged[path]
            yield from stream(found, [entry])

    def check_nothing_hidden(self) -> None:
        """Raise :class:`BuildError` naming the files below that were changed or removed, and their owners."""
        offending = dict(self._hidden())
        if not offending:
            return
        owners: dict[str, str] = {}
        for tree in self.lower:
            for path, owner in self.owners(tree, offending).items():
                owners.setdefault(path, owner)
        shown = [
            f"/{path} {what} ({owners.get(path, 'no package')})" for path, what in list(offending.items())[:_SHOWN]
        ]
        raise BuildError(
            f"{len(offending)} files of the root below would be hidden by this layer",
            why=", ".join(shown),
            hint="if every installation changes such a file, it belongs to the state (STATE in recipes/roots.py)",
            details={"paths": sorted(offending), "owners": owners},
        )

    def _below(self, path: str) -> tuple[Path, Entry] | None:
        for tree in self._having(path.rpartition("/")[0]):
            if (entry := entry_at(tree, path)) is not None:
                return tree, entry
        return None

    def _having(self, directory: str) -> tuple[Path, ...]:
        """The trees below that have a directory: most of what is new lies in none of them."""
        found = self._holders.get(directory)
        if found is None:
            above = self._having(directory.rpartition("/")[0])
            found = tuple(tree for tree in above if os.path.lexists(os.fsencode(tree) + b"/" + key(directory)))
            self._holders[directory] = found
        return found

    def _added(self, epoch: int) -> Sequence[Entry]:
        kept: list[Entry] = []
        needed: set[str] = set()
        for entry in reversed(
            recipe.split(self._scan.entries, self.rules)[0]
        ):  # what is inside a directory comes first
            below = self._below(entry.path)
            if below is None:
                kept.append(entry)
            elif entry.kind is Kind.DIRECTORY and entry.path in needed:
                kept.append(replace(below[1], mtime=epoch))
            else:
                continue  # a directory with nothing new in it, or a file that only looks changed
            needed.add(entry.path.rpartition("/")[0])
        return kept[::-1]

    def _hidden(self) -> Iterator[tuple[str, str]]:
        for gone in self._scan.removed:
            if not self.rules.match(gone.path):
                yield gone.path, "was removed"
        for entry in recipe.split(self._scan.entries, self.rules)[0]:
            found = self._below(entry.path)
            if found is None:
                continue
            tree, below = found
            if entry.kind is Kind.DIRECTORY and below.kind is Kind.DIRECTORY:
                if (entry.mode, entry.uid, entry.gid) != (below.mode, below.uid, below.gid):
                    yield entry.path, "has another mode or owner"
                elif self._opaque(entry.path):
                    yield entry.path, "was made anew"
            elif not self._same(tree, entry, below):
                yield entry.path, "was changed"

    def _opaque(self, path: str) -> bool:
        for name in _OPAQUE:
            with suppress(OSError):
                if os.getxattr(os.fsencode(self.upper) + b"/" + key(path), name) == b"y":
                    return True
        return False

    def _same(self, tree: Path, entry: Entry, below: Entry) -> bool:
        """Whether a file was copied up without a change. Times do not count: a layer clamps them."""
        if replace(entry, mtime=0) != replace(below, mtime=0):
            return False
        if entry.kind is not Kind.FILE:
            return True
        with (self.upper / entry.path).open("rb") as new, (tree / entry.path).open("rb") as old:
            while True:
                piece = new.read(_READ)
                if piece != old.read(_READ):
                    return False
                if not piece:
                    return True


def _merge(merged: dict[str, tuple[Scan, Entry]], found: Scan, rules: recipe.Rules) -> None:
    for gone in found.removed:
        merged.pop(gone.path, None)
    for entry in recipe.split(found.entries, rules)[1]:
        if entry.kind is Kind.DIRECTORY and entry.path in merged:
            continue  # as it was below
        merged[entry.path] = (found, entry)
