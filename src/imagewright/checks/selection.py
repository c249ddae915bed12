# SPDX-License-Identifier: Apache-2.0
"""Which checks an image must pass."""

from __future__ import annotations

from imagewright.checks.suite import SUITE, Need
from imagewright.model.images import Bytecode, ImageDefinition, RootKind
from imagewright.recipes.bare import BUSYBOX

_VARIANT_HAS: dict[str, frozenset[Need]] = {
    "full": frozenset({Need.SHELL, Need.PACKAGES, Need.COMPILER}),
    "slim": frozenset({Need.SHELL, Need.PACKAGES}),
    "alpine": frozenset({Need.SHELL}),
}


def check_names(definition: ImageDefinition) -> tuple[str, ...]:
    """Names of the checks for an image, in the order they run; none for what does not run on Linux."""
    if definition.platform.os != "linux":
        return ()
    bytecode = Need.NO_BYTECODE if definition.bytecode is Bytecode.NONE else Need.BYTECODE
    has = _VARIANT_HAS.get(definition.name.variant, frozenset()) | {bytecode} | _bare(definition)
    has |= {need for need in Need if need.value in definition.parts}
    return tuple(check.name for check in SUITE if check.needs <= has)


def _bare(definition: ImageDefinition) -> frozenset[Need]:
    if definition.root is not RootKind.BARE:
        return frozenset()
    shell = BUSYBOX in definition.runtime_packages
    return frozenset({Need.BARE, Need.SHELL if shell else Need.NO_SHELL})
