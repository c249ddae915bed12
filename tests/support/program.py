# SPDX-License-Identifier: Apache-2.0
"""The real program around an application that only waits: for tests of signals and closed pipes.

The first argument says what every use case does: ``wait`` (a while, then answer), ``stubborn`` (tidy up for a long
time when interrupted), ``threads`` (wait in a thread), ``answer`` (at once).
"""

from __future__ import annotations

import sys
import threading
import time
import types

from imagewright.cli.main import entry
from support.fake_application import FakeApplication


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


if __name__ == "__main__":
    during = {"wait": wait, "stubborn": stubborn, "threads": threads, "answer": lambda: None}[sys.argv.pop(1)]
    module = types.ModuleType("imagewright.app")
    module.__dict__["make_application"] = FakeApplication(during=during).make
    sys.modules["imagewright.app"] = module
    entry()
