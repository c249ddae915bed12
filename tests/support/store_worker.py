# SPDX-License-Identifier: Apache-2.0
"""Uses a store as fast as it can until it is killed: ``store_worker.py DIRECTORY SEED``. Says when it begins."""

from __future__ import annotations

import random
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from imagewright.errors import StoreBusyError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.plan import StepKind, StepRecord
from imagewright.store import gc
from imagewright.store.images import StoredImage
from imagewright.store.store import Store


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def build(store: Store, dice: random.Random) -> None:
    """What a build does: fetch, unpack, record, name."""
    step = Digest.of(b"step %d" % dice.randrange(50))
    with store.locks.step(step):
        if store.steps.get(step) is not None and dice.random() < 0.5:
            return
        layer = store.blobs.put(dice.randbytes(4096) for _ in range(dice.randrange(60)))
        with store.trees.workspace("root") as space:
            root = space / "root"
            for name in ("etc", "usr", "var"):
                (root / name).mkdir(parents=True)
                for number in range(5):
                    (root / name / str(number)).write_bytes(dice.randbytes(2000))
            store.trees.adopt(root, Digest.of(b"tree %d" % dice.randrange(20)))
        manifest = store.blobs.put(
            [
                canonical_json(
                    {"schemaVersion": 2, "layers": [{"digest": str(layer), "size": store.blobs.size(layer)}]}
                )
            ]
        )
        outputs = (("layer", layer), ("manifest", manifest))
        store.steps.put(StepRecord(step, StepKind.IMAGE, "image", outputs, (), 0.1, 1))
        store.images.put(StoredImage(f"3.{dice.randrange(9)}", "linux/amd64", manifest, (), 1, 1))


def main() -> None:
    directory, dice = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
    clock = Clock()
    print("ready", flush=True)
    while True:
        if dice.random() < 0.1:
            with suppress(StoreBusyError), Store.open(directory, clock=clock, exclusive=True) as store:
                gc.collect(store, keep_days=dice.choice([0, 1]))
        with Store.open(directory, clock=clock) as store:
            for _ in range(dice.randrange(8)):
                build(store, dice)


if __name__ == "__main__":
    main()
