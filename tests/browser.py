"""Pages in the installed Chromium that record their requests and errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def launched() -> Iterator[Any]:
    """Start Chromium, or skip the test if it is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="looking at pages needs playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"looking at pages needs Chromium at {CHROMIUM}")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


class Watched:
    """A page opened at ``address``, loaded when the selector ``ready`` matches. Call ``close`` after use."""

    def __init__(self, browser: Any, address: str, ready: str, width: int = 1440, scheme: str = "light"):
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type != "log" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector(ready)

    def sticks_out(self) -> bool:
        """Return True if the content is wider than the window."""
        width: int = self.page.viewport_size["width"]
        return bool(self.page.evaluate("document.documentElement.scrollWidth") > width)

    def faults(self, scheme: str = "light") -> list[tuple[str, list[str]]]:
        """Return the serious accessibility faults that axe finds, with some of the elements concerned."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
        self.page.emulate_media(color_scheme=scheme)
        found = axe.Axe().run(self.page).response["violations"]
        self.page.emulate_media(color_scheme="light")
        return [
            (fault["id"], [node["html"][:120] for node in fault["nodes"][:3]])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]

    def close(self) -> None:
        """Close the page and its browser context."""
        self.context.close()
