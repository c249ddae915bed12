# SPDX-License-Identifier: Apache-2.0
"""The image configuration (OCI image-spec 1.1, config.md), to canonical JSON and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import ImageConfiguration
from imagewright.oci.descriptor import Target, present
from imagewright.oci.reading import Node, parse
from imagewright.oci.times import from_rfc3339, to_rfc3339


@dataclass(frozen=True, slots=True)
class History:
    """How a layer came to be; ``created`` in seconds since the epoch; ``empty_layer`` has no layer at all."""

    created: int | None = None
    created_by: str = ""
    comment: str = ""
    author: str = ""
    empty_layer: bool = False

    @classmethod
    def read(cls, node: Node) -> History:
        """Raises ``VerificationError``."""
        return cls(
            created=_time(node.field("created")),
            created_by=node.field("created_by").text(""),
            comment=node.field("comment").text(""),
            author=node.field("author").text(""),
            empty_layer=node.field("empty_layer").flag(),
        )

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return present(
            created=None if self.created is None else to_rfc3339(self.created),
            created_by=self.created_by,
            comment=self.comment,
            author=self.author,
            empty_layer=self.empty_layer,
        )


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """How a container is asked whether it is well (Docker Image Specification 1.2, "Healthcheck").

    ``test`` begins with ``NONE``, ``CMD`` or ``CMD-SHELL``; times in nanoseconds, 0 for the engine's default.
    """

    test: tuple[str, ...]
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    retries: int = 0

    @classmethod
    def read(cls, node: Node) -> Healthcheck | None:
        """Raises ``VerificationError``."""
        if node.missing:
            return None
        times = (node.field(name) for name in ("Interval", "Timeout", "StartPeriod", "Retries"))
        return cls(node.field("Test").texts(), *(0 if each.missing else each.number() for each in times))

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return present(
            Test=list(self.test),
            Interval=self.interval,
            Timeout=self.timeout,
            StartPeriod=self.start_period,
            Retries=self.retries,
        )


@dataclass(frozen=True, slots=True)
class Execution:
    """What a container starts with. Environment variables keep their order; labels are sorted.

    ``shell``, ``on_build`` and ``healthcheck`` are Docker's own; other engines may not heed them.
    """

    environment: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    working_directory: str = ""
    user: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    shell: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()
    healthcheck: Healthcheck | None = None

    @classmethod
    def of(cls, configuration: ImageConfiguration) -> Execution:
        """The part of a configuration that says how to run; its annotations belong to the manifest."""
        return cls(
            environment=configuration.environment,
            command=configuration.command,
            entrypoint=configuration.entrypoint,
            working_directory=configuration.working_directory,
            user=configuration.user,
            labels=tuple(sorted(configuration.labels)),
        )

    @classmethod
    def read(cls, node: Node) -> Execution:
        """Raises ``VerificationError``."""
        if node.missing:
            return cls()
        return cls(
            environment=tuple(_variable(item) for item in node.field("Env").items()),
            command=node.field("Cmd").texts(),
            entrypoint=node.field("Entrypoint").texts(),
            working_directory=node.field("WorkingDir").text(""),
            user=node.field("User").text(""),
            labels=node.field("Labels").mapping(),
            exposed_ports=node.field("ExposedPorts").names(),
            volumes=node.field("Volumes").names(),
            stop_signal=node.field("StopSignal").text(""),
            shell=node.field("Shell").texts(),
            on_build=node.field("OnBuild").texts(),
            healthcheck=Healthcheck.read(node.field("Healthcheck")),
        )

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return present(
            Env=[f"{name}={value}" for name, value in self.environment],
            Cmd=list(self.command),
            Entrypoint=list(self.entrypoint),
            WorkingDir=self.working_directory,
            User=self.user,
            Labels=dict(self.labels),
            ExposedPorts={name: {} for name in self.exposed_ports},
            Volumes={name: {} for name in self.volumes},
            StopSignal=self.stop_signal,
            Shell=list(self.shell),
            OnBuild=list(self.on_build),
            Healthcheck=self.healthcheck.document() if self.healthcheck else None,
        )


@dataclass(frozen=True, slots=True)
class Config:
    """A whole image configuration; ``diff_ids`` are the digests of the uncompressed layers, lowest first.

    ``docker_version`` is the engine that made it, where it says so.
    """

    platform: Target
    diff_ids: tuple[Digest, ...]
    execution: Execution = field(default_factory=Execution)
    history: tuple[History, ...] = ()
    created: int | None = None
    author: str = ""
    docker_version: str = ""

    @classmethod
    def parse(cls, content: bytes) -> Config:
        """Read one. Raises ``VerificationError``."""
        node = parse(content, "image configuration")
        platform = Target.read(node)
        assert platform is not None, "parse only gives objects"
        root = node.field("rootfs")
        if root.field("type").text() != "layers":
            root.field("type").refuse("expected layers")
        found = cls(
            platform=platform,
            diff_ids=tuple(item.digest() for item in root.field("diff_ids").items()),
            execution=Execution.read(node.field("config")),
            history=tuple(History.read(item) for item in node.field("history").items()),
            created=_time(node.field("created")),
            author=node.field("author").text(""),
            docker_version=node.field("docker_version").text(""),
        )
        layers = sum(not step.empty_layer for step in found.history)
        if found.history and layers != len(found.diff_ids):
            node.field("history").refuse(f"tells of {layers} layers, rootfs of {len(found.diff_ids)}")
        return found

    def encode(self) -> bytes:
        """The canonical bytes."""
        document = self.platform.document() | present(
            created=None if self.created is None else to_rfc3339(self.created),
            author=self.author,
            docker_version=self.docker_version,
            history=[step.document() for step in self.history],
        )
        document["config"] = self.execution.document()
        document["rootfs"] = {"type": "layers", "diff_ids": [str(digest) for digest in self.diff_ids]}
        return canonical_json(document)


def _variable(node: Node) -> tuple[str, str]:
    name, _, value = node.text().partition("=")
    return name, value


def _time(node: Node) -> int | None:
    text = node.text("")
    if not text:
        return None
    try:
        return from_rfc3339(text)
    except ValueError as error:
        node.refuse(str(error))
