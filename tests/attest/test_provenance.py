# SPDX-License-Identifier: Apache-2.0
"""Provenance: it names every input, and what is needed to build again comes back out of it."""

from __future__ import annotations

import json

import pytest

from imagewright.attest.provenance import BuildFacts, predicate, read_recipe
from imagewright.catalog.shipped import shipped_catalog
from imagewright.errors import VerificationError
from imagewright.model.plan import Plan, StepKind
from imagewright.planning.excerpt import excerpt
from imagewright.planning.identity import recipe_revision
from imagewright.planning.inputs import step_inputs
from imagewright.planning.lockfile import read_lock, write_lock
from imagewright.planning.steps import make_plan
from support.locks import definition, locked

CATALOG = shipped_catalog()
SLIM = definition("3.13-slim-trixie")
LOCK = locked("3.13-slim-trixie", "3.13-trixie", "3.14-slim-bookworm")


def plan() -> Plan:
    return make_plan([SLIM], LOCK, CATALOG)


def facts() -> BuildFacts:
    (image,) = plan().images
    steps = tuple(step for step in plan().steps if step.kind is not StepKind.CHECK)
    lock = write_lock(excerpt(LOCK, SLIM, CATALOG))
    choices = (("compression", "zstd"), ("frame-pointers", ""))
    return BuildFacts(
        image.spec,
        image.platform,
        "release",
        steps,
        image.image,
        1_785_932_743,
        lock,
        "debian",
        choices,
        recipes=tuple((kind, recipe_revision(kind)) for kind in StepKind),
    )


def test_every_input_is_there_by_digest() -> None:
    document = json.loads(predicate(facts()))
    told = {one["digest"]["sha256"] for one in document["buildDefinition"]["resolvedDependencies"]}
    wanted = {each.digest.hex for step in facts().steps for each in step_inputs(step.work)}
    assert wanted
    assert wanted <= told
    assert len(told) == len(document["buildDefinition"]["resolvedDependencies"])


def test_every_step_says_the_revision_of_its_recipe() -> None:
    steps = json.loads(predicate(facts()))["buildDefinition"]["internalParameters"]["steps"]
    assert {step["kind"]: step["recipe"] for step in steps} == {
        kind.value: recipe_revision(kind) for kind in {step.kind for step in facts().steps}
    }
    assert all(step["recipe"] for step in steps)


def test_the_same_facts_give_the_same_bytes() -> None:
    assert predicate(facts()) == predicate(facts())


def test_the_recipe_comes_back_and_leads_to_the_same_plan() -> None:
    recipe = read_recipe(predicate(facts()))
    assert (recipe.spec, recipe.platform, recipe.profile) == ("3.13.15-slim-trixie", "linux/amd64", "release")
    assert recipe.choices == facts().choices
    assert make_plan([SLIM], read_lock(recipe.lock), CATALOG) == plan()


def test_the_command_says_what_was_chosen() -> None:
    command = json.loads(predicate(facts()))["buildDefinition"]["externalParameters"]["command"]
    assert command[-5:] == ["--profile", "release", "--compression", "zstd", "--frame-pointers"]


def test_earlier_ones_say_nothing_of_choices() -> None:
    document = json.loads(predicate(facts()))
    del document["buildDefinition"]["externalParameters"]["choices"]
    assert read_recipe(json.dumps(document).encode()).choices == ()


def test_an_excerpt_leaves_other_images_out() -> None:
    part = excerpt(LOCK, SLIM, CATALOG)
    assert [name for name, _ in part.configuration] == ["3.13-slim-trixie linux/amd64"]
    assert len(part.sets) < len(LOCK.sets)


def spoiled(change: str) -> bytes:
    document = json.loads(predicate(facts()))
    definition = document["buildDefinition"]
    match change:
        case "builder":
            definition["buildType"] = "https://other.example"
        case "no lock":
            definition["resolvedDependencies"] = []
        case "other lock":
            definition["resolvedDependencies"][0]["content"] = "AAAA"
        case "no text":
            definition["resolvedDependencies"][0]["content"] = "/w=="
    return json.dumps(document).encode()


@pytest.mark.parametrize("change", ["builder", "no lock", "other lock", "no text"])
def test_a_spoiled_recipe_is_refused(change: str) -> None:
    with pytest.raises(VerificationError, match="refused a provenance"):
        read_recipe(spoiled(change))
