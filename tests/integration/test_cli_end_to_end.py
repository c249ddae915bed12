# SPDX-License-Identifier: Apache-2.0
"""The command line's contract on a real image: every command, its answer, its exit status."""

from __future__ import annotations

import subprocess
import sys

import pytest

from imagewright.app.world import SystemClock
from imagewright.model.plan import StepKind
from imagewright.store.store import Store
from peers.fixtures import QUICK, Built

pytestmark = [pytest.mark.integration, pytest.mark.slow]
KINDS = {"base", "buildroot", "python", "runtime", "image", "check"}


def test_the_answer_of_build_holds_together(quick_image: Built) -> None:
    answer = quick_image.answer
    assert answer["spec"] == "3.13-slim-trixie"
    assert answer["image"] == answer["tags"][0]
    assert answer["image"].endswith("-slim-trixie")
    assert "3.13-slim-trixie" in answer["tags"]
    assert answer["platform"].startswith("linux/")
    assert answer["profile"] == "quick"
    layers = sum(layer["size"] for layer in answer["layers"])
    assert layers < answer["size"] < layers + 100_000
    assert answer["archive"] == str(quick_image.archive)
    assert {step["name"].split()[0] for step in answer["steps"]} >= KINDS - {"buildroot"}


def test_a_second_build_is_all_cached_and_gives_the_same_digest(quick_image: Built) -> None:
    workshop = quick_image.workshop
    (again,) = workshop.answer("build", *QUICK)
    assert again["digest"] == quick_image.answer["digest"]
    assert all(step["cached"] for step in again["steps"])
    said = workshop.call("build", *QUICK, "-q")
    assert said.stdout == f"{again['digest']}\n"


def test_an_image_that_the_store_forgot_is_put_together_again(quick_image: Built) -> None:
    """A build that was killed may leave the record of a check without that of the image it looked at."""
    workshop = quick_image.workshop
    with Store.open(workshop.store, clock=SystemClock()) as store:
        forgotten = [record.id for record, _ in store.steps.all() if record.kind is StepKind.IMAGE]
        store.steps.remove(forgotten)
    (again,) = workshop.answer("build", *QUICK)
    assert again["digest"] == quick_image.answer["digest"]
    assert [step["name"].split()[0] for step in again["steps"] if not step["cached"]] == ["image"]


def test_the_same_archive_is_written_again(quick_image: Built) -> None:
    archive = quick_image.workshop.directory / "again.tar"
    quick_image.workshop.call("build", *QUICK, "-o", archive, "-q")
    assert archive.read_bytes() == quick_image.archive.read_bytes()
    archive.unlink()


def test_the_plan_says_that_all_is_cached(quick_image: Built) -> None:
    plan = quick_image.workshop.answer("plan", *QUICK)
    assert plan["compiles"] == 0
    (image,) = plan["images"]
    assert set(image["steps"]) <= {step["id"] for step in plan["steps"]}
    assert all(step["cached"] for step in plan["steps"])


def test_the_plan_of_another_profile_says_what_would_run(quick_image: Built) -> None:
    plan = quick_image.workshop.answer("plan", "3.13-slim-trixie")
    assert plan["compiles"] == 1
    python = next(step for step in plan["steps"] if step["name"].startswith("python"))
    assert not python["cached"]
    assert python["reason"]


def test_run_gives_the_commands_own_output_and_status(quick_image: Built) -> None:
    workshop = quick_image.workshop
    said = workshop.call(
        "run", *QUICK[1:], QUICK[0], "--", "python3", "-c", "print(__import__('sys').version_info[:2])"
    )
    assert said.stdout == "(3, 13)\n"
    workshop.call("run", *QUICK[1:], QUICK[0], "--", "python3", "-c", "raise SystemExit(42)", expect=42)
    workshop.call("run", *QUICK[1:], QUICK[0], "--", "no-such-program", expect=127)
    workshop.call("run", *QUICK[1:], QUICK[0], "--", "sh", "-c", "kill -9 $$", expect=137)


def test_run_passes_standard_input_on(quick_image: Built) -> None:
    workshop = quick_image.workshop
    command = [sys.executable, "-m", "imagewright", "--store", workshop.store, "--lock", workshop.lock, "run"]
    ended = subprocess.run(
        [*command, *QUICK[1:], QUICK[0], "--", "python3", "-c", "print(input()[::-1])"],
        input="abc\n",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=workshop.directory,
    )
    assert ended.stdout == "cba\n"


def test_check_passes(quick_image: Built) -> None:
    checks = quick_image.workshop.answer("check", *QUICK)
    assert len(checks) >= 10
    assert all(check["passed"] for check in checks)


def test_the_store_is_sound(quick_image: Built) -> None:
    found = quick_image.workshop.answer("store", "fsck")
    assert found["problems"] == []
    assert found["blobs"] > 100
    listed = quick_image.workshop.answer("store", "ls")
    assert quick_image.answer["digest"] in {image["digest"] for image in listed["images"]}


def test_a_collection_keeps_what_was_just_built(quick_image: Built) -> None:
    workshop = quick_image.workshop
    assert workshop.answer("store", "gc", "--dry-run")["dry_run"] is True
    workshop.answer("store", "gc")
    (again,) = workshop.answer("build", *QUICK)
    assert all(step["cached"] for step in again["steps"])


def test_everything_works_offline_once_it_is_there(quick_image: Built) -> None:
    (again,) = quick_image.workshop.answer("--offline", "build", *QUICK)
    assert again["digest"] == quick_image.answer["digest"]


def test_a_series_that_does_not_exist_is_named_with_what_does(quick_image: Built) -> None:
    error = quick_image.workshop.answer("build", "3.99-slim-trixie", expect=2)["error"]
    assert "3.99" in error["message"] + error["why"]
    assert error["hint"]
