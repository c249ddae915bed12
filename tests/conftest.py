# SPDX-License-Identifier: Apache-2.0
"""What holds for all tests: a unit test touches neither network nor other programs, by accident or otherwise.

A test marked ``integration`` may do both; one marked ``loopback`` may talk to itself over 127.0.0.1.
The guard is an audit hook (PEP 578), so it sees what any library does, however deep.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3  # noqa: F401 - it binds a socket when it is first imported: before any test is watched
from hypothesis import HealthCheck, settings

from support.golden import Golden

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")

_PROGRAMS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn"}
)
_ADDRESSES = frozenset({"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"})
_NAMES = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Guard:
    """Whether the test that runs now is watched, and what it tried."""

    def __init__(self) -> None:
        self.watching = False
        self.loopback = False
        self.tried: list[str] = []

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.watching:
            return
        if event in _PROGRAMS:
            self._refuse(f"{event}{arguments[:2]!r}")
        elif event in _ADDRESSES and not self._allowed(arguments[1]):
            self._refuse(f"{event}({arguments[1]!r})")
        elif event in _NAMES and not self._allowed((arguments[0],)):
            self._refuse(f"{event}({arguments[0]!r})")

    def _allowed(self, address: object) -> bool:
        if not isinstance(address, tuple):  # a path: AF_UNIX
            return self.loopback
        return self.loopback and str(address[0]) in _LOOPBACK

    def _refuse(self, what: str) -> None:
        self.tried.append(what)
        raise RuntimeError(f"a unit test must not do this: {what}; mark it integration if it is meant")


_guard = _Guard()
pytest_plugins = ["peers.fixtures", "support.jails"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regen", action="store_true", help="write golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files of the directory that the test is in."""
    return Golden(request.path.parent / "golden", request.config.getoption("--regen"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "loopback: a unit test that talks to itself over 127.0.0.1")
    sys.addaudithook(_guard.hook)


@pytest.fixture(autouse=True)
def no_network_no_programs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a unit test that reaches outside, even where the code under test swallowed the refusal."""
    if request.node.get_closest_marker("integration") is not None:
        yield
        return
    _guard.loopback = request.node.get_closest_marker("loopback") is not None
    _guard.tried.clear()
    _guard.watching = True
    try:
        yield
    finally:
        _guard.watching = False
    assert not _guard.tried, f"reached outside: {_guard.tried}"


@pytest.fixture
def refused() -> list[str]:
    """What the running test was refused so far; a test that provokes a refusal empties it."""
    return _guard.tried


@pytest.fixture(scope="module")
def runroot() -> Iterator[Path]:
    """A directory for podman's and buildah's runtime state, which refuse names of more than 50 characters."""
    with tempfile.TemporaryDirectory(prefix="iw-", dir="/run", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture
def in_ci() -> bool:
    """Whether a missing peer is a failure (CI) or a reason to skip."""
    return bool(os.environ.get("CI"))
