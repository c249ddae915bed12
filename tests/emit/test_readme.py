# SPDX-License-Identifier: Apache-2.0
"""READMEs: for historical catalogs they have the sections, tags and links that were published."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from imagewright.app.readme import describe_repository
from imagewright.app.world import SystemClock, World
from imagewright.errors import ConfigurationError, UsageError
from imagewright.model.emitted import Readme, ReadmeOptions
from imagewright.model.options import GlobalOptions

CATALOGS = Path(__file__).parent.parent / "catalogs"
PUBLISHED = [("000-2020", "winamd64/python"), ("001-2019", "python"), ("002-2025", "i386/python")]
_LINK = re.compile(r"\]\((https?://[^()\s]+)\)")
_ITEM = re.compile(r"^(?P<indent> *)- (?P<rest>.*`.*)$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


def written(catalog: str, name: str, style: str = "") -> Readme:
    world = World(GlobalOptions(config=CATALOGS / f"{catalog}.publication.toml"), SystemClock(), 0o022)
    library = CATALOGS / f"{catalog}.library"
    return describe_repository(world, name, ReadmeOptions(style, library, None, CATALOGS / f"{catalog}.toml"))


def plain(tmp_path: Path, name: str, text: str = "", options: ReadmeOptions | None = None) -> Readme:
    """A README of the catalog that ships."""
    (tmp_path / "imagewright.toml").write_text(text)
    world = World(GlobalOptions(config=tmp_path / "imagewright.toml"), SystemClock(), 0o022)
    return describe_repository(world, name, options or ReadmeOptions())


def golden(name: str) -> Any:
    return json.loads((CATALOGS / name).read_text(encoding="utf-8"))


def without_examples(text: str) -> str:
    return re.sub(r"```\w*\n.*?```", "", text, flags=re.DOTALL)


def between(text: str, first: str, last: str) -> str:
    return text.partition(f"\n{first}\n")[2].partition(f"\n{last}")[0]


@pytest.mark.parametrize(("catalog", "name"), PUBLISHED)
def test_sections_and_links_are_those_published(catalog: str, name: str) -> None:
    text = without_examples(written(catalog, name).text)
    expected = golden(f"{catalog}.readme.json")
    assert [line for line in text.splitlines() if line.startswith("#")] == expected["sections"]
    assert sorted({link for link in _LINK.findall(text) if "Dockerfile" not in link}) == expected["links"]


@pytest.mark.parametrize(("catalog", "name"), PUBLISHED)
def test_tags_and_their_links_are_those_published(catalog: str, name: str) -> None:
    text = written(catalog, name).text
    expected = golden(f"{catalog}.json")
    simple = [
        {
            "directory": re.sub(r".*/blob/[0-9a-f]{40}/|/Dockerfile\)$", "", item["rest"]),
            "tags": tags_of(item["rest"]),
        }
        for item in _ITEM.finditer(between(text, "## Simple Tags", "## Shared Tags"))
    ]
    assert simple == expected["simple"]
    shared: list[dict[str, list[str]]] = []
    for item in _ITEM.finditer(between(text, "## Shared Tags", "# ")):
        if item["indent"]:
            shared[-1]["images"] += tags_of(item["rest"])
        else:
            shared.append({"tags": tags_of(item["rest"]), "images": []})
    assert shared == expected["shared"]
    library = (CATALOGS / f"{catalog}.library").read_text()
    commits = dict(
        zip(re.findall("Directory: (.*)", library), re.findall("GitCommit: (.*)", library), strict=False)
    )
    links = dict.fromkeys(link for link in _LINK.findall(text) if link.endswith("/Dockerfile"))
    for link in links:
        head, _, tail = link.partition("/blob/")
        commit, _, directory = tail.removesuffix("/Dockerfile").partition("/")
        assert head == "https://github.com/docker-library/python"
        assert commits[directory] == commit
    assert len(links) == len(expected["simple"])


def tags_of(line: str) -> list[str]:
    return _CODE.findall(line)


@pytest.mark.parametrize(("catalog", "name"), PUBLISHED)
def test_a_readme_is_well_formed_and_short_enough(catalog: str, name: str) -> None:
    found = written(catalog, name)
    assert found.bytes == len(found.text.encode()) <= 25_000
    assert found.shortened == ()
    check_markdown(found.text)


def check_markdown(text: str) -> None:
    """What was meant as a list, a link or a block is one for a CommonMark parser, and nothing is left over."""
    assert "{" not in without_examples(text).replace("{%", "{")
    assert "\n\n\n" not in text
    assert not re.search(r"[ \t]{3,}$", text, re.MULTILINE)
    tokens = MarkdownIt("commonmark").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    assert "](" not in "".join(child.content for child in inline if child.type == "text")
    assert sum(child.type == "link_open" for child in inline) >= text.count("](") - text.count("![")
    assert [token.tag for token in tokens if token.type == "heading_open"] == [
        f"h{len(line.partition(' ')[0])}" for line in without_examples(text).splitlines() if line.startswith("#")
    ]
    fences = sum(token.type == "fence" for token in tokens)
    assert fences * 2 == text.count("```")


def test_only_what_is_configured_is_said(tmp_path: Path) -> None:
    text = plain(tmp_path, "example/python").text
    assert "docker-library" not in text
    assert "hub.docker.com" not in text
    assert "- `3.13.15-slim-trixie`, " in text
    assert "## `example/python:<version>-minimal`" in text
    assert "## `example/python:<version>-alpine`" not in text  # planned, and so not published
    assert "FROM example/python:3\n" in text
    check_markdown(text)


def test_a_free_threaded_image_has_a_remark(tmp_path: Path) -> None:
    found = plain(tmp_path, "python", options=ReadmeOptions(only=("3.13t-slim*", "3.13-slim*")))
    assert "## `python:<version>t`" in found.text
    assert "## `python:<version>t`" not in plain(tmp_path, "python").text


@pytest.mark.parametrize(
    ("limit", "rules"),
    [
        (25_000, 0),
        (15_090, 1),
        (14_300, 2),
        (10_000, 3),
        (6_900, 4),
    ],
)
def test_a_readme_is_shortened_by_rule(limit: int, rules: int) -> None:
    world = World(GlobalOptions(config=CATALOGS / "002-2025.publication.toml"), SystemClock(), 0o022)
    limited = Limited(world, limit)
    options = ReadmeOptions("", CATALOGS / "002-2025.library", None, CATALOGS / "002-2025.toml")
    found = describe_repository(limited, "i386/python", options)
    assert found.bytes <= limit
    assert len(found.shortened) == rules, (found.bytes, found.shortened)
    check_markdown(found.text)
    assert found.text.endswith("everything in it.\n")


class Limited(World):
    """A world whose descriptions must be shorter."""

    def __init__(self, world: World, limit: int) -> None:
        super().__init__(world.options, world.clock, world.umask)
        object.__setattr__(self, "limit", limit)

    @property
    def publication(self) -> Any:
        return replace(super().publication, limit=self.limit)  # type: ignore[attr-defined] # a mixin: its other base has it


def test_what_cannot_be_short_enough_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="and the limit is 1000"):
        plain(tmp_path, "python", "[publication]\nlimit = 1000\n")


@pytest.mark.parametrize("name", ["", "Python", "a/b/python", "python/", "py thon", "mips64le/python"])
def test_a_name_that_names_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        plain(tmp_path, name)


def test_a_wrong_publication_says_all_of_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        plain(
            tmp_path,
            "python",
            '[publication]\nstyle = "clasic"\nhelp = [{ title = "x", url = "mail" }]\n'
            '[publication.links]\nisues = "https://x.example"\nissues = "x"\n'
            'dockerfile = "https://x.example/{comit}"\n',
        )
    assert [str(problem) for problem in caught.value.problems] == [
        "publication.style: 'clasic' is not known (did you mean classic?)",
        "publication.help[0].url: 'mail' is not an address",
        "publication.links.isues: is not known here (did you mean issues?)",
        "publication.links.issues: 'x' is not an address",
        "publication.links.dockerfile: {comit} is not known here (did you mean commit?)",
    ]


def test_infra7s_sections_tags_and_links_are_those_published(tmp_path: Path) -> None:
    options = GlobalOptions(config=CATALOGS / "004-infra7.publication.toml", store=tmp_path / "store")
    world = World(options, SystemClock(), 0o022)
    text = describe_repository(
        world, "infra7/python", ReadmeOptions(catalog=CATALOGS / "004-infra7.toml", style="infra7")
    ).text
    expected = golden("004-infra7.readme.json")
    body = without_examples(text)
    headings = [
        line.replace("architectures", "architetures") for line in body.splitlines() if line.startswith("#")
    ]
    assert headings == [heading.replace("```", "`") for heading in expected["sections"]]
    links = {link.replace("%28", "(").replace("%29", ")") for link in _LINK.findall(body)}
    assert sorted(links) == expected["links"]
    assert "such as `infra7/python:3.13-bookworm`" in text
    assert "such as `infra7/python:3.13.0-bookworm`" in text
    assert "at present `bookworm`" in text
    for tag in ("3.13", "3.13.0", "latest"):
        assert f"- `infra7/python:{tag}`\n" in text
    assert "| Debian (bookworm)    |        |        |         |         |        |" in text  # nothing was built
    assert "- `amd64`, also called x86, x86-64, x86_64\n" in text
    assert "- `arm64`, also called aarch64, arm64v8, linux/arm64\n" in text
    check_markdown(text)
