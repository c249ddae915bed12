# SPDX-License-Identifier: Apache-2.0
"""Library manifests: read, written, made from a catalog, taken over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.catalog.listing import listed, shared_groups
from imagewright.catalog.loading import load_tag_catalog
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.emit.library.conversion import convert
from imagewright.emit.library.making import make_library, places
from imagewright.emit.library.model import Entry, Library, Source
from imagewright.emit.library.reading import ARCHITECTURES, read_library
from imagewright.emit.library.syntax import parse_document
from imagewright.emit.library.writing import write_library
from imagewright.errors import ConfigurationError, Problems
from imagewright.model.ports import Kept

CATALOGS = Path(__file__).parent.parent / "catalogs"
PUBLISHED = ("000-2020", "001-2019", "002-2025")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
HEADER = Entry(
    maintainers=("Ada Example <ada@example.org> (@ada)", "Bob (@bob)"),
    source=Source(repository="https://git.example/python.git", builder="buildkit"),
)
SCHEMES = {"tags.toml": shipped_documents()["tags.toml"]}

WRONG = f"""\
# a comment
Maintainers: Ada Example
GitRepo: git.example/python
Tags: early

Tags: 3.13, bad tag, 3.13,, 3.12
Architecures: amd64
GitCommit: 0123
  89
GitCommit: {COMMIT}
arm64-GitCommit: {COMMIT}
Directory: ../up
loose words
   continues nothing

Tags: 3.12
Architectures: amd64, arm64
SharedTags: 3.13
Builder: kaniko
"""


def golden(name: str) -> Any:
    return json.loads((CATALOGS / f"{name}.json").read_text(encoding="utf-8"))


def manifest(name: str) -> str:
    return (CATALOGS / f"{name}.library").read_text(encoding="utf-8")


def taken(name: str) -> tuple[str, tuple[str, ...]]:
    found = convert(read_library(manifest(name)).library, SCHEMES, shipped_catalog().by_scheme)
    return found.text, found.differences


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_manifest_is_read_without_loss(name: str) -> None:
    found = read_library(manifest(name))
    assert found.document.text == manifest(name)
    simple = golden(name)["simple"]
    assert [[*entry.tags] for entry in found.library.entries] == [image["tags"] for image in simple]
    assert [entry.source.directory for entry in found.library.entries] == [image["directory"] for image in simple]
    assert read_library(write_library(found.library)).library == found.library


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_catalog_that_was_taken_over_publishes_the_same_tags(name: str) -> None:
    text, differences = taken(name)
    catalog, scheme = load_tag_catalog(text, name, SCHEMES)
    images = listed(catalog, catalog.by_scheme[scheme])
    assert [[*image.tags.simple] for image in images] == [image["tags"] for image in golden(name)["simple"]]
    assert {tag for image in images for tag in image.tags.shared} == {
        tag for group in golden(name)["shared"] for tag in group["tags"]
    }
    assert [line for line in differences if "would be in other directories" not in line] == []
    assert bool(differences) == (name == "001-2019")  # when Dockerfiles of slim were below those of their suite


def test_infra7s_scheme_is_recognised() -> None:
    simple = golden("004-infra7")["simple"]
    shared = {image: group["tags"] for group in golden("004-infra7")["shared"] for image in group["images"]}
    entries = tuple(
        Entry(
            tags=tuple(image["tags"]),
            shared_tags=tuple(shared[image["tags"][0]]),
            architectures=("amd64", "arm64v8"),
            source=Source(commit=COMMIT, directory=image["directory"]),
        )
        for image in simple
    )
    found = convert(Library(HEADER, entries), SCHEMES, shipped_catalog().by_scheme)
    assert found.differences == ()
    assert 'tag_scheme = "infra7"' in found.text


def test_what_a_catalog_cannot_say_is_told() -> None:
    text = manifest("002-2025").replace("3.12.12-trixie, ", "3.12.12-trixie, newest, ")
    found = convert(read_library(text).library, SCHEMES, shipped_catalog().by_scheme)
    assert found.differences == ("3.12.12-trixie would lose the tags newest",)
    assert "# differs: 3.12.12-trixie would lose the tags newest\n" in found.text


def test_another_family_cannot_be_taken_over() -> None:
    text = manifest("002-2025").replace("3.12.12", "1.27").replace("3.13.9-trixie", "3.13.9-plan9")
    with pytest.raises(ConfigurationError, match="cannot become a catalog") as caught:
        convert(read_library(text).library, SCHEMES, shipped_catalog().by_scheme)
    said = [str(problem) for problem in caught.value.problems]
    assert len(said) == 7
    line = text.splitlines().index("Tags: 3.13.9-plan9, 3.13-trixie") + 1
    assert said[0] == f"line {line}: 'plan9' of the tag 3.13.9-plan9 is no known suite"
    assert "no tag of 1.27-trixie begins with a release of CPython" in said[1]


def test_everything_wrong_is_told_with_its_line() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_library(WRONG, "python")
    assert caught.value.message == "python is wrong"
    assert [str(problem) for problem in caught.value.problems] == [
        "line 2: 'Ada Example' is not a maintainer (Full Name <mail or address> (@handle))",
        "line 3: 'git.example/python' is not the address of a repository (such as https://git.example/python.git)",
        "line 4: Tags is in the first paragraph (that one holds for all: begin with it)",
        "line 6: 'bad tag' is not a tag (letters, digits and _ . -, at most 128)",
        "line 6: Tags has '3.13' twice",
        "line 6: Tags has nothing between two commas",
        "line 7: Architecures is not a field (did you mean Architectures?)",
        "line 8: '0123 89' is not a commit (all 40 (or 64) lower-case hexadecimal digits of it)",
        "line 10: GitCommit is there twice (the first is on line 8)",
        "line 11: 'arm64' is not an architecture (did you mean arm64v8 or amd64?)",
        "line 12: '../up' is not a path inside the repository",
        "line 13: 'loose words' is not a field (write it as NAME: VALUE)",
        "line 14: 'continues nothing' continues nothing (a field begins at the margin)",
        "line 16: the tag 3.12 is taken (see line 6)",
        "line 16: the paragraph lacks GitCommit",
        "line 16: 3.13 is a shared tag here and a simple one elsewhere (see line 6)",
        "line 17: 'arm64' is not an architecture (did you mean arm64v8 or amd64?)",
        "line 19: 'kaniko' is not a builder (there are classic, buildkit, oci-import)",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no image is named"),
        ("Maintainers: A (@a)\n", "no image is named"),
        (f"GitRepo: https://g.example/x\n\nTags: 3\nGitCommit: {COMMIT}\n", "line 1: the first paragraph lacks"),
        (f"Maintainers: A (@a)\n\nTags:\nGitCommit: {COMMIT}\n", "line 3: Tags is empty"),
    ],
)
def test_what_a_manifest_must_have(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_library(text)
    assert any(str(found).startswith(problem) for found in caught.value.problems), caught.value.problems


def test_what_holds_for_an_architecture() -> None:
    other, third = COMMIT.replace("0", "a"), COMMIT.replace("0", "b")
    text = (
        "Maintainers: A (@a)\nArchitectures: amd64, s390x\nGitRepo: https://g.example/x\n"
        f"s390x-GitCommit: {other}\nConstraints: !aufs\n\n"
        f"Tags: one\nGitCommit: {COMMIT}\namd64-Directory: two/three\n\n"
        f"Tags: two\nArchitectures: s390x,\n# within\n arm32v7\nGitCommit: {COMMIT}\ns390x-GitCommit: {third}\n"
        "s390x-File: Other\n"
    )
    library = read_library(text).library
    one, two = library.entries
    assert library.architectures(one) == ("amd64", "s390x")
    assert library.constraints(one) == ("!aufs",)
    amd64 = library.source(one, "amd64")
    assert amd64 == Source("https://g.example/x", "refs/heads/master", COMMIT, "two/three", "Dockerfile")
    assert library.source(one, "s390x").commit == other  # said in the header, but for this architecture
    assert library.architectures(two) == ("s390x", "arm32v7")
    assert (library.source(two, "s390x").commit, library.source(two, "s390x").file) == (third, "Other")
    assert library.source(two, "arm32v7").commit == COMMIT


def test_a_made_manifest_is_the_catalogs() -> None:
    text = (CATALOGS / "002-2025.toml").read_text(encoding="utf-8")
    catalog, scheme = load_tag_catalog(text, "2025", SCHEMES)
    images = listed(catalog, catalog.by_scheme[scheme])
    kept = {
        image.directory: Kept(f"python/{image.directory}", COMMIT)
        for image in images
        if image.name.suite != "alpine3.21"
    }
    made = make_library(images, kept, HEADER)
    assert len(made.library.entries) == len(kept) == 41
    assert [name for name, _ in made.missing] == [
        str(image.name) for image in images if image.name.suite == "alpine3.21"
    ]
    windows = [entry for entry in made.library.entries if entry.architectures == ("windows-amd64",)]
    assert {entry.constraints for entry in windows} == {
        ("windowsservercore-ltsc2025",),
        ("windowsservercore-ltsc2022",),
    }
    assert {made.library.source(entry, "windows-amd64").builder for entry in windows} == {"classic"}
    assert made.library.entries[0].source == Source(commit=COMMIT, directory="python/3.15-rc/trixie")
    whole = shared_groups(images)
    latest = next(group for group in whole if "latest" in group.tags)
    sharing = {entry.tags[0] for entry in made.library.entries if "latest" in entry.shared_tags}
    assert sharing == {image.tags.simple[0] for image in latest.images}
    assert read_library(write_library(made.library, comment="written")).library == made.library


def test_dockerfiles_of_one_architecture() -> None:
    text = (CATALOGS / "002-2025.toml").read_text(encoding="utf-8")
    catalog, scheme = load_tag_catalog(text, "2025", SCHEMES)
    chosen = [image for image in listed(catalog, catalog.by_scheme[scheme]) if image.name.release == "3.13.9"]
    bookworm, slim, trixie = (
        next(image for image in chosen if str(image.name) == f"3.13.9-{rest}")
        for rest in ("bookworm", "slim-trixie", "trixie")
    )
    other = COMMIT.replace("0", "f")
    kept = {
        "3.13/trixie": Kept("top/3.13/trixie", COMMIT),
        "3.13/trixie/arm32v5": Kept("top/3.13/trixie/arm32v5", other),
        "3.13/trixie/s390x": Kept("top/3.13/trixie/s390x", COMMIT),
        "3.13/slim-trixie/amd64": Kept("top/3.13/slim-trixie/amd64", other),
        "3.13/slim-trixie/i386": Kept("top/3.13/slim-trixie/i386", COMMIT),
        "3.13/slim-trixie/arm64v8": Kept("top/3.13/slim-trixie/arm64v8", other),
    }
    assert {"3.13/trixie/arm32v5", "3.13/trixie"} <= set(places(trixie))
    made = make_library([trixie, slim, bookworm], kept, HEADER)
    whole, some = made.library.entries
    assert len(whole.architectures) == len(trixie.platforms)
    assert whole.source == Source(commit=COMMIT, directory="top/3.13/trixie")
    assert whole.by_architecture == (
        ("arm32v5", Source(commit=other, directory="top/3.13/trixie/arm32v5")),
        ("s390x", Source(directory="top/3.13/trixie/s390x")),
    )
    assert some.architectures == ("amd64", "arm64v8", "i386")
    assert made.library.source(some, "i386").commit == COMMIT
    assert made.library.source(some, "amd64").commit == other
    assert ("3.13.9-slim-trixie s390x", "3.13/slim-trixie/s390x") in made.missing
    assert made.missing[-1] == ("3.13.9-bookworm", "3.13/bookworm")
    text = write_library(made.library)
    assert f"arm32v5-GitCommit: {other}\narm32v5-Directory: top/3.13/trixie/arm32v5\n" in text
    assert read_library(text).library == made.library


def test_what_is_taken_over_tells_of_constraints_and_of_directories() -> None:
    text = manifest("002-2025").replace("Directory: 3.13/trixie\n", "Directory: 3.13/trixie\nConstraints: !aufs\n")
    text = text.replace("Directory: 3.12/trixie\n", "amd64-Directory: 3.12/trixie/amd64\nDirectory: 3.12/trixie\n")
    found = convert(read_library(text).library, SCHEMES, shipped_catalog().by_scheme)
    assert found.differences == ("3.13.9-trixie would lose the constraints !aufs",)


_TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
_PATHS = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9.-]{1,8}x){0,3}", fullmatch=True)
_SOURCES = st.builds(
    Source,
    repository=st.sampled_from(["", "https://git.example/a.git", "git://git.example/b"]),
    fetch=st.sampled_from(["", "refs/heads/main"]),
    commit=st.sampled_from(["", COMMIT, COMMIT + COMMIT[:24]]),
    directory=st.just("") | _PATHS,
    file=st.sampled_from(["", "Dockerfile.two"]),
    builder=st.sampled_from(["", "classic", "buildkit", "oci-import"]),
)
_WORDS = st.lists(st.sampled_from(ARCHITECTURES), unique=True, max_size=4).map(tuple)


@st.composite
def libraries(draw: st.DrawFn) -> Library:
    tags = draw(st.lists(_TAGS, unique=True, min_size=2, max_size=12))
    cut = draw(st.integers(1, len(tags) - 1))
    shared = st.lists(st.sampled_from(tags[cut:]), unique=True, max_size=3).map(tuple)
    header = Entry(
        maintainers=HEADER.maintainers[: draw(st.integers(1, 2))],
        architectures=draw(_WORDS),
        source=Source(repository="https://git.example/x.git", commit=COMMIT, builder=draw(_SOURCES).builder),
    )
    entries = []
    for tag in tags[:cut]:
        own = draw(st.dictionaries(st.sampled_from(ARCHITECTURES), _SOURCES.filter(lambda one: one != Source())))
        entries.append(
            Entry(
                tags=(tag,),
                shared_tags=draw(shared),
                architectures=draw(_WORDS),
                source=draw(_SOURCES),
                by_architecture=tuple(own.items()),
                constraints=draw(st.sampled_from([(), ("!aufs",), ("windowsservercore-ltsc2025", "x")])),
            )
        )
    return Library(header, tuple(entries))


@given(libraries())
def test_what_is_written_is_read_again(library: Library) -> None:
    text = write_library(library)
    found = read_library(text)
    assert found.library == library
    assert found.document.text == text
    assert write_library(found.library) == text


@given(st.text(st.characters(codec="utf-8"), max_size=300) | st.text("ab:# \t\r\n-,T", max_size=200))
def test_nothing_of_any_text_is_lost(text: str) -> None:
    assert parse_document(text, Problems()).text == text


@given(st.text("Tags: \n#-,13.GitCom\tDrecy", max_size=200))
def test_reading_gives_a_manifest_or_an_error(text: str) -> None:
    error: ConfigurationError | None = None
    entries: tuple[Entry, ...] = ()
    try:
        entries = read_library(text).library.entries
    except ConfigurationError as caught:
        error = caught
    assert entries if error is None else error.problems
