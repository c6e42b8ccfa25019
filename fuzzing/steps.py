"""What a case does: a command in this process, or a call of one function."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instructzero.cli import app

WORDS = tuple(
    "apple river stone cloud green light table chair mouse horse bread water house plant sugar money night".split()
)
SMALL = {
    "writer": "scripted:phrases",
    "blackbox": "scripted:obey",
    "method": "uniform",
    "evaluations": 2,
    "initial": 1,
    "batch": 1,
}
"""A run that ends in a tenth of a second."""


LASTING = ExitStack()
"""What lives until all cases are done, such as a server."""


@dataclass(frozen=True)
class Command:
    """The command line with these arguments."""

    arguments: tuple[str, ...]

    def __call__(self) -> None:
        """Call it in this process."""
        before, sys.argv = sys.argv, ["instructzero", *self.arguments]
        try:
            app.main()
        finally:
            sys.argv = before


@dataclass(frozen=True)
class Call:
    """A call of one function."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]

    def __call__(self) -> None:
        """Call it."""
        self.function(*self.arguments)


def command(*arguments: object) -> Command:
    """Return the step of a command line."""
    return Command(tuple(map(str, arguments)))


def flags(settings: dict[str, Any]) -> list[str]:
    """Return settings as flags."""
    return [part for name, held in settings.items() for part in (f"--{name.replace('_', '-')}", str(held))]


_DIGITS = 4


def without_long_work(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings without those that make a run long, as it is told to be: low rates, many evaluations."""
    if len(str(settings.get("evaluations", ""))) > _DIGITS and str(settings["evaluations"]).isdecimal():
        settings = {**settings, "evaluations": SMALL["evaluations"]}
    return {name: held for name, held in settings.items() if not name.endswith("_per_minute")}


def rows() -> list[dict[str, Any]]:
    """Return the rows of a small task: words and their reverse."""
    return [{"input": word, "output": word[::-1]} for word in WORDS]


def task_file(folder: Path) -> Path:
    """Write the small task, and return its path."""
    path = folder / "words.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
    return path
