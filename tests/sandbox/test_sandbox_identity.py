# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ast
import errno
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import imagewright.sandbox
from imagewright.errors import MachineError
from imagewright.sandbox.becoming import become_root
from imagewright.sandbox.identity import IDS, MAP_IDS, id_map, subordinate_ranges
from imagewright.sandbox.system import JailError
from imagewright.sandbox.userns import SETTINGS, explain

SUBUID = """\
# a comment
root:10:20
tester:100000:65536
1000:300000:10
tester:500000:5
tester:bad:65536
tester:600000:0
tester
"""


def test_ranges_belong_to_a_user_by_name_or_number() -> None:
    assert subordinate_ranges(SUBUID, "tester", 1000) == ((100000, 65536), (300000, 10), (500000, 5))
    assert subordinate_ranges(SUBUID, "root", 0) == ((10, 20),)
    assert subordinate_ranges(SUBUID, "nobody", 65534) == ()


@given(st.text())
def test_any_text_gives_ranges(text: str) -> None:
    assert all(count > 0 and first >= 0 for first, count in subordinate_ranges(text, "a", 1))


def test_own_id_is_root_and_the_rest_follows() -> None:
    assert id_map(1000, ((100000, 65536),)) == ((0, 1000, 1), (1, 100000, 65535))
    split = id_map(1000, ((100000, 30000), (200000, 60000), (900000, 7)))
    assert split == ((0, 1000, 1), (1, 100000, 30000), (30001, 200000, 35535))
    assert sum(count for _, _, count in split) == IDS


def test_too_few_ids_are_an_error() -> None:
    with pytest.raises(JailError, match="65535 subordinate ids are needed, 65534 are there"):
        id_map(1000, ((100000, 65534),))


@pytest.mark.parametrize(
    ("error", "settings", "part"),
    [
        (JailError(MAP_IDS, 0, "/etc/subuid has no line for joe"), {}, "usermod --add-subuids"),
        (JailError(MAP_IDS, 0, "65535 subordinate ids are needed, 3 are there"), {}, "usermod --add-subuids"),
        (JailError(MAP_IDS, 0, "the program newuidmap is missing"), {}, "package uidmap"),
        (
            JailError(MAP_IDS, 0, "newgidmap: write to gid_map failed: Operation not permitted"),
            {},
            "package uidmap",
        ),
        (JailError("enter new namespaces", errno.EINVAL, "Invalid argument"), {}, "Linux 5.12"),
        (JailError("enter new namespaces", errno.EPERM, "Operation not permitted"), {}, "another container"),
        *(
            (JailError("enter new namespaces", errno.EPERM, "no"), {name: bad}, f"sudo sysctl {name}={good}")
            for name, bad, good in SETTINGS
        ),
    ],
)
def test_each_refusal_has_a_remedy(error: JailError, settings: dict[str, str], part: str) -> None:
    told = explain(error, setting=lambda name: settings.get(name, ""))
    assert isinstance(told, MachineError)
    assert told.code == 6
    assert error.reason in told.message
    assert part in " ".join(told.lines()[1:])
    assert all("\n" not in line for line in told.lines())


def test_other_failures_are_told_as_they_are() -> None:
    told = explain(JailError("bind /nowhere on /in", errno.ENOENT, "No such file or directory"))
    assert told.lines() == ("The sandbox could not bind /nowhere on /in: No such file or directory",)


def test_root_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("started anew"))
    become_root()


def test_an_ordinary_user_starts_anew_as_root_of_a_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("imagewright.sandbox.identity.enter_subordinate_ids", lambda: None)
    monkeypatch.setattr(os, "execv", lambda path, words: began.append((path, words)))
    become_root(["-m", "imagewright", "build"])
    assert began == [(sys.executable, [sys.executable, "-m", "imagewright", "build"])]


PROGRAM = ("jail", "processes", "emulation", "identity", "mounts", "request", "root", "system")


@pytest.mark.parametrize("name", PROGRAM)
def test_the_program_needs_the_standard_library_only(name: str) -> None:
    source = Path(imagewright.sandbox.__path__[0]) / f"{name}.py"
    for node in ast.walk(ast.parse(source.read_text())):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for module in modules:
            own = module in {f"imagewright.sandbox.{each}" for each in PROGRAM}
            assert own or module.split(".")[0] in sys.stdlib_module_names, module
