# SPDX-License-Identifier: Apache-2.0
"""Deleting a tag and nothing else, also where a registry deletes by digest alone."""

from __future__ import annotations

from imagewright.errors import RegistryError
from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.descriptor import CONFIG, MANIFEST, Descriptor
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient
from imagewright.registry.upload import Blob, Uploader

_NO_TAG_DELETION = frozenset({400, 405})
"""What registries answer that only delete by digest (distribution-spec 1.1, "Deleting tags": it is optional)."""


def delete_tag(client: RepositoryClient, tag: str) -> bool:
    """Delete a tag; whether there was one. Raises :class:`RegistryError`.

    Where the registry does not delete tags, the tag is moved to a manifest of nothing that no other tag names, and
    that one is deleted by its digest.
    """
    try:
        return client.delete_manifest(tag)
    except RegistryError as error:
        if error.details.get("status") not in _NO_TAG_DELETION:
            raise
    if client.find(tag) is None:
        return False
    nothing = canonical_json({"io.imagewright.untagged": f"{client.repository}:{tag}"})
    Uploader(client).send(Blob(Digest.of(nothing), len(nothing), lambda offset: (nothing[offset:],)))
    document = Document(Manifest(Descriptor.of(CONFIG, nothing), ()).encode(), MANIFEST)
    client.put(tag, document)
    return client.delete_manifest(str(document.digest))
