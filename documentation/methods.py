"""The page of the search methods, from their registry and the heads of their modules."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from documentation.markdown import code, plain
from documentation.settings import flag_of
from instructzero.optimizers.registry import Method, get_method
from instructzero.registry import METHODS

_BEGIN = """\
# Search methods

This page lists the values of `--method`, each with its publication and the differences from it. `instructzero methods`
lists those that are installed, with those of other packages. [The method](../method.md) explains the default.
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_BEGIN, *(line for name in METHODS.own for line in _method(name))])


def _method(name: str) -> Iterator[str]:
    method = get_method(name)
    yield f"## {code(name)} {{ #{name} }}\n"
    yield f"{plain(method.summary[:1].upper() + method.summary[1:])}.\n"
    yield from (f"- {line}" for line in _facts(method))
    yield ""
    yield f"{_head(method)}\n"


def _facts(method: Method) -> Iterator[str]:
    parts = ", ".join(f"[{code(flag_of(name))}](settings.md#{flag_of(name)[2:]})" for name in method.parts)
    yield f"Its parts: {parts or 'none'}"
    yield f"Instructions race: {_yes(method.races)} · stops early: {_yes(method.stops_early)}"
    yield f"Selects on confirmation examples too: {_yes(method.confirms)} · texts from texts: {_yes(method.rewrites)}"
    if method.needs_soft_prompts:
        yield "Needs a writer that takes soft prompts"
    if method.represents:
        yield "Needs a writer that shows its hidden states"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _head(method: Method) -> str:
    """Return the docstring of the method's module as Markdown: paragraphs and lists."""
    text = sys.modules[method.make.__module__].__doc__ or ""
    return "\n\n".join(map(_paragraph, text.strip().split("\n\n")))


def _paragraph(text: str) -> str:
    first, *items = re.split(r"\n- ", text)
    return "\n".join([plain(first), *([""] if items else []), *(f"- {plain(item)}" for item in items)])
