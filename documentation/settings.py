"""The page of all settings, from `instructzero.config.Settings`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from documentation.markdown import code, listed, plain
from instructzero.cli.settings_flags import choices_of, form_of
from instructzero.config import Panel, Settings, metadata_of, panel_of
from instructzero.config.environment import variable_of

_BEGIN = """\
---
search:
  boost: 4
---

# Settings

This page lists every setting of a run: the flags of `instructzero run`, which are also keys of a YAML file, keyword
arguments in Python, and environment variables. A flag takes precedence over a variable, and a variable over the file
([how to combine them](../how-to/configuration.md)).
"""
_KINDS = {int: "an integer", float: "a number", str: "a text", bool: "yes or no"}
_LIMITS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
_GREATEST = 2**53
"""The bound of all integers, which is not worth mentioning."""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_BEGIN, *_sections()])


def flag_of(name: str) -> str:
    """Return the flag of a setting.

    >>> flag_of("max_usd")
    '--max-usd'
    """
    return f"--{name.replace('_', '-')}"


def _sections() -> Iterator[str]:
    for panel in Panel:
        yield f"## {panel.value} {{ #section-{panel.name.lower().replace('_', '-')} }}\n"
        for name in Settings.model_fields:
            if panel_of(name) == panel.value:
                yield from _setting(name)


def _setting(name: str) -> Iterator[str]:
    field = Settings.model_fields[name]
    yield f"### {code(flag_of(name))} {{ #{flag_of(name)[2:]} }}\n"
    yield f"{_sentence(field.description or '')}\n"
    yield from (f"- {line}" for line in _facts(name))
    yield ""


def _sentence(text: str) -> str:
    return f"{plain(text[:1].upper() + text[1:])}."


def _facts(name: str) -> Iterator[str]:
    field = Settings.model_fields[name]
    choices = choices_of(name)
    yield f"Choices: {listed(choices)}" if choices else f"Value: {code(form_of(name))}{_kind(name)}"
    yield f"Default: {_default(field)}"
    yield f"YAML and Python: {code(name)} · environment: {code(variable_of(name))}"
    if metadata_of(name)["operational"]:
        yield "May differ when a run is resumed"


def _default(field: Any) -> str:
    if field.is_required():
        return "none; it must be given"
    if field.default in (None, ()):
        return "not set"
    return code({True: "yes", False: "no"}.get(field.default, field.default) if _is_bool(field) else field.default)


def _is_bool(field: Any) -> bool:
    return isinstance(field.default, bool)


def _kind(name: str) -> str:
    """Return the type of a setting and its bounds, such as ", an integer, above 0"."""
    annotation = Settings.model_fields[name].annotation
    kinds = [kind for kind in _parts(annotation) if kind in _KINDS]
    bounds = [*_bounds(Settings.model_fields[name].metadata), *_bounds(_inner(annotation))]
    return "".join(f", {part}" for part in [*(_KINDS[kind] for kind in kinds[:1]), *dict.fromkeys(bounds)])


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield the types in an annotation."""
    arguments = get_args(annotation)
    if not arguments or get_origin(annotation) is tuple:
        yield annotation
    for argument in arguments:
        yield from _parts(argument)


def _inner(annotation: Any) -> Iterator[Any]:
    """Yield the constraints inside an annotation."""
    for argument in get_args(annotation):
        yield from getattr(argument, "metadata", ())
        yield from _inner(argument)


def _bounds(constraints: Any) -> Iterator[str]:
    for constraint in constraints:
        yield from _bounds(getattr(constraint, "metadata", ()))
        for name, word in _LIMITS.items():
            value = getattr(constraint, name, None)
            if value is not None and value != _GREATEST:
                yield f"{word} {re.sub(r'^1e[+]?0*', '1e', format(value, 'g'))}"
