# SPDX-License-Identifier: Apache-2.0
"""What ``report`` says of a published image. Field names and order are those of ``--json``."""

from __future__ import annotations

from dataclasses import dataclass, field

from imagewright.model.contents import Contents
from imagewright.model.digest import Digest
from imagewright.model.platforms import Platform
from imagewright.model.transfers import RegistryAccess

SPEED_KEY = "io.imagewright.speed"
"""The annotation of an image that says how fast its interpreter is, where that was measured."""


@dataclass(frozen=True, slots=True)
class ReportedLayer:
    """One layer: ``size`` in bytes, compressed.

    ``last_modified`` is in seconds since the epoch, where a registry says it; ``urls`` are where a foreign layer
    is to be had instead of the registry.
    """

    digest: Digest
    size: int
    media_type: str
    last_modified: int | None = None
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of an image's history, as a Dockerfile says it.

    ``text`` may have several lines (a here-document); ``arguments`` are the build arguments it was run with
    (``X=…``), ``created`` seconds since the epoch; ``empty`` says that it made no layer.
    """

    text: str
    created: int | None = None
    arguments: tuple[str, ...] = ()
    comment: str = ""
    empty: bool = False


@dataclass(frozen=True, slots=True)
class ReportedPlatform:
    """What an image is for, in OCI's names."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        os = f"{self.os} version {self.os_version}" if self.os_version else self.os
        return f"{os}; {self.architecture}" + (f" variant {self.variant}" if self.variant else "")


@dataclass(frozen=True, slots=True)
class ReportedImage:
    """One platform's image. ``size`` in bytes of its layers, compressed.

    ``settings`` are those words of the configuration that are not fields of their own (``USER``, ``WORKDIR``,
    ``EXPOSE`` …), as a Dockerfile writes them.
    """

    platform: ReportedPlatform
    digest: Digest
    media_type: str
    size: int
    image_id: Digest
    created: int | None
    docker_version: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    shell: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    history: tuple[Instruction, ...]
    layers: tuple[ReportedLayer, ...]


@dataclass(frozen=True, slots=True)
class ReportedAttachment:
    """Something in an index, or beside it, that is no image.

    ``kind`` is what it calls itself, ``about`` the digest of what it is about.
    """

    digest: Digest
    media_type: str
    kind: str
    about: str
    size: int


@dataclass(frozen=True, slots=True)
class PublishedReport:
    """What a reference names. ``name`` is what people call it, ``pull`` what they give to ``docker pull`` (without
    its digest), "" where it is in no registry."""

    ref: str
    name: str
    pull: str
    digest: Digest
    media_type: str
    images: tuple[ReportedImage, ...]
    attachments: tuple[ReportedAttachment, ...]


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What a report is asked for.

    ``name`` is what it calls the image, "" for what the reference says. ``published`` and ``content`` choose its
    parts; neither means what is quickly had: the first of a registry, both of anything nearer. ``platforms``
    choose whose content; none means this machine's own, or else the first.
    """

    name: str = ""
    access: RegistryAccess = field(default_factory=RegistryAccess)
    published: bool = False
    content: bool = False
    platforms: tuple[Platform, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A report: of what is published, of the content of one or more platforms' images, or of both."""

    ref: str
    name: str
    digest: Digest
    published: PublishedReport | None
    contents: tuple[Contents, ...] = ()
