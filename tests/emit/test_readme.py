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
from imagewright.emit.library.reading import read_library
from imagewright.errors import ConfigurationError, UsageError
from imagewright.model.emitted import Readme, ReadmeOptions
from imagewright.model.general import GlobalOptions
from support.golden import Golden

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


def recorded(name: str) -> Any:
    return json.loads((CATALOGS / name).read_text(encoding="utf-8"))


def without_examples(text: str) -> str:
    return re.sub(r"```\w*\n.*?```", "", text, flags=re.DOTALL)


def between(text: str, first: str, last: str) -> str:
    return text.partition(f"\n{first}\n")[2].partition(f"\n{last}")[0]


@pytest.mark.parametrize(("catalog", "name"), PUBLISHED)
def test_sections_and_links_are_those_published(catalog: str, name: str) -> None:
    text = without_examples(written(catalog, name).text)
    expected = recorded(f"{catalog}.readme.json")
    assert [line for line in text.splitlines() if line.startswith("#")] == expected["sections"]
    assert sorted({link for link in _LINK.findall(text) if "Dockerfile" not in link}) == expected["links"]


@pytest.mark.parametrize(("catalog", "name"), PUBLISHED)
def test_tags_and_their_links_are_those_published(catalog: str, name: str) -> None:
    text = written(catalog, name).text
    expected = recorded(f"{catalog}.json")
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


@pytest.mark.parametrize(
    ("catalog", "name", "style"),
    [
        *((catalog, name, "") for catalog, name in PUBLISHED),
        ("000-2020", "python", ""),
        ("001-2019", "winamd64/python", ""),
        ("001-2019", "arm32v7/python", "official"),
        ("002-2025", "arm32v5/python", "classic"),
    ],
)
def test_whole_readmes(catalog: str, name: str, style: str, golden: Golden) -> None:
    """To be looked at: every sentence, of all layouts, as a person sees it."""
    place = f"{catalog}.{name.replace('/', '-')}{style and f'.{style}'}.md"
    golden(place, written(catalog, name, style).text.encode())


@pytest.mark.parametrize(
    ("catalog", "some"),
    [
        ("000-2020", {"windows-amd64"}),
        ("001-2019", {"amd64", "arm32v5", "i386", "windows-amd64"}),
        ("002-2025", {"amd64", "arm32v5", "i386", "s390x"}),
    ],
)
def test_each_architecture_has_what_exists_for_it(catalog: str, some: set[str]) -> None:
    library = read_library((CATALOGS / f"{catalog}.library").read_text()).library
    names = {name for entry in library.entries for name in library.architectures(entry)}
    assert some <= names
    for architecture in names:
        namespace = "winamd64" if architecture == "windows-amd64" else architecture
        text = written(catalog, f"{namespace}/python").text
        expected = [[*entry.tags] for entry in library.entries if architecture in library.architectures(entry)]
        items = _ITEM.finditer(between(text, "## Simple Tags", "## Shared Tags"))
        assert [tags_of(item["rest"].partition("](")[0]) for item in items] == expected, architecture
        assert f"for `{architecture}` alone" in text
        assert f"FROM {namespace}/python:" in text
        assert ("windowsservercore" in text) == (architecture == "windows-amd64")
        check_markdown(text)


def test_links_lead_to_an_architectures_own_dockerfile(tmp_path: Path) -> None:
    commits = {name: digit * 40 for name, digit in (("amd64", "a"), ("arm32v5", "b"))}
    (tmp_path / "library").write_text(
        "Maintainers: A (@a)\nGitRepo: https://git.example/x\nArchitectures: amd64, arm32v5\n\n"
        f"Tags: 3.13.15-slim-trixie\nGitCommit: {commits['amd64']}\nDirectory: images/slim\n"
        f"arm32v5-GitCommit: {commits['arm32v5']}\narm32v5-Directory: images/slim/arm\narm32v5-File: Other\n"
    )
    text = '[publication.links]\ndockerfile = "https://git.example/x/{commit}/{directory}/{file}"\n'
    options = ReadmeOptions(library=tmp_path / "library", only=("3.13-slim*",))
    all_of_them = plain(tmp_path, "python", text, options).text
    assert f"(https://git.example/x/{commits['amd64']}/images/slim/Dockerfile)" in all_of_them
    assert all_of_them.count("](https://git.example/") == 1, "what is not in the manifest has no link"
    own = plain(tmp_path, "arm32v5/python", text, options).text
    assert f"(https://git.example/x/{commits['arm32v5']}/images/slim/arm/Other)" in own


def test_a_platform_that_is_only_planned_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no image for winamd64/python") as caught:
        plain(tmp_path, "winamd64/python")
    assert "planned only (ltsc" in caught.value.why


def test_only_slim_is_said_where_only_slim_is(tmp_path: Path) -> None:
    text = plain(tmp_path, "python", options=ReadmeOptions(only=("3.13-slim*",))).text
    assert "## `python:<version>`\n" not in text
    assert "## `python:<version>-<suite>`\n" in text
    assert "variant without a word" not in text
    assert "# Quick reference\n" in text
    check_markdown(text)


def test_names_are_no_markup(tmp_path: Path) -> None:
    text = plain(tmp_path, "python", '[publication]\nmaintainer = "A](https://x.example) <b>*B*"\n').text
    assert r"A\](https://x.example) \<b\>\*B\*" in text


def test_only_what_is_configured_is_said(tmp_path: Path) -> None:
    text = plain(tmp_path, "example/python").text
    assert "docker-library" not in text
    assert "hub.docker.com" not in text
    assert "- `3.13.15-slim-trixie`, " in text
    assert "## `example/python:<version>-minimal`" in text
    assert "## `example/python:<version>-alpine`" not in text  # only where it is named, and so not published
    assert "FROM example/python:3\n" in text
    check_markdown(text)


def test_a_free_threaded_image_has_a_remark(tmp_path: Path) -> None:
    found = plain(tmp_path, "python", options=ReadmeOptions(only=("3.13t-slim*", "3.13-slim*")))
    assert "## `python:<version>t`" in found.text
    assert "## `python:<version>t`" not in plain(tmp_path, "python").text


@pytest.mark.parametrize(
    ("style", "unlike"), [("official", "no paths of Dockerfiles"), ("classic", "no empty lines")]
)
def test_a_readme_is_shortened_by_rule(style: str, unlike: str) -> None:
    """One byte less than it has leaves out the next thing, and only that, until nothing more can be left out."""
    world = World(GlobalOptions(config=CATALOGS / "002-2025.publication.toml"), SystemClock(), 0o022)
    options = ReadmeOptions(style, CATALOGS / "002-2025.library", None, CATALOGS / "002-2025.toml")
    found = describe_repository(world, "i386/python", options)
    used: tuple[str, ...] = ()
    while "no list of tags" not in used:
        limit = found.bytes - 1
        found = describe_repository(Limited(world, limit), "i386/python", options)
        assert found.bytes <= limit
        assert found.shortened[:-1] == used
        used = found.shortened
        check_markdown(found.text)
        assert found.text.endswith("everything in it.\n")
    assert len(used) == 4
    assert not any(rule.startswith(unlike) for rule in used), "what a layout does not have cannot be left out"
    with pytest.raises(ConfigurationError, match="and the limit is"):
        describe_repository(Limited(world, found.bytes - 1), "i386/python", options)


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


def test_infra7s_sections_tags_and_links_are_those_published(tmp_path: Path, golden: Golden) -> None:
    options = GlobalOptions(config=CATALOGS / "004-infra7.publication.toml", store=tmp_path / "store")
    world = World(options, SystemClock(), 0o022)
    text = describe_repository(
        world, "infra7/python", ReadmeOptions(catalog=CATALOGS / "004-infra7.toml", style="infra7")
    ).text
    expected = recorded("004-infra7.readme.json")
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
    golden("004-infra7.md", text.encode())
    assert "- `amd64`, also called x86, x86-64, x86_64\n" in text
    assert "- `arm64`, also called aarch64, arm64v8, linux/arm64\n" in text
    check_markdown(text)
