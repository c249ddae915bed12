# SPDX-License-Identifier: Apache-2.0
"""Certificates that a configuration names, found beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagewright.app.keyrings import keyring_of
from imagewright.app.world import SystemClock, World
from imagewright.archives.keyring import shipped_keyring
from imagewright.errors import ConfigurationError, VerificationError
from imagewright.model.general import GlobalOptions
from support.archive import SigningKey


def world(directory: Path, text: str) -> World:
    path = directory / "imagewright.toml"
    path.write_text(text)
    return World(GlobalOptions(config=path), SystemClock(), 0o022)


def test_without_any_it_is_the_shipped_one(tmp_path: Path) -> None:
    assert keyring_of(world(tmp_path, "")) == shipped_keyring()


def test_a_file_beside_the_configuration(tmp_path: Path) -> None:
    key = SigningKey.make()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "own.asc").write_text(key.certificate)
    keyring = keyring_of(world(tmp_path, '[catalog]\nkeyrings = ["keys/own.asc"]\n'))
    assert keyring.certificate(key.fingerprint) is not None
    assert shipped_keyring().certificate(key.fingerprint) is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*own\.asc") as caught:
        keyring_of(world(tmp_path, '[catalog]\nkeyrings = ["own.asc"]\n'))
    assert "keyrings" in caught.value.hint


def test_a_file_without_certificates(tmp_path: Path) -> None:
    (tmp_path / "own.asc").write_text("nothing\n")
    with pytest.raises(VerificationError, match=r"own\.asc"):
        keyring_of(world(tmp_path, '[catalog]\nkeyrings = ["own.asc"]\n'))
