# SPDX-License-Identifier: Apache-2.0
"""What makes two images different, as calm text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from imagewright.cli.console import Paint
from imagewright.cli.reports import heading, row
from imagewright.cli.text import count, fitted, fitted_path, one_line, printable, size
from imagewright.describe.difference_markdown import changed_state, shown_settings
from imagewright.model.differences import (
    ChangedFile,
    ChangedFiles,
    ChangedSetting,
    ChangedVersion,
    ComparedInterpreter,
    ComparedLayer,
    Difference,
)

_SHOWN = 6
_CHANGELOG = 6
"""Lines of a changelog."""
_LEAST = 20


def difference(found: Difference, paint: Paint, width: int) -> list[str]:
    """Both images, then only what is not the same in them."""
    before, after = found.before, found.after
    lines = [
        row("before", paint("bold", one_line(before.ref)), paint),
        paint("dim", f"  {before.digest}"),
        row("after", paint("bold", one_line(after.ref)), paint),
        paint("dim", f"  {after.digest}"),
    ]
    if found.identical:
        return [*lines, "", "they are the same image"]
    lines.append(row("size", _from_to(before.size, after.size, "compressed"), paint))
    lines.append(row("", _from_to(before.unpacked, after.unpacked, f"in {count(after.files, 'file')}"), paint))
    body: list[str] = []
    for title, changes in (("packages", found.packages), ("Python packages", found.python_packages)):
        body += _versions(title, changes, paint, width)
    if found.configuration:
        body += heading("configuration", "", paint)
        body += [line for each in found.configuration for line in _setting(each, paint, width)]
    for interpreter in found.interpreters:
        body += _interpreter(interpreter, paint, width)
    if any(not layer.same for layer in found.layers):
        body += _layers(found.layers, paint, width)
    body += _files(found.files, paint, width)
    return [*lines, *(body or ["", "nothing in them is different"])]


def _signed(change: int) -> str:
    return f"{'+' if change > 0 else '−'}{size(abs(change))}" if change else "±0"


def _from_to(before: int, after: int, note: str) -> str:
    return f"{size(before)} → {size(after)} ({_signed(after - before)}) {note}"


def _versions(title: str, changes: Sequence[ChangedVersion], paint: Paint, width: int) -> list[str]:
    if not changes:
        return []
    names = min(32, max(len(each.name) for each in changes))
    lines = heading(title, count(len(changes), "change"), paint)
    told: set[tuple[str, tuple[str, ...]]] = set()
    for each in changes:
        if each.before and each.after:
            text = f"{one_line(each.before)} → {paint('yellow', one_line(each.after))}"
        else:
            after, before = one_line(each.after), one_line(each.before)
            text = paint("green", f"+ {after}") if after else paint("red", f"− {before}")
        lines.append(f"  {fitted(one_line(each.name), names):<{names}}  {text}")
        if (each.source, each.changelog) not in told:
            told.add((each.source, each.changelog))
            lines += [paint("dim", f"    {fitted(line, width - 4)}") for line in _head(each)]
    return lines


def _head(change: ChangedVersion) -> list[str]:
    """As much of a changelog as a list bears; what is left out is said."""
    lines = [" ".join(printable(line).splitlines()).rstrip() for line in change.changelog[:_CHANGELOG]]
    more = len(change.changelog) - len(lines)
    return [*lines, f"  … {count(more, 'more line')} (--format md has all)"] if more else lines


def _setting(change: ChangedSetting, paint: Paint, width: int) -> list[str]:
    lines = [f"  {paint('bold', one_line(change.name))}"]
    lines += _wrapped(paint("red", "−"), [change.before], width) if change.before else []
    return lines + (_wrapped(paint("green", "+"), [change.after], width) if change.after else [])


def _interpreter(interpreter: ComparedInterpreter, paint: Paint, width: int) -> list[str]:
    before, after = interpreter.before or "none", interpreter.after or "none"
    versions = before if before == after else f"{before} → {after}"
    lines = heading(f"interpreter {one_line(versions)}", "", paint)
    for each in shown_settings(interpreter):
        lines.append(f"  {one_line(each.name)}")
        lines += _wrapped(paint("red", "−"), each.removed, width) + _wrapped(
            paint("green", "+"), each.added, width
        )
    others = len(interpreter.variables) - len(shown_settings(interpreter))
    lines += [paint("dim", f"  {count(others, 'other variable')} (--json gives all)")] if others else []
    for sign, names in ((paint("red", "−"), interpreter.removed), (paint("green", "+"), interpreter.added)):
        if names:
            lines.append(f"  {count(len(names), 'module')}")
            lines += _wrapped(sign, names, width)
    return lines


def _wrapped(sign: str, words: Iterable[str], width: int) -> list[str]:
    room = max(_LEAST, width - 6)
    parts = textwrap.wrap(one_line(" ".join(words)), room, break_on_hyphens=False)
    return [f"    {sign if number == 0 else ' '} {part}" for number, part in enumerate(parts)]


def _layers(layers: Sequence[ComparedLayer], paint: Paint, width: int) -> list[str]:
    lines = heading("layers", "compressed", paint)
    for layer in layers:
        before, after = (size(each) if each is not None else "–" for each in (layer.before, layer.after))
        change = "same" if layer.same else _signed((layer.after or 0) - (layer.before or 0))
        head = f"  {before:>9}  {after:>9}  {change:>10}  "
        lines.append(f"{head}{fitted(one_line(layer.comment), max(_LEAST, width - len(head)))}".rstrip())
    return lines


def _files(groups: Sequence[ChangedFiles], paint: Paint, width: int) -> list[str]:
    if not groups:
        return []
    lines = heading("files", "by package", paint)
    for group in groups:
        numbers = ((group.added, "added"), (group.removed, "removed"), (group.changed, "changed"))
        words = ", ".join(f"{number} {word}" for number, word in numbers if number)
        lines.append(f"  {paint('bold', one_line(group.owner) or 'no package')}  {words}, {_signed(group.growth)}")
        lines += [_file(each, paint, width) for each in group.files[:_SHOWN]]
        if len(group.files) > _SHOWN:
            lines.append(paint("dim", f"    … and {len(group.files) - _SHOWN} more"))
    return lines


def _file(file: ChangedFile, paint: Paint, width: int) -> str:
    if file.before is not None and file.after is not None:
        sign, tail = paint("yellow", "~"), changed_state(file.before, file.after, size)
    else:
        sign = paint("green", "+") if file.after else paint("red", "−")
        state = file.after or file.before
        assert state is not None
        what = size(state.size) if state.kind == "file" else state.kind
        tail = f"{state.mode} {state.user} {what}"
    return f"    {sign} {fitted_path(one_line(file.path), max(_LEAST, width - 8 - len(tail)))}  {tail}"
