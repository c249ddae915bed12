# SPDX-License-Identifier: Apache-2.0
"""Garbage collection: mark what is still wanted, remove the rest.

Wanted are: pinned images; images built, and step records used, in the last ``keep_days`` days; the newest record
of every kind of step; what the caller names; and all that these lead to. Blobs that nothing leads to (downloads)
and trees are kept if they were used in that time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from imagewright.model.digest import Digest
from imagewright.model.records import StepRecord
from imagewright.store import derived
from imagewright.store.images import StoredImage
from imagewright.store.layout import UNFINISHED
from imagewright.store.references import closure
from imagewright.store.session import remove_leftovers, remove_tree
from imagewright.store.store import Store

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class GcResult:
    """What was removed, or would be (``dry_run``): counts, and ``bytes`` of blobs and trees; ``kept`` blobs."""

    blobs: int
    trees: int
    records: int
    images: int
    logs: int
    bytes: int
    kept: int
    dry_run: bool


@dataclass(frozen=True, slots=True)
class _Doomed:
    blobs: tuple[tuple[Digest, int], ...]
    trees: tuple[tuple[Digest, int], ...]
    records: tuple[Digest, ...]
    images: tuple[StoredImage, ...]
    kept: int


def collect(
    store: Store, *, keep_days: float = 30.0, keep: Iterable[Digest] = (), dry_run: bool = False
) -> GcResult:
    """Collect garbage. The store must have been opened ``exclusive``, unless ``dry_run``.

    ``keep`` are blobs wanted whatever their age, such as a lock's packages. A kill at any moment leaves a
    store that is as good as before: records go before the blobs they name.
    """
    cutoff = store.clock.now().timestamp() - keep_days * _DAY
    doomed = _mark(store, cutoff, keep)
    logs = _old_logs(store, cutoff)
    if not dry_run:
        assert store.exclusive, "collecting beside a build would take its inputs away"
        _sweep(store, doomed)
        for path in logs:
            remove_tree(path)
        for path in store.layout.root.glob(f"{UNFINISHED}*"):
            remove_tree(path)
        remove_leftovers(store.layout)
    return GcResult(
        blobs=len(doomed.blobs),
        trees=len(doomed.trees),
        records=len(doomed.records),
        images=len(doomed.images),
        logs=len(logs),
        bytes=sum(size for _, size in (*doomed.blobs, *doomed.trees)),
        kept=doomed.kept,
        dry_run=dry_run,
    )


def _mark(store: Store, cutoff: float, keep: Iterable[Digest]) -> _Doomed:
    records = store.steps.all()
    newest: dict[str, StepRecord] = {record.kind.value: record for record, _ in records}  # oldest use comes first
    spared = {record.id for record in newest.values()} | {record.id for record, used in records if used >= cutoff}
    images = store.images.all()
    wanted = {image for image in images if image.pinned or image.finished >= cutoff}
    roots = set(keep) | {image.manifest for image in wanted}
    roots |= {digest for record, _ in records if record.id in spared for _, digest in record.outputs}
    # An image whose step is still wanted stays by its name as well.
    wanted_images = {image for image in images if image in wanted or image.manifest in roots}
    marked, _ = closure(store.blobs, roots)
    doomed_blobs = [
        (digest, found.st_size)
        for digest, found in store.blobs.all()
        if digest not in marked and found.st_mtime < cutoff
    ]
    gone = {digest for digest, _ in doomed_blobs}
    doomed_records = [
        record.id
        for record, _ in records
        if record.id not in spared and any(digest in gone or digest not in marked for _, digest in record.outputs)
    ]
    doomed_trees = [
        (key, facts.size if (facts := store.trees.facts(key)) else 0)
        for key in store.trees.all()
        if store.trees.used(key) < cutoff or store.trees.stale(key)
    ]
    return _Doomed(
        blobs=tuple(sorted(doomed_blobs)),
        trees=tuple(doomed_trees),
        records=tuple(doomed_records),
        images=tuple(image for image in images if image not in wanted_images),
        kept=sum(1 for _ in store.blobs.all()) - len(doomed_blobs),
    )


def _old_logs(store: Store, cutoff: float) -> list[Path]:
    return sorted(path for path in store.layout.logs.iterdir() if path.lstat().st_mtime < cutoff)


def _sweep(store: Store, doomed: _Doomed) -> None:
    store.images.remove(list(doomed.images))
    store.steps.remove(list(doomed.records))
    for digest, _ in doomed.blobs:
        store.blobs.remove(digest)
    store.pieces.prune()
    derived.prune(store.database, store.blobs)
    for key, _ in doomed.trees:
        store.trees.remove(key)
