"""Options that several commands share, and closed choices with their names in help and shell completion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from shutil import get_terminal_size
from typing import Annotated, Any

import typer

ENGINES = ("processes", "ray", "slurm")
FIGURES = ("fig1", "fig4", "fig5", "fig6", "table1")
FORMATS = (
    *("txt", "json", "csv", "scores", "python", "curl", "dspy", "promptfoo", "inspect", "langchain", "messages"),
    "figures",
)
TRACKERS = ("tensorboard", "mlflow", "wandb")
"""Names of choices, repeated here because the modules that define them are heavy to import."""

_NARROWEST = 24
"""Columns that a choice may take in the help at least."""


def choice(names: Sequence[str], *flags: str, **settings: Any) -> Any:
    """Return an option whose help and completion name the possible values; ``settings`` are those of `typer.Option`.

    The values are not checked here, so that one message serves flags, YAML files and Python.
    """
    return typer.Option(*flags, metavar=braced(names), autocompletion=completion(lambda: names), **settings)


def braced(names: Iterable[str]) -> str:
    """Return names in braces, in lines that leave the help texts two thirds of the terminal.

    >>> braced(["yes", "no"])
    '{yes,no}'
    """
    width = max(_NARROWEST, get_terminal_size().columns * 3 // 10)
    lines = ["{"]
    names = list(names)
    for position, name in enumerate(names):
        part = name + ("}" if position == len(names) - 1 else ",")
        if len(lines[-1] + part) > width and lines[-1] != "{":
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def completion(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return a completion of the last of several values between commas; ``names`` is called when it is needed."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in names() if name.startswith(last)]

    return complete


def task_names() -> tuple[str, ...]:
    """Return the names of the built-in tasks."""
    from instructzero.tasks import builtin_names

    return builtin_names()


def method_names() -> tuple[str, ...]:
    """Return the names of the search methods."""
    from instructzero.registry import METHODS

    return METHODS.names()


Plain = Annotated[bool, typer.Option("--plain", help="print log lines instead of the live display")]
Quiet = Annotated[bool, typer.Option("--quiet", help="print only the best instruction, no progress")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object; progress goes to standard error")]
LogTo = Annotated[list[str] | None, choice(TRACKERS, "--log-to", help="also log scores to a tracker; may be repeated")]
Open = Annotated[bool, typer.Option("--open", help="open the page in the browser")]
