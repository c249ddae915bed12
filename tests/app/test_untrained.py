# SPDX-License-Identifier: Apache-2.0
"""Whoever builds without a trained profile is told, once for each interpreter that will be compiled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from imagewright.app.untrained import warn_untrained
from imagewright.catalog.shipped import shipped_catalog
from imagewright.events import Event, Warned
from imagewright.model.digest import Digest
from imagewright.model.images import Flavour, ImageDefinition, Profile
from imagewright.model.lock import Lock, LockedProfile
from imagewright.model.plan import StepKind, StepRecord
from imagewright.model.ports import Ports
from imagewright.planning.locking import with_profile
from imagewright.planning.steps import make_plan
from support.fake_store import FakeBlobs, FakeClock, FakeSteps, FakeTrees
from support.locks import definition, locked

SPECS = ("3.13-slim-trixie", "3.13-trixie")
LOCK = locked(*SPECS)
PROFILE = LockedProfile("3.13.15", "trixie", "amd64", "", "gcc-14 1.0", 1, Digest("a" * 64), "store")


def warnings(
    tmp_path: Path, definitions: list[ImageDefinition], lock: Lock = LOCK, *, done: bool = False
) -> list[str]:
    blobs = FakeBlobs(tmp_path / "blobs")
    ports = Ports(
        clock=FakeClock(),
        fetcher=None,  # type: ignore[arg-type] # nothing is fetched
        blobs=blobs,
        steps=FakeSteps(blobs),
        trees=FakeTrees(tmp_path / "trees"),
        sandbox=None,  # type: ignore[arg-type] # nothing is run
    )
    plan = make_plan(definitions, lock, shipped_catalog())
    if done:
        step = next(step for step in plan.steps if step.kind is StepKind.PYTHON)
        ports.steps.put(StepRecord(step.id, step.kind, step.name, (), (), 1.0, 0))
    events: list[Event] = []
    warn_untrained(plan, definitions, ports, events.append)
    assert all(isinstance(event, Warned) for event in events)
    return [event.text for event in events if isinstance(event, Warned)]


def test_one_warning_for_an_interpreter_however_many_images_have_it(tmp_path: Path) -> None:
    (text,) = warnings(tmp_path, [definition(spec) for spec in SPECS])
    assert "no trained profile fits python 3.13.15 trixie amd64" in text
    assert "`imagewright train 3.13.15-slim-trixie`" in text


def test_no_warning_where_there_is_nothing_to_train(tmp_path: Path) -> None:
    release = definition(SPECS[0])
    assert warnings(tmp_path, [release], with_profile(LOCK, PROFILE)) == []
    assert warnings(tmp_path, [release], done=True) == []
    assert warnings(tmp_path, [replace(release, profile=Profile.QUICK)]) == []
    debug = locked("3.13d-slim-trixie")
    assert definition("3.13d-slim-trixie").name.flavour is Flavour.DEBUG
    assert warnings(tmp_path, [definition("3.13d-slim-trixie")], debug) == []
