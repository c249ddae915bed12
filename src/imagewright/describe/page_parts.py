# SPDX-License-Identifier: Apache-2.0
"""Parts of HTML pages about images. Whatever an image says is text in them, never markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from imagewright.describe.history import dockerfile_lines
from imagewright.describe.interpreters import SHOWN
from imagewright.describe.published_markdown import unsaid_environment
from imagewright.describe.treemap import Box, treemap
from imagewright.describe.wording import http_date, human, listed, plain
from imagewright.model.contents import ContentFile, Contents, Interpreter, OwnedFiles, SourcePackage
from imagewright.model.reports import SPEED_KEY, ReportedImage

_WIDTH, _HEIGHT = 1000.0, 560.0
_COLOURS = 8
_OWNERS = 15
_SHORT = 90
_SIGN = 7.0
"""Width of a letter in the drawing, on average."""


def drawing(found: Contents, number: int) -> str:
    """The map of layers and directories; ``number`` tells it apart from others of a page."""
    boxes = treemap(found.layers, _WIDTH, _HEIGHT)
    if not boxes:
        return "<p>There are no files.</p>\n"
    shapes = "".join(_box(box) for box in boxes)
    return (
        f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" aria-labelledby="t{number} d{number}">\n'
        f'<title id="t{number}">Size of layers and of the directories in them</title>\n'
        f'<desc id="d{number}">Each rectangle is as large as what it holds, unpacked. The tables below have the '
        f"same figures.</desc>\n{shapes}</svg>\n"
    )


def _box(box: Box) -> str:
    area = box.area
    what = f"{box.name if not box.depth else box.path}: {human(box.size)}"
    colour = f"c{(box.layer - 1) % _COLOURS} d{min(box.depth, 4)}"
    shape = f'<rect x="{area.x:.1f}" y="{area.y:.1f}" width="{area.width:.1f}" height="{area.height:.1f}" />'
    return f'<g class="{colour}"><title>{escaped(what)}</title>{shape}{_label(box)}</g>\n'


def _label(box: Box) -> str:
    """A name, and its size where there is room for both; none where it would be cut to nothing."""
    area = box.area
    signs = int((area.width - 8) / _SIGN)
    if signs < 4 or area.height < 15:  # noqa: PLR2004 - letters that say something; a line's height
        return ""
    whole = f"{box.name} {human(box.size)}"
    name = whole if len(whole) <= signs else box.name if len(box.name) <= signs else f"{box.name[: signs - 1]}…"
    return f'<text x="{area.x + 4:.1f}" y="{area.y + 12:.1f}">{escaped(name)}</text>'


def packages_by_source(sources: Sequence[SourcePackage]) -> str:
    """Each source with what was built from it, its licences and where it is."""
    if not sources:
        return "<p>No package database was found.</p>\n"
    return "".join(_source(source) for source in sources)


def _source(source: SourcePackage) -> str:
    names = ", ".join(f"{each.name} {each.version} ({each.architecture})" for each in source.packages)
    see = ", ".join(source.copyright_files)
    licences = "; ".join(source.licences) or (f"not machine-readable, see {see}" if see else "not said")
    places = "".join(f"<li><code>{escaped(url)}</code></li>" for url in source.urls or (source.path,))
    short = "; ".join(source.licences) or "licence not machine-readable"
    short = short if len(short) <= _SHORT else f"{short[: _SHORT - 1]}…"
    return (
        f"<details><summary><strong>{escaped(source.name)}</strong> {escaped(source.version)}"
        f' <span class="q">{escaped(short)}</span></summary>\n'
        + facts_list((("Packages", names), ("Licences", licences), ("Homepage", source.homepage or "not said")))
        + f"<p>Source: <code>{escaped(source.retrieve)}</code></p>\n<ul>{places}</ul>\n</details>\n"
    )


def interpreter_part(interpreter: Interpreter) -> str:
    """How a Python was configured, and its modules."""
    values = dict(interpreter.variables)
    lines = "\n".join(f"{name} = {values[name]}" for name in SHOWN if values.get(name))
    modules = ", ".join(interpreter.modules)
    return (
        f"<h3>Python {escaped(interpreter.version)} in /{escaped(interpreter.path)}</h3>\n"
        f'<pre tabindex="0">{escaped(lines)}</pre>\n'
        f"<details><summary>{len(interpreter.modules)} modules</summary><p>{escaped(modules)}</p></details>\n"
    )


def files_table(title: str, files: Iterable[ContentFile]) -> str:
    """Files with mode, owner, layer and size."""
    rows = [
        (each.path, each.mode, f"{each.uid}:{each.gid}", each.owner or "none", str(each.layer), human(each.size))
        for each in files
    ]
    return table(title, ("File", "Mode", "User", "Package", "Layer", "Size"), rows, (4, 5))


def owners_table(title: str, who: str, owners: Iterable[OwnedFiles]) -> str:
    """How much belongs to whom: the largest owners, and the others folded away."""
    rows = [(each.owner or "none", f"{each.files:,}", human(each.size)) for each in owners]
    head = (who, "Files", "Size")
    shown, more = rows[:_OWNERS], rows[_OWNERS:]
    rest = table(f"{title}: the others", head, more, (1, 2)) if more else ""
    folded = f"<details><summary>{len(more)} others</summary>\n{rest}</details>\n" if more else ""
    return table(title, head, shown, (1, 2)) + folded


def image_part(image: ReportedImage) -> Iterator[str]:
    """What is published of one platform: facts, history, layers."""
    yield f"<h3>{escaped(str(image.platform))}</h3>\n"
    facts = [
        ("Digest", str(image.digest)),
        ("Image ID", str(image.image_id)),
        ("Size", f"{human(image.size)} ({image.size:,} bytes), as transferred"),
        ("Speed", dict(image.annotations).get(SPEED_KEY, "")),
        ("Docker version", image.docker_version),
        ("Created", http_date(image.created) if image.created is not None else ""),
        ("Entrypoint", listed(image.entrypoint) if image.entrypoint else ""),
        ("Command", listed(image.command) if image.command else ""),
        ("Shell", listed(image.shell) if image.shell else ""),
        *image.settings,
        *(("Environment", line) for line in unsaid_environment(image)),
        *((f"Label {name}", value) for name, value in image.labels),
        *((f"Annotation {name}", value) for name, value in image.annotations if name != SPEED_KEY),
    ]
    yield facts_list((name, value) for name, value in facts if value)
    lines: list[str] = []
    for step in image.history:
        lines += [f"# {http_date(step.created)}"] if step.created is not None else []
        lines += dockerfile_lines(step)
    if lines:
        text = "\n".join(lines)
        yield f'<h4>History</h4>\n<pre tabindex="0">{escaped(text)}</pre>\n'
    rows = [
        (
            str(layer.digest),
            layer.media_type,
            " ".join(layer.urls),
            http_date(layer.last_modified) if layer.last_modified is not None else "",
            human(layer.size),
        )
        for layer in image.layers
    ]
    yield table("Layers as published", ("Digest", "Media type", "Elsewhere", "Last modified", "Size"), rows, (4,))


def facts_list(facts: Iterable[tuple[str, str]]) -> str:
    """Names and values."""
    inner = "".join(f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts)
    return f"<dl>{inner}</dl>\n"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], figures: Sequence[int] = ()) -> str:
    """A table that may be scrolled by itself; columns of ``figures`` stand to the right."""
    if not rows:
        return f"<h3>{escaped(title)}</h3>\n<p>None.</p>\n"
    marks = [' class="n"' if number in figures else "" for number in range(len(head))]
    heads = "".join(f'<th scope="col"{mark}>{escaped(name)}</th>' for name, mark in zip(head, marks, strict=True))
    lines = "".join(f"<tr>{_cells(row, marks)}</tr>\n" for row in rows)
    inner = f"<caption>{escaped(title)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>"
    label = escaped(title)
    return f'<div class="table" role="region" aria-label="{label}" tabindex="0"><table>{inner}</table></div>\n'


def _cells(row: Sequence[str], marks: Sequence[str]) -> str:
    return "".join(f"<td{mark}>{escaped(cell)}</td>" for cell, mark in zip(row, marks, strict=True))


def escaped(text: str) -> str:
    """Text as HTML, without control characters."""
    return escape(plain(text))
