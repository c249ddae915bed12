# SPDX-License-Identifier: Apache-2.0
"""Which certificates are known: those that come with the program, and those that the configuration names."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from imagewright.app.world import World
from imagewright.archives.alpine.keys import load_key
from imagewright.archives.keyring import Keyring, shipped_keyring
from imagewright.archives.openpgp import MAXIMUM_CERTIFICATE
from imagewright.errors import ConfigurationError

_ALPINE = ".pub"
"""What the files of Alpine's keys are called after; signatures name them by it."""


def keyring_of(world: World) -> Keyring:
    """All of them. Raises ``ConfigurationError`` for a file that cannot be read, ``VerificationError`` for one
    without certificates."""
    keyring = shipped_keyring()
    for path in world.keyrings:
        if path.suffix == _ALPINE:
            continue
        keyring = keyring.joined(_read(path), origin=str(path))
    return keyring


def apk_keys_of(world: World) -> dict[str, rsa.RSAPublicKey]:
    """Alpine's keys that the configuration names, by the names of their files. Raises as :func:`keyring_of`."""
    return {path.name: load_key(_read(path), str(path)) for path in world.keyrings if path.suffix == _ALPINE}


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
