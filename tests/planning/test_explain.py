# SPDX-License-Identifier: Apache-2.0
"""What a plan comes to on a store, and why each step runs."""

from __future__ import annotations

from dataclasses import replace

from imagewright.catalog.shipped import shipped_catalog
from imagewright.model.digest import Digest
from imagewright.model.plan import Plan, Step, StepKind, StepRecord
from imagewright.planning.explain import Explanation, compiles, explain, latest_records, plan_view, reason_of
from imagewright.planning.inputs import FACT, changed_inputs, dump_inputs, step_inputs
from imagewright.planning.steps import make_plan
from support.locks import definition, locked

CATALOG = shipped_catalog()
SLIM = "3.13-slim-trixie"


def planned(*specs: str, **versions: str) -> Plan:
    lock = locked(*specs, versions=versions)
    return make_plan([definition(spec) for spec in specs], lock, CATALOG)


def record(step: Step, finished: int = 0) -> StepRecord:
    return StepRecord(step.id, step.kind, step.name, (), ((FACT, dump_inputs(step)),), 1.0, finished)


class Store:
    """What some steps left."""

    def __init__(self, *steps: Step) -> None:
        self.records = {step.id: record(step) for step in steps}

    def explain(self, plan: Plan) -> dict[str, Explanation]:
        previous = latest_records(self.records.values())
        return {found.step.name: found for found in explain(plan, self.records.get, previous)}


def test_nothing_is_built_yet() -> None:
    found = explain(planned(SLIM), lambda _: None)
    assert {one.reason for one in found} == {"not built yet"}
    assert all(one.runs and not one.cached for one in found)
    assert compiles(found) == 1


def test_everything_is_cached() -> None:
    plan = planned(SLIM)
    found = Store(*plan.steps).explain(plan).values()
    assert {one.reason for one in found} == {"cached"}
    assert not any(one.runs for one in found)
    assert compiles(found) == 0


def test_what_only_a_cached_step_needed_is_not_needed() -> None:
    plan = planned(SLIM)
    kept = [step for step in plan.steps if step.kind not in {StepKind.BUILDROOT, StepKind.CHECK}]
    found = Store(*kept).explain(plan)
    assert found["buildroot trixie amd64"].reason == "not needed: what it serves is cached"
    assert not found["buildroot trixie amd64"].runs
    assert [one.step.kind for one in found.values() if one.runs] == [StepKind.CHECK]


def test_changed_inputs_are_named() -> None:
    before, after = planned(SLIM), planned(SLIM, libssl3="1.1", tzdata="2026c")
    found = Store(*before.steps).explain(after)
    assert found["base trixie-slim amd64"].reason == "cached"
    runtime = found["runtime 3.13.15-slim-trixie amd64"]
    assert runtime.reason == "inputs changed: libssl3 1.0 → 1.1, tzdata 1.0 → 2026c"
    assert found["image 3.13.15-slim-trixie linux/amd64"].reason.startswith("a step it needs")
    assert compiles(found.values()) == 1  # the lock was made anew, with its build root


def test_many_changes_are_counted() -> None:
    names = ("libssl3", "libffi8", "libreadline8", "libncursesw6", "tzdata")
    found = Store(*planned(SLIM).steps).explain(planned(SLIM, **dict.fromkeys(names, "2")))
    assert found["runtime 3.13.15-slim-trixie amd64"].reason == (
        "inputs changed: libffi8 1.0 → 2, libncursesw6 1.0 → 2, libreadline8 1.0 → 2 and 2 more"
    )


def test_the_newest_record_of_a_name_is_compared_with() -> None:
    step = planned(SLIM).steps[0]
    older = replace(record(step, 1), id=Digest("1" * 64), facts=((FACT, "{}"),))
    newer = record(step, 2)
    for records in ([older, newer], [newer, older]):
        assert latest_records(records)(step.kind, step.name) == newer
    assert latest_records([])(step.kind, step.name) is None
    assert "and 4 more" in reason_of(step, latest_records([older]))


def test_inputs_that_came_and_went() -> None:
    step = planned(SLIM).steps[0]
    have = dump_inputs(step).replace('"apt"', '"aptitude"')
    assert changed_inputs(have, step) == ("+ apt 1.0", "- aptitude")


def test_the_same_version_with_another_content() -> None:
    step = planned(SLIM).steps[0]
    digest = step_inputs(step.work)[0].digest.short
    assert changed_inputs(dump_inputs(step).replace(digest, "0" * 12), step) == ("apt 1.0 (other content)",)


def test_facts_that_cannot_be_read_explain_nothing() -> None:
    step = planned(SLIM).steps[0]
    assert changed_inputs("", step) == changed_inputs("[1]", step) == changed_inputs("{", step) == ()


def test_the_inputs_of_an_interpreter() -> None:
    plan = planned(SLIM)
    python = next(step for step in plan.steps if step.kind is StepKind.PYTHON)
    found = step_inputs(python.work)
    assert [one.name for one in found if one.read] == ["Python-3.13.15.tar.xz"]
    assert "gcc-14" in {one.name for one in found if not one.read}


def test_the_view_of_a_plan() -> None:
    plan = planned(SLIM)
    store = Store(plan.steps[0])
    view = plan_view(plan, store.records.get, latest_records([]), lambda digest: digest.hex < "8")
    assert view.compiles == 1
    assert view.images[0].spec == "3.13.15-slim-trixie"
    assert view.images[0].steps == tuple(step.id for step in plan.steps)
    assert [step.cached for step in view.steps] == [True, False, False, False, False, False]
    assert view.steps[0].inputs[0].name == "apt 1.0"
    assert {one.stored for one in view.steps[1].inputs} == {True, False}
    assert view.steps[3].needs == (plan.steps[0].id, plan.steps[2].id)
