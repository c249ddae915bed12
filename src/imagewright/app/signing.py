# SPDX-License-Identifier: Apache-2.0
"""``keygen`` and ``sign``: with a key in a file or as an identity, for cosign and for ``imagewright verify``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from imagewright.app.attesting import as_attachments
from imagewright.app.registries import client, registry_reference
from imagewright.app.transferring import images_of
from imagewright.app.world import World
from imagewright.attest import cyclonedx, keys, spdx
from imagewright.attest.bundle import KeySealer, KeyWitness, Sealer
from imagewright.attest.envelope import Envelope
from imagewright.attest.provenance import PREDICATE
from imagewright.attest.signature import (
    ARTIFACT,
    ATTESTATION_ARTIFACT,
    Layer,
    attestation_tag,
    collected,
    is_signature_of,
    sign_image,
    signature_tag,
    statement_layer,
)
from imagewright.attest.statement import MEDIA_TYPE, Statement, Subject
from imagewright.errors import ConfigurationError, RegistryError, UsageError
from imagewright.model.attestations import DocumentKind, KeyPair, Signed, SignedItem, SignOptions
from imagewright.model.digest import Digest
from imagewright.model.references import with_tag
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.descriptor import INDEXES, MANIFESTS, Descriptor
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient
from imagewright.registry.merging import REFERENCE_DIGEST
from imagewright.registry.publish import Publisher, PublishOptions
from imagewright.registry.refusals import NotFoundError

_PASSWORDS = ("IMAGEWRIGHT_KEY_PASSWORD", "COSIGN_PASSWORD")
_LARGEST_LAYER = 4 << 20
MOST_LAYERS = 100
"""Signatures of one image that are read."""
_PREDICATES = {spdx.MEDIA_TYPE: spdx.PREDICATE, cyclonedx.MEDIA_TYPE: cyclonedx.PREDICATE}
KINDS = {
    spdx.PREDICATE: DocumentKind.SPDX,
    cyclonedx.PREDICATE: DocumentKind.CYCLONEDX,
    PREDICATE: DocumentKind.PROVENANCE,
}
"""What a predicate type is called in results."""


def key_password() -> bytes | None:
    """The password of a private key, if the environment has one."""
    found = next((os.environ[name] for name in _PASSWORDS if name in os.environ), None)
    return None if found is None else found.encode()


def keygen(prefix: Path, password: bytes) -> KeyPair:
    """Make ``PREFIX.key`` and ``PREFIX.pub``. Raises :class:`UsageError` where one of them is there."""
    private, public = prefix.with_name(f"{prefix.name}.key"), prefix.with_name(f"{prefix.name}.pub")
    if there := next((path for path in (private, public) if path.exists()), None):
        raise UsageError(f"{there} is there already", hint="choose another name, or move it away")
    key = keys.generate()
    try:
        _write(public, keys.write_public(key.public_key()), 0o644)
        _write(private, keys.write_private(key, password), 0o600)
    except OSError as error:
        raise ConfigurationError(f"cannot write {prefix}.key", why=error.strerror or str(error)) from None
    return KeyPair(private, public, keys.fingerprint(key.public_key()))


def sign(world: World, text: str, options: SignOptions, access: RegistryAccess) -> Signed:
    """Sign what a reference names, the images in it, and the documents that are attached to these.

    With a key, as cosign keeps signatures; without one, or where a file is asked for, as bundles.
    """
    from imagewright.app.bundling import Bundling, save_bundles

    reference = with_tag(registry_reference(text))
    key, identity = None, ""
    sealer: Sealer | None = None
    if options.key is not None:
        key = keys.read_private(read_key(options.key), options.password, str(options.key))
        sealer = KeySealer(key) if options.bundle is not None else None
    else:
        from imagewright.app.keyless import keyless_sealer

        sealer, identity = keyless_sealer(world, options)
    there = client(world, reference.repository, access)
    root = there.get(reference.target)
    done: list[SignedItem] = []
    made: list[bytes] = []
    if key is not None:
        done = _signed(_Signing(there, key), root)
    if sealer is not None:
        bundling = Bundling(there, sealer, None if key is None else KeyWitness(key.public_key()))
        done, made = _signed(bundling, root), bundling.made
    if options.bundle is not None:
        save_bundles(options.bundle, made)
    return Signed(
        ref=str(reference),
        digest=root.digest,
        key=None if key is None else keys.fingerprint(key.public_key()),
        signed=tuple(done),
        identity=identity,
        bundles=len(made),
    )


class _Hand(Protocol):
    """Somebody who signs in a repository."""

    def image(self, subject: Descriptor) -> SignedItem: ...

    def documents(self, root: Document, image: Descriptor) -> Iterable[SignedItem]: ...


def _signed(hand: _Hand, root: Document) -> list[SignedItem]:
    """Everything that a document leads to, signed: itself, its images, what is said of them."""
    images = images_of(root)
    done = [hand.image(root.descriptor)] if root.media_type in INDEXES else []
    done += [hand.image(image) for image in images]
    for image in images:
        done += hand.documents(root, image)
    return done


def sign_manifest(there: RepositoryClient, key: keys.PrivateKey, subject: Descriptor) -> bool:
    """Sign one manifest of any kind, unless the key has; whether it was done now."""
    if is_signed_by(there, subject.digest, (key.public_key(),)):
        return False
    _Signing(there, key).image(subject)
    return True


def is_signed_by(there: RepositoryClient, subject: Digest, trusted: Iterable[keys.PublicKey]) -> bool:
    """Whether one of the keys signed a manifest. Raises ``RegistryError`` and ``VerificationError``."""
    layers = layers_of(there, signature_tag(subject))
    return any(is_signature_of(layer, key, subject) for key in trusted for layer in layers)


@dataclass(frozen=True, slots=True)
class _Signing:
    """One key at work in one repository."""

    client: RepositoryClient
    key: keys.PrivateKey

    def image(self, subject: Descriptor) -> SignedItem:
        tag = signature_tag(subject.digest)
        known = layers_of(self.client, tag)
        public = self.key.public_key()
        if not any(is_signature_of(layer, public, subject.digest) for layer in known):
            new = sign_image(self.key, str(self.client.repository), subject.digest)
            put_layers(self.client, subject, ARTIFACT, tag, (*known, new))
        return SignedItem("signature", platform_of(subject), subject.digest)

    def documents(self, root: Document, image: Descriptor) -> Iterator[SignedItem]:
        """Sign what is said of an image; of its index as well, so that it is found from either."""
        said = statements_about(self.client, root, image)
        for subject in {one.digest: one for one in (image, root.descriptor)}.values():
            tag = attestation_tag(subject.digest)
            known = layers_of(self.client, tag)
            have = {one.encode() for one in opened(known, self.key.public_key())}
            new = [
                statement_layer(Envelope.seal(self.key, about.encode()).encode(), about.predicate_type)
                for about in said
                if about.encode() not in have
            ]
            if new:
                put_layers(self.client, subject, ATTESTATION_ARTIFACT, tag, (*known, *new))
        for about in said:
            kind = about.predicate_type
            yield SignedItem(KINDS.get(kind, kind), platform_of(image), image.digest)


def put_layers(
    there: RepositoryClient, subject: Descriptor, artifact_type: str, tag: str, layers: Iterable[Layer]
) -> None:
    """Keep signatures or statements as cosign does: under their tag, which is also a referrer."""
    attached = collected(subject, artifact_type, layers)
    Publisher(there, PublishOptions(), lambda *_: None).send_attachments(as_attachments([attached]))
    there.put(tag, attached.document)


def layers_of(there: RepositoryClient, target: str) -> tuple[Layer, ...]:
    """The layers of a manifest of signatures or statements, verified by digest; none if there is no such tag."""
    try:
        document = there.get(target)
    except NotFoundError:
        return ()
    if document.media_type not in MANIFESTS:
        return ()
    layers = Manifest.parse(document.content).layers
    if len(layers) > MOST_LAYERS:
        raise RegistryError(
            f"{there.repository}:{target} has {len(layers)} layers", hint="no signatures are that many"
        )
    return tuple(Layer(layer, _content(there, layer)) for layer in layers)


def said_of(there: RepositoryClient, *subjects: Digest) -> Iterator[Layer]:
    """The signed statements, whoever signed them, that are kept for an image or its index."""
    for tag in dict.fromkeys(map(attestation_tag, subjects)):
        yield from layers_of(there, tag)


def opened(layers: Iterable[Layer], key: keys.PublicKey) -> Iterator[Statement]:
    """The statements among layers that the key signed."""
    witness = KeyWitness(key)
    for layer in layers:
        found = witness.layer_opened(layer)
        if found is not None:
            yield found


def unsigned_statements(there: RepositoryClient, root: Document, image: Descriptor) -> Iterator[Statement]:
    """What is said of an image in its index and by its referrers, whoever says it."""
    entries = Index.parse(root.content).manifests if root.media_type in INDEXES else ()
    about = [entry for entry in entries if entry.annotation(REFERENCE_DIGEST) == str(image.digest)]
    wanted = {MEDIA_TYPE, *_PREDICATES}
    about += [one for one in there.referrers(image.digest) if one.artifact_type in wanted]
    for entry in about:
        manifest = Manifest.parse(there.get(str(entry.digest)).content)
        for layer in manifest.layers[:MOST_LAYERS]:
            if layer.media_type in wanted:
                statement = _statement(layer, _content(there, layer), image.digest)
                if statement.is_about(image.digest):
                    yield statement


def statements_about(there: RepositoryClient, root: Document, image: Descriptor) -> tuple[Statement, ...]:
    """What is said of an image, one statement of each kind, also about its index: it is found from either."""
    said: dict[str, Statement] = {}
    for one in unsigned_statements(there, root, image):
        said.setdefault(one.predicate_type, one)  # what is in the index counts before what anybody may attach
    subjects = tuple(Subject(str(there.repository), one) for one in dict.fromkeys((image.digest, root.digest)))
    return tuple(Statement(subjects, kind, one.predicate) for kind, one in sorted(said.items()))


def _statement(layer: Descriptor, content: bytes, subject: Digest) -> Statement:
    if layer.media_type in _PREDICATES:
        return Statement((Subject("", subject),), _PREDICATES[layer.media_type], content)
    return Statement.parse(content)


def _content(there: RepositoryClient, layer: Descriptor) -> bytes:
    if layer.size > _LARGEST_LAYER:
        raise RegistryError(f"{there.repository}: {layer.digest} is too large to be a signature or a statement")
    return b"".join(there.blob(layer))


def read_key(path: Path) -> bytes:
    """A key file. Raises :class:`ConfigurationError`."""
    try:
        with path.open("rb") as file:
            return file.read(keys.MAXIMUM_KEY + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read the key {path}", why=error.strerror or str(error)) from None


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def platform_of(entry: Descriptor) -> str:
    """The platform that an index names for an image, "" for none."""
    return "" if entry.platform is None else str(entry.platform)
