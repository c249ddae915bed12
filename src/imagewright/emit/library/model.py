# SPDX-License-Identifier: Apache-2.0
"""A library manifest as data: what each paragraph says, and what follows from all of it for one architecture."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

DEFAULT_ARCHITECTURES = ("amd64",)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a Dockerfile is, as far as a paragraph says it ("" where it does not).

    ``repository`` and ``fetch`` are a Git repository and a ref in it that leads to ``commit``; ``file`` is in
    ``directory``; ``builder`` is who builds it: classic, buildkit or oci-import.
    """

    repository: str = ""
    fetch: str = ""
    commit: str = ""
    directory: str = ""
    file: str = ""
    builder: str = ""


DEFAULT_SOURCE = Source(fetch="refs/heads/master", directory=".", file="Dockerfile")
"""What holds where nobody says anything."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One paragraph. The first one of a file is its header: it has no tags, and holds for all the others.

    ``architectures`` are library names (``arm32v7``); ``by_architecture`` is what only some of them have;
    ``constraints`` are words that a builder must fit; ``line`` is where the paragraph begins.
    """

    tags: tuple[str, ...] = ()
    shared_tags: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    source: Source = Source()
    by_architecture: tuple[tuple[str, Source], ...] = ()
    constraints: tuple[str, ...] = ()
    maintainers: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Library:
    """A whole manifest."""

    header: Entry
    entries: tuple[Entry, ...]

    def architectures(self, entry: Entry) -> tuple[str, ...]:
        """The architectures of an entry: its own, the header's, or amd64."""
        return entry.architectures or self.header.architectures or DEFAULT_ARCHITECTURES

    def constraints(self, entry: Entry) -> tuple[str, ...]:
        """The constraints of an entry: its own, or the header's."""
        return entry.constraints or self.header.constraints

    def source(self, entry: Entry, architecture: str) -> Source:
        """Where the Dockerfile for an architecture is.

        What is said for an architecture, even in the header, wins over what is said for all.
        """
        said = [
            dict(entry.by_architecture).get(architecture, Source()),
            dict(self.header.by_architecture).get(architecture, Source()),
            entry.source,
            self.header.source,
            DEFAULT_SOURCE,
        ]
        names = [item.name for item in fields(Source)]
        return Source(**{name: next(filter(None, (getattr(one, name) for one in said)), "") for name in names})
