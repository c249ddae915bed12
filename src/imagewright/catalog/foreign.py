# SPDX-License-Identifier: Apache-2.0
"""Images for other processors than this machine's: who compiles them, and with which packages.

A package of the toolchain whose name ends in ``-dev`` is what is compiled against, and of the image's architecture
(Debian Policy 8.4); every other one runs during the build, and is the machine's.
"""

from __future__ import annotations

from dataclasses import replace

from imagewright.catalog.model import Catalog
from imagewright.catalog.settings import Settings
from imagewright.catalog.tags import tags_of
from imagewright.catalog.versions import series_key
from imagewright.errors import UsageError
from imagewright.model.images import Foreign, ForeignBuild, ImageDefinition
from imagewright.model.platforms import Platform
from imagewright.model.processors import Way, gnu_type, way_to_run

CROSS_SINCE = (3, 11)
"""From this series on CPython's build asks nothing of the interpreter it makes (``--with-build-python``)."""


def on_machine(
    definition: ImageDefinition, catalog: Catalog, settings: Settings, machine: Platform
) -> ImageDefinition:
    """The definition as ``machine`` makes it: unchanged where it runs what it makes.

    Raises :class:`UsageError` where the suite has no emulator.
    """
    target = definition.platform.debian
    if not target or way_to_run(target, machine.debian) is Way.NATIVE:
        return definition
    suite = catalog.by_suite[definition.name.suite]
    if not suite.emulator:
        raise UsageError(
            f"{definition.name} cannot be made for {definition.platform} on {machine.debian}",
            why=f"{suite.name} names no emulator",
            hint="name one as `emulator` of the suite in imagewright.toml, or build on such a machine",
        )
    tags = tags_of(definition.name, catalog, catalog.by_scheme[settings.scheme], settings.tag_defaults)
    chosen = settings.image((str(definition.name), *tags.simple)).foreign
    possible = target in suite.cross and series_key(definition.series) >= CROSS_SINCE
    if chosen is Foreign.EMULATED or not possible:
        emulated = ForeignBuild(machine, Foreign.EMULATED, suite.emulator)
        return replace(definition, foreign=emulated)
    native = definition.build_packages
    compiler = f"gcc-{gnu_type(definition.platform.gnu)}"
    tools = {name for name in native if not name.endswith("-dev")} - {"gcc"} | {compiler}
    return replace(
        definition,
        build_packages=tuple(sorted(tools)),
        foreign=ForeignBuild(
            machine,
            Foreign.CROSS,
            suite.emulator,
            sysroot_packages=tuple(name for name in native if name.endswith("-dev")),
            native_packages=native,
        ),
    )
