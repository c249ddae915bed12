# SPDX-License-Identifier: Apache-2.0
"""Each event in one line of words; every display says the same thing the same way."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.cli.console import Glyphs, Paint
from imagewright.cli.text import count, duration, one_line, printable, size
from imagewright.events import kinds as events

_TIME = 11
"""Columns for a duration, so that the names of steps stand in one line."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Words, colours and signs for events."""

    paint: Paint
    glyphs: Glyphs

    def line(self, event: events.Event) -> str:
        """The line for ``event``; empty for one that has no words."""
        if isinstance(event, events.Note):
            return self._row("dim", self.glyphs.dot, one_line(event.text))
        if isinstance(event, events.Warned):
            return self.warned(event)
        if isinstance(event, events.PlanReady):
            return self._row(
                "dim", self.glyphs.dot, f"{count(len(event.steps), 'step')}, {event.cached} in the store"
            )
        if isinstance(event, events.BuildProgress):
            return self._row("dim", self.glyphs.dot, self.progress(event))
        if isinstance(event, events.CheckFinished):
            return self._check(event)
        return self._fetch(event) or self._transfer(event) or self._step(event)

    def _transfer(self, event: events.Event) -> str:
        match event:
            case events.TransferStarted():
                return self._row("cyan", self.glyphs.running, f"{event.name} ({size(event.size)})")
            case events.TransferProgress():
                words = f"{event.name}: {size(event.size)} of {size(event.total)}"
                return self._row("dim", self.glyphs.dot, words)
            case events.TransferFinished(how="skipped"):
                words = self.paint("dim", f"  there already ({size(event.size)})")
                return f"{self.paint('dim', self.glyphs.cached)} {'':>{_TIME}}  {event.name}{words}"
            case events.TransferFinished():
                words = f"{event.name}  {event.how} ({size(event.size)})"
                return self._row("green", self.glyphs.done, words, event.seconds)
            case _:
                return ""

    def _fetch(self, event: events.Event) -> str:
        match event:
            case events.FetchStarted():
                words = f"fetch {count(event.files, 'file')} ({size(event.size)})"
                return self._row("cyan", self.glyphs.running, words)
            case events.FetchProgress():
                words = f"fetched {event.files} of {count(event.total_files, 'file')}"
                return self._row("dim", self.glyphs.dot, f"{words} ({size(event.size)} of {size(event.total)})")
            case events.FetchFinished():
                words = f"fetched {count(event.files, 'file')} ({size(event.size)})"
                return self._row("green", self.glyphs.done, words, event.seconds)
            case _:
                return ""

    def _step(self, event: events.Event) -> str:
        match event:
            case events.StepStarted():
                reason = self.paint("dim", f"  {one_line(event.reason)}") if event.reason else ""
                return self._row("cyan", self.glyphs.running, event.name) + reason
            case events.StepPhase():
                return self._row("dim", self.glyphs.dot, f"{event.name}: {one_line(event.phase)}")
            case events.StepOutput():
                return f"{self.paint('dim', f'{event.name} |')} {printable(event.line.rstrip())}"
            case events.StepFinished():
                return self._finished(event)
            case events.StepFailed():
                log = f"  log {event.log}" if event.log else ""
                return self._row("bold red", self.glyphs.failed, f"{event.name} failed{log}", event.seconds)
            case _:
                return ""

    def _finished(self, event: events.StepFinished) -> str:
        if event.cached:
            return self.paint("dim", f"{self.glyphs.cached} {'cached':>{_TIME}}  {event.name}")
        return self._row("green", self.glyphs.done, event.name, event.seconds)

    def warned(self, event: events.Warned) -> str:
        """A warning."""
        return f"{self.paint('bold yellow', 'warning:')} {one_line(event.text)}"

    def progress(self, event: events.BuildProgress) -> str:
        """How far a build of several images is: ``4 of 12 images, 1 of 2 compiles, 1 failed``."""
        words = [f"{event.done} of {count(event.images, 'image')}"]
        if event.compiles:
            words.append(f"{event.compiled} of {count(event.compiles, 'compile')}")
        if event.failed:
            words.append(self.paint("bold red", f"{event.failed} failed"))
        return ", ".join(words)

    def _check(self, event: events.CheckFinished) -> str:
        if event.passed:
            return self._row("green", self.glyphs.done, f"check {event.check}", event.seconds)
        words = f"check {event.check}: {one_line(event.detail)}"
        return self._row("bold red", self.glyphs.failed, words, event.seconds)

    def _row(self, style: str, glyph: str, words: str, seconds: float | None = None) -> str:
        time = "" if seconds is None else duration(seconds)
        return f"{self.paint(style, glyph)} {time:>{_TIME}}  {words}"
