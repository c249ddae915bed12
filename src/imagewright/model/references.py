# SPDX-License-Identifier: Apache-2.0
"""REF on the command line: which image is meant, and where it is.

``docker.io/library/python:3.13`` · ``localhost:5000/p@sha256:…`` · ``oci:DIR[:tag]`` · ``docker-archive:FILE`` ·
``store:SPEC``. The grammar of names is that of the OCI distribution specification 1.1 ("Pulling manifests"); how a
name without a host is completed is Docker's (distribution/reference, ``ParseNormalizedNamed``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from imagewright.model.digest import Digest

DOCKER_HUB = "docker.io"
DOCKER_HUB_SERVER = "registry-1.docker.io"
"""The host that answers for ``docker.io``."""

DEFAULT_TAG = "latest"
_OFFICIAL = "library"
_LONGEST_NAME = 255

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", re.ASCII)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]{{2,45}}\])(?::(?P<port>[0-9]{{1,5}}))?", re.ASCII)
_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of a registry: ``docker.io`` and ``library/python``, ``localhost:5000`` and ``team/python``."""

    registry: str
    name: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.name}"

    @property
    def server(self) -> str:
        """Host and port that answer for it."""
        return DOCKER_HUB_SERVER if self.registry == DOCKER_HUB else self.registry


@dataclass(frozen=True, slots=True)
class RegistryReference:
    """An image of a registry, by tag, by digest, or by both (then the digest decides)."""

    repository: Repository
    tag: str = ""
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"

    @property
    def target(self) -> str:
        """What a manifest is asked for by: its digest, or else its tag."""
        return str(self.digest) if self.digest else self.tag or DEFAULT_TAG

    def at(self, digest: Digest) -> RegistryReference:
        """The same repository, by digest alone."""
        return RegistryReference(self.repository, digest=digest)

    def tagged(self, tag: str) -> RegistryReference:
        """The same repository, by another tag. Raises ``ValueError`` if it is none."""
        return RegistryReference(self.repository, check_tag(tag))


@dataclass(frozen=True, slots=True)
class LayoutReference:
    """An image of an OCI layout directory; ``name`` is its ref name ("" for the only one)."""

    path: str
    name: str = ""

    def __str__(self) -> str:
        return f"oci:{self.path}:{self.name}" if self.name else f"oci:{self.path}"


@dataclass(frozen=True, slots=True)
class ArchiveReference:
    """An image of an archive, ``kind`` as in skopeo; ``name`` is one of its tags ("" for the only image)."""

    path: str
    kind: str = "docker-archive"
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}:{self.name}" if self.name else f"{self.kind}:{self.path}"


@dataclass(frozen=True, slots=True)
class StoreReference:
    """An image of the store, named as a SPEC or by its manifest's digest."""

    spec: str

    def __str__(self) -> str:
        return f"store:{self.spec}"


Reference = RegistryReference | LayoutReference | ArchiveReference | StoreReference


def parse_reference(text: str) -> Reference:
    """Read a REF. Raises ``ValueError`` saying what is wrong with it."""
    kind, colon, rest = text.partition(":")
    if colon and kind in {"oci", "oci-archive", "docker-archive", "store"}:
        if not rest:
            raise ValueError(f"{text!r} names nothing after {kind}:")
        if kind == "store":
            return StoreReference(rest)
        path, name = _path_and_name(rest)
        return LayoutReference(path, name) if kind == "oci" else ArchiveReference(path, kind, name)
    if kind == "docker" and rest.startswith("//"):  # as skopeo writes it
        text = rest.removeprefix("//")
    return parse_registry_reference(text)


def parse_registry_reference(text: str) -> RegistryReference:
    """Read ``[HOST[:PORT]/]NAME[:TAG][@DIGEST]``. Raises ``ValueError``."""
    if not text or len(text) > 2 * _LONGEST_NAME + 128 or not text.isascii():
        raise ValueError(f"{text[:80]!r} is not an image reference")
    rest, at, digits = text.partition("@")
    digest = Digest.parse(digits) if at else None
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:  # the colon of a port
        name, tag = rest, ""
    elif not tag:
        raise ValueError(f"{text!r} has no tag after its colon")
    return RegistryReference(parse_repository(name), check_tag(tag) if tag else "", digest)


def parse_repository(text: str) -> Repository:
    """Read ``[HOST[:PORT]/]NAME``. Raises ``ValueError``."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, name = _check_host(first, text), rest
    else:
        registry, name = DOCKER_HUB, text
    if registry in {DOCKER_HUB_SERVER, f"index.{DOCKER_HUB}"}:
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in name:
        name = f"{_OFFICIAL}/{name}"
    if not _REPOSITORY.fullmatch(name) or len(registry) + 1 + len(name) > _LONGEST_NAME:
        raise ValueError(f"{text[:80]!r} is not a repository: its name is made of lower-case words and slashes")
    return Repository(registry, name)


def check_tag(text: str) -> str:
    """The tag itself. Raises ``ValueError`` if it is none."""
    if not _TAG.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is not a tag: letters, digits, '.', '_' and '-', 128 at the most")
    return text


def with_tag(reference: RegistryReference, tag: str = DEFAULT_TAG) -> RegistryReference:
    """The reference with that tag where it says neither tag nor digest."""
    return reference if reference.tag or reference.digest else replace(reference, tag=tag)


def _check_host(host: str, text: str) -> str:
    match = _HOST.fullmatch(host)
    if match is None or int(match["port"] or 1) > _LARGEST_PORT or match["port"] in {"0", "00000"}:
        raise ValueError(f"{text[:80]!r} does not begin with a registry's host")
    return host


def _path_and_name(text: str) -> tuple[str, str]:
    """``PATH[:NAME]``: as in skopeo, the first colon separates, so a path has none."""
    path, _, name = text.partition(":")
    if not path:
        raise ValueError(f"{text[:80]!r} names no file")
    return path, name
