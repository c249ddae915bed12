# SPDX-License-Identifier: Apache-2.0
"""How a site grows with its images: time and bytes of its search data and pages, and a search in Chromium.

    PYTHONPATH=tests .venv/bin/python bench/searched_site.py     (needs chromium and chromium-driver)

The goal is judged by ratios: ten times the images take at most 13 times the time and bytes for each image do not
grow. The time of a search is told, and must stay below what a person takes for immediate (0.1 s) ten times over.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from imagewright.app.site_files import SiteFiles
from imagewright.catalog.publication import Publication
from imagewright.describe.catalogue.pages import Site, assets, image_pages, index_page
from imagewright.describe.catalogue.search import IMAGES, PARTS, SearchData
from peers.browser import Browser, run_browser
from support.catalogue import many

SMALL, LARGE = 1_000, 10_000
PAGES = 200
WORDS = ("3.14.7-slim-bookworm", "lib042-trixie", "lib042-trixie=42.3 s390x", "sha256:1234567", "python")
# A change of the order searches at once, without the pause of typing.
SEARCH = """
const field = document.querySelector('#query');
const count = document.querySelector('#count');
const begun = performance.now();
field.value = arguments[0];
document.querySelector('#order').dispatchEvent(new Event('change'));
return [performance.now() - begun, count.textContent];
"""


def write(directory: Path, number: int) -> tuple[float, int]:
    """The site's data; seconds that making them took, without making up the images, and bytes."""
    site = Site(Publication(), None, {})
    images = list(many(number))
    begun = time.monotonic()
    data = SearchData()
    for image, found in images:
        data.add(image, found)
    files = [
        *assets(),
        (IMAGES, data.images()),
        (PARTS, data.parts()),
        ("index.html", index_page(site, data, number)),
    ]
    seconds = time.monotonic() - begun
    with SiteFiles(directory, 0o022) as tree:
        for path, content in files:
            tree.put(path, content)
        tree.finish()
    return seconds, sum(len(content) for _, content in files)


def pages() -> float:
    """Seconds for the pages of one image, all of them, on average."""
    site = Site(Publication(), None, {})
    images = list(many(PAGES))
    begun = time.monotonic()
    for image, found in images:
        list(image_pages(site, image, found))
    return (time.monotonic() - begun) / PAGES


def search(browser: Browser, url: str) -> list[tuple[str, float, str]]:
    """Milliseconds of each search, the best of five, and what it said."""
    browser.open(url)
    browser.run("document.querySelector('#query').focus()")
    browser.until("Boolean(self.catalogueParts)", wanted=True)
    found = []
    for words in WORDS:
        runs = [browser.run(SEARCH, words) for _ in range(5)]
        found.append((words, min(float(run[0]) for run in runs), str(runs[0][1])))
    return found


def main() -> int:
    """Print the figures; 1 if a goal is missed."""
    with tempfile.TemporaryDirectory() as space:
        directory = Path(space)
        small = write(directory / "small", SMALL)
        large = write(directory / "large", LARGE)
        print(f"search data, {SMALL} images: {small[0]:.2f} s, {small[1] / SMALL:.0f} bytes each")
        print(f"search data, {LARGE} images: {large[0]:.2f} s, {large[1] / LARGE:.0f} bytes each")
        print(f"all pages of one image: {1000 * pages():.1f} ms")
        with run_browser(directory / "profile") as browser:
            searches = search(browser, (directory / "large/index.html").as_uri())
    for words, milliseconds, said in searches:
        print(f"search for {words}: {milliseconds:.1f} ms ({said})")
    grows = large[0] / small[0]
    print(f"ten times the images take {grows:.1f} times as long")
    met = grows <= 13 and large[1] / LARGE <= small[1] / SMALL and max(one[1] for one in searches) < 100
    print("goal met" if met else "goal missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
