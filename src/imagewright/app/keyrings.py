# SPDX-License-Identifier: Apache-2.0
"""Which certificates are known: those that come with the program, and those that the configuration names."""

from __future__ import annotations

from pathlib import Path

from imagewright.app.world import World
from imagewright.archives.keyring import Keyring, shipped_keyring
from imagewright.archives.openpgp import MAXIMUM_CERTIFICATE
from imagewright.errors import ConfigurationError


def keyring_of(world: World) -> Keyring:
    """All of them. Raises ``ConfigurationError`` for a file that cannot be read, ``VerificationError`` for one
    without certificates."""
    keyring = shipped_keyring()
    for path in world.keyrings:
        keyring = keyring.joined(_read(path), origin=str(path))
    return keyring


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAXIMUM_CERTIFICATE + 1)
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}",
            why=error.strerror or str(error),
            hint="it is named by keyrings, under [catalog] in imagewright.toml",
        ) from error
