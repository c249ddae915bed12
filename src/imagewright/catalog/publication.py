# SPDX-License-Identifier: Apache-2.0
"""Who publishes the images and where: ``[publication]`` of ``imagewright.toml``.

Every name, host and link that READMEs have comes from here; a link that is not said leaves out what it is for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from imagewright.catalog.reading import Table, did_you_mean

MAXIMUM_DESCRIPTION = 25_000
"""Bytes of a description that Docker Hub takes."""

_URL = r"https?://[^\s\x00-\x1f<>]{1,2000}"
_LINE = r"[^\x00-\x1f]{1,200}"
_REPOSITORY = r"[a-z0-9][a-zA-Z0-9.:-]{0,200}(/[a-z0-9]+([._-]+[a-z0-9]+)*){1,20}"
_WORD = re.compile(r"\{([a-z]*)\}")

LINKS: Mapping[str, tuple[str, ...]] = {
    "repository": (),  # where the Dockerfiles live
    "dockerfile": ("commit", "directory", "file"),
    "registry": (),  # the repository for all platforms
    "platform": ("namespace",),  # the repository of one platform
    "architectures": (),  # about repositories of one platform
    "moved": (),  # why published images are behind their sources
    "tag_kinds": (),  # about simple and shared tags
    "issues": (),
    "build_badge": ("namespace", "platform"),
    "build": ("namespace", "platform"),
    "details": (),  # reports of the published images
    "details_history": (),
    "updates": (),  # changes that are under way
    "manifest": (),  # the library manifest
    "manifest_history": (),
    "description": (),  # what the README is made from
    "description_history": (),
    "docker": (),  # the supported release of Docker
    "about": (),  # about Python
    "logo": (),
    "debian": (),
    "buildpack": (),  # the image whose packages the full variant has
    "alpine": (),
    "alpine_image": (),
    "alpine_examples": (),
    "musl": (),
    "libc_comparison": (),
    "libc_discussion": (),
    "windows_image": (),
    "windows_server_start": (),
    "windows_client_start": (),
    "licence_2": (),
    "licence_3": (),
    "licence_details": (),
}
"""The links there are, and the ``{words}`` that each may hold."""

_DEFAULT_LINKS = (
    ("about", "https://en.wikipedia.org/wiki/Python_(programming_language)"),
    ("debian", "https://wiki.debian.org/DebianReleases"),
    ("alpine", "https://alpinelinux.org"),
    ("musl", "https://musl.libc.org"),
    ("licence_3", "https://docs.python.org/3/license.html"),
)


PUBLICATION_KEYS: tuple[tuple[str, str, str, str], ...] = (
    ("style", "official, classic, infra7", "`official`", "Layout of READMEs."),
    ("title", "text", "`Container images`", "What the catalogue site is called."),
    (
        "pull",
        "repository",
        "none",
        "Where people pull the images from: `registry.example/team/python`; for the site.",
    ),
    ("maintainer", "text", "none", "Who maintains the images, for people."),
    ("help", "list of tables", "none", "Where to get help: each with its `title` and `url`."),
    ("links", "table", "links about Python and Debian", "Link → address; READMEs leave out what lacks one."),
    ("limit", "number", "25000", "Bytes that a README may have; longer ones are shortened by rule."),
    ("loose_lists", "true or false", "true", "An empty line between tags."),
)
"""Key, kind, default and meaning, for the reference."""

EXAMPLE_PUBLICATION = """\
[publication]                   # who publishes the images, for READMEs
style = "official"
title = "Example's Python images"
pull = "registry.example/team/python"
maintainer = "Example Platform Team"
limit = 25000
loose_lists = false
help = [{ title = "the forum", url = "https://forum.example/" }]

[publication.links]
repository = "https://git.example/python"
dockerfile = "https://git.example/python/blob/{commit}/{directory}/{file}"
"""


class ReadmeStyle(StrEnum):
    """How a README is laid out: as the official images' today, as theirs in 2019, or as infra7's."""

    OFFICIAL = "official"
    CLASSIC = "classic"
    INFRA7 = "infra7"


@dataclass(frozen=True, slots=True)
class Named:
    """A link with its title."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Publication:
    """Who publishes the images and where. ``limit`` in bytes of a description; ``loose`` puts an empty line
    between tags, as newer descriptions have it; ``title`` and ``pull`` (a repository) are the site's."""

    style: ReadmeStyle = ReadmeStyle.OFFICIAL
    maintainer: str = ""
    help: tuple[Named, ...] = ()
    links: tuple[tuple[str, str], ...] = _DEFAULT_LINKS
    limit: int = MAXIMUM_DESCRIPTION
    loose: bool = True
    title: str = ""
    pull: str = ""
    named: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "named", dict(self.links))

    def link(self, key: str, **words: str) -> str:
        """A link with its words filled in, safe inside Markdown's parentheses; "" where nobody said it."""
        url = _WORD.sub(lambda match: words.get(match[1], match[0]), self.named.get(key, ""))
        return url.replace("(", "%28").replace(")", "%29")


def read_publication(table: Table) -> Publication:
    """Read ``[publication]``, if it is there; what is wrong goes into the table's problems."""
    inner = table.table("publication")
    if inner is None:
        return Publication()
    style = inner.choice("style", [style.value for style in ReadmeStyle], ReadmeStyle.OFFICIAL.value)
    found = Publication(
        style=ReadmeStyle(style) if style in set(ReadmeStyle) else ReadmeStyle.OFFICIAL,
        maintainer=inner.text("maintainer", "", pattern=_LINE, of="one line of text"),
        help=tuple(_named(one) for one in inner.tables("help")),
        links=_links(inner),
        limit=inner.integer("limit", MAXIMUM_DESCRIPTION, minimum=1000, maximum=1 << 20),
        loose=inner.boolean("loose_lists", default=True),
        title=inner.text("title", "", pattern=_LINE, of="one line of text"),
        pull=inner.text("pull", "", pattern=_REPOSITORY, of="a repository such as registry.example/team/python"),
    )
    inner.finish()
    return found


def _named(table: Table) -> Named:
    found = Named(
        table.text("title", pattern=_LINE, of="one line of text"),
        table.text("url", pattern=_URL, of="an address"),
    )
    table.finish()
    return found


def _links(table: Table) -> tuple[tuple[str, str], ...]:
    """The links that are said, over the default ones; an empty one takes a default away."""
    said = table.mapping("links")
    for key, url in said:
        place = f"{table.where('links')}.{key}"
        if key not in LINKS:
            table.problems.add(place, "is not known here", did_you_mean(key, LINKS))
            continue
        if url and not re.fullmatch(_URL, url, re.ASCII):
            table.problems.add(place, f"{url[:80]!r} is not an address")
        for word in _WORD.findall(url):
            if word not in LINKS[key]:
                hint = did_you_mean(word, LINKS[key]) or "it has none"
                table.problems.add(place, f"{{{word}}} is not known here", hint)
    return tuple({**dict(_DEFAULT_LINKS), **dict(said)}.items())
