# SPDX-License-Identifier: Apache-2.0
"""A bill of materials as data, whatever format it is written in. Frozen; everything sorted by who makes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from imagewright.model.digest import Digest

NO_ASSERTION = "NOASSERTION"
"""SPDX 2.3, clause 7.13: nothing is said about a licence, which is not the same as there being none."""


class ComponentKind(StrEnum):
    """What a component is, in CycloneDX's words (``component.type``)."""

    CONTAINER = "container"
    SYSTEM = "operating-system"
    APPLICATION = "application"
    LIBRARY = "library"


@dataclass(frozen=True, slots=True)
class Component:
    """One thing that is in an image.

    ``reference`` tells components of one bill apart (letters, digits, ``.`` and ``-``); ``licence`` is an SPDX
    expression ("" where nothing is known); ``sha256`` is that of the file it came as; ``download`` where that
    file is, ``source`` the name and version of the source package; ``inside`` the reference of what it is part of.
    """

    reference: str
    kind: ComponentKind
    name: str
    version: str
    purl: str = ""
    cpe: str = ""
    licence: str = ""
    sha256: Digest | None = None
    download: str = ""
    supplier: str = ""
    originator: str = ""
    homepage: str = ""
    source: tuple[str, str] = ("", "")
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """A whole bill: ``subject`` is what it is about, ``components`` what is in that.

    ``name`` is the document's, ``namespace`` a URI that nothing else has; ``created`` in seconds since the epoch.
    """

    name: str
    namespace: str
    created: int
    subject: Component
    components: tuple[Component, ...]


def sort_components(components: Iterable[Component]) -> tuple[Component, ...]:
    """In the order of documents: by reference, each once."""
    found: dict[str, Component] = {}
    for component in components:
        found.setdefault(component.reference, component)
    return tuple(found[reference] for reference in sorted(found))


def reference_of(*words: str) -> str:
    """Words as a reference: what SPDX identifiers may not have becomes a dash (SPDX 2.3, clause 7.2)."""
    text = "-".join(word for word in words if word)
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in ".-") else "-" for sign in text)
