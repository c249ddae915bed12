# SPDX-License-Identifier: Apache-2.0
"""The report of an image's content as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from imagewright.describe.interpreters import SHOWN
from imagewright.describe.wording import cell, code, exact, fence, human
from imagewright.model.contents import ContentFile, Contents, Interpreter, OwnedFiles, SourcePackage

_OWNERS = 30


def contents_markdown(name: str, found: Contents) -> list[str]:
    """The whole report of one platform's image, as lines."""
    lines = [f"## {code(name)} - content for {cell(found.platform)}", ""]
    lines += [f"-\tImage: {code(str(found.digest))}"]
    lines += [f"-\tDistribution: {cell(found.distribution) or 'not said'}"]
    lines += [f"-\tFiles: {found.files}, in {found.directories} directories, with {found.links} symbolic links"]
    lines += [f"-\tSize: **{exact(found.size)}** unpacked", ""]
    lines += ["### Layers", ""]
    rows = [
        (
            str(number),
            human(layer.compressed),
            human(layer.unpacked),
            str(layer.files),
            str(layer.removed),
            cell(layer.comment[:120]),
        )
        for number, layer in enumerate(found.layers, start=1)
    ]
    lines += table(("Layer", "Compressed", "Unpacked", "Files", "Removed", "What"), rows)
    lines += ["", "### Packages by source", ""]
    for source in found.sources:
        lines += [*_source(source), ""]
    if not found.sources:
        lines += ["No package database was found.", ""]
    lines += ["### Python packages", "", *_python(found), ""]
    for interpreter in found.interpreters:
        lines += [*_interpreter(interpreter), ""]
    lines += ["### Files with privileges", "", *_files(found.privileged), ""]
    lines += ["### Largest files", "", *_files(found.largest_files), ""]
    lines += ["### Largest directories", ""]
    places = [(code(each.path), str(each.files), human(each.size)) for each in found.largest_directories]
    lines += [*table(("Directory", "Files", "Size"), places), ""]
    lines += ["### Files by package", "", *_owners(found.owners, "none"), ""]
    return [*lines, "### Files by user and group", "", *_owners(found.users, "")]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table, or a word that there is nothing."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        return ["None."]
    return [f"| {' | '.join(head)} |", f"|{'|'.join('---' for _ in head)}|", *lines]


def _source(source: SourcePackage) -> Iterator[str]:
    yield f"#### {code(f'{source.name}={source.version}')}"
    yield ""
    names = (code(f"{each.name}:{each.architecture}={each.version}") for each in source.packages)
    yield f"-\tPackages: {', '.join(names)}"
    if source.licences:
        yield f"-\tLicences: {', '.join(code(each) for each in source.licences)}"
    elif source.copyright_files:
        yield f"-\tLicences: not machine-readable; see {', '.join(code(each) for each in source.copyright_files)}"
    else:
        yield "-\tLicences: the image has no copyright file"
    if source.homepage:
        yield f"-\tHomepage: <{quoted(source.homepage)}>"
    yield f"-\tSource: {code(source.retrieve)}"
    yield from (f"\t-\t<{quoted(url)}>" for url in source.urls or ())
    if not source.urls:
        yield f"\t-\t{code(source.path)}, below the archive it came from"


def quoted(url: str) -> str:
    """An address between angle brackets."""
    return "".join(sign for sign in url if sign.isprintable() and sign not in "<> ")


def _python(found: Contents) -> list[str]:
    rows = [
        (code(each.name), code(each.version), cell(each.licence) or "not said", code(each.path))
        for each in found.python_packages
    ]
    lines = table(("Package", "Version", "Licence", "Metadata"), rows)
    for each in found.python_packages:
        if each.vendored:
            lines += ["", f"{code(each.name)} holds {', '.join(code(one) for one in each.vendored)}."]
    return lines


def _interpreter(interpreter: Interpreter) -> Iterator[str]:
    yield f"### Python {cell(interpreter.version)} in {code(f'/{interpreter.path}')}"
    yield ""
    yield f"{len(interpreter.modules)} modules can be imported. It was configured so:"
    yield ""
    values = dict(interpreter.variables)
    yield from fence([f"{name} = {' '.join(values[name].split())}" for name in SHOWN if values.get(name)], "")


def _files(files: Iterable[ContentFile]) -> list[str]:
    rows = [
        (
            code(each.path),
            code(each.mode),
            f"{each.uid}:{each.gid}",
            human(each.size),
            code(each.owner) if each.owner else "none",
            str(each.layer),
        )
        for each in files
    ]
    return table(("File", "Mode", "User", "Size", "Package", "Layer"), rows)


def _owners(owners: Sequence[OwnedFiles], nobody: str) -> list[str]:
    rows = [
        (code(each.owner) if each.owner else nobody, str(each.files), human(each.size))
        for each in owners[:_OWNERS]
    ]
    if len(owners) > _OWNERS:
        rest = owners[_OWNERS:]
        files, size = sum(each.files for each in rest), sum(each.size for each in rest)
        rows.append((f"{len(rest)} others", str(files), human(size)))
    return table(("Package" if nobody else "User", "Files", "Size"), rows)
