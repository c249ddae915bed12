# SPDX-License-Identifier: Apache-2.0
"""The bake file: every image as a target, and every interpreter as one target that its images share.

The format is that of ``docker buildx bake`` (docs.docker.com/build/bake/reference), as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from imagewright.model.images import Bytecode, ImageDefinition

COMPILED = "python"
"""The stage that images take their interpreter from."""

_INPUTS = frozenset({"packages", "inputs", "buildbase"})
"""The contexts that a compile reads; the others belong to one image."""


class Driver(StrEnum):
    """What kind of builder runs a bake file (docs.docker.com/build/builders/drivers).

    The engine's own builds one platform into the engine's store; it neither attests nor exports caches.
    """

    DOCKER = "docker"
    CONTAINER = "docker-container"
    KUBERNETES = "kubernetes"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class BakeImage:
    """One image on all its platforms, which ``definitions`` are for; ``directory`` is where its Dockerfile is.

    ``contexts`` maps stages to what stands for them (a path or a reference of buildx').
    """

    definitions: tuple[ImageDefinition, ...]
    directory: str
    contexts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BakeStyle:
    """How a bake file is written: for which builder, under which ``repository`` images are tagged.

    ``cache`` is a repository of a registry that keeps caches ("" for none); ``tree`` the directory of the
    Dockerfiles, as seen from where bake runs.
    """

    driver: Driver = Driver.CONTAINER
    repository: str = ""
    cache: str = ""
    tree: str = "."

    @property
    def able(self) -> bool:
        """Whether the builder can attest, export caches and build several platforms."""
        return self.driver is not Driver.DOCKER


def bake_document(images: Sequence[BakeImage], style: BakeStyle) -> dict[str, Any]:
    """Groups and targets, each sorted by nothing but the order of ``images``. Nothing in it is secret."""
    names = _compile_names(image.definitions[0] for image in images)
    compiles: dict[str, list[BakeImage]] = {}
    for image in images:
        compiles.setdefault(names[_compiled(image.definitions[0])], []).append(image)
    targets: dict[str, Any] = {}
    for name, sharing in compiles.items():
        targets[name] = _compile(name, sharing, style)
    for image in images:
        targets[target_name(image.definitions[0])] = _image(image, names[_compiled(image.definitions[0])], style)
    return {"group": _groups(images), "target": targets}


def target_name(definition: ImageDefinition) -> str:
    """The target of an image; bake's names have no dots."""
    return _word(str(definition.name))


def compile_name(definition: ImageDefinition) -> str:
    """The target of an interpreter, which all images of a release, flavour and suite share."""
    name = definition.name
    return _word(f"{COMPILED}-{name.release}{name.flavour.value}-{name.suite}")


def _compile(name: str, sharing: Sequence[BakeImage], style: BakeStyle) -> dict[str, Any]:
    """Built from the Dockerfile that is for most platforms: all have the same text for it."""
    first = max(sharing, key=lambda image: len(image.definitions))
    return _present(
        **_place(first, style),
        target=COMPILED,
        contexts={stage: there for stage, there in first.contexts.items() if stage in _INPUTS},
        output=["type=cacheonly"],
        **_caches(name, style, mode="max"),
    )


def _compiled(definition: ImageDefinition) -> tuple[object, ...]:
    """What makes one interpreter another than one of the same release, flavour and suite."""
    stdlib = definition.bytecode is not Bytecode.NONE
    patches = tuple(patch.sha256 for patch in definition.site.patches)
    chosen = (definition.profile, stdlib, definition.frame_pointers, definition.extra_configure, patches)
    return (compile_name(definition), *chosen)


def _compile_names(definitions: Iterable[ImageDefinition]) -> dict[tuple[object, ...], str]:
    """The target of each interpreter; a second one of the same release, flavour and suite has a number."""
    found: dict[tuple[object, ...], str] = {}
    for definition in definitions:
        key, name = _compiled(definition), compile_name(definition)
        count = sum(other[0] == name for other in found)
        found.setdefault(key, f"{name}-{count + 1}" if count else name)
    return found


def _image(image: BakeImage, compiled: str, style: BakeStyle) -> dict[str, Any]:
    definition = image.definitions[0]
    repository = style.repository or definition.repository
    tags = dict.fromkeys((*definition.tags, *definition.shared_tags))
    return _present(
        **_place(image, style),
        target="image",
        contexts={**image.contexts, COMPILED: f"target:{compiled}"},
        tags=[f"{repository}:{tag}" for tag in tags],
        labels=dict(definition.configuration.labels),
        annotations=_annotations(definition) if style.able else [],
        attest=["type=provenance,mode=max", "type=sbom"] if style.able else [],
        output=[] if style.able else ["type=docker"],
        **_caches(target_name(definition), style, mode="min"),
    )


def _place(image: BakeImage, style: BakeStyle) -> dict[str, Any]:
    """Where the Dockerfile is, and what holds for whatever is built from it."""
    tree = style.tree.rstrip("/")
    platforms = [str(definition.platform) for definition in image.definitions]
    return {
        "context": image.directory if tree in ("", ".") else f"{tree}/{image.directory}",
        "dockerfile": "Dockerfile",
        "platforms": platforms if style.able else platforms[:1],
        "args": {"SOURCE_DATE_EPOCH": str(image.definitions[0].release_epoch)},
        # Everything is in the contexts: a build that reaches out would be a mistake.
        "network": "none" if image.contexts else "",
    }


def _annotations(definition: ImageDefinition) -> list[str]:
    return [f"manifest:{key}={value}" for key, value in definition.configuration.annotations]


def _caches(name: str, style: BakeStyle, *, mode: str) -> dict[str, Any]:
    if not style.cache or not style.able:
        return {}
    where = f"type=registry,ref={style.cache}:{name}"
    return {"cache-from": [where], "cache-to": [f"{where},mode={mode}"]}


def _groups(images: Iterable[BakeImage]) -> dict[str, Any]:
    """All images, those of each series, of each suite and of each variant."""
    members: dict[str, dict[str, None]] = {"default": {}}
    for image in images:
        definition = image.definitions[0]
        name = definition.name
        for group in ("default", _word(definition.series), _word(name.suite), _word(name.variant)):
            members.setdefault(group, {})[target_name(definition)] = None
    return {group: {"targets": list(targets)} for group, targets in members.items()}


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", text)


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in ("", [], {})}
