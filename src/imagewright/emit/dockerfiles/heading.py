# SPDX-License-Identifier: Apache-2.0
"""The comment at the head of a Dockerfile: what it is, where it comes from, how it is built."""

from __future__ import annotations

from imagewright.emit.dockerfiles import writing
from imagewright.emit.dockerfiles.model import Order

HEAD = "Written by imagewright from its catalog"
"""In the head of every Dockerfile that is ours: only such a one is ever removed."""


def heading(order: Order) -> str:
    """What people read first."""
    first = order.builds[0].definition
    variant = order.catalog.by_variant[order.name.variant]
    platforms = ", ".join(str(build.definition.platform) for build in order.builds)
    versions = (
        "Every package is pinned, by the lock."
        if order.builds[0].locked is not None
        else "The lock does not know this image: packages have the versions that the archive has that day."
    )
    builder = (
        "Builders need RUN --mount (BuildKit, buildah since 1.24)."
        if order.style.classic
        else "Builders need here-documents and ADD --checksum (BuildKit since 0.11, buildah since 1.33)."
    )
    text = f"""\
CPython {first.name.release}{first.name.flavour.value} on {order.name.suite}, {variant.title}.

{HEAD} (imagewright dockerfile {order.name}); changes here are lost. The scripts \
are those that `imagewright build` runs, with the same inputs.

Platforms: {platforms}
{versions}
{builder}
For the same times wherever it is built: --build-arg SOURCE_DATE_EPOCH={first.release_epoch}"""
    return writing.comment(text)
