"""Suggest the nearest name when a name is misspelt."""

from collections.abc import Iterable

from instructzero.errors import nearest


def nearest_hint(name: str, names: Iterable[str]) -> str:
    """Return a bracket with the name nearest to ``name``, to append to an error message; empty when none is near.

    >>> nearest_hint("antonims", ["antonyms", "sum"])
    " (did you mean 'antonyms'?)"
    """
    near = nearest(name, names)
    return "" if near is None else f" (did you mean {near!r}?)"
