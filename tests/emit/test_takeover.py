# SPDX-License-Identifier: Apache-2.0
"""Other people's files: read as far as they can be, refused with a line, and never trusted."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.emit.takeover import infra7
from imagewright.emit.takeover.dockerfile import read_extra
from imagewright.emit.takeover.environment import read_environment
from imagewright.emit.takeover.model import MAXIMUM, Extra, Place, Remarks
from imagewright.emit.takeover.versions import read_versions

FILE = "3.13/slim-trixie/Dockerfile"
DOCKERFILE = """\
# escape=\\
FROM debian:trixie-slim
ENV PATH=/usr/local/bin:$PATH LANG=C.UTF-8
ENV GREETING="hello world" PYTHON_VERSION=3.13.15
ENV OLD form of it
RUN set -eux; \\
\tapt-get update; \\
# said in between
\tapt-get install -y --no-install-recommends \\
\t\tca-certificates \\
\t\tcurl \\
\t\tlibpq5=17.6-0 \\
\t; \\
\tapt-get dist-clean
RUN savedAptMark="$(apt-mark showmanual)"; apt-get install -y gcc; \\
\t./configure --build="$gnuArch" --enable-optimizations --with-dtrace \\
\t\t$(test "$x" != y && echo '--with-lto') --with-thing=$x $(test $z && echo --with-odd); \\
\tapt-get purge -y --auto-remove gcc
LABEL org.example.team="ours" BAD=1
EXPOSE 80
WORKDIR /srv
CMD ["python3", "-m", "http.server"]
"""


def extra(text: str, remarks: Remarks | None = None) -> Extra:
    known = frozenset({"ca-certificates"})
    return read_extra(text, FILE, ["debian:trixie-slim"], known, remarks or Remarks())


def told(remarks: Remarks) -> list[tuple[int, str]]:
    return [(remark.line, remark.what) for remark in remarks.found]


def test_what_a_dockerfile_has_besides_is_found() -> None:
    remarks = Remarks()
    assert extra(DOCKERFILE, remarks) == Extra(
        packages=("curl", "libpq5"),
        configure=("--with-dtrace",),
        environment=(("GREETING", "hello world"), ("OLD", "form of it")),
        labels=(("org.example.team", "ours"),),
        command=("python3", "-m", "http.server"),
        directory="/srv",
    )
    assert told(remarks) == [
        (6, "libpq5=17.6-0: versions are the lock's"),
        (15, "--with-thing=$x of configure"),
        (15, "$(test $z && echo --with-odd) of configure"),
        (19, "the label BAD"),
        (20, "EXPOSE 80"),
    ]


def test_here_documents_are_read_too() -> None:
    assert extra("FROM debian:trixie-slim\nRUN <<EOF\napt-get install -y jq\nEOF\n").packages == ("jq",)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("FROM other:1", "it is made from other:1: ours are made from packages"),
        ("CMD python3 -x", "CMD python3 -x: a shell would stand between"),
        ("ENV A=$HOME/x", "the variable A, whose value depends on others"),
        ("USER app", "USER app"),
        ("RUN curl x | sh", "RUN curl x | sh"),
        ("RUN echo 'x", "a RUN whose quotes do not end"),
        ("COPY a /b", "COPY a /b"),
    ],
)
def test_what_is_lost_is_told(line: str, what: str) -> None:
    remarks = Remarks()
    extra(f"ARG x\n{line}\n", remarks)
    assert told(remarks) == [(2, what)]


VERSIONS = {
    "3.13": {
        "checksums": {"source": {"sha256": "ab" * 32}},
        "pip": {"version": "25.2"},
        "variants": ["trixie", "slim-trixie", "alpine3.22", "windows/windowsservercore-ltsc2025", "../x"],
        "version": "3.13.15",
    },
    "3.15-rc": {"variants": ["slim-trixie"], "version": "3.15.0b1"},
    "3.99": None,
    "2.6": {"version": "3.1.1"},
}


def test_versions_are_read() -> None:
    remarks = Remarks()
    first, second = read_versions(json.dumps(VERSIONS, indent=2), remarks)
    assert (first.name, first.release, first.sha256, first.line) == ("3.13", "3.13.15", "ab" * 32, 2)
    assert first.places == (
        Place("full", "trixie", "3.13/trixie/Dockerfile"),
        Place("slim", "trixie", FILE),
        Place("alpine", "alpine3.22", "3.13/alpine3.22/Dockerfile"),
        Place("windowsservercore", "ltsc2025", "3.13/windows/windowsservercore-ltsc2025/Dockerfile"),
    )
    assert (second.name, second.places[0].file) == ("3.15", "3.15-rc/slim-trixie/Dockerfile")
    assert [what for _, what in told(remarks)] == [
        "pip 25.2 of 3.13: images have what CPython brings, see installers",
        "'../x' of 3.13 is no variant that is known here",
        "'3.99' is no series that is published",
        "'2.6' is no series that is published",
    ]


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, " " * (MAXIMUM + 1), '{"a": NaN'])
def test_what_is_no_versions_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_versions(text, Remarks())


ENVIRONMENT = """\
#!/usr/bin/env bash
PYTHON_RELEASE=3.13.0 # the newest
REQUIRES=" \\
    ca-certificates \\
    wget \\
"
export QUOTED='a $b'
OTHER="$HOME"
PYTHON_EXTRA_BUILD_OPTS="--with-dtrace"
"""


def test_variables_are_read_with_their_lines() -> None:
    found = {each.name: each for each in read_environment(ENVIRONMENT)}
    assert (found["PYTHON_RELEASE"].value, found["PYTHON_RELEASE"].line) == ("3.13.0", 2)
    assert found["REQUIRES"].value.split() == ["ca-certificates", "wget"]
    assert (found["QUOTED"].value, found["QUOTED"].literal) == ("a $b", True)
    assert not found["OTHER"].literal


@pytest.mark.parametrize("text", ["rm -rf /", "A=b c", 'A="b', "A='b'c", "A=1\n" * 2000, "x" * (MAXIMUM + 1)])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|longer"):
        read_environment(text)


def test_a_version_of_infra7_is_on_every_target() -> None:
    remarks = Remarks()
    series, extras = infra7.read_versions(
        {"versions/3.13.env": ENVIRONMENT, "versions/x.env": "A=1"},
        ["bookworm", "noble"],
        frozenset({"ca-certificates"}),
        remarks,
    )
    assert [(one.name, one.release, [place.suite for place in one.places]) for one in series] == [
        ("3.13", "3.13.0", ["bookworm", "noble"])
    ]
    assert set(extras.values()) == {Extra(packages=("wget",), configure=("--with-dtrace",))}
    assert ("versions/x.env", 0) in {(remark.file, remark.line) for remark in remarks.found}
    assert "OTHER means nothing here" in {remark.what for remark in remarks.found}


WILD = st.text(max_size=200) | st.text(st.sampled_from("\"'\\\n$`;&|(){}[]<>#=A1 \t\x00-"), max_size=200)
INSTRUCTIONS = st.lists(
    st.tuples(st.sampled_from(["RUN", "ENV", "LABEL", "CMD", "WORKDIR", "FROM", "ENTRYPOINT", "VOLUME"]), WILD),
    max_size=6,
).map(lambda lines: "\n".join(f"{keyword} {words}" for keyword, words in lines))


@given(WILD | INSTRUCTIONS)
def test_no_dockerfile_breaks_the_reader(text: str) -> None:
    with suppress(ValueError):
        assert all(flag.startswith("--") and "$" not in flag for flag in extra(text).configure)


@given(WILD)
def test_no_file_of_variables_breaks_the_reader(text: str) -> None:
    with suppress(ValueError):
        assert all(1 <= variable.line <= text.count("\n") + 1 for variable in read_environment(text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["3.13", "variants", "version", "checksums", "source", "sha256", "x"]), inner
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["3.13", "3.15-rc", "x", "\ud800"]), JSON, max_size=3))
def test_no_document_breaks_the_reader(document: dict[str, object]) -> None:
    for series in read_versions(json.dumps(document), Remarks()):
        assert series.name.startswith("3.")
