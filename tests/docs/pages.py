"""The pages of each file of tests, so that two processes run them at the same time."""

from __future__ import annotations

from tests.docs.blocks import names_of_pages

_HOW_TO = [name for name in names_of_pages() if name.startswith("how-to/")]

GROUPS = {
    "how-to": _HOW_TO[::2],
    "more-how-to": _HOW_TO[1::2],
    "tutorial": [name for name in names_of_pages() if name.startswith("tutorial/")],
    "other": [name for name in names_of_pages() if not name.startswith(("how-to/", "tutorial/"))],
}
"""The names of pages, by group."""
