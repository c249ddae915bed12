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
from imagewright.model.reports import Instruction, PublishedReport, ReportedImage

_LABEL = 12
_LEAST = 20


def published(report: PublishedReport, paint: Paint, width: int) -> list[str]:
    """Digest and platforms; then image by image how it starts, how it came to be, and its layers."""
    lines = [paint("bold green", report.name), row("digest", str(report.digest), paint)]
    lines.append(row("media type", report.media_type, paint))
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
    return ["", f"{paint('bold', title)}  {paint('dim', note)}".rstrip()]


def _image(image: ReportedImage, paint: Paint, width: int) -> list[str]:
    layers = count(len(image.layers), "layer")
    lines = [paint("bold", str(image.platform)), row("digest", str(image.digest), paint)]
    lines.append(row("image id", str(image.image_id), paint))
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
    lines += heading("layers", "", paint)
    lines += [f"  {size(layer.size):>9}  {layer.digest}" for layer in image.layers]
    return lines


def _each(label: str, words: Sequence[str], paint: Paint, width: int) -> list[str]:
    room = max(_LEAST, width - _LABEL)
    lines = [fitted(one_line(word), room) for word in words]
    return [row(label if number == 0 else "", line, paint) for number, line in enumerate(lines)]


def _step(step: Instruction, width: int) -> list[str]:
    """One line of the history: its date, and as much of the instruction as there is room for."""
    when = iso_date(step.created)[:10] if step.created is not None else ""
    text = one_line(" ".join(line for line in dockerfile_lines(step) if not line.startswith("# ARGS: ")))
    return [f"  {when:<10}  {fitted(text, max(_LEAST, width - 14))}"]
