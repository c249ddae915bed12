# SPDX-License-Identifier: Apache-2.0
"""The site in a real Chromium: searched, filtered, walked by keyboard, light and dark; nothing leaves it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagewright.app.serving import Address, serve
from imagewright.app.site_files import SiteFiles
from imagewright.catalog.publication import Publication
from imagewright.describe.catalogue.pages import Site, assets, image_pages, index_page, list_pages
from imagewright.describe.catalogue.search import IMAGES, PARTS, SearchData
from peers.browser import Browser, run_browser
from peers.fixtures import Built
from support.catalogue import many

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MANY = 10_000
WITH_PAGES = 60
ROWS = "#rows li h3"
COUNT = "document.querySelector('#count').textContent"
TAB, ENTER, DOWN = "\ue004", "\ue007", "\ue015"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with run_browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(autouse=True)
def unchanged(browser: Browser) -> None:
    """Every test begins with a wide, light window, and nothing asked for yet."""
    browser.resize(1440)
    browser.prefer("light")
    browser.requests()
    browser.complaints()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of ten thousand images that are only data; the first of them have pages."""
    directory = tmp_path_factory.mktemp("large")
    site = Site(Publication(title="Ten thousand images"), None, {})
    data = SearchData()
    images = []
    with SiteFiles(directory, 0o022) as tree:
        for number, (image, found) in enumerate(many(MANY)):
            data.add(image, found)
            images.append(image)
            for path, content in image_pages(site, image, found) if number < WITH_PAGES else ():
                tree.put(path, content)
        for path, content in (*assets(), *list_pages(site, images)):
            tree.put(path, content)
        tree.put(IMAGES, data.images())
        tree.put(PARTS, data.parts())
        tree.put("index.html", index_page(site, data, MANY))
        tree.finish()
    return directory


@pytest.fixture(scope="module")
def served(large: Path) -> str:
    """The same over http; its threads end with the process."""
    begun = threading.Event()
    urls: list[str] = []

    def ready(url: str) -> None:
        urls.append(url)
        begun.set()

    threading.Thread(target=serve, args=(large, Address("127.0.0.1", 0), ready), daemon=True).start()
    assert begun.wait(10)
    return urls[0]


@pytest.fixture(params=["file", "http"])
def top(request: pytest.FixtureRequest, large: Path, served: str) -> str:
    """Where the large site is: on the disk, and on a web server."""
    return f"{large.as_uri()}/" if request.param == "file" else served


@dataclass(frozen=True, slots=True)
class Shown:
    """The site of a real image."""

    directory: Path
    built: Built

    def page(self, name: str = "index.html") -> str:
        """The address of one of the image's pages."""
        return (self.directory / "images" / self.built.answer["digest"].removeprefix("sha256:") / name).as_uri()


@pytest.fixture(scope="module")
def real(quick_image: Built, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    directory = tmp_path_factory.mktemp("real") / "out"
    written = quick_image.workshop.answer("site", directory)
    assert written["not_shown"] == []
    assert written["images"] >= 1
    again = quick_image.workshop.answer("site", directory)
    assert (again["written"], again["removed"], again["read"]) == (0, 0, 0)
    assert again["unchanged"] == again["files"] == written["files"]
    return Shown(directory, quick_image)


def choose(browser: Browser, select: str, value: str) -> None:
    """Choose an option as a click does."""
    browser.find(f"#{select} option[value='{value}']").click()


def type_in(browser: Browser, text: str, count: str) -> None:
    """Type into the search and wait for what it says."""
    field = browser.find("#query")
    field.clear()
    field.send_keys(text)
    browser.until(COUNT, count)


def test_ten_thousand_images_are_searched_and_filtered(browser: Browser, top: str) -> None:
    browser.open(f"{top}index.html")
    browser.until(COUNT, "10,000 of 10,000, page 1 of 200")
    assert len(browser.texts(ROWS)) == 50, "a page at a time, however many there are"
    assert browser.problems() == []
    type_in(browser, "3.14.7-slim-bookworm", "5 of 10,000")
    assert browser.texts(ROWS) == ["3.14.7-slim-bookworm"] * 5
    assert set(browser.texts("#rows .badge:first-child")) == {
        "linux/amd64",
        "linux/arm64/v8",
        "linux/386",
        "linux/riscv64",
        "linux/s390x",
    }
    choose(browser, "platform", "linux/s390x")
    browser.until(COUNT, "1 of 10,000")
    assert "platform=linux%2Fs390x" in browser.driver.current_url
    browser.find("#reset").click()
    browser.until(COUNT, "10,000 of 10,000, page 1 of 200")
    assert browser.focused().get_attribute("id") == "query"
    for select, value, count in (
        ("series", "3.12", "2,000 of 10,000, page 1 of 40"),
        ("suite", "trixie", "500 of 10,000, page 1 of 10"),
        ("variant", "minimal", "125 of 10,000, page 1 of 3"),
        ("state", "built", "18 of 10,000"),
    ):
        choose(browser, select, value)
        browser.until(COUNT, count)
    assert browser.complaints() == []
    assert all(url.startswith(top) for url in browser.requests())


def test_packages_and_digests_are_found_once_their_data_are_there(browser: Browser, top: str) -> None:
    browser.open(f"{top}index.html")
    browser.until(COUNT, "10,000 of 10,000, page 1 of 200")
    assert not [url for url in browser.requests() if url.endswith(PARTS)], "nobody searched yet"
    type_in(browser, "lib429-trixie", "625 of 10,000, page 1 of 13")
    assert browser.texts("#rows .match")[0] == "has lib429-trixie 429.0-1"
    type_in(browser, "lib429-trixie=429.3 3.14", "25 of 10,000")
    choose(browser, "scope", "tag")
    browser.until(COUNT, "None of 10,000 images. Fewer words or filters may find some.")
    choose(browser, "scope", "")
    image = next(image for number, (image, _) in enumerate(many(8)) if number == 7)
    for digest in (image.digest, image.published.image_id, image.published.layers[2].digest):
        for text in (str(digest), digest.hex, digest.hex[:12]):
            type_in(browser, text, "1 of 10,000")
            assert browser.texts(ROWS) == [image.name]
    assert any(url.endswith(PARTS) for url in browser.requests())
    type_in(
        browser, "<img src=x onerror=alert(1)>", "None of 10,000 images. Fewer words or filters may find some."
    )
    assert browser.complaints() == []


def test_data_that_come_late_leave_the_focus_where_it_is(browser: Browser, top: str) -> None:
    browser.open(f"{top}index.html")
    browser.until(COUNT, "10,000 of 10,000, page 1 of 200")
    browser.run("document.querySelector('#rows a').focus(); self.first = document.querySelector('#rows li')")
    again = "document.querySelector('#order').dispatchEvent(new Event('change'))"  # searches at once
    browser.run(f"document.querySelector('#query').value = '3.15.0'; {again}")
    browser.until(COUNT, "80 of 10,000, page 1 of 2")
    browser.until("Boolean(self.catalogueParts)", wanted=True)
    assert browser.focused().text == "3.15.0-forky"
    browser.run("self.first = document.querySelector('#rows li')")
    browser.run(again)
    assert browser.run("return document.querySelector('#rows li') === self.first"), "rows that stay are left alone"


def test_what_was_searched_for_stands_in_the_address(browser: Browser, top: str) -> None:
    browser.open(f"{top}index.html#q=lib001-forky&suite=forky&order=largest&page=2")
    browser.until(COUNT, "2,500 of 10,000, page 2 of 50")
    assert browser.find("#query").get_attribute("value") == "lib001-forky"
    assert browser.find("#suite").get_attribute("value") == "forky"
    browser.find("#pages button[aria-label='Next page']").click()
    browser.until(COUNT, "2,500 of 10,000, page 3 of 50")
    assert browser.focused().get_attribute("id") == "results-title"
    assert browser.driver.current_url.endswith("page=3")
    browser.find("#rows a").click()
    browser.driver.back()
    browser.until(COUNT, "2,500 of 10,000, page 3 of 50")
    browser.open(f"{top}index.html#series=nothing&page=-1&q=%3Cb%3E")
    browser.until(COUNT, "None of 10,000 images. Fewer words or filters may find some.")


def ring(browser: Browser) -> bool:
    """Whether one sees where the focus is."""
    script = (
        "const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)]"
    )
    style, width = browser.run(script)
    return bool(style != "none" and width >= 2)


def test_everything_can_be_done_by_keyboard(browser: Browser, top: str) -> None:
    browser.open(f"{top}index.html")
    browser.until(COUNT, "10,000 of 10,000, page 1 of 200")
    browser.keys(TAB)
    assert browser.focused().text == "Skip to content"
    assert ring(browser)
    assert browser.focused().rect["y"] >= 0, "it is seen when it has the focus"
    browser.keys(ENTER)
    assert browser.focused().get_attribute("id") == "main"
    browser.keys(TAB)
    assert browser.focused().get_attribute("id") == "query"
    browser.keys("3.15.0")
    browser.until(COUNT, "80 of 10,000, page 1 of 2")
    order = []
    for _ in range(8):
        browser.keys(TAB)
        assert ring(browser)
        order.append(browser.focused().get_attribute("id"))
    assert order == ["scope", "series", "variant", "suite", "platform", "state", "order", "reset"]
    browser.find("#suite").send_keys("bookworm")
    browser.until(COUNT, "20 of 10,000")
    browser.find("#reset").send_keys(TAB)
    assert browser.focused().text == "3.15.0-bookworm"
    assert ring(browser)
    browser.keys(ENTER)
    browser.until("document.querySelector('h1').textContent", "3.15.0-bookworm")
    browser.keys("/")
    assert browser.focused().tag_name == "body", "the key is the first page's alone"
    seen = []
    for _ in range(40):
        browser.keys(TAB)
        if browser.focused().tag_name == "body":
            break  # behind the last one, as it should be
        assert ring(browser), str(browser.focused().get_attribute("outerHTML"))[:200]
        seen.append(browser.focused().get_attribute("outerHTML"))
    assert len(set(seen)) > 25, "nothing keeps the focus to itself"
    browser.open(f"{top}index.html")
    browser.keys("/")
    assert browser.focused().get_attribute("id") == "query"


def ground(browser: Browser) -> str:
    return str(browser.run("return getComputedStyle(document.body).backgroundColor"))


LIGHT, DARK = "rgb(255, 255, 255)", "rgb(17, 22, 28)"


def test_light_and_dark_follow_the_system_or_the_switch(browser: Browser, served: str) -> None:
    browser.open(f"{served}index.html")
    assert ground(browser) == LIGHT
    browser.prefer("dark")
    assert ground(browser) == DARK
    choose(browser, "theme", "light")
    assert ground(browser) == LIGHT
    browser.find("#rows a").click()
    browser.until("document.querySelector('#theme').value", "light")
    assert ground(browser) == LIGHT, "other pages remember it"
    browser.prefer("light")
    choose(browser, "theme", "dark")
    assert ground(browser) == DARK
    assert browser.run("return getComputedStyle(document.documentElement).colorScheme") == "dark"
    choose(browser, "theme", "")
    assert ground(browser) == LIGHT


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 360])
def test_pages_of_a_real_image_are_accessible(browser: Browser, real: Shown, scheme: str, width: int) -> None:
    browser.resize(width)
    browser.prefer(scheme)
    names = ("index.html", "contents.html", "materials.html")
    urls = [(real.directory / name).as_uri() for name in ("index.html", "status.html", "list/1.html")]
    for url in (*urls, *map(real.page, names)):
        browser.open(url)
        browser.run("for (const each of document.querySelectorAll('details')) each.open = true")
        assert ground(browser) == (LIGHT if scheme == "light" else DARK)
        assert browser.problems() == [], url
    assert browser.complaints() == []
    asked = browser.requests()
    assert asked
    assert all(url.startswith(real.directory.as_uri()) for url in asked), asked


def test_the_rules_find_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text(
        "<!doctype html><title></title><body style='background:#fff'><h1>One</h1><h3>Three</h3><h1>Two</h1>"
        "<p style='color:#999'>faint</p><button></button><input><a href='#x' tabindex=3>x</a><svg></svg>"
        "<table><tr><td>1</table><ul><p>no</p></ul><p id=a></p><p id=a></p><div style='width:3000px'>wide</div>"
        "<nav aria-label=n>1</nav><nav aria-label=n>2</nav>"
        "<button style='border:1px solid #eee;height:9px'>b</button>"
    )
    browser.open((tmp_path / "bad.html").as_uri())
    found = " ".join(browser.problems())
    for words in (
        "no language",
        "no title",
        "2 of h1",
        "0 of main",
        "level 3 follows one of 1",
        "contrast 2.85",
        "has no name: <button>",
        "has no name: <input>",
        "order of the tab key",
        "drawing without a role",
        "has no caption",
        "other things than entries",
        "id a is there",
        "the page is 30",
        "landmarks have one name",
        "border has a contrast",
        "is only",
        "does not skip",
    ):
        assert words in found, words


def test_a_real_image_is_told_whole(browser: Browser, real: Shown) -> None:
    answer = real.built.answer
    browser.open((real.directory / "index.html").as_uri())
    browser.find("#query").send_keys(answer["digest"])
    browser.until("document.querySelectorAll('#rows li').length", 1)
    browser.until("Boolean(self.catalogueParts)", wanted=True)
    browser.find("#rows a").click()
    browser.until("document.querySelector('h1').textContent", answer["image"])
    assert browser.find("#digest").text == answer["digest"]
    assert "✓ checked" in browser.texts(".badge")
    assert set(browser.texts(".tags code")) == {answer["image"], *answer["tags"]}
    assert len(browser.texts(".layers tbody tr")) == len(answer["layers"])
    packages = browser.texts("#system-packages tbody th")
    assert any(text.startswith("libc6") for text in packages)
    browser.find("#narrow-packages").send_keys("openssl")
    browser.until(
        "[...document.querySelectorAll('#system-packages tbody tr')].filter((row) => !row.hidden).length < 6", True
    )
    browser.find("a[href='materials.html']").click()
    browser.until("document.querySelector('h1').textContent", "Bill of materials")
    assert any(text.startswith("pkg:deb/debian/libc6@") for text in browser.texts("#parts td code"))
    browser.open(real.page("contents.html"))
    assert "Python 3.13.15 in /usr/local/lib/python3.13" in browser.texts("h3")
    assert browser.complaints() == []


def test_commands_are_copied(browser: Browser, served: str) -> None:
    browser.open(f"{served}index.html")
    browser.until(COUNT, "10,000 of 10,000, page 1 of 200")
    browser.find("#rows a").click()
    browser.until("document.querySelectorAll('.command').length", 4)
    wanted = browser.find("#command-1").text
    assert wanted.startswith("docker pull --platform linux/amd64 registry.example/team/python:3.15.0-forky")
    browser.run("navigator.clipboard.writeText = async (text) => { self.copied = text; }")
    browser.find("[data-copy=command-1]").click()
    browser.until("self.copied", wanted)
    assert browser.find("main > [role=status]").get_attribute("textContent") == "Copied"


def test_without_scripts_there_is_a_plain_list(browser: Browser, large: Path) -> None:
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open((large / "index.html").as_uri())
        browser.find("noscript a").click()
        assert len(browser.texts("tbody tr")) == 250
        browser.find("a[rel=next]").click()
        assert browser.driver.current_url.endswith("list/2.html")
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_program_serves_until_it_is_interrupted(browser: Browser, real: Shown) -> None:
    workshop = real.built.workshop
    command = [sys.executable, "-m", "imagewright", "--store", workshop.store, "--lock", workshop.lock]
    running = subprocess.Popen(
        [*command, "site", real.directory, "--serve", "127.0.0.1:0"],
        cwd=workshop.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert running.stderr is not None
        lines = iter(running.stderr.readline, "")
        url = next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:[0-9]+/", line)))
        browser.open(url)
        browser.until("document.querySelectorAll('#rows li').length > 0", True)
        assert browser.problems() == []
        assert browser.complaints() == []
        assert all(one.startswith(url) for one in browser.requests())
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 0
    finally:
        running.kill()
        running.communicate()
