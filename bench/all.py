# SPDX-License-Identifier: Apache-2.0
"""Many images at once against one after the other: how many images, how many compiles, and the time of both.

``python bench/all.py [--only GLOB]… [--profile quick] [--platform P,…] [--store DIR] [--apart]``: builds the
selection with ``build --all`` into an empty store. The sum of single builds is what each image would take in an
empty store of its own; it is worked out from the times of the build's steps, or measured, image by image, with
``--apart``. Steps that ran side by side took longer than alone, so the sum worked out is an upper bound.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def imagewright(store: Path, *words: str) -> tuple[float, Any]:
    """Run it; seconds, and its answer. Failed images are part of the answer."""
    program = [sys.executable, "-m", "imagewright", f"--store={store}", f"--lock={store}.lock", *words, "--json"]
    begun = time.perf_counter()
    ended = subprocess.run(program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    return time.perf_counter() - begun, json.loads(ended.stdout)


def main() -> int:
    """Build, and print a line for each figure; 1 if an image failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--profile", default="release")
    parser.add_argument("--platform")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--apart", action="store_true", help="also build each image by itself")
    words = parser.parse_args()
    more = [f"--profile={words.profile}", *([f"--platform={words.platform}"] if words.platform else [])]
    with tempfile.TemporaryDirectory(prefix="bench-all-") as temporary:
        directory = words.store or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        only = [f"--only={pattern}" for pattern in words.only]
        wall, images = imagewright(directory / "together", "build", "--all", *only, *more)
        built = [image for image in images if not image["error"]]
        report(wall, images, built)
        if words.apart:
            print(f"measured apart      {sum(apart(directory, built, more)):8.0f} s")
    return 1 if len(built) < len(images) or not built else 0


def report(wall: float, images: Sequence[dict[str, Any]], built: Sequence[dict[str, Any]]) -> None:
    """Print what came out."""
    steps = {step["id"]: step for image in images for step in image["steps"]}
    compiles = sum(step["name"].startswith("python ") and not step["cached"] for step in steps.values())
    single = sum(step["seconds"] for image in built for step in image["steps"])
    print(f"images              {len(built):8} of {len(images)}")
    print(f"compiles            {compiles:8}")
    print(f"wall                {wall:8.0f} s")
    print(f"sum of single steps {single:8.0f} s  ({single / wall:.1f} times)")


def apart(directory: Path, built: Sequence[dict[str, Any]], more: Sequence[str]) -> list[float]:
    """Seconds of each image in a store of its own."""
    return [
        imagewright(directory / f"apart-{number}", "build", image["image"], *more)[0]
        for number, image in enumerate(built)
    ]


if __name__ == "__main__":
    sys.exit(main())
