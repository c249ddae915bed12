# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.model.sandboxing import Bind, OverlayRoot, PlainRoot, SandboxRequest
from imagewright.sandbox.request import BindRequest, EmulatorRequest, Request, is_plain_target
from imagewright.sandbox.runner import to_jail

names = st.text(st.characters(exclude_characters="/\0"), min_size=1).filter(lambda text: text not in {".", ".."})
paths = st.lists(names, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
targets = paths.filter(lambda path: path.split("/")[1] not in {"proc", "sys", "dev"})
words = st.text(st.characters(exclude_characters="\0"))
requests = st.builds(
    Request,
    argv=st.lists(words, max_size=3).map(lambda rest: ("command", *rest)),
    lower=st.lists(paths, min_size=1, max_size=3).map(tuple),
    environment=st.lists(st.tuples(names.filter(lambda name: "=" not in name), words), max_size=3).map(tuple),
    binds=st.lists(st.builds(BindRequest, paths, targets, st.booleans()), max_size=2).map(tuple),
    tmpfs=st.lists(targets, max_size=2).map(tuple),
    user=st.tuples(st.integers(0, 2**32 - 2), st.integers(0, 2**32 - 2)),
    network=st.booleans(),
    interactive=st.booleans(),
    personality=st.sampled_from([0, 8]),
    emulator=st.none() | st.builds(EmulatorRequest, paths, st.just("7f454c46"), st.just("ffffffff")),
    limits=st.sampled_from([(), (("core", 0, 0),), (("nofile", 64, -1), ("cpu", 1, 2))]),
)


@given(requests)
def test_json_gives_the_same_request_back(request: Request) -> None:
    line = request.to_json()
    assert "\n" not in line
    assert Request.from_json(line) == request


def test_names_that_are_not_utf8_survive() -> None:
    request = Request(argv=("cat", "caf\udce9"), plain="/srv/\udcff")
    assert Request.from_json(request.to_json()) == request
    assert request.to_json().isascii()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "7",
        '{"argv": ["a"]}',
        '{"argv": ["a"], "plain": "/", "colour": 1}',
        '{"argv": ["a"], "plain": "/", "binds": [{"source": "/"}]}',
        '{"argv": ["a"], "plain": "/", "binds": 7}',
        '{"argv": ["a"], "plain": "relative"}',
        '{"argv": ["a"], "plain": "/", "personality": 9}',
        '{"argv": ["a"], "plain": "/", "emulator": {"program": "qemu", "magic": "7f454c46", "mask": "ffffffff"}}',
        '{"argv": ["a"], "plain": "/", "emulator": {"program": "/q", "magic": "7f454c4", "mask": "fffffff"}}',
        '{"argv": ["a"], "plain": "/", "emulator": {"program": "/q", "magic": "7f454c46", "mask": "ff"}}',
        '{"argv": ["a"], "plain": "/", "emulator": {"program": "/q"}}',
        '{"argv": ["a"], "plain": "/", "environment": [["A"]]}',
        '{"argv": ["a"], "plain": "/", "limits": [["colour", 1, 1]]}',
        '{"argv": ["a"], "plain": "/", "user": [0, 4294967295]}',
        '{"argv": ["a"], "plain": "/", "user": [0]}',
        '{"argv": ["a"], "plain": "/", "lower": ["/"]}',
        '{"argv": [1], "plain": "/"}',
    ],
)
def test_other_text_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the json module's words, or ours
        Request.from_json(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
    )
)
def test_any_json_is_a_request_or_a_value_error(document: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Request.from_json(json.dumps(document))


def test_everything_wrong_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="relative") as caught:
        Request(argv=(), lower=("relative",), tmpfs=("/a/../b",), hostname="-", environment=(("", ""),))
    for part in ("no command", "'relative'", "/a/../b", "host name", "variable: ''"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        *((path, True) for path in ("/a", "/a/b.c", "/...", "/a b")),
        *((path, False) for path in ("/", "", "a", "/a/", "//a", "/a//b", "/a/./b", "/..", "/a/..", "/a\0")),
    ],
)
def test_plain_targets(path: str, plain: bool) -> None:
    assert is_plain_target(path) is plain


def test_the_port_s_request_is_taken_over_whole() -> None:
    asked = SandboxRequest(
        root=OverlayRoot((Path("/l2"), Path("/l1")), Path("/u"), Path("/w")),
        argv=("make", "-j2"),
        environment=(("A", "b"),),
        binds=(Bind(Path("/in"), "/inputs"), Bind(Path("/out"), "/out", writable=True)),
        tmpfs=("/tmp",),
        directory="/usr/src",
        user=(1000, 100),
        hostname="here",
        network=True,
        interactive=True,
    )
    assert to_jail(asked, (("core", 0, 0),)) == Request(
        argv=("make", "-j2"),
        lower=("/l2", "/l1"),
        upper="/u",
        work="/w",
        environment=(("A", "b"),),
        binds=(BindRequest("/in", "/inputs"), BindRequest("/out", "/out", writable=True)),
        tmpfs=("/tmp",),
        directory="/usr/src",
        user=(1000, 100),
        hostname="here",
        network=True,
        interactive=True,
        limits=(("core", 0, 0),),
    )
    assert to_jail(SandboxRequest(root=PlainRoot(Path("/p")), argv=("x",))).plain == "/p"
