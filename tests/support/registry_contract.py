# SPDX-License-Identifier: Apache-2.0
"""What the distribution specification's conformance tests ask of registries, asked by our client.

opencontainers/distribution-spec, conformance/ (1.1), whose four parts are the four groups here; each test says
which points it stands for. The client meets a registry of ours on loopback, which does what the specification says
(tests/registry/test_conformance.py), and Debian's docker-registry (tests/integration/test_conformance.py).

Two points are not met, since this client never asks for them: a blob in the body of ``POST`` (of "Blob Upload
Monolithic" it uses the other form, ``POST`` and then ``PUT``), and a mount without ``from`` ("automatic content
discovery"): it names where it mounts from.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from imagewright.errors import RegistryError, VerificationError
from imagewright.model.digest import Digest
from imagewright.oci.descriptor import CONFIG, INDEX, LAYER_GZIP, MANIFEST, Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient
from imagewright.registry.refusals import NotFoundError
from imagewright.registry.untagging import delete_tag
from imagewright.registry.upload import Blob, Uploader, Way

There = Callable[..., RepositoryClient]
"""``there(name, chunk=…)``: a client of a repository; every test has its own registry or its own names."""

NOWHERE = Digest.of(b"nobody ever sends this")
CHUNK = 1000


def blob_of(content: bytes) -> Blob:
    """Bytes as something to send."""
    return Blob(Digest.of(content), len(content), lambda offset: [content[offset:]])


def described(content: bytes) -> Descriptor:
    """Bytes as something to ask for."""
    return Descriptor.of(LAYER_GZIP, content)


def image(client: RepositoryClient, note: str, *, layers: tuple[bytes, ...] = (b"layer",)) -> Document:
    """A small image, whose blobs are there."""
    config = f'{{"architecture":"amd64","os":"linux","note":"{note}"}}'.encode()
    for content in (config, *layers):
        Uploader(client).send(blob_of(content))
    return Document(Manifest(Descriptor.of(CONFIG, config), tuple(map(described, layers))).encode(), MANIFEST)


def about(client: RepositoryClient, subject: Descriptor, kind: str, note: bytes) -> tuple[Document, Descriptor]:
    """An artifact about an image, whose blobs are there; and what a list of referrers says of it."""
    for content in (b"{}", note):
        Uploader(client).send(blob_of(content))
    manifest = Manifest(
        Descriptor.of("application/vnd.oci.empty.v1+json", b"{}"),
        (Descriptor.of("text/plain", note),),
        artifact_type=kind,
        subject=subject,
    )
    document = Document(manifest.encode(), MANIFEST)
    return document, replace(document.descriptor, artifact_type=kind)


class RegistryContract:
    """The points; a subclass gives the fixture ``there``."""

    # 01 Pull

    def test_pull_a_blob_that_is_not_there(self, there: There) -> None:
        """HEAD and GET of a nonexistent blob: 404."""
        client = there("pull/absent")
        image(client, "makes the repository")
        assert not client.has_blob(NOWHERE, 5)
        with pytest.raises(NotFoundError) as caught:
            b"".join(client.blob(Descriptor(LAYER_GZIP, NOWHERE, 5)))
        assert caught.value.code == 7

    def test_pull_a_blob_that_is_there(self, there: There) -> None:
        """HEAD and GET of an existing blob: 200, its size, its bytes; and a part of it (Range)."""
        client, content = there("pull/blob"), random.Random(1).randbytes(5000)
        Uploader(client).send(blob_of(content))
        assert client.has_blob(Digest.of(content), len(content))
        assert not client.has_blob(Digest.of(content), len(content) + 1)
        assert b"".join(client.blob(described(content))) == content
        assert b"".join(client.pieces(described(content), 4000)) == content[4000:]

    def test_pull_a_manifest_that_is_not_there(self, there: There) -> None:
        """HEAD and GET of a nonexistent manifest: 404, by tag and by digest, with its error code."""
        client = there("pull/absent")
        image(client, "makes the repository")
        for target in ("nothing", str(NOWHERE)):
            assert client.find(target) is None
            with pytest.raises(NotFoundError) as caught:
                client.get(target)
            assert "MANIFEST_UNKNOWN" in caught.value.why

    def test_pull_a_manifest_by_digest_and_by_tag(self, there: There) -> None:
        """HEAD and GET of a manifest by digest and by tag: 200, the same bytes and type."""
        client = there("pull/manifest")
        document = image(client, "pulled")
        client.put("tag", document)
        for target in ("tag", str(document.digest)):
            found = client.find(target)
            assert found is not None
            assert (found.digest, found.size, found.media_type) == (
                document.digest,
                len(document.content),
                MANIFEST,
            )
            assert client.get(target) == document

    # 02 Push

    @pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK])
    def test_push_a_blob_streamed_and_chunked(self, there: There, size: int) -> None:
        """POST: 202 and a session; PATCH with one or more chunks: 202, progress; PUT with the digest: 201."""
        client, content = there("push/blob", chunk=CHUNK), random.Random(size).randbytes(size)
        assert Uploader(client).send(blob_of(content)) is Way.UPLOADED
        assert b"".join(client.blob(described(content))) == content
        assert Uploader(client).send(blob_of(content)) is Way.SKIPPED

    @pytest.mark.parametrize("size", [0, 1, 50_000])
    def test_push_a_blob_at_once(self, there: There, size: int) -> None:
        """POST: 202 and a session; PUT with the digest and all the bytes: 201."""
        client, content = there("push/whole"), random.Random(size).randbytes(size)
        assert Uploader(client).send(blob_of(content)) is Way.UPLOADED
        assert b"".join(client.blob(described(content))) == content
        assert Uploader(client).send(blob_of(content)) is Way.SKIPPED

    def test_push_bytes_that_are_not_what_was_said(self, there: There) -> None:
        """PUT with a digest that is another: refused, and nothing is there under it."""
        client = there("push/wrong")
        wrong = Blob(NOWHERE, 4, lambda offset: [b"four"[offset:]])
        with pytest.raises((RegistryError, VerificationError)):
            Uploader(client).send(wrong)
        assert not client.has_blob(NOWHERE, 4)

    def test_push_a_blob_that_another_repository_has(self, there: There) -> None:
        """POST with ``mount`` and ``from``: 201 where it is; 202 and a session where it is not, which is used."""
        source, client = there("push/source"), there("push/target")
        Uploader(source).send(blob_of(b"shared"))
        assert Uploader(client).send(blob_of(b"shared"), [source.repository]) is Way.MOUNTED
        assert b"".join(client.blob(described(b"shared"))) == b"shared"
        assert Uploader(client).send(blob_of(b"unknown"), [source.repository]) is Way.UPLOADED
        assert b"".join(client.blob(described(b"unknown"))) == b"unknown"

    def test_push_manifests(self, there: There) -> None:
        """PUT of a manifest under several tags and by digest, with layers or none, and of an index: 201."""
        client = there("push/manifests")
        document, bare = image(client, "whole"), image(client, "bare", layers=())
        for number in range(4):
            client.put(f"test{number}", document)
        client.put(str(bare.digest), bare)
        client.put("bare", bare)
        entries = tuple(
            replace(one.descriptor, platform=Target("linux", name))
            for one, name in ((document, "amd64"), (bare, "arm64"))
        )
        index = Document(Index(entries).encode(), INDEX)
        client.put("index", index)
        assert all(client.get(f"test{number}") == document for number in range(4))
        assert client.get(str(bare.digest)) == client.get("bare") == bare
        assert client.get("index") == index

    def test_push_a_manifest_whose_blobs_are_missing(self, there: There) -> None:
        """PUT of a manifest that names a blob which is not there: refused with the registry's code."""
        client = there("push/missing")
        document = image(client, "whole")
        manifest = replace(Manifest.parse(document.content), layers=(Descriptor(LAYER_GZIP, NOWHERE, 5),))
        with pytest.raises(RegistryError) as caught:
            client.put("missing", Document(manifest.encode(), MANIFEST))
        assert "BLOB_UNKNOWN" in caught.value.why
        assert client.find("missing") is None

    # 03 Content discovery

    def test_discover_tags(self, there: There) -> None:
        """GET of the list of tags: all of them, page after page by ``n``, ``last`` and ``Link``; in order."""
        client = there("discover/tags")
        document = image(client, "tagged")
        for name in ("d", "b", "a", "c"):
            client.put(name, document)
        assert client.tags() == ("a", "b", "c", "d")
        assert there("discover/nothing").tags() == ()

    def test_discover_referrers(self, there: There) -> None:
        """GET of referrers: none, all, and those of a type, whether the registry filters or not."""
        client = there("discover/referrers")
        document = image(client, "subject")
        client.put("subject", document)
        assert client.referrers(document.digest) == ()
        made = [
            about(client, document.descriptor, kind, kind.encode())
            for kind in ("application/vnd.example.a", "application/vnd.example.a", "application/vnd.example.b")
        ]
        made += [about(client, document.descriptor, "application/vnd.example.a", b"another")]
        for one, entry in made:
            client.attach(one, entry, document.digest)
        every = {entry.digest for _, entry in made}
        assert {one.digest for one in client.referrers(document.digest)} == every
        only = {entry.digest for _, entry in made if entry.artifact_type == "application/vnd.example.a"}
        assert {one.digest for one in client.referrers(document.digest, "application/vnd.example.a")} == only
        assert client.referrers(document.digest, "application/vnd.example.c") == ()

    def test_discover_referrers_of_what_is_not_there_yet(self, there: There) -> None:
        """A manifest with a subject that is missing: accepted, and listed."""
        client = there("discover/early")
        subject = Descriptor(MANIFEST, NOWHERE, 5)
        document, entry = about(client, subject, "application/vnd.example.a", b"early")
        client.attach(document, entry, NOWHERE)
        assert [one.digest for one in client.referrers(NOWHERE)] == [document.digest]

    # 04 Content management

    def test_manage_tags(self, there: There) -> None:
        """DELETE of a tag: 202, or 405 where it is not offered; its manifest and other tags stay."""
        client = there("manage/tags")
        document = image(client, "tagged")
        client.put("one", document)
        client.put("two", document)
        assert delete_tag(client, "one")
        assert client.find("one") is None
        assert client.get("two") == document
        assert not delete_tag(client, "one")

    def test_manage_manifests(self, there: There) -> None:
        """DELETE of a manifest by digest: 202, then 404; GET and HEAD: 404; there is still a list of tags."""
        client = there("manage/manifests")
        document = image(client, "deleted")
        client.put(str(document.digest), document)
        assert client.delete_manifest(str(document.digest))
        assert client.find(str(document.digest)) is None
        assert not client.delete_manifest(str(document.digest))
        assert client.tags() == ()

    def test_manage_blobs(self, there: There) -> None:
        """DELETE of a blob: 202, then 404; GET and HEAD: 404."""
        client = there("manage/blobs")
        Uploader(client).send(blob_of(b"deleted"))
        assert client.delete_blob(Digest.of(b"deleted"))
        assert not client.has_blob(Digest.of(b"deleted"), 7)
        assert not client.delete_blob(Digest.of(b"deleted"))
