# SPDX-License-Identifier: Apache-2.0
"""What a refresh compares while it builds: each new image once, with what it was."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

import pytest

from imagewright.app.outdating import Survey, Surveyed
from imagewright.app.refreshing import Comparisons
from imagewright.errors import VerificationError
from imagewright.events import Event
from imagewright.events.building import StepFinished
from imagewright.model.differences import Difference
from imagewright.model.digest import Digest
from imagewright.model.images import Profile
from imagewright.model.records import StepKind, StepRecord
from imagewright.model.results import BuiltImage
from imagewright.store.images import StoredImage
from imagewright.store.store import Store
from support.fake_store import FakeClock

NAME, PLATFORM = "3.13.15-slim-trixie", "linux/amd64"
OLD = StoredImage(NAME, PLATFORM, Digest.of(b"old"), (), 1, 1)


class Case:
    """A store in which image steps end, and comparisons that are noted."""

    def __init__(self, directory: Path) -> None:
        self.store = Store.open(directory, clock=FakeClock())
        self.asked: list[tuple[StoredImage, str, Digest]] = []
        self.heard: list[Event] = []
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        surveyed = Surveyed(OLD, None, {}, Profile.RELEASE)  # type: ignore[arg-type]  # its name is not asked for
        self.comparisons = Comparisons(self.store, Survey((surveyed,), (), None), self.compare)
        self.sink = self.comparisons.beside(self.heard.append)

    def compare(self, before: StoredImage, image: str, digest: Digest) -> Difference:
        self.gate.wait(30)
        self.asked.append((before, image, digest))
        if self.error:
            raise self.error
        return cast("Difference", (before.manifest, digest))

    def end(self, name: str, content: bytes = b"new") -> BuiltImage:
        """A step ends that leaves this manifest."""
        manifest = self.store.blobs.put([content])
        step = Digest.of(name.encode() + content)
        self.store.steps.put(StepRecord(step, StepKind.IMAGE, name, (("manifest", manifest),), (), 1.0, 1))
        self.sink(StepFinished(str(step), name, cached=False, seconds=1.0))
        return BuiltImage(NAME, NAME, PLATFORM, manifest, manifest, 1, (), (), ())


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "store")


def test_a_new_image_is_compared_once_with_what_it_was(case: Case) -> None:
    with case.comparisons as comparisons:
        built = case.end(f"image {NAME} {PLATFORM}")
        case.end(f"image {NAME} {PLATFORM}")
        assert comparisons.found(OLD, built) == (OLD.manifest, built.digest)
        assert case.asked == [(OLD, NAME, built.digest)]
        assert comparisons.found(StoredImage("other", PLATFORM, Digest.of(b"x"), (), 1, 1), built) is None
    assert len(case.heard) == 2


def test_nothing_else_is_compared(case: Case) -> None:
    with case.comparisons as comparisons:
        built = case.end(f"image {NAME} {PLATFORM}", b"old")
        case.end(f"check {NAME} {PLATFORM}")
        case.end(f"image {NAME} linux/arm64")
        assert comparisons.found(OLD, built) is None
    assert case.asked == []


def test_what_comparing_raises_is_raised_where_it_is_asked_for(case: Case) -> None:
    case.error = VerificationError("damaged")
    with case.comparisons as comparisons:
        built = case.end(f"image {NAME} {PLATFORM}")
        with pytest.raises(VerificationError, match="damaged"):
            comparisons.found(OLD, built)


def test_what_has_not_begun_never_does(case: Case) -> None:
    case.gate.clear()
    with case.comparisons:
        first = case.end(f"image {NAME} {PLATFORM}", b"one")
        case.end(f"image {NAME} {PLATFORM}", b"two")
        threading.Timer(0.2, case.gate.set).start()
    assert case.asked in ([], [(OLD, NAME, first.digest)])
