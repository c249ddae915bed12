# SPDX-License-Identifier: Apache-2.0
"""Looking over a whole store: every byte of every blob, every record, every tree, every name.

Repair drops what is damaged; it is all made or fetched again when it is next wanted. What dead processes left
below ``work/`` is no damage: the next process that writes removes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from imagewright.errors import ImagewrightError
from imagewright.model.digest import Digest
from imagewright.store.layout import UNFINISHED, read_json
from imagewright.store.references import closure
from imagewright.store.store import Store

_T = TypeVar("_T")


class Damage(StrEnum):
    """What is wrong."""

    INDEX = "index"
    BLOB = "blob"
    RECORD = "record"
    IMAGE = "image"
    TREE = "tree"
    STRAY = "stray"


@dataclass(frozen=True, slots=True)
class StoreProblem:
    """One thing wrong: ``subject`` names it, ``text`` says what; ``repaired`` if it is mended now."""

    damage: Damage
    subject: str
    text: str
    repaired: bool = False

    def __str__(self) -> str:
        return f"{self.damage.value} {self.subject}: {self.text}"


@dataclass(frozen=True, slots=True)
class FsckResult:
    """``blobs`` and ``bytes`` that were read and are good, ``trees`` that are whole, and every problem."""

    blobs: int
    bytes: int
    trees: int
    problems: tuple[StoreProblem, ...]

    @property
    def repaired(self) -> int:
        """How many problems are mended."""
        return sum(problem.repaired for problem in self.problems)


@dataclass(frozen=True, slots=True)
class _Found:
    """A problem and what mends it."""

    damage: Damage
    subject: str
    text: str
    mend: Callable[[], object]


def check(store: Store, *, repair: bool = False, jobs: int = 2) -> FsckResult:
    """Look over the store; with ``repair`` (opened ``exclusive``) drop what is damaged."""
    if repair:
        assert store.exclusive, "repairing beside a build would take its inputs away"
    problems: list[StoreProblem] = []

    def settle(found: Iterator[_Found]) -> None:
        for item in found:
            if repair:
                item.mend()
            problems.append(StoreProblem(item.damage, item.subject, item.text, repaired=repair))

    settle(_database(store))
    usable = not problems or repair
    sizes: dict[Digest, int] = {}
    settle(_blobs(store, sizes, jobs))
    if usable:
        settle(_records(store, sizes))
        settle(_images(store, sizes))
    settle(_index(store, sizes))
    trees = store.trees.all()
    broken = len(problems)
    settle(_trees(store, trees))
    broken = len(problems) - broken
    settle(_strays(store))
    return FsckResult(len(sizes), sum(sizes.values()), len(trees) - broken, tuple(problems))


def _database(store: Store) -> Iterator[_Found]:
    problems = store.database.problems()
    if problems:
        text = f"{problems[0]}" + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")
        yield _Found(Damage.INDEX, store.layout.database.name, text, store.forget_index)


def _blobs(store: Store, sizes: dict[Digest, int], jobs: int) -> Iterator[_Found]:
    digests = sorted(digest for digest, _ in store.blobs.all())

    def verify(digest: Digest) -> int | str:
        try:
            return store.blobs.verify(digest)
        except (ImagewrightError, OSError) as error:
            return error.why if isinstance(error, ImagewrightError) else str(error)
        except KeyError:
            return ""  # removed meanwhile by another process

    with ThreadPoolExecutor(jobs, "fsck") as pool:
        for digest, outcome in zip(digests, pool.map(verify, digests), strict=True):
            if isinstance(outcome, int):
                sizes[digest] = outcome
            elif outcome:
                yield _Found(Damage.BLOB, str(digest), outcome, _bound(store.blobs.remove, digest))


def _records(store: Store, sizes: dict[Digest, int]) -> Iterator[_Found]:
    for name in store.steps.unreadable():
        yield _Found(Damage.RECORD, name, "cannot be read", lambda: store.steps.unreadable(remove=True))
    for record, _ in store.steps.all():
        missing = [name for name, digest in record.outputs if digest not in sizes]
        if missing:
            text = f"its {', '.join(missing)} is missing or damaged"
            yield _Found(Damage.RECORD, record.name, text, _bound(store.steps.remove, [record.id]))


def _images(store: Store, sizes: dict[Digest, int]) -> Iterator[_Found]:
    for image in store.images.all():
        seen, met = closure(store.blobs, [image.manifest])
        missing = sorted(digest for digest in seen if digest not in sizes)
        lying = [reference for reference in met if reference.size not in (-1, sizes.get(reference.target, -1))]
        if missing:
            text = f"{len(missing)} of its blobs are missing or damaged, the first is {missing[0]}"
        elif lying:
            text = f"it says that {lying[0].target} has {lying[0].size} bytes, which is not so"
        else:
            continue
        subject = f"{image.spec} {image.platform}"
        yield _Found(Damage.IMAGE, subject, text, _bound(store.images.remove, [image]))


def _index(store: Store, sizes: dict[Digest, int]) -> Iterator[_Found]:
    try:
        document = read_json(store.layout.index)
        entries = document["manifests"] if isinstance(document, dict) else None
        digests = [Digest.parse(str(entry["digest"])) for entry in entries or ()]
        text = "" if isinstance(entries, list) else "it is no image index"
    except (OSError, ValueError, KeyError, TypeError) as error:
        digests, text = [], f"it cannot be read ({error})"
    missing = [digest for digest in digests if digest not in sizes]
    if missing:
        text = f"it names {missing[0]}, which is missing or damaged"
    if text:
        yield _Found(Damage.INDEX, store.layout.index.name, text, store.images.rewrite_index)


def _trees(store: Store, keys: list[Digest]) -> Iterator[_Found]:
    for key in keys:
        text = store.trees.check(key)
        if text:
            yield _Found(Damage.TREE, key.hex, text, _bound(store.trees.remove, key))


def _strays(store: Store) -> Iterator[_Found]:
    layout = store.layout
    database = layout.database.name
    allowed = {path.name for path in layout.places()} | {"blobs", f"{database}-wal", f"{database}-shm"}
    strays = [
        path for path in layout.root.iterdir() if path.name not in allowed and not path.name.startswith(UNFINISHED)
    ]
    strays += [path for path in (layout.root / "blobs").iterdir() if path != layout.blobs]
    strays += [
        path for path in layout.blobs.iterdir() if not _is_digest(path) or path.is_symlink() or not path.is_file()
    ]
    strays += [path for path in layout.trees.iterdir() if not _is_digest(path)]
    for path in sorted(strays):
        subject = str(path.relative_to(layout.root))
        yield _Found(Damage.STRAY, subject, "does not belong here", _bound(store.session.discard, path))


def _is_digest(path: Path) -> bool:
    try:
        Digest(path.name)
    except ValueError:
        return False
    return True


def _bound(action: Callable[[_T], object], argument: _T) -> Callable[[], object]:
    return lambda: action(argument)
