"""The nearest name, offered when one is misspelt."""

import difflib
from collections.abc import Iterable


def nearest_hint(name: str, names: Iterable[str]) -> str:
    """A bracket to append to what was asked for, empty when nothing is near.

    >>> nearest_hint("antonims", ["antonyms", "sum"])
    " (did you mean 'antonyms'?)"
    """
    nearest = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {nearest[0]!r}?)" if nearest else ""
