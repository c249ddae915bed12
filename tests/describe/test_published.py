# SPDX-License-Identifier: Apache-2.0
"""The report of a published image, line for line, from a registry on loopback and from documents at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.app.describing import published
from imagewright.app.world import SystemClock, World
from imagewright.describe.published import read_http_date, reported_image
from imagewright.describe.published_markdown import published_markdown
from imagewright.describe.wording import code, exact, fence, http_date
from imagewright.errors import UsageError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.general import GlobalOptions
from imagewright.model.references import RegistryReference, parse_registry_reference
from imagewright.model.reports import PublishedReport
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.config import Config, Execution, Healthcheck
from imagewright.oci.descriptor import (
    CONFIG,
    INDEX,
    LAYER_GZIP,
    MANIFEST,
    Descriptor,
    Target,
)
from imagewright.oci.manifest import Manifest
from imagewright.oci.times import from_rfc3339
from imagewright.registry.client import RepositoryClient
from imagewright.registry.credentials import Keychain
from imagewright.registry.source import RegistrySource
from imagewright.registry.transport import RegistryOptions, Transport
from support.published import TAG, put, windows
from support.registry import Registry, run_registry

HERE = Path(__file__).parent


@pytest.fixture
def registry() -> Iterator[Registry]:
    with run_registry() as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HOME", str(tmp_path))
    return World(GlobalOptions(), SystemClock(), 0o022)


def report_of(registry: Registry, world: World, name: str, shown: str = "") -> PublishedReport:
    reference = parse_registry_reference(f"{registry.host}/{name}")
    transport = Transport(
        RegistryOptions(), Keychain, sleep=lambda _: None, jitter=lambda: 0.5, monotonic=lambda: 0.0
    )
    source = RegistrySource(RepositoryClient(transport, reference.repository), reference)
    return published(world, reference, source, shown, RegistryAccess())


@pytest.mark.loopback
def test_the_report_of_2019_line_for_line(registry: Registry, world: World) -> None:
    windows(registry.repository("library/python"))
    report = report_of(registry, world, f"library/python:{TAG}", f"python:{TAG}")
    wanted = (HERE / "golden" / "windowsservercore.md").read_text().splitlines()
    assert published_markdown(report) == wanted
    heads = [line for line in registry.asked if line.startswith("HEAD") and "/blobs/" in line]
    assert len(heads) == 33
    layers = registry.repository("library/python").described
    asked = {line.rpartition("/")[2] for line in registry.asked if line.startswith("GET") and "/blobs/" in line}
    assert len(asked) == 3, "three configurations"
    assert not asked & layers.keys()


@pytest.mark.loopback
def test_attestations_and_artifacts_are_no_platforms(registry: Registry, world: World) -> None:
    repository = registry.repository("team/python")
    config = put(repository, CONFIG, {"os": "linux", "architecture": "arm", "rootfs": {"type": "layers"}})
    layer = {"mediaType": LAYER_GZIP, "digest": f"sha256:{'1' * 64}", "size": 249}
    image = put(
        repository, MANIFEST, {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
    )
    image["platform"] = {"os": "linux", "architecture": "arm", "variant": "v7"}
    statement = put(
        repository, MANIFEST, {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}
    )
    statement["platform"] = {"os": "unknown", "architecture": "unknown"}
    statement["annotations"] = {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": image["digest"],
    }
    chart = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": f"sha256:{'2' * 64}", "size": 2}
    artifact = put(
        repository, MANIFEST, {"schemaVersion": 2, "mediaType": MANIFEST, "config": chart, "layers": []}
    )
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [image, statement, artifact]}
    repository.tags["3"] = put(repository, INDEX, index)["digest"]
    report = report_of(registry, world, "team/python:3")
    assert [str(each.platform) for each in report.images] == ["linux; arm variant v7"]
    assert report.images[0].layers[0].last_modified is None, "the registry has no such blob"
    assert [(one.kind, one.about) for one in report.attachments] == [
        ("attestation-manifest", image["digest"]),
        ("", ""),
    ]
    text = "\n".join(published_markdown(report))
    assert f"$ docker pull {registry.host}/team/python@{image['digest']}" in text
    assert f"`{statement['digest']}`: `attestation-manifest` about `{image['digest']}`" in text
    assert "Size: 249.0 B  " in text


def test_names_of_reports() -> None:
    from imagewright.app.describing import _names

    hub = parse_registry_reference("python:3.13")
    assert _names(hub, "") == ("python:3.13", "python")
    assert _names(parse_registry_reference("team/python"), "") == ("team/python@latest", "team/python")
    assert _names(RegistryReference(hub.repository, "3"), "mine.example:5000/python") == (
        "mine.example:5000/python",
        "mine.example:5000/python",
    )
    with pytest.raises(UsageError, match="is not a name"):
        _names(hub, "two words")


def image_with(config: Config, *layers: Descriptor) -> list[str]:
    content = config.encode()
    manifest = Manifest(Descriptor.of(CONFIG, content), layers)
    entry = Descriptor.of(MANIFEST, manifest.encode())
    image = reported_image(entry, manifest, Config.parse(content), {})
    return published_markdown(PublishedReport("oci:x", "x", "", entry.digest, MANIFEST, (image,), ()))


def test_what_the_history_does_not_say_is_listed() -> None:
    run = Execution(
        environment=(("PATH", "/bin"), ("LANG", "C.UTF-8")),
        user="nobody",
        exposed_ports=("80/tcp",),
        healthcheck=Healthcheck(("CMD-SHELL", "true"), interval=90_000_000_000, retries=2),
        labels=(("vendor", "Example"),),
        on_build=("RUN make",),
        shell=("/bin/bash", "-c"),
    )
    config = Config.parse(
        canonical_json(
            json.loads(Config(Target("linux", "amd64"), (), run).encode())
            | {
                "history": [
                    {"created_by": "ENV LANG=C.UTF-8", "empty_layer": True},
                    {"created_by": "USER nobody", "empty_layer": True},
                ]
            }
        )
    )
    lines = image_with(config)
    assert "\t-\t`PATH=/bin`" in lines
    assert "\t-\t`LANG=C.UTF-8`" not in lines
    assert "-\t`USER`: `nobody`" not in lines
    for line in (
        "-\t`EXPOSE`: `80/tcp`",
        "-\t`HEALTHCHECK`: `--interval=1m30s --retries=2 CMD true`",
        "-\t`ONBUILD`: `RUN make`",
        '-\t`SHELL`: `["/bin/bash","-c"]`',
        "\t-\t`vendor=Example`",
    ):
        assert line in lines
    assert Config.parse(config.encode()) == config


def test_foreign_layers_say_where_they_are() -> None:
    layer = Descriptor(LAYER_GZIP, Digest.of(b""), 5000, urls=("https://one.example/a", "https://two.example/b"))
    config = replace(Config(Target("windows", "amd64"), (Digest.of(b""),)), created=0)
    assert image_with(config, layer)[-3:] == [
        f"\t\tMIME: {LAYER_GZIP}  ",
        "\t\tURL: `https://one.example/a`  ",
        "\t\tURL: `https://two.example/b`",
    ]


def test_figures_dates_and_code() -> None:
    assert [exact(size) for size in (249, 1209, 999_950, 5_779_609_629)] == [
        "249.0 B",
        "1.2 KB (1209 bytes)",
        "1.0 MB (999950 bytes)",
        "5.8 GB (5779609629 bytes)",
    ]
    assert http_date(from_rfc3339("2018-09-18T20:20:50Z")) == "Tue, 18 Sep 2018 20:20:50 GMT"
    assert http_date(from_rfc3339("0001-01-01T00:00:00Z")) == "Mon, 01 Jan 0001 00:00:00 GMT"
    assert read_http_date("Tue, 18 Sep 2018 20:20:50 GMT") == from_rfc3339("2018-09-18T20:20:50Z")
    assert [read_http_date(text) for text in ("", "yesterday", "Tue, 99 Sep 2018 20:20:50 GMT")] == [None] * 3
    assert code("a`b``c") == "``` a`b``c ```"
    assert fence(["````"], "x")[0] == "`````x"
