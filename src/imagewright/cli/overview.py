# SPDX-License-Identifier: Apache-2.0
"""Many images at once, a line for each: what became of a build, and what a plan comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagewright.cli.console import Paint
from imagewright.cli.text import count, duration, fitted, one_line, size
from imagewright.model.digest import Digest
from imagewright.model.results import (
    BuildReport,
    BuiltImage,
    BuiltStep,
    FailedImage,
    Failure,
    LeftOut,
    PlanInput,
    PlanStep,
    PlanView,
)

_STATE = {"built": "green", "cached": "dim", "failed": "bold red", "skipped": "yellow"}
_LEFT_OUT_SHOWN = 8
_NAMED = 2
"""Images named for one reason of being left out."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a table: its state, its left cells, and what follows them."""

    state: str
    cells: tuple[str, ...]
    rest: str = ""


def built(report: BuildReport, paint: Paint, width: int) -> list[str]:
    """A line for each image, then the whole."""
    times = _times(report)
    platforms = {image.platform for image in report.images}
    rows = [_built_row(image, time, len(platforms) > 1) for image, time in zip(report.images, times, strict=True)]
    lines = _table(rows, paint, width)
    places = sorted({str(image.archive) for image in report.built if image.archive is not None})
    if places:
        lines += ["", f"written: {places[0]}" if len(places) == 1 else f"written: {count(len(places), 'file')}"]
    return [*lines, *left_out(report.left_out, paint, width), "", _whole(report)]


def _times(report: BuildReport) -> list[float]:
    """Seconds of each image's own steps; one that several share counts where it is first needed."""
    seen: set[Digest] = set()
    found = []
    for image in report.images:
        steps = [step for step in image.steps if step.id not in seen]
        seen.update(step.id for step in steps)
        found.append(sum(step.seconds for step in steps))
    return found


def _built_row(image: BuiltImage | FailedImage, time: float, with_platform: bool) -> _Row:
    platform = (image.platform,) if with_platform else ()
    tags = count(len(image.tags), "tag")
    if isinstance(image, FailedImage):
        state = "skipped" if image.error.kind == "skipped" else "failed"
        return _Row(state, (image.image, *platform, tags), image.error.step)
    state = "cached" if _all_cached(image.steps) else "built"
    seconds = "" if state == "cached" else duration(time)
    mark = "" if image.profile == "release" else f"  {image.profile}"
    return _Row(state, (image.image, *platform, tags), f"{size(image.size):>8}  {seconds:>11}{mark}")


def _all_cached(steps: Iterable[BuiltStep]) -> bool:
    return all(step.cached for step in steps)


def _whole(report: BuildReport) -> str:
    words = [f"{len(report.built)} of {count(len(report.images), 'image')} in the store"]
    if report.failed:
        words.append(f"{len(report.failed)} failed")
    if report.compiles:
        saved = len(report.images) - report.interpreters
        words.append(f"{count(report.compiles, 'compile')}" + (f" ({saved} saved)" if saved > 0 else ""))
    return f"{', '.join(words)}; {duration(report.seconds)}"


def failures(failed: Iterable[FailedImage]) -> list[tuple[Failure, tuple[str, ...]]]:
    """Each distinct failure with the images that it ended; those that only were not begun are no failure."""
    found: dict[Failure, list[str]] = {}
    for image in failed:
        if image.error.kind != "skipped":
            found.setdefault(image.error, []).append(image.image)
    return [(failure, tuple(images)) for failure, images in found.items()]


def planned(view: PlanView, paint: Paint, width: int) -> list[str]:
    """A line for each image, then what is compiled, what is left out, and the whole."""
    by_id = {step.id: step for step in view.steps}
    platforms = {image.platform for image in view.images}
    rows = []
    for image in view.images:
        lacking = sum(runs(by_id[step]) for step in image.steps)
        platform = (image.platform,) if len(platforms) > 1 else ()
        words = f"{lacking} of {count(len(image.steps), 'step')} to run" if lacking else ""
        state = "run" if lacking else "cached"
        rows.append(_Row(state, (image.spec, *platform, count(len(image.tags), "tag")), words))
    lines = _table(rows, paint, width)
    pythons = [step for step in view.steps if step.name.startswith("python ")]
    if pythons:
        longest = max(len(step.name) for step in pythons)
        lines += ["", paint("bold", "interpreters")]
        reasons = (_Row("run" if runs(step) else "cached", (step.name,), step.reason) for step in pythons)
        lines += _table(reasons, paint, width, least=longest)
    return [*lines, *left_out(view.left_out, paint, width)]


def runs(step: PlanStep) -> bool:
    """Whether a step of a plan will run: it is not there, and something that is wanted needs it."""
    return not step.cached and not step.reason.startswith("not needed")


def left_out(images: Sequence[LeftOut], paint: Paint, width: int) -> list[str]:
    """What ``--all`` does not build: a line for each reason, with the first images it holds for."""
    if not images:
        return []
    by_reason: dict[str, list[LeftOut]] = {}
    for left in images:
        by_reason.setdefault(left.reason, []).append(left)
    lines = ["", f"{paint('bold', 'left out')}  {count(len(images), 'image')}"]
    for reason, found in list(by_reason.items())[:_LEFT_OUT_SHOWN]:
        names = list(dict.fromkeys(left.image for left in found))
        lines.append(fitted(f"  {count(len(found), 'image')}  {one_line(reason)}", width))
        more = ", …" if len(names) > _NAMED else ""
        lines.append(paint("dim", fitted(f"    {', '.join(names[:_NAMED])}{more}", width)))
    if len(by_reason) > _LEFT_OUT_SHOWN:
        lines.append(paint("dim", f"  … and {len(by_reason) - _LEFT_OUT_SHOWN} more reasons (--json gives all)"))
    return lines


def missing_inputs(view: PlanView) -> dict[Digest, PlanInput]:
    """The files that a build would fetch, each once."""
    steps = (step for step in view.steps if runs(step))
    return {item.digest: item for step in steps for item in step.inputs if not item.stored}


def _table(rows: Iterable[_Row], paint: Paint, width: int, *, least: int = 0) -> list[str]:
    """Rows with cells of even width; what does not fit into ``width`` is cut at its end."""
    held = list(rows)
    columns = [max(map(len, cells)) for cells in zip(*(row.cells for row in held), strict=True)]
    if columns:
        columns[0] = max(columns[0], least)
    lines = []
    for row in held:
        cells = "  ".join(f"{cell:<{column}}" for cell, column in zip(row.cells, columns, strict=True))
        room = width - 10 - len(cells) - 2
        rest = fitted(one_line(row.rest) if row.state in {"failed", "run"} else row.rest, room) if room > 0 else ""
        style = _STATE.get(row.state, "cyan")
        lines.append(f"  {paint(style, f'{row.state:<6}')}  {cells}  {paint('dim', rest)}".rstrip())
    return lines
