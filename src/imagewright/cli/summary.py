# SPDX-License-Identifier: Apache-2.0
"""Results as calm text for people; what scripts read is in :mod:`imagewright.cli.documents`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from imagewright.cli import overview
from imagewright.cli.console import Paint
from imagewright.cli.text import count, duration, one_line, size
from imagewright.model.results import (
    BuildReport,
    BuiltImage,
    BuiltStep,
    CheckResult,
    Collected,
    FailedImage,
    LockChange,
    LockChanges,
    PlanStep,
    PlanView,
    StoreContents,
    StoreReport,
    TrainedProfile,
)

_LABEL = 8
"""Columns for a label: with them a whole digest fits into 80."""
_FIGURE = 11
"""Columns for a size or a duration, so that all names of an image begin in one column."""
_CHANGES_SHOWN = 40
_DETAILED = 3
"""Images of which a plan is shown step by step."""


def build(report: BuildReport, paint: Paint, width: int) -> list[str]:
    """Tags, digests, size, layers and time per step of an image; a line for each of several."""
    if len(report.images) == 1 and report.built and not report.left_out:
        return _built(report.built[0], paint, width)
    return overview.built(report, paint, width)


def failures(failed: Iterable[FailedImage], paint: Paint) -> list[str]:
    """What failed, why and what to do, as errors are told elsewhere; once, however many images it ended."""
    lines: list[str] = []
    for failure, images in overview.failures(failed):
        more = f" and {len(images) - 1} more" if len(images) > 1 else ""
        words = f"{images[0]}{more}: {failure.message}"
        lines.append(f"{paint('bold red', 'error:')} {paint('bold', one_line(words))}")
        if failure.why:
            lines.append(f"  {paint('dim', 'why:')} {one_line(failure.why)}")
        if failure.hint:
            lines.append(f"  {paint('dim', 'try:')} {one_line(failure.hint)}")
    return lines


def _built(image: BuiltImage, paint: Paint, width: int) -> list[str]:
    mark = (
        "" if image.profile == "release" else f"  {paint('yellow', f'{image.profile} profile: not for release')}"
    )
    lines = [f"{paint('bold green', image.image)}  {paint('dim', image.platform)}{mark}", ""]
    lines.append(_row("digest", str(image.digest), paint))
    lines.append(_row("config", str(image.config_digest), paint))
    lines.append(_row("size", f"{size(image.size)} in {count(len(image.layers), 'layer')}", paint))
    lines += _wrapped("tags", image.tags, paint, width)
    if image.archive is not None:
        lines.append(_row("written", str(image.archive), paint))
    lines.append("")
    for number, layer in enumerate(image.layers):
        label = "layers" if number == 0 else ""
        lines.append(
            _row(
                label,
                f"{size(layer.size):>{_FIGURE}}  {layer.step:<{_longest(image)}}  ",
                paint,
                layer.digest.short,
            )
        )
    lines.append("")
    for number, step in enumerate(image.steps):
        lines.append(_row("steps" if number == 0 else "", _step(step, paint), paint))
    return lines


def _longest(image: BuiltImage) -> int:
    return max((len(layer.step) for layer in image.layers), default=0)


def _step(step: BuiltStep, paint: Paint) -> str:
    if step.cached:
        return paint("dim", f"{'cached':>{_FIGURE}}  {step.name}")
    return f"{duration(step.seconds):>{_FIGURE}}  {step.name}"


def _row(label: str, value: str, paint: Paint, faint: str = "") -> str:
    return f"{paint('dim', f'{label:<{_LABEL}}')}{value}{paint('dim', faint)}".rstrip()


def _wrapped(label: str, words: Iterable[str], paint: Paint, width: int) -> list[str]:
    room = max(20, width - _LABEL)
    # Tags hold hyphens; a tag is never broken.
    parts = textwrap.wrap("  ".join(words), room, break_long_words=False, break_on_hyphens=False)
    return [_row(label if number == 0 else "", part, paint) for number, part in enumerate(parts)]


def plan(view: PlanView, paint: Paint, width: int) -> list[str]:
    """Images with their tags, then steps: cached, or why they will run. Of many images, a line for each."""
    many = len(view.images) > _DETAILED or bool(view.left_out)
    lines = overview.planned(view, paint, width) if many else _plan_in_full(view, paint, width)
    missing = {digest: item.size for digest, item in overview.missing_inputs(view).items()}
    running = sum(overview.runs(step) for step in view.steps)
    words = [f"{count(running, 'step')} to run" if running else "everything is in the store"]
    if view.compiles:
        words.append(f"{count(view.compiles, 'interpreter')} to compile")
    if missing:
        words.append(f"{count(len(missing), 'file')} to fetch ({size(sum(missing.values()))})")
    sums = f"{count(len(view.images), 'image')} from {count(view.interpreters, 'compile')}"
    return [*lines, "", *([sums] if many else []), ", ".join(words)]


def _plan_in_full(view: PlanView, paint: Paint, width: int) -> list[str]:
    lines: list[str] = []
    for image in view.images:
        lines.append(f"{paint('bold', image.spec)}  {paint('dim', image.platform)}")
        lines += [*_wrapped("tags", image.tags, paint, width), ""]
    longest = max((len(step.name) for step in view.steps), default=0)
    return [*lines, *(_planned(step, longest, paint) for step in view.steps)]


def _planned(step: PlanStep, longest: int, paint: Paint) -> str:
    if step.cached:
        return paint("dim", f"  cached  {step.name}")
    return f"  {paint('cyan', 'run   ')}  {step.name:<{longest}}  {paint('dim', step.reason)}".rstrip()


def lock(changes: LockChanges, paint: Paint) -> list[str]:
    """What changed, one line each, and where it was written."""
    lines = [_changed(change, paint) for change in changes.changed[:_CHANGES_SHOWN]]
    rest = len(changes.changed) - _CHANGES_SHOWN
    if rest > 0:
        lines.append(paint("dim", f"  … and {rest} more (--json gives all)"))
    if not changes.changed:
        return [f"{changes.path} is up to date: {count(changes.packages, 'package')}"]
    return [
        *lines,
        "",
        f"{changes.path}: {count(len(changes.changed), 'change')}, {count(changes.packages, 'package')}",
    ]


def _changed(change: LockChange, paint: Paint) -> str:
    where = paint("dim", f"{change.what} in {change.where}" if change.where else change.what)
    if change.have is None:
        return f"  {paint('green', '+')} {change.name} {change.now}  {where}"
    if change.now is None:
        return f"  {paint('red', '-')} {change.name} {change.have}  {where}"
    return f"  {paint('yellow', '~')} {change.name} {change.have} {paint('dim', 'to')} {change.now}  {where}"


def check(results: Sequence[CheckResult], paint: Paint) -> list[str]:
    """One line per check, failed ones with what was seen."""
    longest = max((len(result.check) for result in results), default=0)
    lines = []
    images = list(dict.fromkeys((result.image, result.platform) for result in results))
    shown_image = images[:1] if len(images) == 1 else []
    for result in results:
        if [(result.image, result.platform)] != shown_image:
            shown_image = [(result.image, result.platform)]
            lines += ["", f"{paint('bold', result.image)}  {paint('dim', result.platform)}"]
        mark = paint("green", "passed") if result.passed else paint("bold red", "FAILED")
        detail = one_line(result.detail)
        shown = detail if not result.passed else paint("dim", detail)
        lines.append(
            f"  {mark}  {result.check:<{longest}}  {duration(result.seconds):>{_FIGURE}}  {shown}".rstrip()
        )
    failed = sum(1 for result in results if not result.passed)
    many = f" of {count(len(images), 'image')}" if len(images) > 1 else ""
    end = f"{count(len(results), 'check')}{many} passed"
    if failed:
        bad = [
            name for name in images if any((one.image, one.platform) == name for one in results if not one.passed)
        ]
        end = f"{failed} of {count(len(results), 'check')} failed"
        end += f", in {len(bad)}{many}: {', '.join(name for name, _ in bad)}" if many else ""
    return [*lines[len(images) > 1 :], "", end]


def train(profile: TrainedProfile, paint: Paint) -> list[str]:
    """What was trained, with what, and where it is."""
    name = f"{profile.release}{profile.flavour} {profile.suite} {profile.architecture}"
    lines = [f"{paint('bold green', name)}", ""]
    lines.append(_row("with", profile.compiler, paint))
    lines.append(_row("digest", str(profile.sha256), paint))
    lines.append(_row("size", size(profile.size), paint))
    lines.append(_row("took", duration(profile.seconds), paint))
    if profile.path is not None:
        lines.append(_row("written", str(profile.path), paint))
    return lines


def store_list(contents: StoreContents, paint: Paint) -> list[str]:
    """Images, newest first, and the whole."""
    longest = max((len(image.image) for image in contents.images), default=0)
    lines = []
    for image in sorted(contents.images, key=lambda image: (-image.finished, image.image)):
        when = datetime.fromtimestamp(image.finished, UTC).strftime("%Y-%m-%d %H:%M")
        facts = f"{image.platform:<14}  {size(image.size):>9}"
        lines.append(f"  {image.image:<{longest}}  {facts}  {paint('dim', f'{when}  {image.digest.short}')}")
    whole = f"{contents.directory}: {count(len(contents.images), 'image')}, {count(contents.blobs, 'blob')}"
    return [*lines, *([""] if lines else []), f"{whole}, {size(contents.bytes)}"]


def store_gc(collected: Collected) -> list[str]:
    """What went, what stayed."""
    verb = "would remove" if collected.dry_run else "removed"
    return [f"{verb} {count(collected.removed, 'object')} ({size(collected.bytes)}), kept {collected.kept:,}"]


def store_fsck(found: StoreReport, paint: Paint) -> list[str]:
    """Each problem, then the whole."""
    lines = [f"  {paint('bold red', 'problem')}  {one_line(problem)}" for problem in found.problems]
    end = f"{count(found.blobs, 'blob')}, {size(found.bytes)}: "
    end += count(len(found.problems), "problem") if found.problems else "no problems"
    if found.repaired:
        end += f", {found.repaired} repaired"
    return [*lines, end]
