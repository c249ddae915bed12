# SPDX-License-Identifier: Apache-2.0
"""Tables of contents of layers: each layer is read once, and what it told is kept in the store."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

from imagewright.describe.scan import KEPT, is_kept
from imagewright.oci.descriptor import Descriptor
from imagewright.oci.reader import read_layer
from imagewright.oci.source import ImageSource
from imagewright.oci.streams import verified_stream
from imagewright.oci.toc import FORMAT, TocEntry, parse_toc, read_toc, write_toc
from imagewright.store.store import Store

_LARGEST = 512 << 20
"""Bytes of a table as it is kept; a full image's largest has 12 million."""


def layer_contents(
    store: Store, source: ImageSource, layer: Descriptor, told: Callable[[int], None] | None = None
) -> Iterator[TocEntry]:
    """What is in a layer of ``source``; ``told`` hears how many bytes of it were read.

    Raises what reading and verifying raises.
    """
    tables = store.derived("table of contents", f"{FORMAT} {KEPT}")
    table = tables.get(layer.digest.hex)
    if table is None:
        entries = read_layer(verified_stream(source, layer, told), whiteouts=True)
        table = store.blobs.put(write_toc(read_toc(entries, is_kept)))
        tables.put(layer.digest.hex, table)
    yield from parse_toc(io.BytesIO(store.blobs.read(table, limit=_LARGEST)))
