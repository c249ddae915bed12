# SPDX-License-Identifier: Apache-2.0
"""The data that a site's search works on: two scripts, because a page opened from the disk may load nothing else.

``data/images.js`` has one row for each image and is loaded with the page. ``data/parts.js`` says which images have
which packages, layers and configurations; it is loaded when somebody searches. Rows of images are numbered; sets
of them are written as ranges, ``0-3 7``, which keeps what many images share short.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from imagewright.describe.catalogue.facts import OTHER, CatalogueImage, Findings
from imagewright.describe.wording import plain
from imagewright.model.digest import Digest

IMAGES = "data/images.js"
PARTS = "data/parts.js"
DIGITS = 24
"""Of digests of layers and configurations; 96 bits tell them apart."""

_VERSION = 1
_Ranges = list[list[int]]


class SearchData:
    """Collects what the scripts hold. Images are added in the order of the site."""

    def __init__(self) -> None:
        self._rows: list[list[object]] = []
        self._words: dict[str, dict[str, int]] = {name: {} for name in ("series", "variant", "suite", "platform")}
        self._states: dict[str, int] = {}
        self._packages: dict[str, dict[str, _Ranges]] = {}
        self._digests: dict[str, _Ranges] = {}

    def add(self, image: CatalogueImage, found: Findings | None) -> None:
        """Take one image in."""
        number = len(self._rows)
        suite = image.suite if image.suite != OTHER or found is None else (found.suite or OTHER)
        self._rows.append(
            [
                plain(image.name),
                image.digest.hex,
                self._index("series", image.series),
                self._index("variant", image.variant),
                self._index("suite", suite),
                self._index("platform", image.platform),
                _number(self._states, image.state),
                image.size,
                image.moment,
                [plain(tag) for tag in image.tags],
                plain(image.python or (found.python if found is not None else "")),
            ]
        )
        for package in found.packages if found is not None else ():
            _add(self._packages.setdefault(plain(package.name), {}), plain(package.version), number)
        for digest in (image.published.image_id, *(layer.digest for layer in image.published.layers)):
            _add(self._digests, _short(digest), number)

    def images(self) -> bytes:
        """``data/images.js``."""
        words = {name: list(known) for name, known in self._words.items()}
        facts = {"version": _VERSION, **words, "state": list(self._states)}
        lines = ",\n".join(_script(row) for row in self._rows)
        return f'self.catalogueImages={_script(facts)[:-1]},"images":[\n{lines}\n]}};\n'.encode("ascii")

    def parts(self) -> bytes:
        """``data/parts.js``."""
        packages = [
            [name, [[version, _written(ranges)] for version, ranges in sorted(versions.items())]]
            for name, versions in sorted(self._packages.items())
        ]
        digests = [[name, _written(ranges)] for name, ranges in sorted(self._digests.items())]
        lines = ",\n".join(_script(each) for each in packages)
        rest = ",\n".join(_script(each) for each in digests)
        return f'self.catalogueParts={{"packages":[\n{lines}\n],"digests":[\n{rest}\n]}};\n'.encode("ascii")

    def counts(self, name: str) -> Mapping[str, int]:
        """How many images there are of each series, variant, suite or platform."""
        place = 2 + list(self._words).index(name)
        found = dict.fromkeys(self._words[name], 0)
        words = list(found)
        for row in self._rows:
            number = row[place]
            assert isinstance(number, int)
            found[words[number]] += 1
        return found

    def states(self) -> Iterable[str]:
        """The states that images have, as far as there are records."""
        return [state for state in self._states if state]

    def _index(self, name: str, word: str) -> int:
        return _number(self._words[name], plain(word))


def _number(known: dict[str, int], word: str) -> int:
    return known.setdefault(word, len(known))


def _add(known: dict[str, _Ranges], name: str, number: int) -> None:
    """Add a row to a set; rows come in rising order."""
    ranges = known.setdefault(name, [])
    if ranges and ranges[-1][1] >= number - 1:
        ranges[-1][1] = number
    else:
        ranges.append([number, number])


def _written(ranges: _Ranges) -> str:
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _short(digest: Digest) -> str:
    return digest.hex[:DIGITS]


def _script(value: object) -> str:
    """A value as JavaScript: ASCII, and without anything that would end a script element."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
