# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile of an image, whatever it stands on."""

from __future__ import annotations

from imagewright.emit.dockerfiles.alpine import write_alpine
from imagewright.emit.dockerfiles.debian import write_debian
from imagewright.emit.dockerfiles.heading import HEAD
from imagewright.emit.dockerfiles.model import Order, Written
from imagewright.emit.dockerfiles.windows import write_windows

MARK = f"# {HEAD}"

_WRITERS = {"alpine": write_alpine, "windows": write_windows}


def write_dockerfile(order: Order) -> Written:
    """Print it. Raises :class:`UsageError` for an image that no Dockerfile can be written for."""
    distribution = order.catalog.by_suite[order.name.suite].distribution
    return _WRITERS.get(distribution, write_debian)(order)
