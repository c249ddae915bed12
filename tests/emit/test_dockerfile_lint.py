# SPDX-License-Identifier: Apache-2.0
"""Reading Dockerfiles, and the rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.emit.dockerfiles.lint import RULES, Rule, lint
from imagewright.emit.dockerfiles.parsing import parse_dockerfile

BREACHES = {
    "DL3061": "RUN true\nFROM debian:trixie\n",
    "DL3006": "FROM debian\n",
    "DL3007": "FROM debian:latest\n",
    "DL3024": "FROM a:1 AS x\nFROM b:1 AS x\n",
    "DL3022": "FROM a:1\nCOPY --from=nowhere / /\n",
    "DL3025": "FROM a:1\nCMD python3 -c x\n",
    "DL3000": "FROM a:1\nWORKDIR here\n",
    "DL3004": "FROM a:1\nRUN true && sudo make\n",
    "DL3027": "FROM a:1\nRUN apt install x\n",
    "DL4000": "FROM a:1\nMAINTAINER me\n",
    "DL3020": "FROM a:1\nADD file /\n",
    "IW0001": "FROM a:1\nADD https://host.example/file /\n",
    "IW0002": "FROM a:1\nARG REGISTRY_PASSWORD\n",
    "IW0003": "FROM a:1\nCOPY <<EOF /x\n$HOME\nEOF\n",
}
HARMLESS = """\
# escape=`
ARG BASE=debian
FROM ${BASE} AS base
ENV GPG_KEY=1 PATH=/bin
ADD --checksum=sha256:00 https://host.example/file /
ADD root.tar.xz /
RUN <<"EOF"
apt-get update; sudo is not a word here
EOF
COPY --from=base / /
COPY --from=docker.example/image:1 / /
RUN --mount=type=bind,from=base,target=/x true `
    # said in between
    && true
WORKDIR C:\\here
CMD ["python3"]
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_finds_its_breach_and_no_other(rule: Rule) -> None:
    name = rule.name
    assert {each.rule for each in lint(BREACHES[name])} == {name}


def test_what_is_harmless_is_not_found() -> None:
    assert lint(HARMLESS) == ()


def test_a_mount_from_nowhere_is_found() -> None:
    (found,) = lint("FROM a:1\nRUN --mount=type=bind,from=nowhere,target=/x true\n")
    assert (found.line, found.rule) == (2, "DL3022")


def test_instructions_are_told_apart() -> None:
    first, second, third = parse_dockerfile(
        "from a:1 as x\nRUN --network=none --mount=type=tmpfs,target=/tmp \\\n  # why\n  one \\\n\n  two\n"
        'COPY <<"A" <<-B /d/\n# text\nA\n\tmore\nB\n'
    )
    assert (first.keyword, first.words) == ("FROM", "a:1 as x")
    assert second.flags == (("network", "none"), ("mount", "type=tmpfs,target=/tmp"))
    assert second.words == "one two"
    assert [(each.word, each.quoted, each.text) for each in third.documents] == [
        ("A", True, "# text\n"),
        ("B", False, "more\n"),
    ]
    assert third.line == 7


@pytest.mark.parametrize(
    "text", ["FROM a:1\n!!\n", "FROM a:1\nCOPY <<EOF /x\nwithout end\n", "# escape=x\nFROM a:1\n", "x" * (5 << 20)]
)
def test_what_is_no_dockerfile_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|longer"):
        parse_dockerfile(text)
    assert [each.rule for each in lint(text)] == ["IW0000"]


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    for finding in lint(text):
        assert finding.line >= 1
