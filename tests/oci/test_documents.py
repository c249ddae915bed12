# SPDX-License-Identifier: Apache-2.0
"""Configuration, manifest and index: what we write, what we read, what we refuse."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import Compression, ImageConfiguration
from imagewright.model.platforms import parse_platform
from imagewright.oci.config import Config, Execution, History
from imagewright.oci.descriptor import (
    CONFIG,
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX,
    LAYER_GZIP,
    MANIFEST,
    Descriptor,
    Target,
)  # fmt: skip
from imagewright.oci.image import ImageLayer, assemble
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.reading import MAX_DOCUMENT, parse
from imagewright.oci.times import from_rfc3339, to_rfc3339

A, B = Digest.of(b"a"), Digest.of(b"b")
WORDS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)
NAMED = WORDS.filter(bool)
PAIRS = st.dictionaries(NAMED, WORDS, max_size=3).map(lambda found: tuple(sorted(found.items())))
DIGESTS = st.binary(max_size=4).map(Digest.of)
TIMES = st.none() | st.integers(0, 4_000_000_000)
TARGETS = st.builds(Target, NAMED, NAMED, WORDS, WORDS)
DESCRIPTORS = st.builds(
    Descriptor, NAMED, DIGESTS, st.integers(0, 2**62), PAIRS, st.none() | TARGETS, WORDS, st.just(())
)
HISTORY = st.builds(History, TIMES, WORDS, WORDS, WORDS, st.just(False))
ENVIRONMENT = st.lists(st.tuples(NAMED.filter(lambda name: "=" not in name), WORDS), max_size=3).map(tuple)
TEXTS = st.lists(WORDS, max_size=3).map(tuple)
SETS = st.sets(NAMED, max_size=3).map(lambda found: tuple(sorted(found)))
EXECUTIONS = st.builds(Execution, ENVIRONMENT, TEXTS, TEXTS, WORDS, WORDS, PAIRS, SETS, SETS, WORDS)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    diff_ids = tuple(draw(st.lists(DIGESTS, max_size=4)))
    history = [draw(HISTORY) for _ in diff_ids] + [History(empty_layer=True)] * draw(st.integers(0, 1))
    return Config(draw(TARGETS), diff_ids, draw(EXECUTIONS), tuple(history), draw(TIMES), draw(WORDS))


@given(configs())
def test_configurations_survive(config: Config) -> None:
    assert Config.parse(config.encode()) == config
    assert canonical_json(json.loads(config.encode())) == config.encode()


@given(st.builds(Manifest, DESCRIPTORS, st.lists(DESCRIPTORS, max_size=3).map(tuple), PAIRS))
def test_manifests_survive(manifest: Manifest) -> None:
    assert Manifest.parse(manifest.encode()) == manifest


@given(st.builds(Index, st.lists(DESCRIPTORS, max_size=3).map(tuple), PAIRS))
def test_indexes_survive(index: Index) -> None:
    assert Index.parse(index.encode()) == index


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_times_survive(epoch: int) -> None:
    assert from_rfc3339(to_rfc3339(epoch)) == epoch


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - made UTC below
def test_times_are_read_as_python_reads_them(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    assert from_rfc3339(moment.isoformat()) == int(moment.replace(microsecond=0).timestamp())


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t01:00:00.999999999+01:00", 0),
        ("2016-12-31T23:59:60Z", 1_483_228_800),
        ("2026-08-01T00:00:00-05:30", 1_785_562_200),
    ],
)
def test_known_times(text: str, epoch: int) -> None:
    assert from_rfc3339(text) == epoch


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-08-01",
        "2026-08-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "2026-08-01T00:00:61Z",
        "2026-08-01T00:00:00+24:00",
        "２０２６-08-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-08-01T00:00:00Z\n",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|out of range|must be in|year"):
        from_rfc3339(text)


def test_an_image_is_put_together() -> None:
    configuration = ImageConfiguration(
        environment=(("PATH", "/usr/local/bin:/usr/bin"), ("LANG", "C.UTF-8")),
        command=("python3",),
        labels=(("b", "2"), ("a", "1")),
        annotations=(("org.opencontainers.image.version", "3.13"), ("org.opencontainers.image.title", "python")),
    )
    layers = [
        ImageLayer(A, B, 100, Compression.GZIP, 5, "base trixie"),
        ImageLayer(B, A, 10, Compression.ZSTD, 6, "python 3.13.15", "profile quick"),
    ]
    made = assemble(parse_platform("arm64"), configuration, layers, created=7)
    assert json.loads(made.config_bytes) == {
        "architecture": "arm64",
        "variant": "v8",
        "os": "linux",
        "created": "1970-01-01T00:00:07Z",
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin", "LANG=C.UTF-8"],
            "Cmd": ["python3"],
            "Labels": {"a": "1", "b": "2"},
        },
        "rootfs": {"type": "layers", "diff_ids": [str(B), str(A)]},
        "history": [
            {"created": "1970-01-01T00:00:05Z", "created_by": "base trixie"},
            {"created": "1970-01-01T00:00:06Z", "created_by": "python 3.13.15", "comment": "profile quick"},
        ],
    }
    assert json.loads(made.manifest_bytes) == {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": Descriptor.of(CONFIG, made.config_bytes).document(),
        "layers": [
            {"mediaType": LAYER_GZIP, "digest": str(A), "size": 100},
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "digest": str(B), "size": 10},
        ],
        "annotations": {
            "org.opencontainers.image.title": "python",
            "org.opencontainers.image.version": "3.13",
        },
    }
    assert made.manifest.digest == Digest.of(made.manifest_bytes)
    assert str(made.manifest.platform) == "linux/arm64/v8"
    assert made.size == len(made.config_bytes) + 110
    assert Config.parse(made.config_bytes).execution.labels == (("a", "1"), ("b", "2"))


def test_docker_documents_are_read() -> None:
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {"mediaType": DOCKER_CONFIG, "size": 7, "digest": str(A)},
        "layers": [{"mediaType": DOCKER_LAYER, "size": 8, "digest": str(B)}],
    }
    read = Manifest.parse(json.dumps(manifest).encode())
    assert (read.media_type, read.config.media_type, read.layers[0].size) == (DOCKER_MANIFEST, DOCKER_CONFIG, 8)
    platform = {"architecture": "arm", "os": "linux", "variant": "v7"}
    listed = {"mediaType": DOCKER_MANIFEST, "size": 5, "digest": str(A), "platform": platform}
    index = Index.parse(json.dumps({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [listed]}).encode())
    assert index.find(Target("linux", "arm", "v7")) == index.manifests[0]
    assert index.find(Target("linux", "arm", "v5")) is None


def test_a_platform_is_found_with_or_without_its_variant() -> None:
    plain = Descriptor(MANIFEST, A, 1, platform=Target("linux", "arm64"))
    exact = Descriptor(MANIFEST, B, 1, platform=Target("linux", "arm64", "v8"))
    assert Index((plain,)).find(Target("linux", "arm64", "v8")) == plain
    assert Index((plain, exact)).find(Target("linux", "arm64", "v8")) == exact
    assert Index((Descriptor(MANIFEST, A, 1),)).find(Target("linux", "arm64")) is None


def descriptor(**changes: Any) -> dict[str, Any]:
    return {"mediaType": LAYER_GZIP, "digest": str(A), "size": 5} | changes


def manifest(**changes: Any) -> bytes:
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": str(A), "size": 5},
        "layers": [{"mediaType": LAYER_GZIP, "digest": str(B), "size": 5}],
    }
    return json.dumps(document | changes).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "expected an object"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":1,"a":2}', "twice"),
        (b"[" * 200_000, "not JSON"),
        (b" " * (MAX_DOCUMENT + 1), "larger than"),
        (manifest(schemaVersion=1), "schemaVersion: expected 2"),
        (manifest(schemaVersion="2"), "schemaVersion: expected a whole number"),
        (manifest(schemaVersion=True), "schemaVersion: expected a whole number"),
        (manifest(mediaType=INDEX), "mediaType: expected"),
        (manifest(manifests=[]), "manifests: is of another kind"),
        (manifest(config=None), "config: expected an object"),
        (manifest(config=descriptor(size=-1)), r"config\.size: number out of range"),
        (manifest(config=descriptor(size=1.5)), r"config\.size: expected a whole"),
        (manifest(config=descriptor(size=2**63)), r"config\.size: number out of range"),
        (manifest(layers=[descriptor(digest="md5:x")]), r"layers\[0\]\.digest: not a sha256"),
        (manifest(layers=[descriptor(mediaType=None)]), r"layers\[0\]\.mediaType: expected text, found nothing"),
        (manifest(layers={}), "layers: expected a list"),
        (manifest(layers=[{}] * 10_001), "layers: more than 10000"),
        (manifest(annotations={"a": 1}), r"annotations\.a: expected text"),
        (manifest(annotations={"a": "\0"}), r"annotations\.a: text"),
        (manifest(annotations={"a": "\ud800"}), r"annotations\.a: text"),
        (manifest(annotations=[]), "annotations: expected an object"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused_with_its_place(content: bytes, message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        Manifest.parse(content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"os": None}, "os: expected text"),
        ({"rootfs": {"type": "x", "diff_ids": []}}, r"rootfs\.type"),
        ({"rootfs": {"type": "layers", "diff_ids": ["x"]}}, r"rootfs\.diff_ids\[0\]"),
        ({"history": [{}]}, "history: tells of 1 layers, rootfs of 0"),
        ({"created": "yesterday"}, "created: not an RFC 3339"),
        ({"config": {"Env": "PATH=/"}}, r"config\.Env: expected a list"),
        ({"config": {"Volumes": []}}, r"config\.Volumes: expected an object"),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_place(changes: dict[str, Any], message: str) -> None:
    document = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}} | changes
    with pytest.raises(VerificationError, match=message):
        Config.parse(json.dumps(document).encode())


FIELDS = ["config", "layers", "digest", "size", "mediaType", "schemaVersion", "rootfs", "manifests", "history"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
)


@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    content = json.dumps(value).encode()
    for reader in (Manifest.parse, Index.parse, Config.parse):
        try:
            reader(content)
        except VerificationError:
            continue
        assert isinstance(value, dict)


def test_nodes_tell_their_place() -> None:
    node = parse(b'{"a":[{"b":[7]}]}', "thing")
    inner = next(iter(next(iter(node.field("a").items())).field("b").items()))
    with pytest.raises(VerificationError, match=r"refused a thing: a\[0\]\.b\[0\]: expected text, found 7"):
        inner.text()
