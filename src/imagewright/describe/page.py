# SPDX-License-Identifier: Apache-2.0
"""A report as one HTML page: no script, nothing fetched, light and dark, to be read aloud as well.

The drawing of layers and directories has its figures beside it as tables, so nothing is said by it alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from imagewright.describe.page_parts import (
    drawing,
    escaped,
    facts_list,
    files_table,
    image_part,
    interpreter_part,
    owners_table,
    packages_by_source,
    table,
)
from imagewright.describe.wording import human
from imagewright.model.contents import Contents
from imagewright.model.reports import PublishedReport, Report

_PARTS = (("layers", "Layers"), ("packages", "Packages"), ("python", "Python"), ("files", "Files"))


def report_page(report: Report) -> str:
    """The whole page."""
    title = f"{report.name}: what it is and what is in it"
    body = "".join(_parts(report))
    style = resources.files("imagewright.describe").joinpath("page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escaped(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def _parts(report: Report) -> Iterator[str]:
    yield f"<header>\n<h1>{escaped(report.name)}</h1>\n<p><code>{report.digest}</code></p>\n"
    yield f"{_nav(report)}</header>\n<main>\n"
    for number, found in enumerate(report.contents, start=1):
        yield from _contents(found, number)
    if report.published is not None:
        yield from _published(report.published)
    yield "</main>\n<footer><p>Written by imagewright report.</p></footer>\n"


def _nav(report: Report) -> str:
    """Links to the parts of the page."""
    places: list[tuple[str, str]] = []
    several = len(report.contents) > 1
    for number, found in enumerate(report.contents, start=1):
        for place, title in _PARTS:
            places.append((f"{place}{number}", f"{title} for {found.platform}" if several else title))
    if report.published is not None:
        places.append(("published", "What is published"))
    links = "".join(f'<li><a href="#{place}">{escaped(title)}</a></li>\n' for place, title in places)
    return f'<nav aria-label="On this page"><ul>\n{links}</ul></nav>\n'


def _contents(found: Contents, number: int) -> Iterator[str]:
    yield f'<section aria-labelledby="content{number}">\n'
    yield f'<h2 id="content{number}">Content for {escaped(found.platform)}</h2>\n'
    packages = sum(len(source.packages) for source in found.sources)
    yield facts_list(
        (
            ("System", found.distribution or "not said"),
            ("Unpacked", human(found.size)),
            ("Transferred", human(sum(layer.compressed for layer in found.layers))),
            ("Files", f"{found.files:,}"),
            ("Packages", f"{packages} from {len(found.sources)} sources"),
            ("Python", ", ".join(each.version for each in found.interpreters) or "none"),
        )
    )
    yield f'<h3 id="layers{number}">Layers and directories</h3>\n'
    yield '<div class="map" role="region" aria-label="Map of layers and directories" tabindex="0">\n'
    yield f"{drawing(found, number)}</div>\n"
    rows = [
        (str(index), layer.comment[:160], human(layer.compressed), human(layer.unpacked), f"{layer.files:,}")
        for index, layer in enumerate(found.layers, start=1)
    ]
    yield table("Layers, lowest first", ("Layer", "What", "Transferred", "Unpacked", "Files"), rows, (2, 3, 4))
    yield f'<h3 id="packages{number}">Packages by source</h3>\n' + packages_by_source(found.sources)
    yield f'<div id="python{number}">\n'
    python = [(one.name, one.version, one.licence or "not said", one.path) for one in found.python_packages]
    yield table("Python packages", ("Package", "Version", "Licence", "Metadata"), python)
    yield from (interpreter_part(each) for each in found.interpreters)
    yield f'</div>\n<div id="files{number}">\n'
    yield files_table("Files with privileges", found.privileged)
    yield files_table("Largest files", found.largest_files)
    directories = [(each.path, f"{each.files:,}", human(each.size)) for each in found.largest_directories]
    yield table("Largest directories, with all below", ("Directory", "Files", "Size"), directories, (1, 2))
    yield owners_table("Files by package", "Package", found.owners)
    yield owners_table("Files by user and group", "User", found.users)
    yield "</div>\n</section>\n"


def _published(report: PublishedReport) -> Iterator[str]:
    yield '<section aria-labelledby="published">\n<h2 id="published">What is published</h2>\n'
    if report.pull:
        yield f'<pre tabindex="0">docker pull {escaped(report.pull)}@{report.digest}</pre>\n'
    yield facts_list((("Reference", report.ref), ("Media type", report.media_type)))
    yield from (part for image in report.images for part in image_part(image))
    rows = [(str(one.digest), one.kind or one.media_type, one.about) for one in report.attachments]
    if rows:
        yield table("Attestations and other attachments", ("Digest", "Kind", "About"), rows)
    yield "</section>\n"
