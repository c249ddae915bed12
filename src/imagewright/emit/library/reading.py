# SPDX-License-Identifier: Apache-2.0
"""Text → :class:`Library`, with everything that is wrong at once, each with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from imagewright.catalog.reading import did_you_mean
from imagewright.emit.library.model import Entry, Library, Source
from imagewright.emit.library.syntax import Document, Field, parse_document
from imagewright.errors import Problems
from imagewright.model.platforms import PLATFORMS

ARCHITECTURES = tuple(platform.library for platform in PLATFORMS)
BUILDERS = ("classic", "buildkit", "oci-import")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REPOSITORY = re.compile(r"(https?|git|ssh|file)://[^\s]{1,2000}")
_FETCH = re.compile(r"refs/[A-Za-z0-9._/-]{1,250}")
_PATH = re.compile(r"[A-Za-z0-9._+@-]+(/[A-Za-z0-9._+@-]+)*/?")
_CONSTRAINT = re.compile(r"!?[A-Za-z0-9][A-Za-z0-9._-]*")
_MAINTAINER = re.compile(r"[^\s<>(),][^<>(),]*?( <[^<>(),\s]+>)? \(@[A-Za-z0-9][A-Za-z0-9_-]*\)")

SOURCE_FIELDS = {
    "GitRepo": "repository",
    "GitFetch": "fetch",
    "GitCommit": "commit",
    "Directory": "directory",
    "File": "file",
    "Builder": "builder",
}
"""A field's name → the attribute of :class:`Source`; these may also be said for one architecture."""

LIST_FIELDS = {
    "Maintainers": "maintainers",
    "Tags": "tags",
    "SharedTags": "shared_tags",
    "Architectures": "architectures",
    "Constraints": "constraints",
}
FIELDS = (*LIST_FIELDS, *SOURCE_FIELDS)


@dataclass(frozen=True, slots=True)
class ReadLibrary:
    """A manifest and the document it was read from, which knows every comment and blank."""

    document: Document
    library: Library


def read_library(text: str, name: str = "the manifest") -> ReadLibrary:
    """Read a file. Raises :class:`ConfigurationError` with all that is wrong, line by line."""
    problems = Problems()
    document = parse_document(text, problems)
    paragraphs = document.paragraphs
    entries = tuple(_entry(paragraph, problems, header=not number) for number, paragraph in enumerate(paragraphs))
    library = Library(entries[0] if entries else Entry(), entries[1:])
    if not problems.found or entries:
        _check(library, problems)
    problems.found.sort(key=lambda problem: int(problem.path.removeprefix("line ") or 0))
    problems.raise_if_any(f"{name} is wrong")
    return ReadLibrary(document, library)


@dataclass(slots=True)
class _Draft:
    """A paragraph while its fields are read."""

    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    source: Source = field(default_factory=Source)
    by_architecture: dict[str, Source] = field(default_factory=dict)


def _entry(paragraph: tuple[Field, ...], problems: Problems, *, header: bool) -> Entry:
    draft = _Draft()
    seen: dict[str, int] = {}
    for item in paragraph:
        place = f"line {item.line}"
        if item.name in seen:
            problems.add(place, f"{item.name} is there twice", f"the first is on line {seen[item.name]}")
            continue
        seen[item.name] = item.line
        if header and item.name in ("Tags", "SharedTags"):
            problems.add(place, f"{item.name} is in the first paragraph", "that one holds for all: begin with it")
        _take(item, draft, problems)
    return Entry(
        tags=draft.lists.get("tags", ()),
        shared_tags=draft.lists.get("shared_tags", ()),
        architectures=draft.lists.get("architectures", ()),
        source=draft.source,
        by_architecture=tuple(draft.by_architecture.items()),
        constraints=draft.lists.get("constraints", ()),
        maintainers=draft.lists.get("maintainers", ()),
        line=paragraph[0].line,
    )


def _take(item: Field, draft: _Draft, problems: Problems) -> None:
    if attribute := LIST_FIELDS.get(item.name):
        draft.lists[attribute] = _words(item, problems)
        return
    architecture, name = _split(item.name)
    attribute = SOURCE_FIELDS.get(name)
    if attribute is None:
        problems.add(f"line {item.line}", f"{item.name[:60]} is not a field", did_you_mean(name, FIELDS))
        return
    value = item.value
    _check_value(name, value, item.line, problems)
    if not architecture:
        draft.source = replace(draft.source, **{attribute: value})
        return
    if architecture not in ARCHITECTURES:
        hint = did_you_mean(architecture, ARCHITECTURES)
        problems.add(f"line {item.line}", f"{architecture[:40]!r} is not an architecture", hint)
    before = draft.by_architecture.get(architecture, Source())
    draft.by_architecture[architecture] = replace(before, **{attribute: value})


def _split(name: str) -> tuple[str, str]:
    """``arm64v8-GitCommit`` → architecture and field."""
    head, dash, tail = name.rpartition("-")
    return (head, tail) if dash and tail in SOURCE_FIELDS else ("", name)


def _words(item: Field, problems: Problems) -> tuple[str, ...]:
    place = f"line {item.line}"
    words = [" ".join(word.split()) for word in item.value.split(",")]
    if not words[-1]:  # a comma at the end is harmless, and common
        words.pop()
    if not words:
        problems.add(place, f"{item.name} is empty", "leave the field out")
    found: dict[str, None] = {}
    for word in words:
        if not word:
            problems.add(place, f"{item.name} has nothing between two commas")
        elif word in found:
            problems.add(place, f"{item.name} has {word[:60]!r} twice")
        else:
            _check_word(item.name, word, place, problems)
            found[word] = None
    return tuple(found)


def _check_word(name: str, word: str, place: str, problems: Problems) -> None:
    shown = repr(word[:60])
    if name in ("Tags", "SharedTags") and not _TAG.fullmatch(word):
        problems.add(place, f"{shown} is not a tag", "letters, digits and _ . -, at most 128")
    elif name == "Architectures" and word not in ARCHITECTURES:
        problems.add(place, f"{shown} is not an architecture", did_you_mean(word, ARCHITECTURES))
    elif name == "Constraints" and not _CONSTRAINT.fullmatch(word):
        problems.add(place, f"{shown} is not a constraint", "a word, or !WORD")
    elif name == "Maintainers" and not _MAINTAINER.fullmatch(word):
        problems.add(place, f"{shown} is not a maintainer", "Full Name <mail or address> (@handle)")


def _check_value(name: str, value: str, line: int, problems: Problems) -> None:
    place, shown = f"line {line}", repr(value[:80])
    if not value:
        problems.add(place, f"{name} is empty", "leave the field out")
    elif name == "GitRepo" and not _REPOSITORY.fullmatch(value):
        problems.add(
            place, f"{shown} is not the address of a repository", "such as https://git.example/python.git"
        )
    elif name == "GitFetch" and not _FETCH.fullmatch(value):
        problems.add(place, f"{shown} is not a ref", "such as refs/heads/main")
    elif name == "GitCommit" and not _COMMIT.fullmatch(value):
        problems.add(place, f"{shown} is not a commit", "all 40 (or 64) lower-case hexadecimal digits of it")
    elif name in ("Directory", "File") and (not _PATH.fullmatch(value) or ".." in value.split("/")):
        problems.add(place, f"{shown} is not a path inside the repository")
    elif name == "Builder" and value not in BUILDERS:
        problems.add(place, f"{shown} is not a builder", did_you_mean(value, BUILDERS))


def _check(library: Library, problems: Problems) -> None:
    header = library.header
    if not header.maintainers:
        problems.add(f"line {header.line}", "the first paragraph lacks Maintainers")
    if not library.entries:
        problems.add("", "no image is named", "each has a paragraph of its own with Tags and GitCommit")
    simple: dict[str, Entry] = {}
    for entry in library.entries:
        place = f"line {entry.line}"
        if not entry.tags:
            problems.add(place, "the paragraph lacks Tags")
        for tag in entry.tags:
            if simple.setdefault(tag, entry) is not entry:
                problems.add(place, f"the tag {tag} is taken", f"see line {simple[tag].line}")
        _check_sources(library, entry, problems)
    for entry in library.entries:
        for tag in entry.shared_tags:
            if tag in simple:
                hint = f"see line {simple[tag].line}"
                problems.add(f"line {entry.line}", f"{tag} is a shared tag here and a simple one elsewhere", hint)


def _check_sources(library: Library, entry: Entry, problems: Problems) -> None:
    architectures = library.architectures(entry)
    for label, attribute in (("GitRepo", "repository"), ("GitCommit", "commit")):
        lacking = [name for name in architectures if not getattr(library.source(entry, name), attribute)]
        if lacking:
            what = label if len(lacking) == len(architectures) else f"{label} for {_joined(lacking)}"
            problems.add(f"line {entry.line}", f"the paragraph lacks {what}")


def _joined(words: Iterable[str]) -> str:
    return ", ".join(words)
