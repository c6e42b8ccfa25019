"""The page of all commands, from the command line's own definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from documentation.markdown import code, plain
from documentation.settings import flag_of
from instructzero.cli.app import app
from instructzero.config import Settings

_BEGIN = """\
---
search:
  boost: 4
---

# Commands

This page lists every command and its flags. `instructzero COMMAND --help` shows the same in a terminal. The settings
of a run have [a page of their own](settings.md), and the codes that commands end with are [exit codes](exit-codes.md).
"""
_OWN = "\nThe settings of a run are further flags: see [Settings](settings.md).\n"


def commands() -> dict[str, Any]:
    """Return the commands by name."""
    found: Any = typer.main.get_command(app)
    return dict(found.commands)


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([_BEGIN, *_general(), *(line for name in commands() for line in _command(name))])


def flags(name: str) -> list[Any]:
    """Return the parameters of a command that are no settings of a run."""
    settings = {flag_of(setting) for setting in Settings.model_fields} if name in ("run", "doctor") else set()
    return [found for found in commands()[name].params if not settings.intersection(found.opts) and not found.hidden]


def _general() -> Iterator[str]:
    group: Any = typer.main.get_command(app)
    yield "## `instructzero` { #instructzero }\n"
    for found in group.params:
        yield from _parameter("instructzero", found)


def _command(name: str) -> Iterator[str]:
    yield f"## {code(f'instructzero {name}')} {{ #{name} }}\n"
    yield "\n\n".join(map(plain, str(commands()[name].help).split("\n\n")))
    yield _OWN if name in ("run", "doctor") else ""
    for found in flags(name):
        yield from _parameter(name, found)


def _parameter(command: str, found: Any) -> Iterator[str]:
    shown = found.metavar or found.name.upper() if found.param_type_name == "argument" else ", ".join(found.opts)
    yield f"### {code(shown)} {{ #{command}-{found.name.replace('_', '-')} }}\n"
    help_text = (found.help or "").rstrip(".")
    yield f"{plain(help_text[:1].upper() + help_text[1:])}.\n"
    yield from (f"- {line}" for line in _facts(found))
    yield ""


def _facts(found: Any) -> Iterator[str]:
    if found.param_type_name == "argument":
        yield "Argument" if found.required else "Argument, optional"
    elif found.is_flag:
        yield "Takes no value"
    else:
        yield f"Value: {code(''.join(str(found.metavar or 'TEXT').split()))}"
    if found.secondary_opts:
        yield f"The opposite: {code(', '.join(found.secondary_opts))}"
    if found.default not in (None, False, ()) and "default" not in (found.help or ""):
        yield f"Default: {code(found.default)}"
    if found.multiple:
        yield "May be repeated"
