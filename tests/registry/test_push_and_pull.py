# SPDX-License-Identifier: Apache-2.0
"""Blobs, manifests and tags, to and from a registry on loopback that does what the specification says, or not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.errors import RegistryError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.proxies import Proxies
from imagewright.model.references import parse_repository
from imagewright.oci.descriptor import CONFIG, LAYER_GZIP, MANIFEST, Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient, fallback_tag
from imagewright.registry.credentials import Credential, Keychain
from imagewright.registry.publish import Attachment, PlatformImage, Publication, Publisher, PublishOptions
from imagewright.registry.pull import pull
from imagewright.registry.transport import Answer, RegistryOptions, Transport
from imagewright.registry.upload import Blob, Uploader, Way
from support.blobs import DirectoryBlobs
from support.registry import Fault, Registry, run_registry

pytestmark = pytest.mark.loopback
AMD64, ARM64 = Target("linux", "amd64"), Target("linux", "arm64", "v8")


class Pauses(list[float]):
    """Stands for ``time.sleep``: remembers what it was asked for."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with run_registry() as running:
        yield running


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


def client_of(
    registry: Registry, pauses: Pauses, name: str = "team/python", chunk: int = 1000, who: Credential | None = None
) -> RepositoryClient:
    transport = Transport(
        RegistryOptions(chunk=chunk, parallel=3, read_timeout=5),
        lambda: Keychain(explicit=who or Credential()),
        sleep=pauses,
        jitter=lambda: 0.5,
        monotonic=lambda: 0.0,
    )
    return RepositoryClient(transport, parse_repository(f"{registry.host}/{name}"))


def blob_of(content: bytes) -> Blob:
    return Blob(Digest.of(content), len(content), lambda offset: [content[offset:]])


def image_of(platform: Target, *layers: bytes, note: str = "") -> PlatformImage:
    config = f'{{"architecture":"{platform.architecture}","note":"{note}"}}'.encode()
    manifest = Manifest(Descriptor.of(CONFIG, config), tuple(Descriptor.of(LAYER_GZIP, layer) for layer in layers))
    return PlatformImage(
        platform, Document(manifest.encode(), MANIFEST), tuple(blob_of(each) for each in (config, *layers))
    )


def publish(client: RepositoryClient, *publications: Publication, **options: object) -> Publisher:
    publisher = Publisher(client, replace(PublishOptions(), **options), lambda *_: None)
    publisher.publish(publications)
    return publisher


BASE, PYTHON = b"base" * 900, b"python" * 1000
SLIM = Publication(
    "3.13.15-slim-trixie", ("3.13.15-slim-trixie", "3.13-slim", "slim"), (image_of(AMD64, BASE, PYTHON),)
)


def test_a_blob_is_sent_in_chunks_and_not_sent_twice(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses)
    blob = blob_of(bytes(range(256)) * 10)
    seen: list[int] = []
    assert Uploader(client).send(blob, progress=seen.append) is Way.UPLOADED
    assert registry.repository("team/python").blobs[str(blob.digest)] == bytes(range(256)) * 10
    assert [line for line in registry.asked if line.startswith("PATCH")] == [
        "PATCH /v2/team/python/blobs/uploads/u1"
    ] * 3
    assert seen[-1] == blob.size
    assert seen == sorted(seen)
    assert Uploader(client).send(blob) is Way.SKIPPED


def test_a_small_blob_is_sent_with_the_request_that_ends_the_upload(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses, chunk=1 << 20)
    blob = blob_of(PYTHON)
    seen: list[int] = []
    assert Uploader(client).send(blob, progress=seen.append) is Way.UPLOADED
    assert registry.repository("team/python").blobs[str(blob.digest)] == PYTHON
    assert [line.partition(" ")[0] for line in registry.asked if "/blobs/" in line] == ["HEAD", "POST", "PUT"]
    assert seen[-1] == blob.size


def test_an_empty_blob_can_be_sent(registry: Registry, pauses: Pauses) -> None:
    assert Uploader(client_of(registry, pauses)).send(blob_of(b"")) is Way.UPLOADED


def test_a_blob_is_mounted_from_a_repository_that_has_it(registry: Registry, pauses: Pauses) -> None:
    blob = blob_of(BASE)
    Uploader(client_of(registry, pauses, "team/debian")).send(blob)
    other = parse_repository(f"{registry.host}/team/debian")
    empty = parse_repository(f"{registry.host}/team/empty")
    assert Uploader(client_of(registry, pauses)).send(blob, [empty, other]) is Way.MOUNTED
    assert not [line for line in registry.asked if line.startswith("PATCH /v2/team/python")]
    assert registry.uploads == {}, "the upload that the refused mount began was given up"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(status=429, headers={"Retry-After": "7"}),
        Fault(lose=True),
        Fault(reset=10),
    ],
    ids=["500", "429", "lost answer", "reset"],
)
@pytest.mark.parametrize(
    ("method", "chunk"),
    [("POST", 1000), ("PATCH", 1000), ("PUT", 1000), ("HEAD", 1000), ("POST", 1 << 20), ("PUT", 1 << 20)],
)
def test_an_upload_goes_on_after_a_failure(
    registry: Registry, pauses: Pauses, method: str, chunk: int, fault: Fault
) -> None:
    left = [fault, fault]
    registry.faults = lambda said, path: left.pop() if left and said == method and "/blobs/" in path else None
    blob = blob_of(random.Random(1).randbytes(4321))
    assert Uploader(client_of(registry, pauses, chunk=chunk)).send(blob) in {Way.UPLOADED, Way.SKIPPED}
    assert Digest.of(registry.repository("team/python").blobs[str(blob.digest)]) == blob.digest
    # A final PUT whose answer was lost is not sent again: the blob is found.
    assert len(left) == (1 if method == "PUT" and fault.lose else 0)
    if fault.status == 429:
        assert 7.0 in pauses


def test_an_upload_that_the_registry_forgot_is_begun_again(registry: Registry, pauses: Pauses) -> None:
    times = [0]

    def forget(method: str, path: str) -> Fault | None:
        if method == "PATCH":
            times[0] += 1
            if times[0] == 2:
                registry.uploads.clear()
        return None

    registry.faults = forget
    blob = blob_of(random.Random(2).randbytes(4000))
    assert Uploader(client_of(registry, pauses)).send(blob) is Way.UPLOADED
    assert "POST /v2/team/python/blobs/uploads/" in registry.asked
    assert registry.asked.count("POST /v2/team/python/blobs/uploads/") == 2


def test_a_registry_that_keeps_failing_is_given_up_with_its_reason(registry: Registry, pauses: Pauses) -> None:
    registry.faults = lambda method, path: Fault(status=503) if method == "PATCH" else None
    with pytest.raises(RegistryError) as caught:
        Uploader(client_of(registry, pauses)).send(blob_of(BASE))
    assert "status 503 (tried 7 times)" in caught.value.why
    assert caught.value.code == 7
    assert len(pauses) == 6
    assert pauses == sorted(pauses)


def test_a_refusal_is_told_with_the_registrys_own_words(registry: Registry, pauses: Pauses) -> None:
    with pytest.raises(RegistryError) as caught:
        client_of(registry, pauses).get("nothing")
    assert caught.value.why == "MANIFEST_UNKNOWN: manifest unknown"
    assert pauses == []


def test_tags_come_page_by_page(registry: Registry, pauses: Pauses) -> None:
    registry.page = 2
    publish(client_of(registry, pauses), replace(SLIM, tags=("a", "b", "c", "d", "e")))
    assert client_of(registry, pauses).tags() == ("a", "b", "c", "d", "e")
    assert client_of(registry, pauses, "team/nothing").tags() == ()


def test_what_is_published_is_whole_and_a_second_push_sends_nothing(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses)
    first = publish(client, SLIM)
    assert first.tally.ways == {Way.UPLOADED: 3}
    repository = registry.repository("team/python")
    assert set(repository.tags) == set(SLIM.tags)
    assert len(set(repository.tags.values())) == 1
    assert registry.audit() == []
    moved = len(registry.history)
    again = publish(client, SLIM)
    assert again.tally.ways == {Way.SKIPPED: 3}
    assert len(registry.history) == moved


def test_tags_come_after_everything_else(registry: Registry, pauses: Pauses) -> None:
    publish(client_of(registry, pauses), SLIM)
    puts = [line for line in registry.asked if line.startswith("PUT") and "/manifests/" in line]
    assert [("sha256:" in line) for line in puts] == [True, True, False, False, False]


def test_platforms_of_two_machines_join_one_index(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses)
    publish(client, SLIM)
    other = replace(SLIM, platforms=(image_of(ARM64, BASE, b"arm" * 500),))
    publish(client, other, require=("linux/amd64", "linux/arm64/v8"))
    index = Index.parse(client.get("slim").content)
    assert [str(entry.platform) for entry in index.manifests] == ["linux/amd64", "linux/arm64/v8"]
    # Pushed in the other order, the index is the same.
    with run_registry() as second:
        there = client_of(second, pauses)
        publish(there, other)
        publish(there, SLIM)
        assert second.repository("team/python").tags["slim"] == registry.repository("team/python").tags["slim"]


class Overtaken(RepositoryClient):
    """A client beside a machine that read a tag before we moved it, and moves it right after us, some times."""

    def __init__(self, client: RepositoryClient, tag: str, theirs: Document, times: int) -> None:
        super().__init__(client.transport, client.repository)
        self._tag, self._theirs, self.left = tag, theirs, times

    def put(self, target: str, document: Document, *, persistence: int = 1) -> Answer:
        answer = super().put(target, document, persistence=persistence)
        if target == self._tag and self.left:
            self.left -= 1
            super().put(target, self._theirs)
        return answer


@pytest.mark.parametrize("times", [1, 3])
def test_platforms_that_are_pushed_at_the_same_moment_are_joined(
    registry: Registry, pauses: Pauses, times: int
) -> None:
    client = client_of(registry, pauses)
    other = replace(SLIM, platforms=(image_of(ARM64, BASE, b"arm" * 500),))
    publish(client, other)
    theirs = client.get("slim")
    registry.repository("team/python").tags.clear()  # as it was when the other machine looked
    overtaken = Overtaken(client, SLIM.name, theirs, times)
    publish(overtaken, SLIM)
    assert overtaken.left == 0
    for tag in SLIM.tags:
        index = Index.parse(client.get(tag).content)
        assert [str(entry.platform) for entry in index.manifests] == ["linux/amd64", "linux/arm64/v8"]


def test_tags_that_never_come_to_rest_are_told(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses)
    publish(client, replace(SLIM, platforms=(image_of(ARM64, BASE, b"arm" * 500),)))
    with pytest.raises(RegistryError, match="do not come to rest"):
        publish(Overtaken(client, SLIM.name, client.get("slim"), 100), SLIM)


def test_a_new_build_of_a_platform_replaces_the_old_one(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses)
    publish(client, SLIM)
    publish(client, replace(SLIM, platforms=(image_of(AMD64, BASE, b"new"),)))
    (entry,) = Index.parse(client.get("slim").content).manifests
    assert entry.digest == image_of(AMD64, BASE, b"new").manifest.digest


def test_a_release_does_not_take_platforms_of_another_along(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses)
    publish(client, SLIM)
    newer = Publication("3.13.16-slim-trixie", ("3.13.16-slim-trixie", "slim"), (image_of(ARM64, b"newer"),))
    publish(client, newer)
    (entry,) = Index.parse(client.get("slim").content).manifests
    assert str(entry.platform) == "linux/arm64/v8"
    assert [str(each.platform) for each in Index.parse(client.get("3.13.15-slim-trixie").content).manifests] == [
        "linux/amd64"
    ]


def test_a_required_platform_that_is_missing_moves_no_tag(registry: Registry, pauses: Pauses) -> None:
    with pytest.raises(RegistryError, match="lacks linux/arm64"):
        publish(client_of(registry, pauses), SLIM, require=("linux/amd64", "linux/arm64/v8"))
    assert registry.repository("team/python").tags == {}


def test_an_immutable_tag_stays_and_no_other_moves(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses)
    dated = replace(
        SLIM,
        tags=("3.13-slim", "3.13.15-slim-trixie-20261120"),
        immutable=frozenset({"3.13.15-slim-trixie-20261120"}),
    )
    publish(client, dated)
    before = dict(registry.repository("team/python").tags)
    with pytest.raises(RegistryError, match="must not move"):
        publish(client, replace(dated, platforms=(image_of(AMD64, b"other"),)))
    assert registry.repository("team/python").tags == before
    publish(client, dated)  # the same content may be published again


def test_tags_move_back_when_one_of_them_cannot_move(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses)
    publish(client, SLIM)
    before = dict(registry.repository("team/python").tags)
    registry.faults = lambda method, path: (
        Fault(status=403) if method == "PUT" and path.endswith("/slim") else None
    )
    with pytest.raises(RegistryError, match="403"):
        publish(client, replace(SLIM, platforms=(image_of(AMD64, b"other"),)))
    assert registry.repository("team/python").tags == before


@pytest.mark.parametrize("api", [True, False], ids=["referrers", "fall-back tag"])
def test_attachments_are_found_from_their_subject(registry: Registry, pauses: Pauses, api: bool) -> None:
    registry.referrers = api
    client = client_of(registry, pauses)
    image = image_of(AMD64, BASE)
    found = []
    for text in (b"one", b"two"):
        empty = b"{}"
        manifest = Manifest(
            Descriptor.of("application/vnd.oci.empty.v1+json", empty),
            (Descriptor.of("application/vnd.in-toto+json", text),),
            artifact_type="application/vnd.in-toto+json",
            subject=image.manifest.descriptor,
        )
        document = Document(manifest.encode(), MANIFEST)
        described = replace(document.descriptor, artifact_type=manifest.artifact_type)
        found.append(Attachment(document, described, image.manifest.digest, (blob_of(empty), blob_of(text))))
    publish(client, replace(SLIM, platforms=(replace(image, attachments=tuple(found)),)))
    listed = client.referrers(image.manifest.digest, "application/vnd.in-toto+json")
    assert sorted(one.digest for one in listed) == sorted(one.document.digest for one in found)
    assert client.referrers(image.manifest.digest, "application/other") == ()
    assert (fallback_tag(image.manifest.digest) in registry.repository("team/python").tags) is not api


def test_pull_brings_one_platform_or_all(registry: Registry, pauses: Pauses, tmp_path: Path) -> None:
    client = client_of(registry, pauses)
    both = replace(SLIM, platforms=(image_of(AMD64, BASE, PYTHON), image_of(ARM64, BASE, b"arm" * 500)))
    publish(client, both)
    blobs = DirectoryBlobs(tmp_path / "one")
    pulled = pull(client, "slim", [AMD64], blobs, lambda *_: None)
    assert [image.platform for image in pulled.images] == ["linux/amd64"]
    assert blobs.has(Digest.of(PYTHON))
    assert not blobs.has(Digest.of(b"arm" * 500))
    everything = pull(client, "slim", [], DirectoryBlobs(tmp_path / "all"), lambda *_: None)
    assert len(everything.images) == 2
    with pytest.raises(RegistryError, match="no image for linux/s390x"):
        pull(client, "slim", [Target("linux", "s390x")], blobs, lambda *_: None)


def test_a_pull_goes_on_where_it_was_cut_off(registry: Registry, pauses: Pauses, tmp_path: Path) -> None:
    client = client_of(registry, pauses)
    publish(client, SLIM)
    left = [Fault(truncate=1234), Fault(reset=0), Fault(status=503), Fault(truncate=10)]
    registry.faults = lambda method, path: left.pop() if left and method == "GET" and "/blobs/" in path else None
    blobs = DirectoryBlobs(tmp_path)
    pull(client, "slim", [AMD64], blobs, lambda *_: None)
    assert not left
    assert blobs.has(Digest.of(PYTHON))


def test_altered_bytes_are_refused(registry: Registry, pauses: Pauses, tmp_path: Path) -> None:
    client = client_of(registry, pauses)
    publish(client, SLIM)
    for kind in ("/blobs/", "/manifests/sha256"):
        registry.faults = lambda method, path, kind=kind: (
            Fault(flip=7) if method == "GET" and kind in path else None
        )
        with pytest.raises(VerificationError):
            pull(client, "slim", [AMD64], DirectoryBlobs(tmp_path / kind.strip("/")), lambda *_: None)


@pytest.mark.parametrize("tokens", [True, False], ids=["token", "basic"])
def test_who_may_push_can_and_others_cannot(registry: Registry, pauses: Pauses, tokens: bool) -> None:
    registry.users = {"maintainer": "secret"}
    registry.tokens = tokens
    good = client_of(registry, pauses, who=Credential("maintainer", "secret"))
    publish(good, SLIM)
    assert registry.audit() == []
    assert good.tags() == tuple(sorted(SLIM.tags))
    for who in (Credential("maintainer", "wrong"), Credential()):
        with pytest.raises(RegistryError, match="401") as caught:
            client_of(registry, pauses, who=who).tags()
        assert "docker login" in caught.value.hint
        assert "wrong" not in "".join(caught.value.lines())


def test_deleting_says_whether_there_was_anything(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses)
    publish(client, SLIM)
    assert client.delete_manifest("slim")
    assert not client.delete_manifest("slim")
    assert "slim" not in client.tags()
    assert client.delete_blob(Digest.of(PYTHON))
    assert not client.has_blob(Digest.of(PYTHON), len(PYTHON))


def test_a_proxy_is_used_for_hosts_that_are_not_reached_without_one(registry: Registry, pauses: Pauses) -> None:
    options = RegistryOptions(
        plain=("far.example",),
        proxies=Proxies((("http", f"http://user:secret@{registry.host}"), ("https", "http://127.0.0.1:9"))),
        attempts=1,
    )
    transport = Transport(options, Keychain, sleep=pauses, jitter=lambda: 0.5, monotonic=lambda: 0.0)
    client = RepositoryClient(transport, parse_repository("far.example/team/python"))
    blob = blob_of(BASE)
    assert not client.has_blob(blob.digest, blob.size)
    assert registry.asked[-1] == f"HEAD /v2/team/python/blobs/{blob.digest}", "no host far.example was looked for"
    near = Transport(options, Keychain, sleep=pauses, jitter=lambda: 0.5, monotonic=lambda: 0.0)
    assert not RepositoryClient(near, parse_repository(f"{registry.host}/x")).has_blob(blob.digest, blob.size)


def test_a_server_that_takes_less_at_once_gets_less(registry: Registry, pauses: Pauses) -> None:
    client = client_of(registry, pauses, chunk=10_000)
    client.transport.options = replace(client.transport.options, careful=1000)
    sent: list[str] = []

    def bounded(method: str, path: str) -> Fault | None:
        if method not in {"PATCH", "PUT"}:
            return None
        sent.append(method)
        return Fault(status=413) if len(sent) == 1 else None

    registry.faults = bounded
    blob = blob_of(random.Random(3).randbytes(2500))
    assert Uploader(client).send(blob) is Way.UPLOADED
    assert sent == ["PUT", "PATCH", "PATCH", "PATCH", "PUT"], "too large at once, then in small pieces"
    registry.faults = lambda method, path: Fault(status=413) if method in {"PATCH", "PUT"} else None
    with pytest.raises(RegistryError, match="413"):
        Uploader(client).send(blob_of(random.Random(4).randbytes(2500)))
