# SPDX-License-Identifier: Apache-2.0
"""The report of a published image as Markdown, in the form that repo-info made familiar.

Line for line the same facts give the same text. What the history says already (``ENV``, ``LABEL``, ``USER`` …) is
not said twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from imagewright.describe.history import dockerfile_lines
from imagewright.describe.wording import cell, code, exact, fence, http_date, listed
from imagewright.model.digest import Digest
from imagewright.model.reports import (
    SPEED_KEY,
    Instruction,
    PublishedReport,
    ReportedAttachment,
    ReportedImage,
    ReportedLayer,
)


def published_markdown(report: PublishedReport) -> list[str]:
    """The whole report, as lines."""
    lines = [f"## {code(report.name)}", "", *_pull(report, report.digest)]
    lines.append(f"-\tManifest MIME: {code(report.media_type)}")
    lines.append("-\tPlatforms:")
    lines += [f"\t-\t{cell(str(image.platform))}" for image in report.images]
    if report.attachments:
        lines.append("-\tAttestations and other attachments:")
        lines += [f"\t-\t{_attachment(one)}" for one in report.attachments]
    for image in report.images:
        lines += ["", *_image(report, image)]
    return lines


def said_already(history: Iterable[Instruction], keyword: str, *forms: str) -> bool:
    """Whether an instruction of that kind holds one of these words."""
    texts = [f"{step.text} " for step in history if step.text.startswith(f"{keyword} ")]
    return any(form in text for text in texts for form in forms)


def unsaid_environment(image: ReportedImage) -> list[str]:
    """Variables that the history does not set: they come from elsewhere."""
    return [
        f"{name}={value}"
        for name, value in image.environment
        if not said_already(image.history, "ENV", *_assignments(name, value))
    ]


def _pull(report: PublishedReport, digest: Digest) -> list[str]:
    if not report.pull:
        return [f"-\tDigest: {code(str(digest))}"]
    return [*fence([f"$ docker pull {report.pull}@{digest}"], "console"), ""]


def _attachment(one: ReportedAttachment) -> str:
    about = f" about {code(one.about)}" if one.about else ""
    return f"{code(str(one.digest))}: {code(one.kind or one.media_type)}{about}"


def _image(report: PublishedReport, image: ReportedImage) -> list[str]:
    lines = [f"### {code(report.name)} - {cell(str(image.platform))}", "", *_pull(report, image.digest)]
    lines += [*_facts(image), ""]
    if image.history:
        lines += [*fence(list(_history(image.history)), "dockerfile"), ""]
    return [*lines, "-\tLayers:", *(line for layer in image.layers for line in _layer(layer))]


def _facts(image: ReportedImage) -> Iterator[str]:
    if image.docker_version:
        yield f"-\tDocker Version: {cell(image.docker_version)}"
    yield f"-\tManifest MIME: {code(image.media_type)}"
    yield f"-\tTotal Size: **{exact(image.size)}**  "
    yield "\t(compressed transfer size, not on-disk size)"
    yield f"-\tImage ID: {code(str(image.image_id))}"
    if speed := dict(image.annotations).get(SPEED_KEY):
        yield f"-\tSpeed: {cell(speed)}"
    if image.entrypoint:
        yield f"-\tEntrypoint: {code(listed(image.entrypoint))}"
    if image.command:
        yield f"-\tDefault Command: {code(listed(image.command))}"
    if image.shell:
        yield f"-\t`SHELL`: {code(listed(image.shell))}"
    for keyword, value in image.settings:
        if not said_already(image.history, keyword, value):
            yield f"-\t`{keyword}`: {code(value)}"
    labels = [
        f"{name}={value}"
        for name, value in image.labels
        if not said_already(image.history, "LABEL", *_assignments(name, value))
    ]
    annotations = [f"{name}={value}" for name, value in image.annotations if name != SPEED_KEY]
    rest = (("Environment", unsaid_environment(image)), ("Labels", labels), ("Annotations", annotations))
    for title, words in rest:
        if words:
            yield f"-\t{title}:"
            yield from (f"\t-\t{code(word)}" for word in words)


def _assignments(name: str, value: str) -> tuple[str, ...]:
    return (f" {name}={value} ", f' {name}="{value}" ', f" {name} {value} ", f' {name} "{value}" ')


def _history(history: Iterable[Instruction]) -> Iterator[str]:
    for step in history:
        if step.created is not None:
            yield f"# {http_date(step.created)}"
        yield from dockerfile_lines(step)


def _layer(layer: ReportedLayer) -> Iterator[str]:
    yield f"\t-\t{code(str(layer.digest))}  "
    if layer.last_modified is not None:
        yield f"\t\tLast Modified: {http_date(layer.last_modified)}  "
    yield f"\t\tSize: {exact(layer.size)}  "
    yield f"\t\tMIME: {cell(layer.media_type)}" + ("  " if layer.urls else "")
    for number, url in enumerate(layer.urls, start=1):
        yield f"\t\tURL: {code(url)}" + ("  " if number < len(layer.urls) else "")
