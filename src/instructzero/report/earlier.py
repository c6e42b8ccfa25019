"""The page that an earlier report of a run wrote."""

from __future__ import annotations

import json
from pathlib import Path

from instructzero.errors import ConfigurationError
from instructzero.files import read_text

_BEGINNING, _END = '<script type="application/json" id="report-data">', "</script>"


def check_replaceable(page: Path, missing: str) -> None:
    """Raise `ConfigurationError` if the page shows the examples of the run, which a new one could not.

    Parameters
    ----------
    page
        The path of the page; there may be none.
    missing
        The reason why a new page has no examples, as a sentence.
    """
    if shows_examples(page):
        raise ConfigurationError(
            f"expected the examples of the run, which {page} shows, and found none for a new page: "
            f"{missing[:1].lower()}{missing[1:].removesuffix('.')}; the page is kept; write the new one to another "
            "file with --out"
        )


def shows_examples(page: Path) -> bool:
    """Return True if the page has the input of an example; False if it cannot be read."""
    try:
        content = read_text(page)
        data = json.loads(content.partition(_BEGINNING)[2].partition(_END)[0])
        return any(example["input"] is not None for part in data["examples"]["parts"] for example in part["examples"])
    except (OSError, ValueError, TypeError, KeyError):
        return False
