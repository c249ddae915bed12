# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles say what the native engine does: the same scripts, inputs and environment."""

from __future__ import annotations

import hashlib
import json
import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.emit.dockerfiles import writing
from imagewright.emit.dockerfiles.lint import lint
from imagewright.emit.dockerfiles.model import Style
from imagewright.emit.dockerfiles.parsing import Instruction, parse_dockerfile
from imagewright.emit.dockerfiles.platforms import split_environment
from imagewright.emit.dockerfiles.printing import write_dockerfile
from imagewright.errors import StaleLockError, UsageError
from imagewright.model.digest import Digest
from imagewright.model.plan import PythonWork
from imagewright.planning.steps import make_plan
from support.dockerfiles import official, order, written
from support.golden import Golden
from support.locks import definition, locked, shipped_catalog

SLIM = "3.13-slim-trixie"


def files_of(text: str) -> dict[str, str]:
    """Path → text of every here-document."""
    found: dict[str, str] = {}
    for each in parse_dockerfile(text):
        for document in each.documents:
            found.setdefault(each.words.split()[-1], document.text)
    return found


def runs_of(text: str) -> list[Instruction]:
    return [each for each in parse_dockerfile(text) if each.keyword == "RUN"]


def test_scripts_and_environment_are_those_of_the_plan() -> None:
    lock = locked(SLIM)
    wanted = definition(SLIM)
    work = next(
        step.work
        for step in make_plan([wanted], lock, shipped_catalog()).steps
        if isinstance(step.work, PythonWork)
    )
    (build,) = [one for one in order(SLIM, lock).builds if one.architecture == "amd64"]
    assert build.scripts == work.scripts
    assert build.source == work.source
    text = written(SLIM, lock).text
    for script in work.scripts:
        assert files_of(text)[f"/recipe/{script.name}.sh"] == script.text


def test_every_variable_of_a_script_is_said_for_one_platform() -> None:
    made = order(SLIM)
    only = [build for build in made.builds if build.architecture == "amd64"]
    assert len(only) == 1
    text = write_dockerfile(replace(made, builds=tuple(only))).text
    said = {word for each in runs_of(text) for word in shlex.split(each.words)}
    base = next(each for each in parse_dockerfile(text) if each.keyword == "ENV")
    said |= set(shlex.split(base.words))
    for script in only[0].scripts:
        assert {f"{name}={value}" for name, value in script.environment} <= said


def test_alpine_needs_no_more_than_its_libraries() -> None:
    """Virtual packages, libraries by soname, 8 MiB for a thread, and no training, whose tests fail on musl."""
    text = written("3.13-alpine3.23").text
    runs = [each.words for each in runs_of(text)]
    (root,) = (words for words in runs if "image-apk.sh .build-deps" in words)
    assert {"gcc", "musl-dev", "make", "openssl-dev"} <= set(root.split())
    (image,) = (words for words in runs if "image-apk.sh .python-base" in words)
    assert "ca-certificates" in image.split()
    assert "gcc" not in image.split()
    assert "add .python-rundeps $needed" in files_of(text)["/recipe/image-apk.sh"]
    assert "-DTHREAD_STACK_SIZE=0x800000" in text
    assert "-Wl,-z,stack-size=0x800000" in text
    assert "IW_PGO=none" in text
    assert "regrtest" not in text
    assert "-fprofile" not in text.replace("-fprofile-(generate|use|correction)", "")


def test_packages_are_pinned_by_the_lock() -> None:
    files = files_of(written("3.13-trixie", locked("3.13-trixie")).text)
    pins = files["/recipe/packages.any"].split()
    assert "libssl-dev=1.0" in pins
    assert pins == sorted(pins)


def test_without_a_lock_the_head_says_so() -> None:
    head = written(SLIM).text.split("\n\n")[0]
    assert "the versions that the archive has that day" in head.replace("\n# ", " ")


def test_a_lock_of_another_configuration_is_refused() -> None:
    lock = locked(SLIM)
    stale = replace(lock, configuration=((lock.configuration[0][0], Digest.of(b"other")),))
    with pytest.raises(StaleLockError):
        written(SLIM, stale)


def test_minimal_needs_a_lock() -> None:
    with pytest.raises(UsageError, match="needs a lock"):
        written("3.13-minimal-trixie")


def test_minimal_ends_on_nothing() -> None:
    lock = locked("3.13-minimal-trixie")
    text = written("3.13-minimal-trixie", lock).text
    assert "FROM scratch AS image\n" in text
    assert text.endswith('USER 65532:65532\nWORKDIR /home/nonroot\nCMD ["python3"]\n')
    assert not lint(text)


def test_where_some_platforms_are_locked_it_is_for_these() -> None:
    assert [build.architecture for build in order(SLIM, locked(SLIM)).builds] == ["amd64"]
    assert len(order(SLIM).builds) > 5


def test_one_compile_serves_all_variants() -> None:
    """The stages up to ``python`` are the same text, so that builders do them once."""

    def compiled(spec: str) -> str:
        text = written(spec).text
        return text[text.index("FROM scratch AS packages") : text.index("FROM scratch AS recipe-image")]

    assert compiled("3.13-trixie") == compiled(SLIM)


def test_no_address_is_written_that_nobody_said() -> None:
    text = written(SLIM).text
    assert "ARG DEBIAN_MIRROR\n" in text
    assert "ARG PYTHON_MIRROR\n" in text
    assert "http" not in "".join(each.words for each in parse_dockerfile(text))


def test_mirrors_and_bases_that_somebody_said_are_defaults() -> None:
    digest = "debian@sha256:" + "0" * 64
    style = Style(bases={"debian:trixie-slim": digest}, mirrors={"debian": "http://mirror.example/debian"})
    text = written(SLIM, style=style).text
    assert "ARG DEBIAN_MIRROR=http://mirror.example/debian\n" in text
    assert f"FROM {digest} AS base\n" in text


def test_classic_text_holds_the_same_scripts() -> None:
    text = written(SLIM, style=Style(classic=True)).text
    assert "<<" not in "".join(each.words for each in parse_dockerfile(text) if each.keyword == "COPY")
    printed = {}
    for each in runs_of(text):
        if "printf" in each.words:
            raw = text[text.index(f"> {each.words.rpartition('> ')[2]}\n") :]
            assert raw
            printed[each.words.rpartition("> ")[2]] = each
    here = files_of(written(SLIM).text)
    assert set(printed) == set(here)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))), min_size=1))
def test_printed_lines_are_the_text(lines: list[str]) -> None:
    """What a shell makes of the words of a classic file is the file."""
    text = "".join(f"{line}\n" for line in lines)
    command = writing.files("/recipe", {"x": text}, classic=True).removeprefix("RUN ").replace(" \\\n    ", " ")
    words = shlex.split(command)
    assert words[:4] == ["mkdir", "-p", "/recipe", "&&"]
    assert words[4:6] == ["printf", "%s\\n"]
    assert words[-2:] == [">", "/recipe/x"]
    assert words[6:-2] == text.splitlines()


@given(
    st.dictionaries(
        st.sampled_from(["amd64", "arm64", "s390x"]),
        st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text(max_size=5)),
        min_size=1,
    )
)
def test_environments_lose_nothing(by_architecture: dict[str, dict[str, str]]) -> None:
    common, different = split_environment({name: tuple(found.items()) for name, found in by_architecture.items()})
    for found in by_architecture.values():
        for name, value in found.items():
            assert (name, value) in common or f"{name}={shlex.quote(value)}" in different


@pytest.mark.parametrize("classic", [False, True])
def test_all_of_the_official_set_is_clean(classic: bool) -> None:
    found = {path: findings for path, text in official(classic=classic).items() if (findings := lint(text))}
    assert not found
    assert len(official(classic=classic)) > 70


def test_the_official_set_is_as_it_was(golden: Golden) -> None:
    """A digest of each Dockerfile, so that a change of recipes is seen everywhere it shows."""
    digests = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in official().items()}
    golden("dockerfiles.json", json.dumps(dict(sorted(digests.items()))).encode())


def test_one_is_kept_whole(golden: Golden) -> None:
    golden("slim-trixie.Dockerfile", written(SLIM).text.encode())
