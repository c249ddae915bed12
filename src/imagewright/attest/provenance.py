# SPDX-License-Identifier: Apache-2.0
"""How an image was made: the SLSA v1 provenance predicate (https://slsa.dev/spec/v1.0/provenance).

All of it follows from the inputs, but for the builder's version: there is no date in it, because none has an
influence on the image. The lock's part for this image is inside, whole, so that anybody can build it again.
``docs/reference/provenance.md`` says what each parameter means.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from imagewright import __version__
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.lock import LockedProfile, LockedSource, LockedWheel
from imagewright.model.packages import LockedPackage, PackageSystem
from imagewright.model.plan import PythonWork, RootWork, RuntimeWork, SiteWork, Step, UnpackWork
from imagewright.model.records import StepKind
from imagewright.model.site import LocalFile
from imagewright.oci.reading import parse

PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://imagewright.invalid/build/v1"
BUILDER = "https://imagewright.invalid/builder/v1"
LOCK = "imagewright.lock"
_LARGEST_LOCK = 4 << 20


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """What was asked for and what it was made by; ``lock`` is the text of the lock's part for this image.

    ``distribution`` is the one that packages are from, as package URLs name it. ``choices`` are the words on the
    command line that say what was chosen, whether there or in a configuration: name → value. ``recipes`` are the
    revisions of the recipes by the kind of step.
    """

    spec: str
    platform: str
    profile: str
    steps: tuple[Step, ...]
    image_step: Digest
    minimum_epoch: int
    lock: str
    distribution: str
    choices: tuple[tuple[str, str], ...] = ()
    recipes: tuple[tuple[StepKind, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a provenance says of how to build again; ``choices`` as in :class:`BuildFacts`."""

    spec: str
    platform: str
    profile: str
    lock: str
    choices: tuple[tuple[str, str], ...] = ()


def predicate(facts: BuildFacts) -> bytes:
    """The predicate as canonical bytes."""
    recipes = dict(facts.recipes)
    steps = [
        {"name": step.name, "kind": step.kind.value, "id": str(step.id), "recipe": recipes.get(step.kind, "")}
        for step in facts.steps
    ]
    return canonical_json(
        {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "spec": facts.spec,
                    "platform": facts.platform,
                    "profile": facts.profile,
                    "choices": dict(facts.choices),
                    "command": _command(facts),
                },
                "internalParameters": {
                    "reproducible": True,
                    "sourceDateEpoch": facts.minimum_epoch,
                    "steps": steps,
                },
                "resolvedDependencies": [_lock(facts.lock), *_dependencies(facts)],
            },
            "runDetails": {
                "builder": {"id": BUILDER, "version": {"imagewright": __version__}},
                "metadata": {"invocationId": str(facts.image_step)},
            },
        }
    )


def _command(facts: BuildFacts) -> list[str]:
    words = ["imagewright", "build", facts.spec, "--platform", facts.platform, "--profile", facts.profile]
    return [*words, *(word for name, value in facts.choices for word in (f"--{name}", value) if word)]


def read_recipe(content: bytes) -> Recipe:
    """From a predicate of ours. Raises ``VerificationError`` for one of another builder, or a spoiled lock."""
    node = parse(content, "provenance").field("buildDefinition")
    kind = node.field("buildType")
    if kind.text() != BUILD_TYPE:
        kind.refuse(f"expected {BUILD_TYPE}, found {kind.text()[:80]}")
    said = node.field("externalParameters")
    found = node.field("resolvedDependencies")
    lock = next((one for one in found.items() if one.field("name").text("") == LOCK), None)
    if lock is None:
        found.refuse("has no lock")
    packed = lock.field("content").value  # longer than other texts may be; the document is bounded
    text = _content(packed if isinstance(packed, str) else "")
    if Digest.of(text).hex != lock.field("digest").field("sha256").text():
        lock.refuse("its content has another digest")
    return Recipe(
        said.field("spec").text(),
        said.field("platform").text(),
        said.field("profile").text(),
        text.decode("utf-8"),
        said.field("choices").mapping(),
    )


def _content(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
        content.decode("utf-8")
    except ValueError as error:
        raise VerificationError("refused a provenance: its lock is no text", why=str(error)) from None
    if len(content) > _LARGEST_LOCK:
        raise VerificationError("refused a provenance: its lock is too large")
    return content


def _lock(text: str) -> dict[str, Any]:
    content = text.encode()
    return {
        "name": LOCK,
        "mediaType": "application/toml",
        "digest": {"sha256": Digest.of(content).hex},
        "content": base64.b64encode(content).decode(),
    }


def _dependencies(facts: BuildFacts) -> list[dict[str, Any]]:
    """Everything from outside that the steps read, each once by content, with the kinds of the steps."""
    found: dict[str, tuple[str, str, set[str]]] = {}
    for step in facts.steps:
        for name, uri, digest in _read(step, facts.distribution):
            found.setdefault(digest.hex, (name, uri, set()))[2].add(step.kind.value)
    ordered = sorted(found.items(), key=lambda item: (item[1][0], item[0]))
    return [
        {"name": name, "uri": uri, "digest": {"sha256": digest}, "annotations": {"steps": sorted(kinds)}}
        for digest, (name, uri, kinds) in ordered
    ]


def _read(step: Step, distribution: str) -> Iterable[tuple[str, str, Digest]]:
    match step.work:
        case RootWork():
            yield from (_package(one, distribution) for one in step.work.packages)
            yield from map(_file, step.work.certificates)
        case UnpackWork():
            yield from (_package(one, distribution) for one in step.work.packages)
        case RuntimeWork():
            yield from (_package(one, distribution) for one in step.work.candidates)
            yield from map(_file, step.work.certificates)
        case PythonWork():
            yield _source(step.work.source)
            yield from map(_wheel, step.work.source.wheels)
            if step.work.profile is not None:
                yield _profile(step.work.profile)
            yield from map(_file, step.work.patches)
        case SiteWork():
            yield from map(_wheel, step.work.wheels)
            if step.work.locale_sources is not None:
                yield _package(step.work.locale_sources, distribution)
        case _:
            return


def _file(file: LocalFile) -> tuple[str, str, Digest]:
    return file.name, _generic(file.name), file.sha256


def _package(package: LockedPackage, distribution: str) -> tuple[str, str, Digest]:
    version = quote(package.version, safe=".-_~:")
    kind = "apk" if package.system is PackageSystem.APK else "deb"
    uri = f"pkg:{kind}/{distribution}/{quote(package.name)}@{version}?arch={package.architecture}"
    return f"{package}.{kind}", uri, package.sha256


def _source(source: LockedSource) -> tuple[str, str, Digest]:
    return source.filename, f"pkg:generic/python@{quote(source.release)}", source.sha256


def _wheel(wheel: LockedWheel) -> tuple[str, str, Digest]:
    return wheel.filename, f"pkg:pypi/{quote(wheel.project.lower())}@{quote(wheel.version)}", wheel.sha256


def _profile(profile: LockedProfile) -> tuple[str, str, Digest]:
    name = f"profile-{profile.release}{profile.flavour}-{profile.suite}-{profile.architecture}"
    return name, _generic(name), profile.sha256


def _generic(name: str) -> str:
    return f"pkg:generic/{quote(name)}"
