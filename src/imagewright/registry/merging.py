# SPDX-License-Identifier: Apache-2.0
"""Joining platforms into one index. Pure: the same platforms give the same index, whoever joined them."""

from __future__ import annotations

from collections.abc import Sequence

from imagewright.oci.descriptor import Descriptor
from imagewright.oci.index import Index

IMAGE_ANNOTATION = "io.imagewright.image"
"""Of an entry: the image it belongs to, so that an index never joins two releases under one moving tag."""

REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
"""How BuildKit marks an attestation's entry, and which manifest it is about (moby/buildkit,
docs/attestations/attestation-storage.md)."""


def joined(known: Sequence[Descriptor], entries: Sequence[Descriptor], attached: Sequence[Descriptor]) -> Index:
    """An index of ``entries``, and of what is ``known`` for platforms that they do not cover.

    Platforms come sorted, each followed by its attestations; those of a manifest that is replaced go with it, and
    those that were known of one give way to those that are ``attached`` to it now.
    """
    ours = {platform_of(entry) for entry in entries}
    kept = [entry for entry in known if not is_attestation(entry) and platform_of(entry) not in ours]
    there = {str(entry.digest) for entry in (*entries, *kept)}
    anew = {entry.annotation(REFERENCE_DIGEST) for entry in attached}
    before = [entry for entry in known if entry.annotation(REFERENCE_DIGEST) not in anew]
    notes = {
        (entry.annotation(REFERENCE_DIGEST), entry.digest): entry
        for entry in (*before, *attached)
        if is_attestation(entry) and entry.annotation(REFERENCE_DIGEST) in there
    }
    manifests: list[Descriptor] = []
    for entry in sorted((*entries, *kept), key=lambda one: (platform_of(one), one.digest.hex)):
        manifests.append(entry)
        manifests += [note for (about, _), note in sorted(notes.items()) if about == str(entry.digest)]
    return Index(tuple(manifests))


def is_attestation(entry: Descriptor) -> bool:
    """Whether an entry is no image but a note about one."""
    return bool(entry.annotation(REFERENCE_TYPE))


def platform_of(entry: Descriptor) -> tuple[str, str]:
    """What an index has one image for: one of Windows fits its own version of Windows only."""
    return (str(entry.platform), entry.platform.os_version) if entry.platform is not None else ("", "")
