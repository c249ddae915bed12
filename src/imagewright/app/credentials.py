# SPDX-License-Identifier: Apache-2.0
"""Who we are to registries, from the places where Docker and Podman keep it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from imagewright.errors import ConfigurationError
from imagewright.registry.credentials import AuthFile, Keychain, from_environment, read_auth_file

_LARGEST_FILE = 1 << 20
_HELPER_SECONDS = 60


def keychain() -> Keychain:
    """All that this machine knows. Raises :class:`ConfigurationError` for a file that cannot be read."""
    return Keychain(files=tuple(_auth_files()), explicit=from_environment(os.environ), ask=_ask_helper)


def _auth_files() -> Iterator[AuthFile]:
    home = Path(os.environ.get("HOME") or "/")
    docker = Path(os.environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [Path(os.environ["REGISTRY_AUTH_FILE"])] if os.environ.get("REGISTRY_AUTH_FILE") else []
    places += [Path(runtime) / "containers/auth.json"] if runtime else []
    places += [home / ".config/containers/auth.json", docker]
    for path in places:
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST_FILE)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigurationError(f"cannot read the credentials in {path}", why=str(error)) from None
        yield read_auth_file(content, str(path))


def _ask_helper(name: str, server: str) -> bytes:
    """``docker-credential-NAME get`` (docker-credential-helpers, "Development")."""
    program = f"docker-credential-{name}"
    try:
        ended = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(
            f"cannot ask {program} for credentials", why=str(error), hint="Docker's config.json names it"
        ) from None
    return ended.stdout if ended.returncode == 0 else b""
