# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles of images made of Debian's or Ubuntu's packages.

The stages: ``packages`` and ``inputs`` hold what comes from outside, and a build context of the same name stands
for either; ``buildroot`` and ``python`` are the same text for every variant, so that one compile serves all of
them; the last stage is the image.
"""

from __future__ import annotations

from imagewright.catalog.model import PackageWish
from imagewright.emit.dockerfiles import writing
from imagewright.emit.dockerfiles.compiling import compile_stages, recipe_stage, wishes
from imagewright.emit.dockerfiles.finishing import environment, execution, parts
from imagewright.emit.dockerfiles.heading import heading
from imagewright.emit.dockerfiles.model import Order, PlatformBuild, Written
from imagewright.emit.dockerfiles.own import (
    after_packages,
    bare_files,
    bare_own,
    before_packages,
    root_files,
    site_copies,
    site_stage,
)
from imagewright.emit.dockerfiles.platforms import edges, pins, split_environment
from imagewright.emit.dockerfiles.sources import archive_arguments, archives_file, base_reference
from imagewright.errors import UsageError
from imagewright.model.images import RootKind
from imagewright.model.packages import LockedPackage
from imagewright.recipes.commands import bare_script, packages_script, parts_script, tidy_script
from imagewright.recipes.distributions import conventions_of
from imagewright.recipes.roots import merged_links

_CACHE = writing.cache("imagewright-packages", "/cache")
_NEEDS = writing.bind("python", "/needs", "/needs")


def write_debian(order: Order) -> Written:
    """The Dockerfile of one image. Raises :class:`UsageError` for one that needs a lock and has none."""
    first_build = order.builds[0]
    first = first_build.definition
    minimal = first.root is RootKind.BARE
    if minimal and first_build.locked is None:
        raise UsageError(
            f"{order.name} needs a lock to become a Dockerfile",
            why="its packages are chosen by us, not by apt, which would bring a shell and a package manager along",
            hint=f"run: imagewright lock {order.name}",
        )
    compiled = compile_stages(order, f"{_packages()}\n{_buildroot(order)}", parts_script())
    ending = [site_stage(order), *(_minimal(order) if minimal else _configured(order))]
    text = "\n".join(part for part in (heading(order), *compiled.text, *ending) if part)
    return Written(text, compiled.beside)


def _packages() -> str:
    return (
        writing.comment(
            "Packages: a build context of this name, with packages and their index, stands for the archive."
        )
        + "FROM scratch AS packages\n"
    )


def _buildroot(order: Order) -> str:
    files = {"image-packages.sh": packages_script()}
    locked = {build.architecture: build.locked.buildroot.packages for build in order.builds if build.locked}
    files |= {f"packages.{name}": text for name, text in pins(locked).items()}
    files |= archives_file(order)
    base = writing.comment("The build root: a small root with compiler and libraries.")
    return (
        base
        + f"FROM {base_reference(order, slim=True)} AS buildbase\n\n"
        + recipe_stage("buildroot", files, order.style)
        + "\nFROM buildbase AS buildroot\n"
        + archive_arguments(order)
        + writing.run(
            _package_mounts("buildroot"),
            ["sh /recipe/image-packages.sh install", *wishes(_toolchain(order))],
        )
    )


def _toolchain(order: Order) -> tuple[PackageWish, ...]:
    """What is asked for in the build root, in the catalog's order."""
    suite = order.catalog.by_suite[order.name.suite]
    asked = set(order.builds[0].definition.build_packages)
    known = {wish.name: wish for wish in (*suite.foundation, *order.catalog.toolchain)}
    return tuple(wish for name, wish in known.items() if name in asked)


def _package_mounts(recipe: str) -> tuple[writing.Mount, ...]:
    """What ``image-packages.sh`` sees."""
    lists = writing.bind(f"recipe-{recipe}", "/recipe", "/recipe")
    return (lists, writing.bind("packages", "/", "/packages"), _CACHE)


def _configured(order: Order) -> list[str]:
    """On the distribution's own root, with its package manager."""
    first = order.builds[0].definition
    files = {"image-packages.sh": packages_script(), "image-tidy.sh": tidy_script(), **root_files(order)}
    locked = {build.architecture: _every(build) for build in order.builds if build.locked}
    files |= {f"packages.{name}": text for name, text in pins(locked).items()}
    files |= archives_file(order)
    base = base_reference(order, slim=first.slim)
    needs = (
        ("IW_PARTS", " ".join(first.parts)),
        ("IW_OPTIONAL", " ".join(first.optional_modules)),
        # Bytecode of the distribution's own Python then goes by content, not by times.
        ("SOURCE_DATE_EPOCH", str(first.release_epoch)),
    )
    install = [
        *before_packages(first),
        *writing.words(needs),
        "sh /recipe/image-packages.sh install",
        *wishes(_wanted(order)),
        *after_packages(first),
        "&& sh /recipe/image-tidy.sh",
    ]
    return [
        recipe_stage("image", files, order.style),
        writing.comment("The distribution's own root.") + f"FROM {base} AS base\n",
        writing.comment("The image. The interpreter's parts are layers of their own.") + "FROM base AS image\n",
        environment(first.configuration),
        parts(first.parts),
        archive_arguments(order),
        writing.comment(
            "Packages with the libraries that the interpreter was linked with, as its own files say, and others. "
            "Lists and archives stay in the cache, logs and backups go: nothing of the installation is left."
        )
        + writing.run([*_package_mounts("image"), _NEEDS], install)
        + site_copies(first),
        execution(first.configuration),
    ]


def _minimal(order: Order) -> list[str]:
    """On nothing: packages unpacked, no script of theirs run."""
    first = order.builds[0].definition
    suite = order.catalog.by_suite[first.name.suite]
    conventions = conventions_of(suite.distribution)
    files = {
        "image-packages.sh": packages_script(),
        "image-bare.sh": bare_script(conventions.exclude, conventions.include),
        "files": "".join(
            f"{path}\t{line}\n" for path, text in sorted(bare_files(first).items()) for line in text.splitlines()
        ),
    }
    own, more = bare_own(order)
    files |= own
    everything = {build.architecture: _every(build) for build in order.builds}
    files |= {f"packages.{name}": text for name, text in pins(everything).items()}
    files |= {f"depends.{name}": text for name, text in edges(everything).items()}
    files |= archives_file(order)
    environments = {build.architecture: (*_bare_environment(build), *more) for build in order.builds}
    common, different = split_environment(environments)
    if different:
        files["image-bare.env"] = different
    load = [". /recipe/image-bare.env &&"] if different else []
    return [
        recipe_stage("image", files, order.style),
        writing.comment(
            "A root without a shell and a package manager: packages are unpacked, and none of their scripts runs. "
            "It is made where there is a shell."
        )
        + "FROM buildroot AS root\n"
        + archive_arguments(order)
        + writing.run(
            [*_package_mounts("image"), _NEEDS], [*load, *writing.words(common), "sh /recipe/image-bare.sh"]
        ),
        writing.comment("The image: that root, and the interpreter.") + "FROM scratch AS image\n",
        environment(first.configuration),
        "COPY --from=root /root-tree/ /\n" + parts(first.parts) + site_copies(first),
        execution(first.configuration),
    ]


def _every(build: PlatformBuild) -> tuple[LockedPackage, ...]:
    """All packages that may be in the image, by name."""
    assert build.locked is not None
    found = {one.name: one for one in (*build.locked.base.packages, *build.locked.runtime.packages)}
    return tuple(found[name] for name in sorted(found))


def _bare_environment(build: PlatformBuild) -> tuple[tuple[str, str], ...]:
    definition = build.definition
    return (
        ("IW_MERGED", " ".join(merged_links(definition.name.suite, build.architecture))),
        ("IW_OPTIONAL", " ".join(definition.optional_modules)),
        ("IW_PARTS", " ".join(definition.parts)),
        ("IW_WANTED", " ".join(sorted({*definition.base_packages, *definition.runtime_packages}))),
        ("SOURCE_DATE_EPOCH", str(definition.release_epoch)),
    )


def _wanted(order: Order) -> tuple[PackageWish, ...]:
    """What is asked for besides what the interpreter needs, in the catalog's order, with what was added."""
    first = order.builds[0].definition
    known = {wish.name: wish for wish in order.catalog.by_variant[first.name.variant].packages}
    asked = set(first.runtime_packages)
    said = [wish for name, wish in known.items() if name in asked]
    return (*said, *(PackageWish(name, "asked for in imagewright.toml") for name in sorted(asked - set(known))))
