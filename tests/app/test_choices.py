# SPDX-License-Identifier: Apache-2.0
"""What was chosen of a build comes back out of a provenance."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from imagewright.app.choices import choices_of, selection_of
from imagewright.errors import VerificationError
from imagewright.model.images import Bytecode, Compression, Profile
from imagewright.model.platforms import parse_platform
from support.locks import definition

AMD64 = parse_platform("linux/amd64")


@pytest.mark.parametrize(
    ("bytecode", "pointers", "compression"), list(product(Bytecode, (True, False), Compression))
)
def test_every_choice_comes_back(bytecode: Bytecode, pointers: bool, compression: Compression) -> None:
    chosen = replace(
        definition("3.13-slim-trixie"), bytecode=bytecode, frame_pointers=pointers, compression=compression
    )
    found = selection_of(AMD64, "quick", choices_of(chosen))
    assert (found.bytecode, found.frame_pointers, found.compression) == (bytecode, pointers, compression)
    assert (found.platforms, found.profile, found.foreign) == ((AMD64,), Profile.QUICK, None)


def test_what_is_not_said_is_left_to_the_catalog() -> None:
    found = selection_of(AMD64, "release", ())
    assert (found.bytecode, found.frame_pointers, found.compression) == (None, None, None)


@pytest.mark.parametrize(
    ("profile", "choices"),
    [("fast", ()), ("release", (("compression", "lz4"),)), ("release", (("rockets", "two"),))],
)
def test_what_is_not_known_is_refused(profile: str, choices: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(VerificationError, match="not known here"):
        selection_of(AMD64, profile, choices)
