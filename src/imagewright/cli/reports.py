# SPDX-License-Identifier: Apache-2.0
"""Reports of images as calm text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from imagewright.cli.console import Paint
from imagewright.cli.text import count, fitted, one_line, size
from imagewright.describe.history import dockerfile_lines
from imagewright.describe.published_markdown import unsaid_environment
from imagewright.describe.wording import iso_date
from imagewright.model.reports import Instruction, PublishedReport, ReportedImage, ReportedLayer

_LABEL = 12
_LEAST = 20


def published(report: PublishedReport, paint: Paint, width: int) -> list[str]:
    """Digest and platforms; then image by image how it starts, how it came to be, and its layers."""
    lines = [paint("bold green", one_line(report.name)), paint("dim", str(report.digest))]
    lines.append(row("media type", one_line(report.media_type), paint))
    for image in report.images:
        lines += ["", *_image(image, paint, width)]
    if report.attachments:
        lines += ["", paint("bold", "attached")]
        for one in report.attachments:
            lines += [f"  {one_line(one.kind or one.media_type)}", f"    {one.digest}"]
    return lines


def row(label: str, value: str, paint: Paint) -> str:
    """A label and what it stands for."""
    return f"{paint('dim', f'{label:<{_LABEL}}')}{value}"


def wrapped(label: str, words: Iterable[str], paint: Paint, width: int) -> list[str]:
    """Words in as many lines as they need."""
    room = max(_LEAST, width - _LABEL)
    parts = textwrap.wrap("  ".join(words), room, break_long_words=False, break_on_hyphens=False)
    return [row(label if number == 0 else "", part, paint) for number, part in enumerate(parts)]


def heading(title: str, note: str, paint: Paint) -> list[str]:
    """A section's beginning."""
    return ["", f"{paint('bold', one_line(title))}  {paint('dim', one_line(note))}".rstrip()]


def _image(image: ReportedImage, paint: Paint, width: int) -> list[str]:
    layers = count(len(image.layers), "layer")
    lines = [paint("bold", one_line(str(image.platform))), paint("dim", str(image.digest))]
    lines.append(row("image id", image.image_id.hex, paint))
    lines.append(row("size", f"{size(image.size)} compressed, in {layers}", paint))
    if image.created is not None:
        lines.append(row("created", f"{iso_date(image.created)} UTC", paint))
    if image.docker_version:
        lines.append(row("docker", one_line(image.docker_version), paint))
    for label, words in (("entrypoint", image.entrypoint), ("command", image.command), ("shell", image.shell)):
        lines += wrapped(label, [one_line(" ".join(words))], paint, width) if words else []
    for keyword, value in image.settings:
        lines += wrapped(keyword.lower(), [one_line(value)], paint, width)
    for label, pairs in (("labels", image.labels), ("annotations", image.annotations)):
        lines += _each(label, [f"{name}={value}" for name, value in pairs], paint, width)
    lines += _each("environment", unsaid_environment(image), paint, width)
    if image.history:
        lines += [*heading("history", "", paint), *(line for step in image.history for line in _step(step, width))]
    return [*lines, *_layers(image.layers, paint, width)]


def _each(label: str, words: Sequence[str], paint: Paint, width: int) -> list[str]:
    if not words:
        return []
    return [*heading(label, "", paint), *(f"  {fitted(one_line(word), width - 2)}" for word in words)]


def _layers(layers: Sequence[ReportedLayer], paint: Paint, width: int) -> list[str]:
    """Size and digest; below it what is not said for all of them: type, date, where it lies instead."""
    types = {layer.media_type for layer in layers}
    lines = heading("layers", one_line(types.pop()) if len(types) == 1 else "", paint)
    for layer in layers:
        lines.append(f"  {size(layer.size):>9}  {layer.digest.hex}")
        told = [layer.media_type] if types else []
        told += [f"modified {iso_date(layer.last_modified)} UTC"] if layer.last_modified is not None else []
        rest = [*told, *(f"at {url}" for url in layer.urls)]
        lines += [paint("dim", f"{'':13}{fitted(one_line(word), max(_LEAST, width - 13))}") for word in rest]
    return lines


def _step(step: Instruction, width: int) -> list[str]:
    """One line of the history: its date, and as much of the instruction as there is room for."""
    when = iso_date(step.created)[:10] if step.created is not None else ""
    lines = [line for line in dockerfile_lines(step) if not line.startswith("# ARGS: ")]
    if step.comment and lines[0].startswith("# "):  # what people wrote says more than who did it
        lines = [lines[0][2:]]
    text = one_line(" ".join(lines))
    return [f"  {when:<10}  {fitted(text, max(_LEAST, width - 14))}"]
