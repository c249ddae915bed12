# SPDX-License-Identifier: Apache-2.0
"""The real program around an application that only waits: for tests of signals and closed pipes.

The first argument says what every use case does: ``wait`` (a while, then answer), ``stubborn`` (tidy up for a
long time when interrupted), ``threads`` (wait in a thread), ``answer`` (at once), ``show`` (tell of two builds
with long names, of which two steps run, and wait without a word).
"""

from __future__ import annotations

import sys
import threading
import time
import types

from imagewright.cli.main import entry
from imagewright.events import kinds as events
from support.fake_application import EVENTS, FakeApplication


def wait() -> None:
    """Say so, and wait longer than any test."""
    print("waiting", file=sys.stderr, flush=True)
    time.sleep(60)


def stubborn() -> None:
    """Wait, and take long to tidy up."""
    try:
        wait()
    finally:
        print("tidying", file=sys.stderr, flush=True)
        time.sleep(60)


def threads() -> None:
    """Wait for a thread."""
    thread = threading.Thread(target=lambda: time.sleep(60), daemon=True)
    thread.start()
    print("waiting", file=sys.stderr, flush=True)
    thread.join()


IMAGES = ("3.13.15t-minimal-debug-bookworm", "3.13.15-slim-trixie")
DETAIL = "12 problems: " + ", ".join(
    f"/usr/lib/locale/de_DE.utf8/LC_{number} is no package's" for number in range(12)
)
TWO_BUILDS: tuple[events.Event, ...] = (
    events.PlanReady(tuple(f"image {name} linux/arm64" for name in IMAGES), 0),
    events.FetchStarted(412, 930_000_000),
    events.FetchProgress(12, 310_000_000, 412, 930_000_000),
    events.StepFinished("b", "base bookworm-minimal arm64", cached=False, seconds=14.2),
    events.BuildProgress(done=0, failed=1, images=2, compiled=0, compiles=2),
    events.StepStarted("p", "python 3.13.15t bookworm arm64", "not built yet"),
    events.StepPhase("p", "python 3.13.15t bookworm arm64", "compile with counters for a very long time indeed"),
    events.CheckFinished("package-files", passed=False, detail=DETAIL, seconds=0.2),
    events.StepStarted("c", f"check {IMAGES[0]} linux/arm64", "not built yet"),
)

if __name__ == "__main__":
    doing = sys.argv.pop(1)
    during = {
        "wait": wait,
        "stubborn": stubborn,
        "threads": threads,
        "answer": lambda: None,
        "show": lambda: time.sleep(60),
    }[doing]
    module = types.ModuleType("imagewright.app")
    emitted = TWO_BUILDS if doing == "show" else EVENTS
    module.__dict__["make_application"] = FakeApplication(during=during, emitted=emitted).make
    sys.modules["imagewright.app"] = module
    entry()
