# SPDX-License-Identifier: Apache-2.0
"""Many images at once: what became of a build, what a plan comes to, and the live view; at 80 columns."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console as RichConsole

from imagewright.cli import summary
from imagewright.cli.console import Console, Paint
from imagewright.cli.progress.live import LiveView
from imagewright.cli.run import run
from imagewright.events.building import BuildProgress, StepPhase, StepStarted
from imagewright.model.results import (
    BuildReport,
    BuiltStep,
    FailedImage,
    Failure,
    LeftOut,
    PlanImage,
    PlanStep,
    PlanView,
)
from support.fake_application import IMAGE, FakeApplication, digest

PLAIN = Paint(enabled=False)
COMPILE = BuiltStep("python 3.13.15 trixie amd64", digest("python"), cached=False, seconds=221.4)
CHECK = BuiltStep("check 3.13.15-trixie linux/amd64", digest("check"), cached=False, seconds=7.0)
BROKEN = Failure(
    1,
    "build",
    "python 3.13.15 bookworm amd64: the command ended with status 2",
    "its last words: make: *** [Makefile:1: all] Error 2",
    "all of it is in logs/python-1234.log",
    "python 3.13.15 bookworm amd64",
    "logs/python-1234.log",
)
REPORT = BuildReport(
    images=(
        replace(IMAGE, steps=(COMPILE,)),
        replace(IMAGE, image="3.13.15-trixie", size=412_660_988, steps=(COMPILE, CHECK), tags=IMAGE.tags[:1]),
        replace(IMAGE, image="3.13.15-minimal-trixie", size=17_000_000, steps=(replace(CHECK, cached=True),)),
        FailedImage("3.13-slim-bookworm", "3.13.15-slim-bookworm", "linux/amd64", IMAGE.tags[:2], BROKEN),
        FailedImage("3.13-bookworm", "3.13.15-bookworm", "linux/amd64", IMAGE.tags[:2], BROKEN),
    ),
    seconds=612.0,
    compiles=1,
    interpreters=2,
    left_out=(
        LeftOut("3.13.15-alpine-trixie", "linux/amd64", "variant alpine: it comes later"),
        LeftOut("3.13.15-alpine-bookworm", "linux/amd64", "variant alpine: it comes later"),
    ),
)


def test_a_build_of_many_is_a_line_for_each() -> None:
    lines = summary.build(REPORT, PLAIN, 80)
    assert lines == [
        "  built   3.13.15-slim-trixie     6 tags   43.0 MB   3 min 41 s",
        "  built   3.13.15-trixie          1 tag   412.7 MB        7.0 s",
        "  cached  3.13.15-minimal-trixie  6 tags   17.0 MB",
        "  failed  3.13.15-slim-bookworm   2 tags  python 3.13.15 bookworm amd64",
        "  failed  3.13.15-bookworm        2 tags  python 3.13.15 bookworm amd64",
        "",
        "left out  2 images",
        "  2 images  variant alpine: it comes later",
        "    3.13.15-alpine-trixie, 3.13.15-alpine-bookworm",
        "",
        "3 of 5 images in the store, 2 failed, 1 compile (3 saved); 10 min 12 s",
    ]
    assert max(map(len, lines)) <= 80


def test_a_failure_is_told_once_however_many_images_it_ended() -> None:
    assert summary.failures(REPORT.failed, PLAIN) == [
        f"error: 3.13.15-slim-bookworm and 1 more: {BROKEN.message}",
        f"  why: {BROKEN.why}",
        f"  try: {BROKEN.hint}",
    ]


def test_what_fail_fast_left_is_no_failure_of_its_own() -> None:
    skipped = FailedImage("x", "x", "linux/amd64", (), Failure(1, "skipped", "not built", step="python"))
    assert summary.failures((skipped,), PLAIN) == []
    assert summary.build(BuildReport((skipped, skipped)), PLAIN, 80)[0].startswith("  skipped")


def test_the_exit_status_is_1_where_some_failed(capsys: pytest.CaptureFixture[str]) -> None:
    application = FakeApplication(built=REPORT)
    assert run(["build", "--all", "--json", "-q"], {}, make=application.make, clock=lambda: 0.0) == 1
    streams = capsys.readouterr()
    images = json.loads(streams.out)
    assert [image["error"] and image["error"]["kind"] for image in images] == [None, None, None, "build", "build"]
    assert images[3]["error"]["log"] == "logs/python-1234.log"
    assert streams.err.startswith("error: 3.13.15-slim-bookworm and 1 more: ")


def test_a_plan_of_many_is_a_line_for_each_and_one_for_each_interpreter() -> None:
    steps = (
        PlanStep(digest("root"), "buildroot trixie amd64", cached=False, reason="not needed: it serves nothing"),
        PlanStep(digest("p"), "python 3.13.15 trixie amd64", cached=True, reason="cached"),
        PlanStep(digest("q"), "python 3.13.15 bookworm amd64", cached=False, reason="not built yet"),
        PlanStep(digest("i"), "image", cached=True, reason="cached"),
        PlanStep(digest("j"), "image", cached=False, reason="not built yet"),
    )
    by_suite = {"trixie": ("root", "p", "i"), "bookworm": ("q", "j")}
    images = tuple(
        PlanImage(f"3.13.15-{variant}{suite}", IMAGE.tags, "linux/amd64", tuple(map(digest, words)))
        for suite, words in by_suite.items()
        for variant in ("", "slim-")
    )
    lines = summary.plan(PlanView(images, steps, 1, 2, REPORT.left_out), PLAIN, 80)
    assert lines == [
        "  cached  3.13.15-trixie         6 tags",
        "  cached  3.13.15-slim-trixie    6 tags",
        "  run     3.13.15-bookworm       6 tags  2 of 2 steps to run",
        "  run     3.13.15-slim-bookworm  6 tags  2 of 2 steps to run",
        "",
        "interpreters",
        "  cached  python 3.13.15 trixie amd64    cached",
        "  run     python 3.13.15 bookworm amd64  not built yet",
        "",
        "left out  2 images",
        "  2 images  variant alpine: it comes later",
        "    3.13.15-alpine-trixie, 3.13.15-alpine-bookworm",
        "",
        "4 images from 2 compiles",
        "2 steps to run, 1 interpreter to compile",
    ]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_long_reasons_are_cut_at_the_width(width: int) -> None:
    long = replace(REPORT, left_out=(LeftOut("3.13.15-alpine-trixie", "linux/amd64", "because " * 40),))
    left = [line for line in summary.build(long, PLAIN, width) if "because" in line]
    assert [len(line) for line in left] == [width]


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_the_live_view_of_many_steps_stays_low(tmp_path: Path) -> None:
    console = Console(io.StringIO(), _Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    screen = io.StringIO()
    rich = RichConsole(file=screen, width=80, height=24, no_color=True)
    now = [0.0]
    with LiveView(console, lambda: now[0], verbose=False, rich=rich) as view:
        for number in range(20):
            view.event(StepStarted(str(number), f"python 3.{number} trixie amd64", "not built yet"))
        view.event(StepPhase("0", "python 3.0 trixie amd64", "compile"))
        view.event(BuildProgress(done=4, failed=1, images=12, compiled=1, compiles=20))
        now[0] = 83.0
        paper = io.StringIO()
        RichConsole(file=paper, width=80, no_color=True).print(view.render())
    lines = [line.rstrip() for line in paper.getvalue().splitlines()]
    assert len(lines) == 14
    assert lines[0] == "▸        1:23  python 3.0 trixie amd64  compile"
    assert lines[-2] == "               … 8 more"
    assert lines[-1] == "·        1:23  ━━━━──────  4 of 12 images, 1 of 20 compiles, 1 failed"
