# SPDX-License-Identifier: Apache-2.0
"""``verify``: what of an image can be believed by a public key. Fails closed: what is not proven has failed."""

from __future__ import annotations

from imagewright.app.registries import client, registry_reference
from imagewright.app.signing import KINDS, layers_of, opened, read_key, said_of
from imagewright.app.transferring import images_of
from imagewright.app.world import World
from imagewright.attest import keys, spdx
from imagewright.attest.provenance import PREDICATE
from imagewright.attest.signature import ARTIFACT, Layer, is_signature_of, signature_tag
from imagewright.attest.statement import Statement
from imagewright.model.attestations import Finding, Verified, VerifyOptions
from imagewright.model.digest import Digest
from imagewright.model.references import with_tag
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.descriptor import Descriptor
from imagewright.registry.client import RepositoryClient

_WANTED = (PREDICATE, spdx.PREDICATE)


def verify(world: World, text: str, options: VerifyOptions, access: RegistryAccess) -> Verified:
    """Look for a signature of what a reference names, and for signed documents about each image in it.

    Raises :class:`RegistryError` where the registry fails, :class:`ConfigurationError` for a key that is none.
    """
    key = keys.read_public(read_key(options.key), str(options.key))
    reference = with_tag(registry_reference(text))
    there = client(world, reference.repository, access)
    root = there.get(reference.target)
    found = [_signature(there, key, root.descriptor)]
    if not options.signature_only:
        for image in images_of(root):
            found += _documents(there, key, image, root.digest)
    return Verified(
        ref=str(reference),
        digest=root.digest,
        verified=tuple(finding for good, finding in found if good),
        failed=tuple(finding for good, finding in found if not good),
    )


def _signature(there: RepositoryClient, key: keys.PublicKey, root: Descriptor) -> tuple[bool, Finding]:
    layers = _signatures(there, root.digest)
    good = any(is_signature_of(layer, key, root.digest) for layer in layers)
    detail = "signed by this key"
    if not good:
        detail = f"none of {len(layers)} signatures is by this key" if layers else "there is no signature"
    return good, Finding("signature", "", root.digest, detail)


def _signatures(there: RepositoryClient, subject: Digest) -> tuple[Layer, ...]:
    """Under cosign's tag, or as referrers."""
    found = layers_of(there, signature_tag(subject))
    if found:
        return found
    return tuple(
        layer for one in there.referrers(subject, ARTIFACT) for layer in layers_of(there, str(one.digest))
    )


def _documents(
    there: RepositoryClient, key: keys.PublicKey, image: Descriptor, root: Digest
) -> list[tuple[bool, Finding]]:
    said: dict[str, Statement] = {}
    for statement in opened(said_of(there, image.digest, root), key):
        if statement.is_about(image.digest):
            said.setdefault(statement.predicate_type, statement)
    platform = "" if image.platform is None else str(image.platform)
    return [
        (
            kind in said,
            Finding(
                KINDS[kind],
                platform,
                image.digest,
                "signed by this key" if kind in said else "there is none that this key signed",
            ),
        )
        for kind in _WANTED
    ]
