"""An extension of Griffe: examples in docstrings are blocks of code, also without a section of their own."""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"(?:^[ \t]*>>> .*\n?(?:^(?![ \t]*$).*\n?)*)", re.MULTILINE)


def fenced(text: str) -> str:
    r"""Return a docstring with its doctests in fences.

    >>> fenced("Add.\n\n>>> 1 + 1\n2\n\nMore.")
    'Add.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore.'
    """
    return _EXAMPLE.sub(lambda found: f"```pycon\n{_without_directives(found[0]).rstrip()}\n```\n", text).rstrip()


def _without_directives(text: str) -> str:
    return re.sub(r"[ \t]*# doctest:.*", "", text)


class Examples(griffe.Extension):
    """Fences the examples of every docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
