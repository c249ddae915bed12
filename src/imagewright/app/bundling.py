# SPDX-License-Identifier: Apache-2.0
"""Signed statements as bundles: made and attached to images, found there again, or in a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from imagewright.app.attesting import as_attachments
from imagewright.app.signing import (
    KINDS,
    MOST_LAYERS,
    layers_of,
    platform_of,
    put_layers,
    statements_about,
)
from imagewright.attest.bundle import (
    MAXIMUM_FILE,
    MEDIA_TYPE,
    Sealer,
    Witness,
    bundle_referrer,
    read_bundles,
    signed_statement,
    write_bundles,
)
from imagewright.attest.signature import ARTIFACT, identity_layer, signature_tag, to_be_signed
from imagewright.attest.statement import Statement
from imagewright.errors import ConfigurationError, VerificationError
from imagewright.model.attestations import SignedItem
from imagewright.model.digest import Digest
from imagewright.oci.descriptor import Descriptor
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient
from imagewright.registry.publish import Publisher, PublishOptions

_MOST_REFERRERS = 200


@dataclass(slots=True)
class Bundling:
    """Somebody at work in one repository; ``made`` are the bundles so far.

    What the ``witness`` recognises as signed by the same hand is not signed again.
    """

    client: RepositoryClient
    sealer: Sealer
    witness: Witness | None = None
    made: list[bytes] = field(default_factory=list)

    def image(self, subject: Descriptor) -> SignedItem:
        """Sign an index or an image; for cosign 2 also as it keeps signatures by default."""
        name = str(self.client.repository)
        self._attach(subject, signed_statement(name, (subject.digest,)))
        content = to_be_signed(name, subject.digest)
        signed = self.sealer.sign(content)
        layer = None if signed is None else identity_layer(content, signed)
        tag = signature_tag(subject.digest)
        known = layers_of(self.client, tag) if layer is not None else ()
        # Every signature by an identity is a new one: what is signed each night would have too many to be read.
        if layer is not None and len(known) < MOST_LAYERS:
            put_layers(self.client, subject, ARTIFACT, tag, (*known, layer))
        return SignedItem("signature", platform_of(subject), subject.digest)

    def documents(self, root: Document, image: Descriptor) -> Iterator[SignedItem]:
        """Sign what is said of an image; it is attached to the image, and names its index as well."""
        for about in statements_about(self.client, root, image):
            self._attach(image, about)
            kind = about.predicate_type
            yield SignedItem(KINDS.get(kind, kind), platform_of(image), image.digest)

    def _attach(self, subject: Descriptor, statement: Statement) -> None:
        found = self._known(subject.digest, statement)
        if found is None:
            found = self.sealer.seal(statement.encode())
            attached = bundle_referrer(subject, found, statement.predicate_type)
            Publisher(self.client, PublishOptions(), lambda *_: None).send_attachments(as_attachments([attached]))
        self.made.append(found)

    def _known(self, subject: Digest, statement: Statement) -> bytes | None:
        """The bundle that says so already, if the same hand can be recognised."""
        if self.witness is not None:
            for bundle in attached_bundles(self.client, subject):
                with suppress(VerificationError):  # the registry may hold anything; what is no bundle says nothing
                    if self.witness.opened(bundle).encode() == statement.encode():
                        return bundle
        return None


def attached_bundles(there: RepositoryClient, *subjects: Digest) -> Iterator[bytes]:
    """The bundles among an image's referrers, whoever made them."""
    for subject in dict.fromkeys(subjects):
        for one in there.referrers(subject, MEDIA_TYPE)[:_MOST_REFERRERS]:
            for layer in layers_of(there, str(one.digest)):
                if layer.described.media_type == MEDIA_TYPE:
                    yield layer.content


@dataclass(frozen=True, slots=True)
class Said:
    """What a witness said, of whatever; ``refused`` says of each bundle that is not theirs why it is none."""

    statements: tuple[Statement, ...]
    refused: tuple[str, ...]

    def of(self, predicate_type: str, *subjects: Digest) -> Statement | None:
        """The first statement of that kind about one of these."""
        for one in self.statements:
            if one.predicate_type == predicate_type and any(map(one.is_about, subjects)):
                return one
        return None


def opened_bundles(witness: Witness, bundles: Iterable[bytes]) -> Said:
    """The statements that the witness made, among bundles of anybody."""
    statements: list[Statement] = []
    refused: list[str] = []
    for bundle in bundles:
        try:
            statements.append(witness.opened(bundle))
        except VerificationError as error:
            refused.append(error.why or error.message)
    return Said(tuple(statements), tuple(refused))


def load_bundles(path: Path) -> tuple[bytes, ...]:
    """The bundles of a file. Raises :class:`ConfigurationError`, ``VerificationError``."""
    try:
        with path.open("rb") as file:
            content = file.read(MAXIMUM_FILE + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read the bundles in {path}", why=error.strerror or str(error)) from None
    return read_bundles(content, str(path))


def save_bundles(path: Path, bundles: Sequence[bytes]) -> None:
    """Write bundles, one on each line. Raises :class:`ConfigurationError`."""
    try:
        path.write_bytes(write_bundles(bundles))
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}", why=error.strerror or str(error)) from None
