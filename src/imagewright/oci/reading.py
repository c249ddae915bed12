# SPDX-License-Identifier: Apache-2.0
"""Reading documents that others wrote: bounded, and every refusal names the place (``layers[2].digest``)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

MAX_DOCUMENT = 4 << 20
"""Bytes of a manifest, index or configuration; what registries accept as well (distribution-spec)."""

_MAX_ITEMS = 10_000
_MAX_TEXT = 1 << 20
_MAX_NUMBER = (1 << 63) - 1
_SHOWN = 40
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Node:
    """A value inside a document, and where it is. Methods raise ``VerificationError``."""

    value: object
    path: str
    document: str

    def refuse(self, what: str) -> NoReturn:
        """Raise the error for this place."""
        where = f"{self.path}: " if self.path else ""
        raise VerificationError(f"refused a {self.document}: {where}{what}", details={"path": self.path})

    def field(self, name: str) -> Node:
        """A member of an object; its value is ``None`` where there is none."""
        if not isinstance(self.value, dict):
            self.refuse(f"expected an object, found {_shown(self.value)}")
        return Node(self.value.get(name), f"{self.path}.{name}" if self.path else name, self.document)

    @property
    def missing(self) -> bool:
        """Whether there is nothing here (absent or null)."""
        return self.value is None

    def text(self, default: str | None = None) -> str:
        """A string of reasonable length; ``default`` where it is missing, if there is a default."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            self.refuse(f"expected text, found {_shown(self.value)}")
        if len(self.value) > _MAX_TEXT or "\0" in self.value or _SURROGATES.search(self.value):
            self.refuse("text that is too long, holds a null character or is no Unicode")
        return self.value

    def number(self) -> int:
        """A whole number, not negative."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self.refuse(f"expected a whole number, found {_shown(self.value)}")
        if not 0 <= self.value <= _MAX_NUMBER:
            self.refuse(f"number out of range: {_shown(self.value)}")
        return self.value

    def flag(self) -> bool:
        """A truth value; missing is false."""
        if self.value is None:
            return False
        if not isinstance(self.value, bool):
            self.refuse(f"expected true or false, found {_shown(self.value)}")
        return self.value

    def digest(self) -> Digest:
        """A SHA-256 digest."""
        try:
            return Digest.parse(self.text())
        except ValueError as error:
            self.refuse(str(error))

    def items(self) -> Iterator[Node]:
        """The members of a list; missing is empty."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            self.refuse(f"expected a list, found {_shown(self.value)}")
        if len(self.value) > _MAX_ITEMS:
            self.refuse(f"more than {_MAX_ITEMS} members")
        for number, value in enumerate(self.value):
            yield Node(value, f"{self.path}[{number}]", self.document)

    def texts(self) -> tuple[str, ...]:
        """A list of strings; missing is empty."""
        return tuple(item.text() for item in self.items())

    def mapping(self) -> tuple[tuple[str, str], ...]:
        """An object of strings as sorted pairs; missing is empty."""
        if self.value is None:
            return ()
        if not isinstance(self.value, dict):
            self.refuse(f"expected an object, found {_shown(self.value)}")
        if len(self.value) > _MAX_ITEMS:
            self.refuse(f"more than {_MAX_ITEMS} members")
        return tuple(sorted((key, self.field(key).text()) for key in self.value))

    def names(self) -> tuple[str, ...]:
        """The sorted names of an object that is used as a set (``{"80/tcp": {}}``); missing is empty."""
        if self.value is None:
            return ()
        if not isinstance(self.value, dict) or len(self.value) > _MAX_ITEMS:
            self.refuse(f"expected an object, found {_shown(self.value)}")
        return tuple(sorted(self.value))


def parse(content: bytes, document: str) -> Node:
    """Parse JSON. Raises ``VerificationError``: too large, not JSON, twice the same name, not an object."""
    root = Node(None, "", document)
    if len(content) > MAX_DOCUMENT:
        root.refuse(f"larger than {MAX_DOCUMENT} bytes")
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        root.refuse(f"not JSON ({error})")
    if not isinstance(value, dict):
        root.refuse(f"expected an object, found {_shown(value)}")
    return Node(value, "", document)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value)[: _SHOWN + 1]
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
