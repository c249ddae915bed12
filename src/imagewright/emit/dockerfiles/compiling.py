# SPDX-License-Identifier: Apache-2.0
"""The stages that compile the interpreter: inputs, recipe, build root, Python. The same text in every variant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from imagewright.catalog.model import PackageWish
from imagewright.emit.dockerfiles import writing
from imagewright.emit.dockerfiles.model import Order, PlatformBuild, Style
from imagewright.emit.dockerfiles.platforms import ANY, split_environment
from imagewright.emit.dockerfiles.sources import (
    PYTHON_MIRROR,
    PYTHON_ROLE,
    argument,
)
from imagewright.model.site import LocalFile
from imagewright.recipes.commands import inputs_script, wheels_script
from imagewright.recipes.python import PATCH_INPUT, PROFILE_INPUT

_CACHE = writing.cache("imagewright-packages", "/cache")
_TMP = writing.tmpfs("/tmp")  # noqa: S108 - inside the build
_COMMON = ("HOME", "LC_ALL", "PATH", "PYTHONHASHSEED", "SOURCE_DATE_EPOCH", "TZ")
_WHY = {
    "python-cross": "Tools of another processor under their plain names.",
    "python-prepare": "Unpack and configure.",
    "python-bootstrap": "Freeze modules with a throw-away interpreter.",
    "python-builtin": "Make modules a part of the executable.",
    "python-compile": "Compile. The network is not there, so that nothing but the inputs can get in.",
    "python-record": "Have Makefile and sysconfig say what a native build would.",
    "python-install": "Install what an image needs, with bytecode.",
    "python-finish": "Split off debug information, and look whether every module is there.",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """The text of the stages, and files beside the Dockerfile (name → what its content is called)."""

    text: tuple[str, ...]
    beside: tuple[tuple[str, str], ...]


def compile_stages(order: Order, buildroot: str, parts: str) -> Compiled:
    """From the inputs to ``/parts`` and ``/needs`` of the stage ``python``.

    ``buildroot`` is the text of the stage of that name, ``parts`` the script that splits what was compiled.
    """
    profiles = tuple(
        (profile_name(build.architecture), build) for build in order.builds if build.profile is not None
    )
    patches = order.builds[0].definition.site.patches
    named = tuple((patch_name(patch), f"file:{patch.path}") for patch in patches)
    text = (
        _inputs(order, tuple(name for name, _ in (*profiles, *named))),
        buildroot,
        _compiled(order, profiles),
        _parts(order, parts),
    )
    trained = tuple((name, build.profile.origin) for name, build in profiles if build.profile)
    return Compiled(text, (*trained, *named))


def offline(style: Style) -> tuple[str, ...]:
    """The flag that keeps a command from the network, where builders know it (buildah since 1.30)."""
    return () if style.classic else ("--network=none",)


def profile_name(architecture: str) -> str:
    """What the training profile for an architecture is called among the inputs."""
    return f"profile-{architecture}.tar.xz"


def patch_name(patch: LocalFile) -> str:
    """What a patch is called among the inputs: by its content, as images with other patches may share them."""
    return f"patch-{patch.sha256.hex[:12]}.patch"


def recipe_stage(name: str, files: Mapping[str, str], style: Style) -> str:
    """A stage that holds scripts and lists in ``/recipe``; whoever mounts it depends on nothing else."""
    begin = "FROM buildbase" if style.classic else "FROM scratch"
    return f"{begin} AS recipe-{name}\n" + writing.files("/recipe", files, classic=style.classic)


def wishes(wanted: Iterable[PackageWish]) -> list[str]:
    """Packages as arguments, each below the reason for it."""
    lines = []
    for wish in wanted:
        lines += [f"    # {wish.why}", f"    {wish.name}"]
    return lines


def _inputs(order: Order, beside: tuple[str, ...]) -> str:
    source = order.builds[0].source
    path = next(url for url in source.urls if url.startswith(f"{{{PYTHON_ROLE}}}") or "/ftp/python/" in url)
    address = f"${{{PYTHON_MIRROR}}}/ftp/python/{path.partition('/ftp/python/')[2]}"
    checksum = "" if order.style.classic else f"--checksum={source.sha256} "
    signed = (
        f"Releases of this series are signed with the OpenPGP key {source.fingerprint}"
        if source.fingerprint
        else "Releases of this series are signed with Sigstore (PEP 761)"
    )
    return (
        writing.comment(
            f"Inputs: the source archive{' and what lies beside this file' if beside else ''}; "
            "a build context of this name stands for them. "
            f"{signed}; `imagewright lock` verifies that, and what it found is fixed here by SHA-256."
        )
        + "FROM scratch AS inputs\n"
        + argument(PYTHON_ROLE, order.style)
        + f"ADD {checksum}{address} /\n"
        + "".join(f"COPY {name} /\n" for name in beside)
    )


def _compiled(order: Order, profiles: tuple[tuple[str, PlatformBuild], ...]) -> str:
    first = order.builds[0]
    common = {name: value for name, value in first.scripts[0].environment if name in _COMMON}
    files = {"image-inputs.sh": inputs_script(), "inputs": _input_lines(order, profiles)}
    if first.source.wheels:
        files |= {"image-wheels.sh": wheels_script(), "wheels": _requirements(first)}
    commands = []
    for number, script in enumerate(first.scripts):
        environments = {
            build.architecture: tuple(pair for pair in build.scripts[number].environment if pair[0] not in _COMMON)
            for build in order.builds
        }
        said, different = split_environment(environments)
        files[f"{script.name}.sh"] = script.text
        load = []
        if different:
            files[f"{script.name}.env"] = different
            load = [f". /recipe/{script.name}.env &&"]
        if script.name == "python-install" and first.source.wheels:
            commands.append(_wheels(first))
        commands.append(
            writing.comment(_WHY[script.name])
            + writing.run(
                [*offline(order.style), writing.bind("recipe-python", "/recipe", "/recipe"), _TMP],
                [*load, *writing.words(said), 'IW_JOBS="$(nproc)"', f"sh /recipe/{script.name}.sh"],
            )
        )
    return (
        recipe_stage("python", files, order.style)
        + "\n"
        + writing.comment("The interpreter. Nothing of the image's own root comes in, nor of its variant.")
        + "FROM buildroot AS compiled\n"
        + writing.env(sorted(common.items()))
        + writing.run(
            [
                *offline(order.style),
                writing.bind("recipe-python", "/recipe", "/recipe"),
                writing.bind("inputs", "/", "/from"),
            ],
            ["sh /recipe/image-inputs.sh"],
        )
        + "".join(commands)
    )


def _parts(order: Order, script: str) -> str:
    mounts = [writing.bind("recipe-parts", "/recipe", "/recipe"), writing.bind("inputs", "/", "/from")]
    return (
        recipe_stage("parts", {"image-parts.sh": script}, order.style)
        + "\n"
        + writing.comment("Its parts, and which packages the files of each part need.")
        + "FROM compiled AS python\n"
        + writing.run([*offline(order.style), *mounts], ["sh /recipe/image-parts.sh"])
    )


def _wheels(build: PlatformBuild) -> str:
    names = " ".join(wheel.filename for wheel in build.source.wheels)
    return (
        writing.comment("What this release installs besides pip, by its digest.")
        + "ARG PIP_INDEX_URL\n"
        + writing.run(
            [writing.bind("recipe-python", "/recipe", "/recipe")],
            [f'IW_WHEELS="{names}"', "sh /recipe/image-wheels.sh"],
        )
    )


def _requirements(build: PlatformBuild) -> str:
    return "".join(
        f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256.hex}\n" for wheel in build.source.wheels
    )


def _input_lines(order: Order, profiles: tuple[tuple[str, PlatformBuild], ...]) -> str:
    source = order.builds[0].source
    lines = [f"{source.sha256.hex} {ANY} {source.filename} {source.filename}"]
    lines += [
        f"{build.profile.sha256.hex} {build.architecture} {name} {PROFILE_INPUT}"
        for name, build in profiles
        if build.profile is not None
    ]
    lines += [
        f"{patch.sha256.hex} {ANY} {patch_name(patch)} {PATCH_INPUT.format(number=number)}"
        for number, patch in enumerate(order.builds[0].definition.site.patches, 1)
    ]
    return "\n".join(lines) + "\n"
