# SPDX-License-Identifier: Apache-2.0
"""Events become lines, a live view, or JSON; the same words everywhere."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable

import pytest
from rich.console import Console as RichConsole

from imagewright.cli.console import Console, glyphs_for, wants_colour
from imagewright.cli.progress import Progress, choose
from imagewright.cli.progress.lines import JsonLines, PlainLines
from imagewright.cli.progress.live import LiveView
from imagewright.cli.progress.nothing import Nothing
from imagewright.events import kinds as events
from support.fake_application import EVENTS

NAME = "python 3.13.15 trixie amd64"


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def consoles(**environment: str) -> Console:
    return Console(Terminal(), Terminal(), {"TERM": "xterm", **environment})


def shown(console: Console, how: str, much: Progress, clock: Callable[[], float]) -> str:
    with choose(how, much, console, clock) as display:
        for event in EVENTS:
            display.event(event)
    assert isinstance(console.stderr, io.StringIO)
    return console.stderr.getvalue()


def test_the_display_follows_from_words_and_terminal(clock: Clock) -> None:
    terminal, log = consoles(), Console(io.StringIO(), io.StringIO(), {})
    dumb = consoles(TERM="dumb")
    assert isinstance(choose("auto", Progress.NORMAL, terminal, clock), LiveView)
    assert isinstance(choose("auto", Progress.NORMAL, log, clock), PlainLines)
    assert isinstance(choose("auto", Progress.NORMAL, dumb, clock), PlainLines)
    assert isinstance(choose("plain", Progress.NORMAL, terminal, clock), PlainLines)
    assert isinstance(choose("auto", Progress.QUIET, terminal, clock), Nothing)
    assert isinstance(choose("json", Progress.QUIET, terminal, clock), JsonLines)
    assert isinstance(choose("none", Progress.VERBOSE, terminal, clock), Nothing)


def test_plain_lines(clock: Clock) -> None:
    text = shown(consoles(NO_COLOR="1"), "plain", Progress.NORMAL, clock)
    assert text.splitlines() == [
        "▸              fetch 3 files (30.0 MB)",
        "✓       2.5 s  fetched 3 files (30.0 MB)",
        "=      cached  base trixie slim amd64",
        f"▸              {NAME}  not built yet",
        f"·              {NAME}: configure",
        f"✓  3 min 41 s  {NAME}",
    ]


def test_verbose_lines_hold_the_steps_own_output_without_its_escape_sequences(clock: Clock) -> None:
    text = shown(consoles(NO_COLOR="1"), "plain", Progress.VERBOSE, clock)
    assert f"{NAME} | checking for gcc... gcc\n" in text
    assert "\x1b" not in text


def test_a_long_fetch_speaks_every_ten_seconds(clock: Clock) -> None:
    console = consoles(NO_COLOR="1")
    display = PlainLines(console, clock, verbose=False)
    display.event(events.FetchStarted(9, 900))
    for number in range(1, 10):
        clock.now += 4
        display.event(events.FetchProgress(number, number * 100, 9, 900))
    assert isinstance(console.stderr, Terminal)
    assert [line.split("fetched ")[1] for line in console.stderr.getvalue().splitlines()[1:]] == [
        "3 of 9 files (300 B of 900 B)",
        "6 of 9 files (600 B of 900 B)",
        "9 of 9 files (900 B of 900 B)",
    ]


def test_json_lines_are_one_event_each(clock: Clock) -> None:
    console = consoles()
    display = JsonLines(console, clock)
    clock.now += 1.5
    for event in EVENTS:
        display.event(event)
    assert isinstance(console.stderr, Terminal)
    lines = [json.loads(line) for line in console.stderr.getvalue().splitlines()]
    assert [line["event"] for line in lines] == [
        "plan-ready",
        "fetch-started",
        "fetch-progress",
        "fetch-finished",
        "step-finished",
        "step-started",
        "step-phase",
        "step-output",
        "step-finished",
    ]
    assert lines[0] == {"event": "plan-ready", "at": 1.5, "steps": ["base trixie slim amd64", NAME], "cached": 1}


def test_quiet_shows_warnings_only(clock: Clock) -> None:
    console = consoles(NO_COLOR="1")
    with choose("auto", Progress.QUIET, console, clock) as display:
        for event in (*EVENTS, events.Warned("the mirror\nanswered late")):
            display.event(event)
    assert isinstance(console.stderr, Terminal)
    assert console.stderr.getvalue() == "warning: the mirror answered late\n"


def live(clock: Clock, width: int) -> tuple[LiveView, Console, RichConsole]:
    console = Console(Terminal(), Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    rich = RichConsole(file=console.stderr, width=width, force_terminal=True, no_color=True, highlight=False)
    return LiveView(console, clock, verbose=False, rich=rich), console, rich


def drawn(view: LiveView, width: int) -> list[str]:
    console = RichConsole(file=io.StringIO(), width=width, no_color=True)
    with console.capture() as captured:
        console.print(view.render())
    return captured.get().splitlines()


def test_the_live_view_shows_what_runs_with_phase_and_time(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    view, console, _ = live(clock, 80)
    with view:
        view.event(events.FetchStarted(4, 40_000_000))
        clock.now += 2
        view.event(events.FetchProgress(1, 20_000_000, 4, 40_000_000))
        assert drawn(view, 80) == ["▸        0:02  ━━━━━─────  20.0 MB of 40.0 MB  1 of 4 files  10.0 MB/s"]
        view.event(events.FetchFinished(4, 40_000_000, 3.0))
        view.event(events.StepStarted("p", NAME, "not built yet"))
        view.event(events.StepStarted("r", "runtime trixie amd64", "not built yet"))
        view.event(events.StepPhase("p", NAME, "configure"))
        clock.now += 83
        assert drawn(view, 80) == [f"▸        1:23  {NAME}  configure", "▸        1:23  runtime trixie amd64"]
        assert all(len(line) <= 30 for line in drawn(view, 30))
        view.event(events.StepFinished("r", "runtime trixie amd64", cached=False, seconds=83.0))
        assert drawn(view, 80) == [f"▸        1:23  {NAME}  configure"]
    assert isinstance(console.stderr, Terminal)
    text = console.stderr.getvalue()
    assert "✓       3.0 s  fetched 4 files (40.0 MB)" in text
    assert "✓  1 min 23 s  runtime trixie amd64" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is hidden, and shown again


def interrupt(view: LiveView) -> None:
    with view:
        view.event(events.StepStarted("p", NAME, ""))
        raise KeyboardInterrupt


def test_the_live_view_gives_the_terminal_back_after_an_error(clock: Clock) -> None:
    view, console, _ = live(clock, 80)
    with pytest.raises(KeyboardInterrupt):
        interrupt(view)
    assert isinstance(console.stderr, Terminal)
    assert "\x1b[?25h" in console.stderr.getvalue()


def test_a_build_whose_steps_are_all_stored_never_draws(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name == "rich" or name.startswith("rich.")]:
        monkeypatch.delitem(sys.modules, module)
    console = consoles(NO_COLOR="1")
    with LiveView(console, clock, verbose=False) as view:
        view.event(events.PlanReady((NAME,), 1))
        view.event(events.StepFinished("p", NAME, cached=True, seconds=0.0))
    assert isinstance(console.stderr, Terminal)
    assert console.stderr.getvalue() == f"=      cached  {NAME}\n\n"
    assert "rich" not in sys.modules


def test_threads_may_emit_at_once(clock: Clock) -> None:
    console = consoles()
    display = JsonLines(console, clock)
    threads = [
        threading.Thread(target=lambda: [display.event(events.Note("x" * 500)) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert isinstance(console.stderr, Terminal)
    assert len([json.loads(line) for line in console.stderr.getvalue().splitlines()]) == 400


@pytest.mark.parametrize(
    ("choice", "environment", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_colour(choice: str, environment: dict[str, str], terminal: bool, expected: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    assert wants_colour(choice, stream, environment) is expected


def test_signs_are_plain_where_the_encoding_has_no_others() -> None:
    assert glyphs_for(io.TextIOWrapper(io.BytesIO(), encoding="ascii")).done == "+"
    assert glyphs_for(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")).done == "✓"
