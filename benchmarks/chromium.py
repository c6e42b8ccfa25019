"""Opening pages in Chromium, for measurements and pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium")


def opened(page_file: Path, width: int, height: int = 900) -> AbstractContextManager[Page]:
    """Open a file in a window of ``width`` × ``height`` pixels, and close it when the block ends."""
    return opened_address(page_file.resolve().as_uri(), width, height)


@contextmanager
def opened_address(address: str, width: int, height: int = 900) -> Iterator[Page]:
    """Open an address in a window of ``width`` × ``height`` pixels, and close it when the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(address)
        yield page
        browser.close()
