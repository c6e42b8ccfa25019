"""The fixture that runs a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.blocks import DOCS, read_page
from tests.docs.running import run_page


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Return a function that runs the page of a name."""
    return lambda name: run_page(read_page(DOCS / f"{name}.md"), tmp_path, monkeypatch, capfd)
