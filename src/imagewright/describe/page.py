# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML page: no script, nothing fetched, light and dark, to be read aloud as well.

The drawing of layers and directories has its figures beside it as tables, so nothing is said by it alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib import resources

from imagewright.describe.history import dockerfile_lines
from imagewright.describe.interpreters import SHOWN
from imagewright.describe.published_markdown import unsaid_environment
from imagewright.describe.treemap import Box, treemap
from imagewright.describe.wording import http_date, human, listed, plain
from imagewright.model.contents import ContentFile, Contents, Interpreter, OwnedFiles, SourcePackage
from imagewright.model.reports import PublishedReport, Report, ReportedImage

_WIDTH, _HEIGHT = 1000.0, 560.0
_COLOURS = 8
_SIGN = 7.0
"""Width of a letter in the drawing, on average."""


def report_page(report: Report) -> str:
    """The whole page."""
    title = f"{report.name}: what it is and what is in it"
    body = "".join(_parts(report))
    style = resources.files("imagewright.describe").joinpath("page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def _parts(report: Report) -> Iterator[str]:
    yield f"<header>\n<h1>{_text(report.name)}</h1>\n<p><code>{report.digest}</code></p>\n</header>\n<main>\n"
    for number, found in enumerate(report.contents, start=1):
        yield from _contents(found, number)
    if report.published is not None:
        yield from _published(report.published)
    yield "</main>\n<footer><p>Written by imagewright report.</p></footer>\n"


def _contents(found: Contents, number: int) -> Iterator[str]:
    yield f'<section aria-labelledby="content{number}">\n'
    yield f'<h2 id="content{number}">Content for {_text(found.platform)}</h2>\n'
    packages = sum(len(source.packages) for source in found.sources)
    yield _facts(
        (
            ("System", found.distribution or "not said"),
            ("Unpacked", human(found.size)),
            ("Transferred", human(sum(layer.compressed for layer in found.layers))),
            ("Files", f"{found.files:,}"),
            ("Packages", f"{packages} from {len(found.sources)} sources"),
            ("Python", ", ".join(each.version for each in found.interpreters) or "none"),
        )
    )
    yield "<h3>Layers and directories</h3>\n" + _drawing(found, number)
    rows = [
        (str(index), layer.comment[:160], human(layer.compressed), human(layer.unpacked), f"{layer.files:,}")
        for index, layer in enumerate(found.layers, start=1)
    ]
    yield _table("Layers, lowest first", ("Layer", "What", "Transferred", "Unpacked", "Files"), rows, (2, 3, 4))
    directories = [(each.path, f"{each.files:,}", human(each.size)) for each in found.largest_directories]
    yield _table("Largest directories, with all below", ("Directory", "Files", "Size"), directories, (1, 2))
    yield _files("Largest files", found.largest_files)
    yield _files("Files with privileges", found.privileged)
    yield _owners("Files by package", "Package", found.owners)
    yield _owners("Files by user and group", "User", found.users)
    yield "<h3>Packages by source</h3>\n" + _packages(found.sources)
    python = [(one.name, one.version, one.licence or "not said", one.path) for one in found.python_packages]
    yield _table("Python packages", ("Package", "Version", "Licence", "Metadata"), python)
    yield from (_interpreter(each) for each in found.interpreters)
    yield "</section>\n"


def _drawing(found: Contents, number: int) -> str:
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
    return f'<g class="{colour}"><title>{_text(what)}</title>{shape}{_label(box)}</g>\n'


def _label(box: Box) -> str:
    """A name, and its size where there is room for both; none where it would be cut to nothing."""
    area = box.area
    signs = int((area.width - 8) / _SIGN)
    if signs < 4 or area.height < 15:  # noqa: PLR2004 - letters that say something; a line's height
        return ""
    whole = f"{box.name} {human(box.size)}"
    name = whole if len(whole) <= signs else box.name if len(box.name) <= signs else f"{box.name[: signs - 1]}…"
    return f'<text x="{area.x + 4:.1f}" y="{area.y + 12:.1f}">{_text(name)}</text>'


def _packages(sources: Sequence[SourcePackage]) -> str:
    if not sources:
        return "<p>No package database was found.</p>\n"
    return "".join(_source(source) for source in sources)


def _source(source: SourcePackage) -> str:
    names = ", ".join(f"{each.name} {each.version} ({each.architecture})" for each in source.packages)
    see = ", ".join(source.copyright_files)
    licences = "; ".join(source.licences) or (f"not machine-readable, see {see}" if see else "not said")
    places = "".join(f"<li><code>{_text(url)}</code></li>" for url in source.urls or (source.path,))
    return (
        f"<details><summary><strong>{_text(source.name)}</strong> {_text(source.version)}</summary>\n"
        + _facts((("Packages", names), ("Licences", licences), ("Homepage", source.homepage or "not said")))
        + f"<p>Source: <code>{_text(source.retrieve)}</code></p>\n<ul>{places}</ul>\n</details>\n"
    )


def _interpreter(interpreter: Interpreter) -> str:
    values = dict(interpreter.variables)
    lines = "\n".join(f"{name} = {values[name]}" for name in SHOWN if values.get(name))
    modules = ", ".join(interpreter.modules)
    return (
        f"<h3>Python {_text(interpreter.version)} in /{_text(interpreter.path)}</h3>\n"
        f'<pre tabindex="0">{_text(lines)}</pre>\n'
        f"<details><summary>{len(interpreter.modules)} modules</summary><p>{_text(modules)}</p></details>\n"
    )


def _files(title: str, files: Iterable[ContentFile]) -> str:
    rows = [
        (each.path, each.mode, f"{each.uid}:{each.gid}", each.owner or "none", str(each.layer), human(each.size))
        for each in files
    ]
    return _table(title, ("File", "Mode", "User", "Package", "Layer", "Size"), rows, (4, 5))


def _owners(title: str, who: str, owners: Iterable[OwnedFiles]) -> str:
    rows = [(each.owner or "none", f"{each.files:,}", human(each.size)) for each in owners]
    return _table(title, (who, "Files", "Size"), rows, (1, 2))


def _published(report: PublishedReport) -> Iterator[str]:
    yield '<section aria-labelledby="published">\n<h2 id="published">What is published</h2>\n'
    if report.pull:
        yield f'<pre tabindex="0">docker pull {_text(report.pull)}@{report.digest}</pre>\n'
    yield _facts((("Reference", report.ref), ("Media type", report.media_type)))
    yield from (part for image in report.images for part in _image(image))
    rows = [(str(one.digest), one.kind or one.media_type, one.about) for one in report.attachments]
    if rows:
        yield _table("Attestations and other attachments", ("Digest", "Kind", "About"), rows)
    yield "</section>\n"


def _image(image: ReportedImage) -> Iterator[str]:
    yield f"<h3>{_text(str(image.platform))}</h3>\n"
    facts = [
        ("Digest", str(image.digest)),
        ("Image ID", str(image.image_id)),
        ("Size", f"{human(image.size)} ({image.size:,} bytes), as transferred"),
        ("Docker version", image.docker_version),
        ("Created", http_date(image.created) if image.created is not None else ""),
        ("Entrypoint", listed(image.entrypoint) if image.entrypoint else ""),
        ("Command", listed(image.command) if image.command else ""),
        ("Shell", listed(image.shell) if image.shell else ""),
        *image.settings,
        *(("Environment", line) for line in unsaid_environment(image)),
        *((f"Label {name}", value) for name, value in image.labels),
        *((f"Annotation {name}", value) for name, value in image.annotations),
    ]
    yield _facts((name, value) for name, value in facts if value)
    lines: list[str] = []
    for step in image.history:
        lines += [f"# {http_date(step.created)}"] if step.created is not None else []
        lines += dockerfile_lines(step)
    if lines:
        text = "\n".join(lines)
        yield f'<h4>History</h4>\n<pre tabindex="0">{_text(text)}</pre>\n'
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
    yield _table("Layers as published", ("Digest", "Media type", "Elsewhere", "Last modified", "Size"), rows, (4,))


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    inner = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts)
    return f"<dl>{inner}</dl>\n"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], figures: Sequence[int] = ()) -> str:
    """A table that may be scrolled by itself; columns of ``figures`` stand to the right."""
    if not rows:
        return f"<h3>{_text(title)}</h3>\n<p>None.</p>\n"
    marks = [' class="n"' if number in figures else "" for number in range(len(head))]
    heads = "".join(f'<th scope="col"{mark}>{_text(name)}</th>' for name, mark in zip(head, marks, strict=True))
    lines = "".join(f"<tr>{_cells(row, marks)}</tr>\n" for row in rows)
    inner = f"<caption>{_text(title)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{lines}</tbody>"
    label = _text(title)
    return f'<div class="table" role="region" aria-label="{label}" tabindex="0"><table>{inner}</table></div>\n'


def _cells(row: Sequence[str], marks: Sequence[str]) -> str:
    return "".join(f"<td{mark}>{_text(cell)}</td>" for cell, mark in zip(row, marks, strict=True))


def _text(text: str) -> str:
    return escape(plain(text))
