# SPDX-License-Identifier: Apache-2.0
"""``status`` after real builds, checks and pushes: what is shown has a record behind it, and no mark has none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagewright.app.world import SystemClock
from imagewright.model.plan import StepKind
from imagewright.store.store import Store
from peers.fixtures import QUICK, Built, Workshop
from peers.registries import RealRegistry, real_registry

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SLIM = ("--only", "3.13-slim-trixie")
NOWHERE = "http://127.0.0.1:9/debian"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def slim(workshop: Workshop, *words: str) -> dict[str, Any]:
    """The status of the one image that the workshop has built."""
    (image,) = workshop.answer("status", *SLIM, *words)["images"]
    assert isinstance(image, dict)
    return image


def test_built_checked_and_pushed(quick_image: Built, registry: RealRegistry, workshop: Workshop) -> None:
    repository = f"{registry.host}/team/python"
    image = slim(workshop)
    assert (image["state"], image["manifest"]) == ("checked", quick_image.answer["digest"])
    assert repository not in image["pushed"]
    assert slim(workshop, "--registry", repository)["published"] == []
    workshop.call("push", *QUICK, repository, "--force")
    assert repository in slim(workshop)["pushed"]
    asked = slim(workshop, "--registry", repository)
    assert asked["published"] == [{"repository": repository, "digest": quick_image.answer["digest"]}]
    assert "✓↑" in workshop.call("status", *SLIM, "--registry", repository).stdout
    workshop.call("untag", *(f"{repository}:{tag}" for tag in quick_image.answer["tags"]))
    assert repository in slim(workshop)["pushed"], "this is what was noted"
    asked = slim(workshop, "--registry", repository)
    assert repository not in asked["pushed"], "and this is what is there"
    assert asked["published"] == []


def test_no_mark_without_the_record_of_a_check(quick_image: Built, workshop: Workshop) -> None:
    name = quick_image.answer["image"]
    assert slim(workshop)["state"] == "checked"
    with Store.open(workshop.store, clock=SystemClock()) as store:
        checks = [
            record for record, _ in store.steps.all() if record.kind is StepKind.CHECK and name in record.name
        ]
        store.steps.remove([record.id for record in checks])
    assert checks
    assert slim(workshop)["state"] == "built"
    assert "✓" not in workshop.call("status", *SLIM, "--format", "svg").stdout
    assert "&check;" not in workshop.call("status", *SLIM, "--format", "md").stdout
    workshop.call("build", *QUICK, "-q")
    assert slim(workshop)["state"] == "checked"


def test_what_failed_is_told_until_it_works(quick_image: Built, workshop: Workshop, tmp_path: Path) -> None:
    apart = Workshop(tmp_path, tmp_path / "store", tmp_path / "imagewright.lock")
    assert slim(apart)["state"] == "not attempted"
    apart.call("--mirror", f"debian={NOWHERE}", "build", *QUICK, expect=4)
    image = slim(apart)
    assert (image["state"], image["manifest"], image["image"]) == ("failed", "", quick_image.answer["image"])
    assert "127.0.0.1" in image["detail"]
    shown = apart.call("status", *SLIM).stdout.splitlines()
    assert any(line.startswith(f"✗ {image['image']} {image['platform']}: ") for line in shown)
    assert max(map(len, shown)) <= 80


def test_a_step_that_fails_is_named_and_forgotten(quick_image: Built, workshop: Workshop, tmp_path: Path) -> None:
    """A patch that does not fit ends the image's build; without it, the image is the one that was there."""
    apart = workshop.apart(tmp_path)
    (tmp_path / "wrong.patch").write_text("--- a/README.rst\n+++ b/README.rst\n@@ -1 +1 @@\n-not there\n+y\n")
    (tmp_path / "imagewright.toml").write_text('[defaults]\npatches = ["wrong.patch"]\n')
    apart.call("build", *QUICK, expect=1)
    image = slim(apart)
    assert image["state"] == "failed"
    assert image["detail"].startswith("python 3.13.15"), image
    assert image["manifest"] == quick_image.answer["digest"], "the image before it is still there"
    workshop.call("build", *QUICK, "-q")
    assert slim(workshop)["state"] == "checked"
