# SPDX-License-Identifier: Apache-2.0
"""Requirements files: what pip's --require-hashes reads, and what is refused because it would not be exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.catalog.requirements import marker_environment, merged, read_requirements
from imagewright.errors import Problems
from imagewright.model.digest import Digest
from imagewright.model.platforms import parse_platform
from imagewright.model.site import Requirement

ONE, TWO = "1" * 64, "2" * 64
ENVIRONMENT = marker_environment(parse_platform("linux/amd64"), "3.13.15")


def read(text: str) -> tuple[tuple[Requirement, ...], list[str]]:
    problems = Problems()
    return read_requirements(text, "r.txt", ENVIRONMENT, problems), [str(each) for each in problems.found]


def test_a_file_as_compilers_of_requirements_write_it() -> None:
    text = f"""\
# made by a tool
--require-hashes
Typing_Extensions==4.16.0 \\
    --hash=sha256:{ONE} \\
    --hash=sha256:{TWO}
    # via -r in.txt

six[none]==1.17.0 ; python_version >= "3.8" --hash=sha256:{ONE} --hash=md5:00  # why
colorama==0.4 ; sys_platform == "win32" --hash=sha256:{ONE}
"""
    found, problems = read(text)
    assert problems == []
    assert found == (
        Requirement("typing-extensions", "4.16.0", (Digest(ONE), Digest(TWO)), "r.txt:3"),
        Requirement("six", "1.17.0", (Digest(ONE),), "r.txt:8"),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"six>=1 --hash=sha256:{ONE}", "six is not pinned to one version"),
        (f"six==1.* --hash=sha256:{ONE}", "six is not pinned to one version"),
        (f"six --hash=sha256:{ONE}", "six is not pinned to one version"),
        (f"six @ https://example.org/six.whl --hash=sha256:{ONE}", "six is not pinned to one version"),
        ("six==1.0", "six has no SHA-256"),
        ("six==1.0 --hash=sha256:abc", "six has no SHA-256"),
        (f"six==1.0 --hash=md5:{ONE}", "six has no SHA-256"),
        ("-r other.txt", "-r is not understood here"),
        ("--index-url=https://example.org", "--index-url is not understood here"),
        (f"six==1.0 --hash=sha256:{ONE} --global-option=x", "'global-option=x' is not understood here"),
        ("six=1", "'six=1' is no requirement"),
    ],
)
def test_what_is_not_exact_is_refused_with_its_line(line: str, message: str) -> None:
    found, problems = read(f"# first\n{line}\n")
    assert found == ()
    assert problems[0].startswith(f"r.txt:2: {message}")


def test_everything_wrong_is_told_at_once() -> None:
    assert [problem.partition(" ")[0] for problem in read("a>1\n-c x\nb==1\n")[1]] == [
        "r.txt:1:",
        "r.txt:1:",
        "r.txt:2:",
        "r.txt:3:",
    ]


def test_a_package_may_be_asked_for_twice_only_in_one_way() -> None:
    problems = Problems()
    one = Requirement("six", "1.0", (Digest(ONE),), "a:1")
    assert merged((Requirement("abc", "1", (Digest(TWO),)), one, one), problems)[1] == one
    assert not problems.found
    merged((one, Requirement("six", "2.0", (Digest(ONE),), "b:1")), problems)
    assert [str(each) for each in problems.found] == ["b:1: six is asked for twice, and differently (see a:1)"]


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(["six", "==1", "--hash=sha256:", ONE, "\\\n", " ", ";", "@", "#", "\n"])).map(
        "".join
    )
)
def test_any_text_is_read_or_refused(text: str) -> None:
    found, _ = read(text)
    assert all(each.hashes and each.version for each in found)
