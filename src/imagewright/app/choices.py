# SPDX-License-Identifier: Apache-2.0
"""What was chosen of an image's build, as words of the command line, and back: for provenance and rebuilding."""

from __future__ import annotations

from imagewright.errors import VerificationError
from imagewright.model.images import Bytecode, Compression, Foreign, ImageDefinition, Profile
from imagewright.model.options import Selection
from imagewright.model.platforms import Platform

_POINTERS, _NO_POINTERS = "frame-pointers", "no-frame-pointers"


def choices_of(definition: ImageDefinition) -> tuple[tuple[str, str], ...]:
    """Name → value of options; those that are flags have no value. Sorted by name."""
    found = [
        ("bytecode", definition.bytecode.value),
        ("compression", definition.compression.value),
        (_POINTERS if definition.frame_pointers else _NO_POINTERS, ""),
    ]
    found += [("foreign", definition.foreign.way.value)] if definition.foreign is not None else []
    return tuple(sorted(found))


def selection_of(platform: Platform, profile: str, choices: tuple[tuple[str, str], ...]) -> Selection:
    """The same selection again. Raises ``VerificationError`` for words that are not known here.

    Where nothing is said of a choice, as by earlier versions, it is made as configuration and catalog have it.
    """
    said = dict(choices)
    unknown = said.keys() - {"bytecode", "compression", "foreign", _POINTERS, _NO_POINTERS}
    try:
        if unknown:
            raise ValueError(f"{min(unknown)[:80]!r} is not known")
        return Selection(
            platforms=(platform,),
            profile=Profile(profile),
            bytecode=Bytecode(said["bytecode"]) if "bytecode" in said else None,
            frame_pointers=_POINTERS in said if said.keys() & {_POINTERS, _NO_POINTERS} else None,
            compression=Compression(said["compression"]) if "compression" in said else None,
            foreign=Foreign(said["foreign"]) if "foreign" in said else None,
        )
    except ValueError as error:
        raise VerificationError(
            "refused a provenance: it was built in a way that is not known here",
            why=str(error)[:200],
            hint="use a newer imagewright",
        ) from None
