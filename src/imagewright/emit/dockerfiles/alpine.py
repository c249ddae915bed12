# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles of images on Alpine Linux: the same scripts, compiled against musl.

There is no training here: profiles are made on Debian, and regression tests that training runs fail on musl.
"""

from __future__ import annotations

from collections.abc import Iterable

from imagewright.catalog.model import PackageWish
from imagewright.catalog.resolve import wished
from imagewright.emit.dockerfiles import writing
from imagewright.emit.dockerfiles.compiling import compile_stages, recipe_stage, wishes
from imagewright.emit.dockerfiles.finishing import environment, execution, parts
from imagewright.emit.dockerfiles.heading import heading
from imagewright.emit.dockerfiles.model import Order, Written
from imagewright.emit.dockerfiles.sources import argument, base_reference
from imagewright.recipes.commands import apk_script, parts_script

_ROLE = "alpine"
_CACHE = writing.cache("imagewright-apk", "/cache")


def write_alpine(order: Order) -> Written:
    """The Dockerfile of one image."""
    first = order.builds[0].definition
    base = base_reference(order, slim=True)
    compiled = compile_stages(order, _buildroot(order, base), parts_script(apk=True))
    needs = (("IW_PARTS", " ".join(first.parts)), ("IW_OPTIONAL", " ".join(first.optional_modules)))
    ending = [
        recipe_stage("image", {"image-apk.sh": apk_script()}, order.style),
        writing.comment("The image. The interpreter's parts are layers of their own.") + f"FROM {base} AS image\n",
        environment(first.configuration),
        parts(first.parts),
        argument(_ROLE, order.style),
        writing.comment(
            "Packages with the libraries that the interpreter was linked with, asked for by library as "
            ".python-rundeps, and others."
        )
        + writing.run(
            [*_mounts("image"), writing.bind("python", "/needs", "/needs")],
            [
                _release(order),
                *writing.words(needs),
                "sh /recipe/image-apk.sh .python-base",
                *_named(order, order.catalog.by_variant[order.name.variant].packages),
            ],
        ),
        execution(first.configuration),
    ]
    return Written("\n".join([heading(order), *compiled.text, *ending]), compiled.beside)


def _buildroot(order: Order, base: str) -> str:
    return (
        writing.comment("The build root: Alpine's own root with compiler and libraries, as one virtual package.")
        + f"FROM {base} AS buildbase\n\n"
        + recipe_stage("buildroot", {"image-apk.sh": apk_script()}, order.style)
        + "\nFROM buildbase AS buildroot\n"
        + argument(_ROLE, order.style)
        + writing.run(
            _mounts("buildroot"),
            [
                _release(order),
                "sh /recipe/image-apk.sh .build-deps",
                *_named(order, order.catalog.by_variant[order.name.variant].build),
            ],
        )
    )


def _mounts(recipe: str) -> tuple[writing.Mount, ...]:
    return (writing.bind(f"recipe-{recipe}", "/recipe", "/recipe"), _CACHE)


def _release(order: Order) -> str:
    return f"IW_RELEASE=v{order.catalog.by_suite[order.name.suite].version}"


def _named(order: Order, wanted: Iterable[PackageWish]) -> list[str]:
    wanted = tuple(wanted)
    names = wished(wanted, order.builds[0].definition.series, order.name.suite)
    return wishes(wish for wish in wanted if wish.name in names)
