# SPDX-License-Identifier: Apache-2.0
"""What came of pushes, pulls and copies, as calm text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from imagewright.cli.text import count, one_line, size

if TYPE_CHECKING:
    from imagewright.cli.console import Paint
    from imagewright.model.inspecting import Inspected, InspectedImage
    from imagewright.model.remote import RemoteChanges
    from imagewright.model.transfers import PushedImage, Transferred

_LABEL = 12


def pushed(result: Transferred, paint: Paint, width: int, *, dry_run: bool) -> list[str]:
    """Each image with its digest, platforms and tags; then what travelled."""
    lines: list[str] = []
    for image in result.images:
        lines += [*_image(image.repository or result.ref, image, paint, width), ""]
    return [*lines, *_travelled(result, would=dry_run)]


def _image(ref: str, image: PushedImage, paint: Paint, width: int) -> list[str]:
    lines = [paint("bold green", f"{ref}:{image.image}")]
    lines.append(_row("digest", str(image.digest), paint))
    lines.append(_row("platforms", ", ".join(image.platforms), paint))
    stayed = [tag for tag in image.tags if tag not in image.moved]
    for label, tags in (("moved tags", image.moved), ("same tags", stayed)):
        lines += _wrapped(label, tags, paint, width) if tags else []
    return lines


def moved(result: Transferred, paint: Paint) -> list[str]:
    """What a pull or copy brought."""
    return [paint("bold green", result.ref), _row("digest", str(result.digest), paint), *_travelled(result)]


def _travelled(result: Transferred, *, would: bool = False) -> list[str]:
    done = [
        (result.downloaded, "downloaded"),
        (result.uploaded, "uploaded"),
        (result.mounted, "mounted"),
        (result.skipped, "there already"),
    ]
    words = ", ".join(f"{number} {what}" for number, what in done if number)
    head = "a push would bring: " if would else ""
    return [f"{head}{words or 'nothing new'}; {size(result.bytes)} on the way"]


def inspected(found: Inspected, paint: Paint, width: int) -> list[str]:
    """Platforms with their sizes and how they start; then what is attached."""
    lines = [paint("bold green", found.ref), _row("digest", str(found.digest), paint)]
    lines.append(_row("media type", found.media_type, paint))
    for image in found.images:
        lines += ["", *_platform(image, paint, width)]
    if found.attachments:
        lines += ["", "attached"]
        lines += [f"  {one.kind or 'unnamed'}  {size(one.size)}  {one.digest}" for one in found.attachments]
    return lines


def _platform(image: InspectedImage, paint: Paint, width: int) -> list[str]:
    lines = [paint("bold", image.platform)]
    lines.append(_row("digest", str(image.digest), paint))
    lines.append(_row("size", f"{size(image.size)} in {count(len(image.layers), 'layer')}", paint))
    lines.append(_row("created", image.created or "not said", paint))
    command = " ".join((*image.entrypoint, *image.command))
    lines += _wrapped("starts", one_line(command).split() or ["nothing"], paint, width)
    lines.append(_row("user", one_line(image.user) or "root", paint))
    version = image.annotations.get("org.opencontainers.image.version", "")
    return [*lines, _row("version", one_line(version), paint)] if version else lines


def changed(changes: RemoteChanges) -> list[str]:
    """Tags that moved or went, and how many manifests went with them."""
    lines = [
        f"{change.tag}: {_short(change.before)} → {_short(change.after)}"
        if change.after
        else f"{change.tag}: {_short(change.before)} deleted"
        for change in changes.tags
    ]
    if changes.manifests:
        lines.append(f"{count(len(changes.manifests), 'manifest')} deleted")
    if changes.dry_run and lines:
        lines.append("nothing was changed: this was a dry run")
    return lines or ["nothing to do"]


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12] or "nothing"


def _row(label: str, value: str, paint: Paint) -> str:
    return f"{paint('dim', f'{label:<{_LABEL}}')}{value}"


def _wrapped(label: str, words: Iterable[str], paint: Paint, width: int) -> list[str]:
    texts = textwrap.wrap(" ".join(words), max(20, width - _LABEL), break_long_words=False, break_on_hyphens=False)
    return [_row(label if number == 0 else "", text, paint) for number, text in enumerate(texts)]
