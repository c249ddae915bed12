# SPDX-License-Identifier: Apache-2.0
"""Content digests, as the OCI image specification writes them (descriptor.md, "Digests")."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256 digest; ``hex`` is its 64 lower-case hexadecimal digits. ``str()`` gives ``sha256:…``."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX.fullmatch(self.hex):
            raise ValueError(f"not a SHA-256 in lower-case hexadecimal: {self.hex[:80]!r}")

    def __str__(self) -> str:
        return f"sha256:{self.hex}"

    @property
    def short(self) -> str:
        """The first 12 digits, for people."""
        return self.hex[:12]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``sha256:<hex>``. Raises ``ValueError`` for any other algorithm or shape."""
        algorithm, separator, digits = text.partition(":")
        if not separator or algorithm != "sha256":
            raise ValueError(f"not a sha256 digest: {text[:80]!r}")
        return cls(digits)

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Digest of bytes in memory."""
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def of_chunks(cls, chunks: Iterable[bytes]) -> Self:
        """Digest of a stream."""
        state = hashlib.sha256()
        for chunk in chunks:
            state.update(chunk)
        return cls(state.hexdigest())


def canonical_json(value: object) -> bytes:
    """The one byte form of a JSON value: sorted keys, no blanks, UTF-8; what ids are hashed from."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
