# SPDX-License-Identifier: Apache-2.0
"""Results as text: what is said, that it fits, and that figures read well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.cli import summary, text
from imagewright.cli.console import Paint
from imagewright.model.options import Selection
from imagewright.model.results import BuildReport, CheckResult, LockChanges
from support.fake_application import IMAGE, FakeApplication

PLAIN = Paint(enabled=False)
LOUD = Paint(enabled=True)


def test_a_built_image() -> None:
    lines = summary.build(BuildReport((replace(IMAGE, archive=Path("python.tar")),)), PLAIN, 80)
    assert lines == [
        "3.13.15-slim-trixie  linux/amd64",
        "",
        f"digest  {IMAGE.digest}",
        f"config  {IMAGE.config_digest}",
        "size    43.0 MB in 2 layers",
        "tags    3.13.15-slim-trixie  3.13-slim-trixie  3-slim-trixie  slim-trixie",
        "        3.13.15-slim  slim",
        "written python.tar",
        "",
        f"layers      29.8 MB  base trixie slim amd64       {IMAGE.layers[0].digest.short}",
        f"            13.2 MB  python 3.13.15 trixie amd64  {IMAGE.layers[1].digest.short}",
        "",
        "steps        cached  base trixie slim amd64",
        "         3 min 41 s  python 3.13.15 trixie amd64",
    ]
    assert max(len(line) for line in lines) <= 80


def test_a_quick_image_says_that_it_is_not_for_release() -> None:
    (first, *_) = summary.build(BuildReport((replace(IMAGE, profile="quick"),)), PLAIN, 80)
    assert first == "3.13.15-slim-trixie  linux/amd64  quick profile: not for release"


def test_colour_adds_nothing_but_colour() -> None:
    import re

    plain, loud = (summary.build(BuildReport((IMAGE,)), paint, 80) for paint in (PLAIN, LOUD))
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in loud] == plain
    assert plain != loud


def test_a_plan_says_what_will_run_and_why() -> None:
    lines = summary.plan(FakeApplication().plan(("3.13-slim-trixie",), Selection()), PLAIN, 80)
    assert lines[-4:] == [
        "  cached  base trixie slim amd64",
        "  run     python 3.13.15 trixie amd64  not built yet",
        "",
        "1 step to run, 1 interpreter to compile, 1 file to fetch (1.0 MB)",
    ]


def test_a_lock_says_what_changed() -> None:
    lines = summary.lock(FakeApplication().lock((), Selection(), lambda event: None), PLAIN)
    assert lines == [
        "  ~ libssl3t64 3.5.1-1 to 3.5.4-1  package in runtime 3.13",
        "  + libzstd1 1.5.7+dfsg-1  package in base slim",
        "  - 3.13.14 tar.xz  source",
        "",
        "imagewright.lock: 3 changes, 183 packages",
    ]
    assert summary.lock(LockChanges((), Path("l"), 9), PLAIN) == ["l is up to date: 9 packages"]


def test_checks_say_how_many_failed() -> None:
    results = (
        CheckResult("imports", passed=True, detail="312 modules", seconds=4.2),
        CheckResult("pip", passed=False, detail="no\nwheel", seconds=71.0),
    )
    assert summary.check(results, PLAIN) == [
        "  passed  imports        4.2 s  312 modules",
        "  FAILED  pip       1 min 11 s  no wheel",
        "",
        "1 of 2 checks failed",
    ]


def test_checks_of_many_images_are_shown_by_image_and_counted() -> None:
    def one(check: str, image: str, *, passed: bool) -> CheckResult:
        return CheckResult(check, passed=passed, detail="seen", seconds=1.0, image=image, platform="linux/amd64")

    good = [one("version", "a", passed=True), one("version", "b", passed=True)]
    assert summary.check(good, PLAIN)[-1] == "2 checks of 2 images passed"
    bad = [*good, one("image", "c", passed=False), one("pip", "d", passed=False), one("tls", "d", passed=False)]
    assert summary.check(bad, PLAIN) == [
        "a  linux/amd64",
        "  passed  version        1.0 s  seen",
        "",
        "b  linux/amd64",
        "  passed  version        1.0 s  seen",
        "",
        "c  linux/amd64",
        "  FAILED  image          1.0 s  seen",
        "",
        "d  linux/amd64",
        "  FAILED  pip            1.0 s  seen",
        "  FAILED  tls            1.0 s  seen",
        "",
        "3 of 5 checks failed, in 2 of 4 images: c, d",
    ]


def test_the_store() -> None:
    application = FakeApplication(problems=("blob 12 has other content",))
    listed = summary.store_list(application.store_list(), PLAIN)
    assert listed[-1] == "cache: 1 image, 412 blobs, 930.0 MB"
    assert listed[0].startswith("  3.13.15-slim-trixie  linux/amd64       43.0 MB  2026-")
    assert summary.store_gc(application.store_gc(dry_run=True, keep_days=3)) == [
        "would remove 7 objects (81.0 MB), kept 405"
    ]
    assert summary.store_fsck(application.store_fsck(repair=True), PLAIN) == [
        "  problem  blob 12 has other content",
        "412 blobs, 930.0 MB: 1 problem, 1 repaired",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_999, "1.0 MB"),
        (42_961_458, "43.0 MB"),
    ],
)
def test_sizes(value: int, expected: str) -> None:
    assert text.size(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (221.4, "3 min 41 s"),
        (3720, "1 h 02 min"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    assert text.duration(seconds) == expected


@given(st.integers(min_value=0, max_value=10**15))
def test_a_size_is_never_wider_than_its_column(value: int) -> None:
    assert len(text.size(value)) <= 9


@given(st.text())
def test_foreign_text_never_controls_the_terminal(foreign: str) -> None:
    shown = text.one_line(foreign)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in shown)
