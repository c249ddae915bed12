# SPDX-License-Identifier: Apache-2.0
"""The guard around unit tests guards."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest


def test_programs_are_refused(refused: list[str]) -> None:
    with pytest.raises(RuntimeError, match="must not"):
        subprocess.run(["true"], check=True)
    with pytest.raises(RuntimeError, match="must not"):
        os.system("true")
    assert len(refused) == 2
    refused.clear()


def test_the_network_is_refused(refused: list[str]) -> None:
    with socket.socket() as one, pytest.raises(RuntimeError, match="must not"):
        one.connect(("127.0.0.1", 9))
    with pytest.raises(RuntimeError, match="must not"):
        socket.getaddrinfo("example.org", 80)
    assert refused
    refused.clear()


@pytest.mark.loopback
def test_loopback_is_allowed_where_it_is_marked(refused: list[str]) -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
    with socket.socket() as one, pytest.raises(RuntimeError, match="must not"):
        one.connect(("192.0.2.1", 9))
    assert refused == ["socket.connect(('192.0.2.1', 9))"]
    refused.clear()


@pytest.mark.integration
def test_an_integration_test_may_start_programs() -> None:
    assert subprocess.run(["true"], check=False).returncode == 0
