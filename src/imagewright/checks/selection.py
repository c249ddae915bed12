# SPDX-License-Identifier: Apache-2.0
"""Which checks an image must pass."""

from __future__ import annotations

from imagewright.checks import windows
from imagewright.checks.suite import SUITE, Need
from imagewright.model.images import Bytecode, Flavour, ImageDefinition, RootKind
from imagewright.model.site import Installers
from imagewright.recipes.authorities import authority_name
from imagewright.recipes.bare import BUSYBOX
from imagewright.recipes.parts import WITHOUT_BYTECODE

_VARIANT_HAS: dict[str, frozenset[Need]] = {
    "full": frozenset({Need.SHELL, Need.PACKAGES, Need.COMPILER}),
    "slim": frozenset({Need.SHELL, Need.PACKAGES}),
    "alpine": frozenset({Need.SHELL, Need.APK}),
}


def told(definition: ImageDefinition) -> tuple[tuple[str, str], ...]:
    """What checks must know: of a person's own, which modules need not be there, and which need no bytecode."""
    compiled = definition.bytecode is not Bytecode.NONE
    words = {
        "IW_ABSENT_MODULES": " ".join(definition.absent_modules),
        "IW_PIP_COMPILED": "yes" if compiled and definition.site.installers is Installers.ENSUREPIP else "",
        "IW_PLAIN": " ".join(WITHOUT_BYTECODE) if compiled else "",
    }
    return (*((name, value) for name, value in words.items() if value), *_personal(definition))


def _personal(definition: ImageDefinition) -> tuple[tuple[str, str], ...]:
    """What the check ``site`` must know of a person's own; nothing where there is nothing."""
    if definition.platform.os == "windows":
        return (("IW_WINDOWS", windows.REVISION),)
    site, configuration = definition.site, definition.configuration
    account = site.account
    words = {
        "IW_ACCOUNT": account and f"{account.name}:{account.uid}:{account.gid}:{account.home}:{account.shell}",
        "IW_AUTHORITIES": " ".join(authority_name(each) for each in site.certificates),
        "IW_LOCALE": site.locale,
        "IW_PROGRAM": (configuration.entrypoint or ("",))[0],
        "IW_SITE_COMPILED": "yes" if definition.bytecode is Bytecode.STDLIB_SITE else "",
    }
    found = {name: value for name, value in words.items() if value}
    return tuple(sorted(found.items())) or ((("IW_SITE", ""),) if site.requirements else ())


_FLAVOUR_HAS: dict[Flavour, frozenset[Need]] = {
    Flavour.DEFAULT: frozenset(),
    Flavour.FREE_THREADED: frozenset({Need.FREE_THREADED}),
    Flavour.DEBUG: frozenset({Need.DEBUG_BUILD}),
}


def check_names(definition: ImageDefinition) -> tuple[str, ...]:
    """Names of the checks for an image, in the order they run."""
    if definition.platform.os == "windows":
        return windows.NAMES
    bytecode = Need.NO_BYTECODE if definition.bytecode is Bytecode.NONE else Need.BYTECODE
    has = _VARIANT_HAS.get(definition.name.variant, frozenset()) | {bytecode} | _bare(definition)
    has |= {need for need in Need if need.value in definition.parts} | _FLAVOUR_HAS[definition.name.flavour]
    has |= {Need.SITE} if _personal(definition) else frozenset()
    if not definition.series.startswith("2."):
        has |= {Need.PYTHON_3}
    absent = set(definition.absent_modules)
    return tuple(check.name for check in SUITE if check.needs <= has and not check.modules & absent)


def _bare(definition: ImageDefinition) -> frozenset[Need]:
    if definition.root is not RootKind.BARE:
        return frozenset()
    shell = BUSYBOX in definition.runtime_packages
    return frozenset({Need.BARE, Need.SHELL if shell else Need.NO_SHELL})
