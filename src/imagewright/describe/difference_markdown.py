# SPDX-License-Identifier: Apache-2.0
"""The difference of two images as Markdown, fit to be pasted into a change note."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from imagewright.describe.contents_markdown import table
from imagewright.describe.interpreters import SHOWN
from imagewright.describe.wording import cell, code, fence, human
from imagewright.model.differences import (
    ChangedFile,
    ChangedFiles,
    ChangedSetting,
    ChangedVersion,
    ComparedInterpreter,
    ComparedLayer,
    Difference,
    FileState,
)

FILES_SHOWN = 12
"""Files named for one owner; the rest is counted."""


def difference_markdown(found: Difference) -> list[str]:
    """The whole comparison, as lines."""
    lines = [f"## From {code(found.before.ref)} to {code(found.after.ref)}", "", *_head(found)]
    if found.identical:
        return [*lines, "", "They are the same image."]
    sections = (
        ("Packages", _versions(found.packages)),
        ("Python packages", _versions(found.python_packages)),
        ("Configuration", _settings(found.configuration)),
        *((_title(each), _interpreter(each)) for each in found.interpreters),
        ("Layers", _layers(found.layers)),
        ("Files", _files(found.files)),
    )
    for title, section in sections:
        if section:
            lines += ["", f"### {title}", "", *section]
    if len(lines) == len(_head(found)) + 2:
        lines += ["", "Nothing in them is different."]
    return lines


def signed(size: int) -> str:
    """``+1.2 MB``, ``−300.0 B``, ``±0``."""
    if not size:
        return "±0"
    return f"{'+' if size > 0 else '−'}{human(abs(size))}"


def shown_settings(interpreter: ComparedInterpreter) -> tuple[ChangedSetting, ...]:
    """Variables that say something to people, in the order of reports."""
    found = {each.name: each for each in interpreter.variables}
    return tuple(found[name] for name in SHOWN if name in found)


def _head(found: Difference) -> list[str]:
    before, after = found.before, found.after
    rows = [
        ("Digest", code(str(before.digest)), code(str(after.digest)), ""),
        ("Platform", cell(before.platform), cell(after.platform), ""),
        ("Compressed", human(before.size), human(after.size), signed(after.size - before.size)),
        (
            "Size, unpacked",
            human(before.unpacked),
            human(after.unpacked),
            signed(after.unpacked - before.unpacked),
        ),
        ("Files", str(before.files), str(after.files), f"{after.files - before.files:+d}"),
        ("Layers", str(before.layers), str(after.layers), f"{after.layers - before.layers:+d}"),
    ]
    return table(("", "Before", "After", "Difference"), rows)


def _versions(changes: Sequence[ChangedVersion]) -> list[str]:
    if not changes:
        return []
    rows = [
        (code(each.name), code(each.before) if each.before else "", code(each.after) if each.after else "removed")
        for each in changes
    ]
    lines = table(("Package", "Before", "After"), rows)
    told: set[tuple[str, tuple[str, ...]]] = set()
    for each in changes:
        if each.changelog and (each.source, each.changelog) not in told:
            told.add((each.source, each.changelog))
            lines += ["", f"What is new in {code(each.source)}:", "", *fence(each.changelog, "")]
    return lines


def _settings(changes: Sequence[ChangedSetting]) -> list[str]:
    rows = [(code(each.name), _value(each.before), _value(each.after)) for each in changes]
    return table(("Setting", "Before", "After"), rows) if rows else []


def _value(text: str) -> str:
    return code(text).replace("|", "\\|") if text else "not set"


def _title(interpreter: ComparedInterpreter) -> str:
    before, after = interpreter.before or "none", interpreter.after or "none"
    return f"Interpreter: {cell(before)}" + (f" to {cell(after)}" if before != after else "")


def _interpreter(interpreter: ComparedInterpreter) -> list[str]:
    lines = [line for each in shown_settings(interpreter) for line in _variable(each)]
    others = len(interpreter.variables) - len(shown_settings(interpreter))
    if others:
        lines.append(f"-\t{others} other variables of `sysconfig`")
    for title, names in (("New modules", interpreter.added), ("Removed modules", interpreter.removed)):
        if names:
            lines.append(f"-\t{title}: {', '.join(code(name) for name in names)}")
    return lines or ["Only its version is different."]


def _variable(change: ChangedSetting) -> Iterator[str]:
    yield f"-\t{code(change.name)}:"
    if not change.removed and not change.added:
        yield "\t-\tthe same words in another order"
    for title, words in (("removed", change.removed), ("added", change.added)):
        if words:
            yield f"\t-\t{title}: {' '.join(code(word) for word in words)}"


def _layers(layers: Sequence[ComparedLayer]) -> list[str]:
    rows = [
        (
            cell(layer.comment[:120]),
            human(layer.before) if layer.before is not None else "",
            human(layer.after) if layer.after is not None else "",
            "same" if layer.same else signed((layer.after or 0) - (layer.before or 0)),
        )
        for layer in layers
    ]
    return table(("Layer", "Before", "After", "Difference"), rows) if rows else []


def _files(groups: Sequence[ChangedFiles]) -> list[str]:
    if not groups:
        return []
    rows = [
        (
            code(group.owner) if group.owner else "none",
            str(group.added),
            str(group.removed),
            str(group.changed),
            signed(group.growth),
        )
        for group in groups
    ]
    lines = table(("Package", "Added", "Removed", "Changed", "Growth"), rows)
    for group in groups:
        title = f"Of {code(group.owner)}:" if group.owner else "Of no package:"
        lines += ["", title, "", *(f"-\t{_file(each)}" for each in group.files[:FILES_SHOWN])]
        if len(group.files) > FILES_SHOWN:
            lines.append(f"-\t… and {len(group.files) - FILES_SHOWN} more")
    return lines


def _file(file: ChangedFile) -> str:
    if file.before is None or file.after is None:
        state, word = (file.after, "added") if file.after else (file.before, "removed")
        assert state is not None
        return f"{word} {code(file.path)}, {_state(state)}"
    return f"changed {code(file.path)}: {changed_state(file.before, file.after)}"


def changed_state(before: FileState, after: FileState, written: Callable[[int], str] = human) -> str:
    """What of a file's facts became what; its content, where none did. ``written`` is how sizes are said."""
    pairs = (
        ("", before.kind, after.kind),
        ("mode ", before.mode, after.mode),
        ("owner ", before.user, after.user),
    )
    parts = [f"{name}{was} → {now}" for name, was, now in pairs if was != now]
    if before.kind != after.kind:  # another thing altogether: links have no mode nor size worth a word
        return parts[0]
    if before.size != after.size:
        parts.append(f"{written(before.size)} → {written(after.size)}")
    return ", ".join(parts) or f"content, {written(after.size)}"


def _state(state: FileState) -> str:
    size = human(state.size) if state.kind == "file" else state.kind
    return f"mode {state.mode}, owner {state.user}, {size}"
