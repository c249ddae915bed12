# SPDX-License-Identifier: Apache-2.0
"""Sizes of images in the store beside the official ones: each layer, as gzip, without bytecode, and as zstd.

``python bench/sizes.py [--store DIR] [NAME…]``: every image of the store, or those named
(``3.13.15-slim-trixie``). Builds nothing; layers are compressed the other way in memory only to be counted.

The official images ship no bytecode, so what is compared with them like for like is the column without it: the
same layers written again but for ``__pycache__`` below /usr/local, which is what ``--bytecode none`` leaves out.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imagewright.model.images import Compression
from imagewright.model.tree import EntryStream
from imagewright.oci.compression import PIECE, compress, pieces
from imagewright.oci.decompression import decompressed
from imagewright.oci.layers import Layer
from imagewright.oci.reader import read_layer
from recorded import save

OFFICIAL = {"slim-trixie": 42_961_458, "trixie": 412_660_988}
"""Bytes that a pull of the official python:3.13-… transfers (August 2026, amd64); no minimal image exists."""

GOALS = {
    "slim-trixie": 46_000_000,
    "trixie": OFFICIAL["trixie"],
    "minimal-trixie": OFFICIAL["slim-trixie"] * 45 // 100,
}
"""Bytes as gzip at most with bytecode, which the official ones do not have; minimal 45 % of official slim."""

_OWN_BYTECODE = re.compile(r"usr/local/(.*/)?__pycache__(/|$)")
_LARGEST = 64 << 30
_LATEST = (1 << 33) - 1
"""Seconds: no time in a layer is later, so that none is changed."""


def images(store: str | None, wanted: list[str]) -> Iterator[tuple[str, dict[str, Any], Path]]:
    """Name, manifest and blob directory of the images of a store."""
    words = [
        sys.executable,
        "-m",
        "imagewright",
        *([f"--store={store}"] if store else []),
        "store",
        "ls",
        "--json",
    ]
    contents = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    blobs = Path(contents["directory"]) / "blobs" / "sha256"
    for image in contents["images"]:
        if not wanted or image["image"] in wanted:
            manifest = json.loads((blobs / image["digest"].removeprefix("sha256:")).read_bytes())
            yield image["image"], manifest, blobs


def zstd_size(path: Path) -> int:
    """Bytes of a layer if it were compressed with zstd, as ``compression = "zstd"`` does."""
    with path.open("rb") as file:
        plain = decompressed(file, maximum=_LARGEST)
        parts = pieces(iter(lambda: plain.read(1 << 20), b""), PIECE[Compression.ZSTD])
        return sum(map(len, compress(parts, Compression.ZSTD, jobs=2)))


def without_bytecode(path: Path) -> int:
    """Bytes of a layer as gzip if it had no bytecode of the interpreter's, written as a build writes it.

    That of the distribution's own packages stays: their scripts make it in the official images as well.
    """

    def source(entries: EntryStream) -> EntryStream:
        return ((entry, content) for entry, content in entries if not _OWN_BYTECODE.match(entry.path))

    with path.open("rb") as file:
        return sum(map(len, Layer(source(read_layer(file)), epoch=_LATEST, jobs=2)))


def verdict(name: str, size: int, most: int) -> tuple[str, bool]:
    """A row that says whether a goal is met, and whether it is."""
    met = size <= most
    return f"| {name} | {size:,}, at most {most:,}: {'met' if met else 'MISSED'} | | |", met


def main() -> int:
    """Print a table for each image; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*")
    parser.add_argument("--store")
    words = parser.parse_args()
    missed, recorded = 0, dict[str, dict[str, int]]()
    for name, manifest, blobs in images(words.store, words.specs):
        config = json.loads((blobs / digest(manifest["config"])).read_bytes())
        labels = [step["created_by"].removeprefix("imagewright ") for step in config["history"]]
        total = bare = zstd = 0
        print(f"\n| {name} | gzip | gzip without bytecode | zstd |\n|---|---|---|---|")
        for layer, label in zip(manifest["layers"], labels, strict=True):
            blob = blobs / digest(layer)
            sizes = layer["size"], without_bytecode(blob), zstd_size(blob)
            total, bare, zstd = total + sizes[0], bare + sizes[1], zstd + sizes[2]
            print(f"| {label} | {' | '.join(f'{size:,}' for size in sizes)} |")
        recorded[name] = {"gzip": total, "gzip without bytecode": bare, "zstd": zstd}
        print(f"| all | {total:,} | {bare:,} | {zstd:,} |")
        kind = name.partition("-")[2]
        goals = []
        if kind in OFFICIAL:
            goals.append(("without bytecode, beside the official one", bare, OFFICIAL[kind]))
            goals.append(("as zstd with bytecode, beside the official one without", zstd, OFFICIAL[kind]))
        goals += [("as it is", total, GOALS[kind])] if kind in GOALS else []
        for goal in goals:
            row, met = verdict(*goal)
            missed += not met
            print(row)
    save("sizes", {"images": recorded, "official": OFFICIAL})
    return int(missed > 0)


def digest(descriptor: dict[str, str]) -> str:
    """The hexadecimal digest of what a descriptor points to."""
    return descriptor["digest"].removeprefix("sha256:")


if __name__ == "__main__":
    raise SystemExit(main())
