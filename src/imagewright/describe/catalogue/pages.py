# SPDX-License-Identifier: Apache-2.0
"""Pages of a catalogue site, from templates. Everything is escaped but what :mod:`page_parts` and charts made.

No page holds a time of its making, so that the same facts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from imagewright.catalog.publication import Publication
from imagewright.describe.catalogue import charts, matrix
from imagewright.describe.catalogue.facts import CatalogueImage, Findings, Package
from imagewright.describe.catalogue.search import SearchData
from imagewright.describe.page_parts import image_part
from imagewright.describe.wording import human, iso_date, plain
from imagewright.model.statuses import State, Status

POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file:; img-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy of every page: nothing but the site's own files. ``file:`` is for pages that are
opened from the disk, where browsers do not agree what ``'self'`` is; pages from the network may not load it."""

PLAIN_ROWS = 250
"""Images of one page of the list for browsers without scripts."""

_TEMPLATES = ("base", "contents", "image", "index", "list", "materials", "status")
_ASSETS = ("site.css", "site.js", "theme.js", "search.js", "icon.svg")
_PACKAGE = "imagewright.describe.catalogue"


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages share. ``pages`` are those of images by the manifest's digest."""

    publication: Publication
    status: Status | None
    pages: Mapping[str, str]

    @property
    def title(self) -> str:
        """What the site is called."""
        return self.publication.title or "Container images"


@dataclass(frozen=True, slots=True)
class Command:
    """A command to copy, and what it is for."""

    what: str
    text: str


def assets() -> Iterable[tuple[str, bytes]]:
    """Style, scripts and icon, as they are."""
    place = files(_PACKAGE).joinpath("assets")
    return [(f"assets/{name}", place.joinpath(name).read_bytes()) for name in _ASSETS]


def index_page(site: Site, data: SearchData, total: int) -> bytes:
    """The page with the search."""
    filters = [(name, title, data.counts(name)) for name, title in _FILTERS]
    return _rendered("index", site, "", "images", filters=filters, states=list(data.states()), total=total)


def status_page(site: Site) -> bytes:
    """What was built, checked, or failed. Only where there are records."""
    assert site.status is not None
    troubled = [one for one in site.status.images if one.state in (State.FAILED, State.OUTDATED)]
    return _rendered(
        "status", site, "", "status", matrix=matrix.whole(site.status), legend=matrix.legend(), troubled=troubled
    )


def list_pages(site: Site, images: Sequence[CatalogueImage]) -> Iterable[tuple[str, bytes]]:
    """Plain lists of all images, without any script."""
    pages = max(1, -(-len(images) // PLAIN_ROWS))
    for number in range(1, pages + 1):
        shown = images[(number - 1) * PLAIN_ROWS : number * PLAIN_ROWS]
        yield f"list/{number}.html", _rendered("list", site, "../", "", images=shown, number=number, pages=pages)


def image_pages(
    site: Site, image: CatalogueImage, found: Findings | None, why: str = ""
) -> Iterable[tuple[str, bytes]]:
    """Everything about one image: its page, contents, bill of materials. ``why`` nothing was found in it."""
    directory = f"images/{image.digest.hex}"
    status = site.status
    yield (
        image.page,
        _rendered(
            "image",
            site,
            "../../",
            "",
            image=image,
            found=found,
            why=why,
            commands=list(_commands(image)),
            matrix=matrix.of_series(image, status, site.pages) if status is not None else None,
            legend=matrix.legend(),
            layers=_layers(image),
            chart=Markup(charts.sizes_over_time(image.sizes, image.digest)),  # noqa: S704 - escaped there
            sizes=_sizes(image, site.pages),
            published=Markup("".join(image_part(image.published))),  # noqa: S704 - escaped there
            python_packages=_of(found, "python"),
            system_packages=_of(found, "deb"),
        ),
    )
    if found is None:
        return
    yield f"{directory}/contents.html", _rendered("contents", site, "../../", "", image=image, found=found)
    yield f"{directory}/materials.html", _rendered("materials", site, "../../", "", image=image, found=found)
    yield f"{directory}/sbom.spdx.json", found.spdx.encode()
    yield f"{directory}/sbom.cdx.json", found.cyclonedx.encode()


_FILTERS = (("series", "Series"), ("variant", "Variant"), ("suite", "Suite"), ("platform", "Architecture"))


def _of(found: Findings | None, kind: str) -> list[Package]:
    return [package for package in found.packages if package.kind == kind] if found is not None else []


def _commands(image: CatalogueImage) -> Iterable[Command]:
    """By tag, which may move, and by digest, which never does."""
    platform = f"--platform {image.platform} " if image.platform else ""
    for pull in image.pulls:
        if pull.tags:
            yield Command("By tag, which may move", f"docker pull {platform}{pull.repository}:{pull.tags[0]}")
        exact = f"{pull.repository}@{image.digest}"
        yield Command("By digest, exactly this image", f"docker pull {exact}")
        yield Command("With Podman", f"podman pull {exact}")
        yield Command("In a Dockerfile", f"FROM {exact}")


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer with its bar."""

    number: int
    digest: str
    what: str
    size: int
    share: float
    bar: Markup


def _layers(image: CatalogueImage) -> list[_Layer]:
    steps = [step for step in image.published.history if not step.empty]
    total = sum(layer.size for layer in image.published.layers)
    largest = max((layer.size for layer in image.published.layers), default=0)
    said = [step.comment or step.text for step in steps]
    return [
        _Layer(
            number,
            str(layer.digest),
            " ".join((said[number - 1] if number <= len(said) else layer.media_type).split())[:160],
            layer.size,
            100 * layer.size / total if total else 0.0,
            Markup(charts.bar(layer.size, largest)),  # noqa: S704 - figures only
        )
        for number, layer in enumerate(image.published.layers, start=1)
    ]


@dataclass(frozen=True, slots=True)
class _Size:
    """A row of the table of sizes; ``change`` against the one before, "" for the first."""

    moment: int
    name: str
    size: int
    change: str
    page: str
    own: bool


def _sizes(image: CatalogueImage, pages: Mapping[str, str]) -> list[_Size]:
    rows: list[_Size] = []
    before = 0
    for point in image.sizes:
        change = point.size - before if rows else 0
        said = f"{'+' if change > 0 else '−' if change < 0 else '±'}{human(abs(change))}" if rows else ""
        page = pages.get(str(point.digest), "")
        rows.append(_Size(point.moment, point.name, point.size, said, page, point.digest == image.digest))
        before = point.size
    return rows[::-1]


def _rendered(template: str, site: Site, root: str, current: str, **words: object) -> bytes:
    """A page; ``root`` leads to the site's top, ``current`` is the place in the navigation."""
    text = (
        _environment()
        .get_template(f"{template}.html.j2")
        .render(site=site, root=root, current=current, policy=POLICY, **words)
    )
    return text.encode()


@cache
def _environment() -> Environment:
    place = files(_PACKAGE).joinpath("templates")
    names = [f"{name}.html.j2" for name in _TEMPLATES]
    environment = Environment(
        loader=DictLoader({name: place.joinpath(name).read_text("utf-8") for name in names}),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_final,
    )
    environment.filters |= {
        "human": human,
        "moment": iso_date,
        "thousands": lambda number: f"{number:,}",
        "finished": Markup,
        "sign": matrix.sign,
        "short": lambda digest: str(digest).removeprefix("sha256:")[:12],
    }
    return environment


def _final(value: object) -> object:
    """What is written of a value: of foreign text no control characters."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value
