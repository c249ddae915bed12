# SPDX-License-Identifier: Apache-2.0
"""Signing and verifying in a registry on loopback, which also holds what an attacker would put there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from imagewright.app.attesting import as_attachments
from imagewright.app.registries import client
from imagewright.app.signing import keygen, sign
from imagewright.app.verifying import verify
from imagewright.app.world import SystemClock, World
from imagewright.attest import spdx
from imagewright.attest.attachments import buildkit_manifest
from imagewright.attest.provenance import PREDICATE
from imagewright.attest.signature import attestation_tag, signature_tag
from imagewright.attest.statement import Statement, Subject
from imagewright.errors import ConfigurationError, UsageError
from imagewright.model.attestations import SignOptions, TrustOptions, VerifyOptions
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.references import parse_repository
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.descriptor import CONFIG, LAYER_GZIP, MANIFEST, Descriptor, Target
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient
from imagewright.registry.publish import PlatformImage, Publication, Publisher, PublishOptions
from imagewright.registry.upload import Blob
from support.registry import run_registry

pytestmark = pytest.mark.loopback
WORLD = World(GlobalOptions(), SystemClock(), 0o022)
ACCESS = RegistryAccess()


def blob_of(content: bytes) -> Blob:
    return Blob(Digest.of(content), len(content), lambda offset: [content[offset:]])


def image_of(layer: bytes, *, told: bool = True) -> PlatformImage:
    config = b'{"architecture":"amd64"}'
    manifest = Manifest(Descriptor.of(CONFIG, config), (Descriptor.of(LAYER_GZIP, layer),))
    document = Document(manifest.encode(), MANIFEST)
    image = PlatformImage(Target("linux", "amd64"), document, (blob_of(config), blob_of(layer)))
    subjects = (Subject("python", document.digest),)
    statements = [Statement(subjects, kind, b"{}") for kind in (spdx.PREDICATE, PREDICATE)]
    attached = as_attachments([buildkit_manifest(document.descriptor, statements)]) if told else ()
    return replace(image, attachments=attached)


@dataclass(frozen=True, slots=True)
class Place:
    """A repository, and a pair of keys."""

    client: RepositoryClient
    keys: Path

    def push(self, tag: str, layer: bytes, *, told: bool = True) -> Digest:
        publication = Publication(tag, (tag,), (image_of(layer, told=told),))
        options = PublishOptions(replace=True)
        (published,) = Publisher(self.client, options, lambda *_: None).publish([publication])
        return published.digest

    def sign(self, tag: str, key: str = "ours") -> list[str]:
        options = SignOptions(self.keys / f"{key}.key", b"secret")
        return [item.what for item in sign(WORLD, self.reference(tag), options, ACCESS).signed]

    def failed(self, tag: str, key: str = "ours") -> list[str]:
        options = VerifyOptions(TrustOptions(self.keys / f"{key}.pub"))
        return [finding.what for finding in verify(WORLD, self.reference(tag), options, ACCESS).failed]

    def reference(self, tag: str) -> str:
        return f"{self.client.repository}:{tag}"

    def move(self, source: str, target: str) -> None:
        self.client.put(target, self.client.get(source))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys")
    for name in ("ours", "theirs"):
        keygen(directory / name, b"secret")
    return directory


@pytest.fixture
def place(keys: Path) -> Iterator[Place]:
    with run_registry() as running:
        yield Place(client(WORLD, parse_repository(f"{running.host}/team/python"), ACCESS), keys)


def test_what_is_signed_is_verified(place: Place) -> None:
    place.push("1", b"layer")
    assert place.failed("1") == ["signature", "provenance", "spdx"]
    assert place.sign("1") == ["signature", "signature", "provenance", "spdx"]
    assert place.failed("1") == []
    assert place.failed("1", "theirs") == ["signature", "provenance", "spdx"]


def test_a_second_signature_changes_nothing_or_joins(place: Place) -> None:
    digest = place.push("1", b"layer")
    place.sign("1")
    before = place.client.get(signature_tag(digest))
    place.sign("1")
    assert place.client.get(signature_tag(digest)) == before
    place.sign("1", "theirs")
    assert place.failed("1") == place.failed("1", "theirs") == []


def test_a_signature_of_another_image_proves_nothing(place: Place) -> None:
    good, bad = place.push("good", b"layer"), place.push("bad", b"other")
    place.sign("good")
    place.move(signature_tag(good), signature_tag(bad))
    place.move(attestation_tag(good), attestation_tag(bad))
    assert place.failed("bad") == ["signature", "provenance", "spdx"]
    assert place.failed("good") == []


def test_statements_of_another_image_are_not_signed_with_this_one(place: Place) -> None:
    """Somebody hangs statements about another image beside this one's before it is signed."""
    foreign = image_of(b"other").attachments[0]
    image = image_of(b"layer", told=False)
    marks = (("vnd.docker.reference.digest", str(image.manifest.digest)), ("vnd.docker.reference.type", "x"))
    hung = replace(foreign, described=replace(foreign.described, annotations=marks))
    publication = Publication("1", ("1",), (replace(image, attachments=(hung,)),))
    Publisher(place.client, PublishOptions(), lambda *_: None).publish([publication])
    assert place.sign("1") == ["signature", "signature"]
    assert place.failed("1") == ["provenance", "spdx"]


def test_an_image_without_documents_is_only_signed(place: Place) -> None:
    place.push("1", b"layer", told=False)
    assert place.sign("1") == ["signature", "signature"]
    reference, key = place.reference("1"), place.keys / "ours.pub"
    assert verify(WORLD, reference, VerifyOptions(TrustOptions(key), signature_only=True), ACCESS).failed == ()


def test_keys_are_never_written_over_and_must_be_there(place: Place, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is there already"):
        keygen(place.keys / "ours", b"secret")
    assert (place.keys / "ours.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="cannot read the key"):
        verify(WORLD, place.reference("1"), VerifyOptions(TrustOptions(tmp_path / "none")), ACCESS)
