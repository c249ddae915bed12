# SPDX-License-Identifier: Apache-2.0
"""Facts → Markdown, by templates, shortened by rule where a registry's limit asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined

from imagewright.catalog.publication import ReadmeStyle
from imagewright.catalog.versions import is_release, is_series
from imagewright.describe.wording import cell
from imagewright.emit.readme.facts import Facts, namespace_of
from imagewright.errors import ConfigurationError
from imagewright.model.platforms import parse_platform

_TEMPLATES = ("lists.md.j2", "official.md.j2", "infra7.md.j2")
_BLANKS = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Shape:
    """How much is said of the tags.

    ``loose``: an empty line between them; ``paths``: the Dockerfile's path after them; ``nested``: images with
    links below each shared tag; ``linked``: with links to Dockerfiles; ``listed``: at all. ``classic`` is the
    order of 2019, ``several`` a word about several Pythons in one image.
    """

    loose: bool
    paths: bool
    classic: bool
    several: bool
    nested: bool = True
    linked: bool = True
    listed: bool = True


@dataclass(frozen=True, slots=True)
class WrittenReadme:
    """A README, and by which rules it was shortened ("" for not at all)."""

    text: str
    shortened: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes, as registries count them."""
        return len(self.text.encode())


_RULES = (
    ("no empty lines between tags", {"loose": False}),
    ("no paths of Dockerfiles", {"paths": False}),
    ("no links below shared tags", {"nested": False}),
    ("no links to Dockerfiles", {"linked": False}),
    ("no list of tags", {"listed": False}),
)
"""What is left out, one after the other, until the limit is kept. Nothing is ever cut in the middle."""


def write_readme(facts: Facts, style: ReadmeStyle) -> WrittenReadme:
    """The README of a repository, within the publication's limit.

    Raises :class:`ConfigurationError` where no rule makes it short enough.
    """
    classic = style is ReadmeStyle.CLASSIC
    full = any(variant.name == "full" for variant in facts.variants) or facts.repository.platform is not None
    shape = Shape(
        loose=facts.publication.loose and not classic,
        paths=classic,
        classic=classic,
        several=full and not classic,
    )
    environment = _environment()
    found = WrittenReadme(_rendered(environment, facts, shape))
    used: list[str] = []
    for rule, changes in _RULES:
        if found.size <= facts.publication.limit:
            return found
        if (shorter := replace(shape, **changes)) != shape:
            shape = shorter
            used.append(rule)
            found = WrittenReadme(_rendered(environment, facts, shape), tuple(used))
    _refuse_long(found, facts)
    return found


def write_status_readme(facts: Facts, table: str) -> WrittenReadme:
    """The README in infra7's layout, around a Markdown ``table`` of what was built.

    Raises :class:`ConfigurationError` where it is longer than the publication's limit.
    """
    architectures = []
    for item in facts.platforms:
        platform = parse_platform(item.title)
        others = sorted(platform.names - {platform.architecture, str(platform)})
        architectures.append((platform.architecture, others))
    text = (
        _environment()
        .get_template("infra7.md.j2")
        .render(
            facts=facts,
            table=table,
            at=facts.publication.link,
            architectures=architectures,
            alpine=any(variant.name == "alpine" for variant in facts.variants),
            shape=None,
            series_tag=_first(facts, is_series),
            release_tag=_first(facts, is_release),
        )
    )
    found = WrittenReadme(_BLANKS.sub("\n\n", text).strip("\n") + "\n")
    _refuse_long(found, facts)
    return found


def _first(facts: Facts, fits: Callable[[str], bool]) -> str:
    """The first image's tag that begins with such a version."""
    tags = facts.simple[0].tags
    return next((tag for tag in tags if fits(tag.partition("-")[0])), tags[0])


def _refuse_long(found: WrittenReadme, facts: Facts) -> None:
    if found.size > facts.publication.limit:
        raise ConfigurationError(
            f"the README of {facts.repository} has {found.size} bytes, and the limit is {facts.publication.limit}",
            why="even without its list of tags",
            hint="raise publication.limit, or publish fewer variants",
        )


def _rendered(environment: Environment, facts: Facts, shape: Shape) -> str:
    platform = facts.repository.platform
    words: Mapping[str, str] = (
        {} if platform is None else {"platform": platform.library, "namespace": namespace_of(platform)}
    )

    def at(key: str) -> str:
        return facts.publication.link(key, **words)

    text = environment.get_template("official.md.j2").render(facts=facts, shape=shape, at=at)
    return _BLANKS.sub("\n\n", text).strip("\n") + "\n"


def _environment() -> Environment:
    directory = files("imagewright.emit.readme") / "templates"
    found = Environment(
        loader=DictLoader({name: (directory / name).read_text(encoding="utf-8") for name in _TEMPLATES}),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - what is written is Markdown, and every word in it was validated
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters["words"] = cell
    return found
