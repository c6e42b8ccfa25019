"""Pages in Chromium, as the machine has it, that keep account of their requests and errors."""

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
    """Chromium; where there is none, the test is skipped."""
    playwright = pytest.importorskip("playwright.sync_api", reason="looking at pages needs playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"looking at pages needs Chromium at {CHROMIUM}")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


class Watched:
    """The page at an address, once it has what ``ready`` selects; ``close`` it when it is not needed any more."""

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
        """Whether something is wider than the window."""
        width: int = self.page.viewport_size["width"]
        return bool(self.page.evaluate("document.documentElement.scrollWidth") > width)

    def faults(self, scheme: str = "light") -> list[tuple[str, list[str]]]:
        """The serious faults of accessibility that axe finds, each with the elements that have it."""
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
        self.page.emulate_media(color_scheme=scheme)
        found = axe.Axe().run(self.page).response["violations"]
        self.page.emulate_media(color_scheme="light")
        return [
            (each["id"], [node["html"][:120] for node in each["nodes"][:3]])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    def close(self) -> None:
        self.context.close()
