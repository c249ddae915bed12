# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile of an image, whatever it stands on."""

from __future__ import annotations

from imagewright.emit.dockerfiles.debian import write_debian
from imagewright.emit.dockerfiles.model import Order, Written

MARK = "# Written by imagewright from its catalog"
"""In the head of every Dockerfile that is ours: only such a one is ever removed."""


def write_dockerfile(order: Order) -> Written:
    """Print it. Raises :class:`UsageError` for an image that no Dockerfile can be written for."""
    return write_debian(order)
