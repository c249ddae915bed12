# SPDX-License-Identifier: Apache-2.0
"""``verify``: what of an image can be believed, by a public key or by an identity.

Fails closed: what is not proven has failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagewright.app.bundling import Said, attached_bundles, load_bundles, opened_bundles
from imagewright.app.registries import client, outside_source, read_reference
from imagewright.app.signing import KINDS, layers_of, platform_of, read_key, said_of
from imagewright.app.transferring import images_of, open_source
from imagewright.app.world import World
from imagewright.attest import keys, spdx
from imagewright.attest.bundle import SIGNED, KeyWitness, Witness
from imagewright.attest.provenance import PREDICATE
from imagewright.attest.signature import ARTIFACT, Layer, signature_tag
from imagewright.errors import UsageError
from imagewright.model.attestations import Finding, TrustOptions, Verified, VerifyOptions
from imagewright.model.digest import Digest
from imagewright.model.references import Reference, RegistryReference, StoreReference, with_tag
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.descriptor import MANIFEST, Descriptor
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient

_WANTED = (PREDICATE, spdx.PREDICATE)


def witness_of(world: World, trust: TrustOptions) -> Witness:
    """Who is believed. Raises :class:`ConfigurationError` for a key that is none, and more for identities."""
    if trust.key is not None:
        return KeyWitness(keys.read_public(read_key(trust.key), str(trust.key)))
    from imagewright.app.keyless import identity_witness

    return identity_witness(world, trust)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is to be believed: the digest that was named, and the images it leads to.

    ``assembled``: the index was put together here, out of images that were published in another one.
    """

    root: Digest
    images: tuple[Descriptor, ...]
    assembled: bool = False


def verify(world: World, text: str, options: VerifyOptions, access: RegistryAccess) -> Verified:
    """Look for a signature of what a reference names, and for signed documents about each image in it.

    With a file of bundles nothing else is asked: that needs no registry where the image is here, or its digest is
    named. Raises :class:`RegistryError` where the registry fails.
    """
    witness = witness_of(world, options.trust)
    reference = read_reference(text)
    if isinstance(reference, RegistryReference):
        reference = with_tag(reference)
    elif options.bundle is None:
        raise UsageError(
            f"{reference} is not in a registry, where signatures are", hint="name a file of them: --bundle FILE"
        )
    if options.bundle is not None:
        bundles = load_bundles(options.bundle)
        subject = _subject(world, reference, access)
        found = _by_bundles(witness, subject, opened_bundles(witness, bundles), options)
    else:
        assert isinstance(reference, RegistryReference)
        there = client(world, reference.repository, access)
        root = there.get(reference.target)
        subject = _Subject(root.digest, images_of(root))
        found = _in_registry(there, witness, root, options)
    return Verified(
        ref=str(reference),
        digest=subject.root,
        verified=tuple(finding for good, finding in found if good),
        failed=tuple(finding for good, finding in found if not good),
    )


_Findings = list[tuple[bool, Finding]]


def _subject(world: World, reference: Reference, access: RegistryAccess) -> _Subject:
    """From the place that has it; offline, a digest that was named stands for itself."""
    if isinstance(reference, RegistryReference) and reference.digest is not None and world.options.offline:
        return _Subject(reference.digest, (Descriptor(MANIFEST, reference.digest, 0),))
    if isinstance(reference, RegistryReference):
        root = client(world, reference.repository, access).get(reference.target)
    elif isinstance(reference, StoreReference):
        with world.open_store() as store:
            root = open_source(world, store, reference, access).root()
    else:
        root = outside_source(world, reference, access).root()
    return _Subject(root.digest, images_of(root), assembled=isinstance(reference, StoreReference))


def _by_bundles(witness: Witness, subject: _Subject, said: Said, options: VerifyOptions) -> _Findings:
    """By a file of bundles. Nobody signed an index that was put together here: then each of its images must be."""
    every = bool(subject.images) and all(said.of(SIGNED, image.digest) for image in subject.images)
    good = said.of(SIGNED, subject.root) is not None or (subject.assembled and every)
    found = [(good, Finding("signature", "", subject.root, _detail(witness, said, good=good, what="signature")))]
    if not options.signature_only:
        found += _documents(witness, subject, said)
    return found


def _in_registry(there: RepositoryClient, witness: Witness, root: Document, options: VerifyOptions) -> _Findings:
    """By what is attached to the image: signatures as cosign keeps them, and bundles."""
    images = images_of(root)
    bundles = attached_bundles(there, root.digest, *(image.digest for image in images))
    said = opened_bundles(witness, bundles)
    layers = _signatures(there, root.digest)
    found: _Findings = [_signature(witness, root.digest, layers, said)]
    if not options.signature_only:
        said = _with_layers(there, witness, root, images, said)
        found += _documents(witness, _Subject(root.digest, images), said)
    return found


def _signature(witness: Witness, root: Digest, layers: Sequence[Layer], said: Said) -> tuple[bool, Finding]:
    good = said.of(SIGNED, root) is not None or any(witness.signed(layer, root) for layer in layers)
    detail = _detail(witness, said, good=good, what="signature")
    if not good and layers and not said.refused:
        detail = f"none of {len(layers)} signatures is by {witness.name}"
    return good, Finding("signature", "", root, detail)


def _signatures(there: RepositoryClient, subject: Digest) -> tuple[Layer, ...]:
    """Under cosign's tag, or as referrers."""
    found = layers_of(there, signature_tag(subject))
    if found:
        return found
    return tuple(
        layer for one in there.referrers(subject, ARTIFACT) for layer in layers_of(there, str(one.digest))
    )


def _with_layers(
    there: RepositoryClient, witness: Witness, root: Document, images: Iterable[Descriptor], said: Said
) -> Said:
    """With the statements that cosign's tags hold."""
    layers = [layer for image in images for layer in said_of(there, image.digest, root.digest)]
    more = [one for layer in layers if (one := witness.layer_opened(layer)) is not None]
    return Said((*more, *said.statements), said.refused)


def _documents(witness: Witness, subject: _Subject, said: Said) -> _Findings:
    return [
        (
            good := said.of(kind, image.digest) is not None,
            Finding(
                KINDS[kind], platform_of(image), image.digest, _detail(witness, said, good=good, what="document")
            ),
        )
        for image in subject.images
        for kind in _WANTED
    ]


def _detail(witness: Witness, said: Said, *, good: bool, what: str) -> str:
    if good:
        return f"signed by {witness.name}"
    if what == "document":
        return f"there is none that {witness.name} signed"
    if said.refused and not said.statements:
        return f"none of {len(said.refused)} bundles holds: {said.refused[0]}"
    return f"there is no signature by {witness.name}" if said.statements else "there is no signature"
