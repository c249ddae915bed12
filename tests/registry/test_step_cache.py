# SPDX-License-Identifier: Apache-2.0
"""Finished steps in a registry: what comes back is what was left there, signed by somebody who is believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.app.caching import Keys, SharedSteps
from imagewright.app.signing import is_signed_by
from imagewright.app.transfers import Transfers
from imagewright.attest.keys import generate
from imagewright.attest.signature import signature_tag
from imagewright.engine.caching import bring_finished
from imagewright.errors import RegistryError, VerificationError
from imagewright.events import Event, Warned
from imagewright.model.digest import Digest
from imagewright.model.images import ImageConfiguration
from imagewright.model.lock import LockedProfile, LockedSource
from imagewright.model.plan import ImageWork, Plan, PythonWork, Step, StepKind, StepRecord
from imagewright.model.ports import Ports
from imagewright.model.references import parse_repository
from imagewright.registry.client import RepositoryClient
from imagewright.registry.credentials import Keychain
from imagewright.registry.step_cache import StepCache, looked_up
from imagewright.registry.step_entries import check_manifest, manifest_of, read_entry, record_bytes, tag_of
from imagewright.registry.transport import RegistryOptions, Transport
from imagewright.store.store import Store
from support.fake_store import FakeClock
from support.registry import Fault, Registry, run_registry

pytestmark = pytest.mark.loopback
NAME = "team/cache"
PROFILE = b"trained" * 100
SOURCE = LockedSource("3.13.15", "Python-3.13.15.tar.xz", 1, Digest("a" * 64), (), (), "")
TRAINED = LockedProfile(
    "3.13.15", "trixie", "amd64", "", "gcc-14", len(PROFILE), Digest.of(PROFILE), "trained 2026-11-21"
)
COMPILE = PythonWork("3.13.15", SOURCE, TRAINED, (), (), 0, "amd64")
OTHER = ImageWork("x", "linux/amd64", ImageConfiguration((), ()), 0, ())


def step(name: str, kind: StepKind, *needs: Step) -> Step:
    work = COMPILE if kind is StepKind.PYTHON else OTHER
    return Step(Digest.of(name.encode()), kind, name, work, tuple((need.name, need.id) for need in needs))


BASE = step("base", StepKind.BASE)
ROOT = step("buildroot", StepKind.BUILDROOT)
PYTHON = step("python", StepKind.PYTHON, ROOT)
RUNTIME = step("runtime", StepKind.RUNTIME, BASE, PYTHON)
IMAGE = step("image", StepKind.IMAGE, BASE, PYTHON, RUNTIME)
PLAN = Plan((BASE, ROOT, PYTHON, RUNTIME, IMAGE), ())


@pytest.fixture
def registry() -> Iterator[Registry]:
    with run_registry() as running:
        yield running


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    stores: list[Store] = []

    def open_store(name: str) -> Store:
        stores.append(Store.open(tmp_path / name, clock=FakeClock()))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


OURS, FOREIGN = generate(), generate()


def ports_of(store: Store) -> Ports:
    return Ports(
        clock=store.clock,
        fetcher=None,  # type: ignore[arg-type] # nothing is fetched
        blobs=store.blobs,
        steps=store.steps,
        trees=store.trees,
        sandbox=None,  # type: ignore[arg-type] # nothing is run
    )


def client_of(registry: Registry) -> RepositoryClient:
    transport = Transport(
        RegistryOptions(attempts=2, read_timeout=5),
        Keychain,
        sleep=lambda _: None,
        jitter=lambda: 0.5,
        monotonic=lambda: 0.0,
    )
    return RepositoryClient(transport, parse_repository(f"{registry.host}/{NAME}"))


def shared(registry: Registry, store: Store, keys: Keys, events: list[Event]) -> SharedSteps:
    client = client_of(registry)

    def trust(digest: Digest) -> None:
        if not keys.anyone and not is_signed_by(client, digest, keys.believed):
            raise VerificationError(f"refused {digest}", why="nobody signed it")

    cache = StepCache(client, trust, lambda: 0.0)
    return SharedSteps(cache, keys, store, events.append, Transfers(events.append, {}, store.clock))  # type: ignore[arg-type]


def make(store: Store, step: Step) -> StepRecord:
    """What a runner would leave."""
    content = [f"{step.name} {part}".encode() * 50 for part in ("layer", "state")]
    layer, state = (store.blobs.put([each]) for each in content)
    facts = (("layer.compression", "gzip"), ("layer.size", str(len(content[0]))))
    record = StepRecord(step.id, step.kind, step.name, (("layer", layer), ("state", state)), facts, 5.0, 99)
    store.steps.put(record)
    return record


def fill(registry: Registry, store: Store, keys: Keys) -> list[StepRecord]:
    records = [make(store, each) for each in (BASE, PYTHON, RUNTIME, IMAGE)]
    store.blobs.put([PROFILE])
    events: list[Event] = []
    assert shared(registry, store, keys, events).keep(PLAN, records) == 3
    assert not [event for event in events if isinstance(event, Warned)]
    return records


Opened = Callable[[str], Store]
SIGNING = Keys((), OURS, anyone=False)
READING = Keys((OURS.public_key(),), None, anyone=False)


def bring(registry: Registry, store: Store, keys: Keys = READING) -> tuple[set[str], list[str]]:
    """The steps that came, and what was warned of."""
    events: list[Event] = []
    came = bring_finished(PLAN, [IMAGE.id], ports_of(store), shared(registry, store, keys, events))
    return {each.name for each in came}, [event.text for event in events if isinstance(event, Warned)]


def test_another_machine_has_what_one_made_and_nothing_below_it(registry: Registry, opened: Opened) -> None:
    records = fill(registry, opened("one"), SIGNING)
    other = opened("other")
    assert bring(registry, other) == ({"base", "python", "runtime"}, [])
    for record in records[:3]:
        assert other.steps.get(record.id) == replace(record, seconds=0.0, finished=0)
    assert registry.audit() == []
    assert sorted(registry.repository(NAME).tags)[:1] == [tag_of(BASE.kind, BASE.id)]
    assert bring(registry, other) == (set(), [])


def test_a_second_keep_sends_nothing(registry: Registry, opened: Opened) -> None:
    store = opened("one")
    records = fill(registry, store, SIGNING)
    del registry.asked[:]
    assert shared(registry, store, SIGNING, []).keep(PLAN, records) == 0
    assert {line.split()[0] for line in registry.asked} == {"HEAD", "GET"}


def test_what_nobody_signed_is_refused_and_told_unless_anyone_is_believed(
    registry: Registry, opened: Opened
) -> None:
    fill(registry, opened("one"), Keys((), None, anyone=True))
    came, warned = bring(registry, opened("other"))
    assert came == set()
    assert sorted(text.partition(":")[0] for text in warned) == [
        "base is built here",
        "python is built here",
        "runtime is built here",
    ]
    assert bring(registry, opened("third"), Keys((), None, anyone=True))[0] == {"base", "python", "runtime"}


def test_a_foreign_signature_does_not_help_and_a_second_one_does(registry: Registry, opened: Opened) -> None:
    store = opened("one")
    records = fill(registry, store, Keys((), FOREIGN, anyone=False))
    assert bring(registry, opened("other"))[0] == set()
    assert shared(registry, store, SIGNING, []).keep(PLAN, records) == 3
    assert bring(registry, opened("third"))[0] == {"base", "python", "runtime"}
    assert bring(registry, opened("fourth"), Keys((FOREIGN.public_key(),), None, anyone=False))[0] == {
        "base",
        "python",
        "runtime",
    }


def test_a_good_signature_for_another_step_does_not_help(registry: Registry, opened: Opened) -> None:
    """Whoever may write tags could lay one signed result in the place of another."""
    fill(registry, opened("one"), SIGNING)
    tags = registry.repository(NAME).tags
    tags[tag_of(PYTHON.kind, PYTHON.id)] = tags[tag_of(BASE.kind, BASE.id)]
    came, warned = bring(registry, opened("other"))
    assert came == {"base", "runtime"}
    assert len(warned) == 1
    assert "it is the result of 'base'" in warned[0]


def test_a_signature_over_another_digest_is_none(registry: Registry, opened: Opened) -> None:
    fill(registry, opened("one"), SIGNING)
    tags = registry.repository(NAME).tags
    base, python = (tags[tag_of(each.kind, each.id)] for each in (BASE, PYTHON))
    tags[signature_tag(Digest.parse(python))] = tags[signature_tag(Digest.parse(base))]
    assert bring(registry, opened("other"))[0] == {"base", "runtime"}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(Fault(truncate=0), {"base"}), (Fault(flip=7), {"base", "runtime"})],
    ids=["cut off: nothing more is asked for", "altered"],
)
def test_spoiled_blobs_are_not_kept_and_what_lies_below_is_looked_at(
    registry: Registry, opened: Opened, fault: Fault, expected: set[str]
) -> None:
    records = fill(registry, opened("one"), SIGNING)
    layer = str(records[1].output("layer"))

    def spoil(method: str, path: str) -> Fault | None:
        return fault if method == "GET" and path.endswith(layer) else None

    registry.faults = spoil
    other = opened("other")
    came, warned = bring(registry, other)
    assert came == expected
    assert len(warned) == 1
    assert other.steps.get(PYTHON.id) is None
    assert not other.blobs.has(records[1].output("layer"))


def test_a_cache_that_fails_is_asked_no_more_and_breaks_nothing(registry: Registry, opened: Opened) -> None:
    registry.faults = lambda method, path: Fault(status=500)
    came, warned = bring(registry, opened("other"))
    assert came == set()
    assert warned
    assert len(registry.asked) <= 2 * len(PLAN.steps)
    store = opened("one")
    events: list[Event] = []
    assert shared(registry, store, SIGNING, events).keep(PLAN, [make(store, BASE)]) == 0
    assert [event for event in events if isinstance(event, Warned)]


def test_another_result_of_the_same_step_stays_where_somebody_believed_made_it(
    registry: Registry, opened: Opened
) -> None:
    fill(registry, opened("one"), SIGNING)
    before = dict(registry.repository(NAME).tags)
    store = opened("other")
    record = make(store, BASE)
    differing = replace(record, facts=(*record.facts, ("more", "")))
    events: list[Event] = []
    assert shared(registry, store, SIGNING, events).keep(PLAN, [differing]) == 0
    assert registry.repository(NAME).tags == before
    assert any("another result of base" in event.text for event in events if isinstance(event, Warned))
    assert shared(registry, store, Keys((), FOREIGN, anyone=False), events).keep(PLAN, [differing]) == 1


def test_a_trained_profile_travels(registry: Registry, opened: Opened) -> None:
    fill(registry, opened("one"), SIGNING)
    other = opened("other")
    shared(registry, other, READING, []).bring_profiles([BASE, PYTHON])
    assert other.blobs.read(TRAINED.sha256, limit=10_000) == PROFILE


def test_a_look_says_why(registry: Registry, opened: Opened) -> None:
    fill(registry, opened("one"), SIGNING)
    cache = StepCache(client_of(registry), lambda _: None, lambda: 0.0)
    found = looked_up(cache, [PYTHON, step("new", StepKind.BASE)], 2)
    assert list(found) == [PYTHON.id]
    registry.faults = lambda method, path: Fault(status=500)
    assert isinstance(looked_up(cache, [PYTHON], 1)[PYTHON.id], RegistryError)


RECORD = StepRecord(
    BASE.id,
    BASE.kind,
    BASE.name,
    (("layer", Digest("b" * 64)), ("state", Digest("c" * 64))),
    (("epoch", "1"),),
    1,
    1,
)
MANIFEST = manifest_of(RECORD, {Digest("b" * 64): 5, Digest("c" * 64): 6})


def test_an_entry_comes_back_and_times_are_no_part_of_it() -> None:
    manifest = check_manifest(MANIFEST.encode())
    entry = read_entry(manifest, record_bytes(RECORD), BASE)
    assert entry.record == replace(RECORD, seconds=0.0, finished=0)
    later = replace(RECORD, seconds=7.0, finished=8)
    assert manifest_of(later, {Digest("b" * 64): 5, Digest("c" * 64): 6}).encode() == MANIFEST.encode()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(
    st.sampled_from(["id", "kind", "name", "version", "outputs", "facts", "layer"]), c)))  # fmt: skip
def test_any_other_record_is_refused(value: object) -> None:
    with pytest.raises(VerificationError):
        read_entry(MANIFEST, json.dumps(value).encode(), BASE)
