# SPDX-License-Identifier: Apache-2.0
"""Real cosign, out of the root that the Docker Engine is in too."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "secret"
"""Of every key that cosign makes or uses here."""


@dataclass(frozen=True, slots=True)
class Cosign:
    """cosign in the root that tests/peers makes; ``home`` is a directory both of us see."""

    root: Path
    home: Path

    def call(self, *words: str, expect: int = 0) -> str:
        inside = f"/{self.home.relative_to(self.root)}"
        environment = [f"HOME={inside}", f"COSIGN_PASSWORD={PASSWORD}", "PATH=/usr/bin:/bin"]
        ended = subprocess.run(
            [
                "chroot",
                self.root,
                "/usr/bin/env",
                "-i",
                *environment,
                "sh",
                "-c",
                f'cd {inside} && "$@"',
                "-",
                *words,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (ended.returncode == 0) == (expect == 0), ended.stderr
        return ended.stdout if expect == 0 else ended.stderr

    def verify(self, reference: str, key: str, *words: str, expect: int = 0) -> str:
        command = "verify-attestation" if words else "verify"
        flags = ["--key", key, "--insecure-ignore-tlog=true", "--allow-insecure-registry"]
        return self.call("cosign", command, *flags, *words, reference, expect=expect)
