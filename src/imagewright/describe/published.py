# SPDX-License-Identifier: Apache-2.0
"""The facts of a published image, from its manifests and configurations alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

from imagewright.describe.history import instructions
from imagewright.model.digest import Digest
from imagewright.model.reports import ReportedAttachment, ReportedImage, ReportedLayer, ReportedPlatform
from imagewright.oci.config import Config, Execution, Healthcheck
from imagewright.oci.descriptor import CONFIG, DOCKER_CONFIG, Descriptor, Target
from imagewright.oci.manifest import Manifest

_SECOND = 1_000_000_000
_UNITS = ((3600 * _SECOND, "h"), (60 * _SECOND, "m"), (_SECOND, "s"), (1_000_000, "ms"), (1, "ns"))


def is_image(manifest: Manifest) -> bool:
    """Whether a manifest is an image's: others carry charts, signatures, files (OCI image-spec, "Guidelines for
    Artifact Usage")."""
    return manifest.config.media_type in (CONFIG, DOCKER_CONFIG) and not manifest.artifact_type


def reported_image(
    entry: Descriptor, manifest: Manifest, config: Config, modified: Mapping[Digest, int]
) -> ReportedImage:
    """One platform's image; ``modified`` are the times that the registry tells of blobs."""
    run = config.execution
    return ReportedImage(
        platform=_platform(entry.platform, config.platform),
        digest=entry.digest,
        media_type=entry.media_type,
        size=sum(layer.size for layer in manifest.layers),
        image_id=manifest.config.digest,
        created=config.created,
        docker_version=config.docker_version,
        entrypoint=run.entrypoint,
        command=run.command,
        shell=run.shell,
        settings=tuple(settings(run)),
        environment=run.environment,
        labels=run.labels,
        annotations=manifest.annotations,
        history=instructions(config.history, run.shell),
        layers=tuple(
            ReportedLayer(layer.digest, layer.size, layer.media_type, modified.get(layer.digest), layer.urls)
            for layer in manifest.layers
        ),
    )


def reported_attachment(entry: Descriptor, kind: str, about: str) -> ReportedAttachment:
    """What is in an index, or refers to an image, and is none itself."""
    return ReportedAttachment(entry.digest, entry.media_type, kind, about, entry.size)


def read_http_date(text: str) -> int | None:
    """Seconds since the epoch of a ``Last-Modified`` (RFC 9110, 5.6.7); ``None`` for anything else."""
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None


def _platform(said: Target | None, own: Target) -> ReportedPlatform:
    """What the index says, completed by what the configuration says of itself."""
    target = said or own
    return ReportedPlatform(
        os=target.os,
        architecture=target.architecture,
        variant=target.variant or (own.variant if own.architecture == target.architecture else ""),
        os_version=target.os_version or own.os_version,
    )


def settings(run: Execution) -> Iterator[tuple[str, str]]:
    """What is set and has no field of its own in reports, as instructions of a Dockerfile."""
    if run.user:
        yield "USER", run.user
    if run.working_directory:
        yield "WORKDIR", run.working_directory
    yield from (("EXPOSE", port) for port in run.exposed_ports)
    yield from (("VOLUME", volume) for volume in run.volumes)
    if run.stop_signal:
        yield "STOPSIGNAL", run.stop_signal
    if run.healthcheck is not None and run.healthcheck.test:
        yield "HEALTHCHECK", _healthcheck(run.healthcheck)
    yield from (("ONBUILD", trigger) for trigger in run.on_build)


def _healthcheck(check: Healthcheck) -> str:
    kind, *words = check.test
    if kind == "NONE":
        return kind
    times = (("interval", check.interval), ("timeout", check.timeout), ("start-period", check.start_period))
    options = [f"--{name}={_duration(value)}" for name, value in times if value]
    options += [f"--retries={check.retries}"] if check.retries else []
    command = " ".join(words) if kind == "CMD-SHELL" else json.dumps(words, ensure_ascii=False)
    return " ".join([*options, "CMD", command])


def _duration(nanoseconds: int) -> str:
    """As Dockerfiles write it: ``1m30s``."""
    parts = []
    for unit, name in _UNITS:
        count, nanoseconds = divmod(nanoseconds, unit)
        parts += [f"{count}{name}"] if count else []
    return "".join(parts)
