# SPDX-License-Identifier: Apache-2.0
"""A real Chromium, driven by its own driver, that tells every request it makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from peers.programs import HERE
from support.machine import program

FLAGS = (
    "--headless",
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_RULES = HERE / "accessibility.js"
_SECONDS = 30


class Browser:
    """One window. Sizes are in CSS pixels."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self.scheme = "light"
        self.resize(1440)

    def resize(self, width: int, height: int = 900) -> None:
        """Make the page so large, whatever the window is."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, scheme: str) -> None:
        """What the system says it prefers: light or dark."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, url: str) -> None:
        """Go to a page, from nowhere: only a new address behind the # would not load it again."""
        self.driver.get("about:blank")
        self.driver.get(url)

    def run(self, script: str, *arguments: object) -> Any:
        """What a piece of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        """The first element of a CSS selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements of a CSS selector, taken at one moment."""
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.innerText.trim())"
        return [str(text) for text in self.run(script, selector)]

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self) -> WebElement:
        """What has the focus."""
        return self.driver.switch_to.active_element

    def until(self, script: str, wanted: object) -> None:
        """Wait for what a script returns."""
        last: list[object] = []

        def there(_: object) -> bool:
            last[:] = [self.run(f"return {script}")]
            return bool(last[0] == wanted)

        try:
            WebDriverWait(self.driver, _SECONDS, 0.05).until(there)
        except TimeoutException:
            raise AssertionError(f"{script} is {last[0]!r}, not {wanted!r}") from None

    def problems(self) -> list[str]:
        """What is wrong with the page for those who cannot see it or use a mouse."""
        found = self.run(_RULES.read_text(encoding="utf-8"))
        assert found["texts"], "no text was looked at"
        return [str(one) for one in found["problems"]]

    def requests(self) -> list[str]:
        """Every address that was asked for since the last time, by whatever part of the browser shows pages."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        asked = [one["params"] for one in events if one["method"] == "Network.requestWillBeSent"]
        urls = [str(one["request"]["url"]) for one in asked]
        urls += [str(one["params"]["url"]) for one in events if one["method"] == "Network.webSocketCreated"]
        return [url for url in urls if url != "about:blank"]

    def complaints(self) -> list[str]:
        """What the console says: errors, and what the policy refused."""
        return [str(entry["message"]) for entry in self._log("browser")]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        return list(self.driver.get_log(kind))  # type: ignore[no-untyped-call] # selenium's own


@contextmanager
def run_browser(profile: Path) -> Iterator[Browser]:
    """A browser that knows nothing of earlier ones; ``profile`` is an empty directory."""
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium", "chromium")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(program("chromedriver", "chromium-driver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
