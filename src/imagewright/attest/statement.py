# SPDX-License-Identifier: Apache-2.0
"""in-toto Statement v1: something said (the predicate) of artifacts (the subjects), by digest.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.reading import Node, parse

TYPE = "https://in-toto.io/Statement/v1"
OLD_TYPE = "https://in-toto.io/Statement/v0.1"
MEDIA_TYPE = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Subject:
    """An artifact by what it is called and by its digest; only the digest counts."""

    name: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said: ``predicate`` is a JSON object as bytes, its meaning given by ``predicate_type`` (a URI)."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: bytes

    def encode(self) -> bytes:
        """The canonical bytes."""
        return canonical_json(
            {
                "_type": TYPE,
                "subject": [{"name": one.name, "digest": {"sha256": one.digest.hex}} for one in self.subjects],
                "predicateType": self.predicate_type,
                "predicate": json.loads(self.predicate),
            }
        )

    @classmethod
    def parse(cls, content: bytes) -> Statement:
        """Read one, of version 1 or 0.1. Raises ``VerificationError``."""
        node = parse(content, "statement")
        kind = node.field("_type")
        if kind.text() not in {TYPE, OLD_TYPE}:
            kind.refuse(f"expected {TYPE}")
        predicate: Any = node.field("predicate").value
        if not isinstance(predicate, Mapping):
            raise VerificationError("refused a statement: its predicate is no object")
        return cls(
            subjects=tuple(_subject(each) for each in node.field("subject").items()),
            predicate_type=node.field("predicateType").text(),
            predicate=canonical_json(predicate),
        )

    def is_about(self, digest: Digest) -> bool:
        """Whether it says something of this artifact."""
        return any(subject.digest == digest for subject in self.subjects)


def _subject(node: Node) -> Subject:
    value = node.field("digest").field("sha256")
    try:
        return Subject(node.field("name").text(""), Digest(value.text()))
    except ValueError as error:
        value.refuse(str(error))
