# SPDX-License-Identifier: Apache-2.0
"""Draws build.svg: what a terminal shows of a build that was recorded, by the code that shows it.

``docs/images/record`` records one.
"""

from __future__ import annotations

import io
import json
import typing
from dataclasses import fields
from pathlib import Path

from rich.console import Console as RichConsole
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from imagewright.cli import summary
from imagewright.cli.console import Console, Paint
from imagewright.cli.documents import event_name
from imagewright.cli.progress.live import LiveView
from imagewright.events import kinds as events
from imagewright.model import results
from imagewright.model.digest import Digest

HERE = Path(__file__).parent
WIDTH = 82
COMMAND = "imagewright build 3.13-slim-trixie -o python.tar"
THEME = TerminalTheme(
    (16, 20, 28),
    (205, 214, 224),
    [
        (16, 20, 28),
        (232, 104, 98),
        (122, 201, 120),
        (227, 190, 96),
        (92, 160, 232),
        (190, 130, 220),
        (94, 200, 210),
        (205, 214, 224),
    ],
)
_REDRAWN = (events.FetchStarted, events.FetchProgress, events.StepStarted, events.StepPhase, events.StepOutput)
"""Events that a terminal shows only for a while."""
SVG = """<svg xmlns="http://www.w3.org/2000/svg" class="rich-terminal" viewBox="0 0 {width} {height}">
<title>A build, recorded</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}"
height="{terminal_height}"/></clipPath>{lines}</defs>
<rect width="{width}" height="{height}" rx="8" fill="#10141c"/>
<g transform="translate({terminal_x}, 14)" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">{matrix}</g>
</g>
</svg>
"""


def recorded_events() -> list[events.Event]:
    """What build.jsonl holds."""
    kinds = {event_name(kind): kind for kind in vars(events).values() if isinstance(kind, type)}
    found = []
    for line in (HERE / "build.jsonl").read_text().splitlines():
        facts = json.loads(line)
        kind = kinds[facts["event"]]
        values = {field.name: facts[field.name] for field in fields(kind)}
        found.append(
            kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
        )
    return found


def recorded_images() -> tuple[results.BuiltImage, ...]:
    """What build.json holds."""
    return tuple(_read(results.BuiltImage, one) for one in json.loads((HERE / "build.json").read_text()))


def _read(kind: typing.Any, value: typing.Any) -> typing.Any:
    if kind is Digest:
        return Digest.parse(value)
    if kind == Path | None:
        return Path(value) if value else None
    if typing.get_origin(kind) is tuple:
        return tuple(_read(typing.get_args(kind)[0], one) for one in value)
    if isinstance(value, dict):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _read(hints[name], one) for name, one in value.items()})
    return value


def shown() -> list[str]:
    """The lines of the terminal after the build, with their colours."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    console = Console(stream, stream, {}, color="always")
    with LiveView(console, lambda: 0.0, verbose=False) as view:
        for event in recorded_events():
            if not isinstance(event, _REDRAWN):
                view.event(event)
    stream.seek(0)
    prompt = f"\x1b[2m$\x1b[0m \x1b[1m{COMMAND}\x1b[0m"
    return [
        prompt,
        *stream.read().splitlines(),
        *summary.build(results.BuildReport(recorded_images()), Paint(enabled=True), WIDTH),
    ]


def render() -> str:
    """The picture."""
    rich = RichConsole(
        file=io.StringIO(), width=WIDTH, record=True, force_terminal=True, color_system="standard", highlight=False
    )
    for line in shown():
        rich.print(Text.from_ansi(line))
    return rich.export_svg(title="", theme=THEME, code_format=SVG, unique_id="imagewright")


if __name__ == "__main__":
    (HERE / "build.svg").write_text(render())
