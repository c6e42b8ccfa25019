"""Names of files and folders as users give them."""

from __future__ import annotations

import os
from pathlib import Path

from instructzero.errors import ConfigurationError

_SHOWN = 80  # characters of a name in a message


def check_name(path: str | Path) -> None:
    """Raise `ConfigurationError` for a text that no file or folder can have as its name.

    >>> check_name("runs/antonyms")
    """
    text = str(path)
    try:
        held = b"\0" in os.fsencode(text)
    except UnicodeEncodeError:
        held = True
    if held:
        shown = repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
        raise ConfigurationError(
            f"expected the name of a file or folder, got {shown}, which has a null character or half of a surrogate "
            "pair; choose another name"
        )
