"""Pages in Chromium, for what is measured and drawn of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium")


@contextmanager
def opened(page_file: Path, width: int) -> Iterator[Page]:
    """The page of a file in a window of this width and 900 pixels of height."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(page_file.resolve().as_uri())
        yield page
        browser.close()
