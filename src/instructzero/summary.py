"""The last words of a run on the terminal."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from instructzero.progress import Prices, Tally, format_cost, format_seconds, printable
from instructzero.result import Result, Scored


def print_summary(console: Console, result: Result, directory: Path, prices: Prices, tally: Tally) -> None:
    """The best instruction, its scores beside the plain one's, and what the run took."""
    _say(console, "")
    _instruction(console, "Best instruction", result.instruction, style="bold")
    _instruction(console, "Plain instruction (exemplars only, no soft prompt)", result.plain.instruction)
    sizes = len(result.best.validation.scores), len(result.best.test.scores)
    _say(console, f"{'score':<10}{f'validation ({sizes[0]})':>18}{f'test ({sizes[1]})':>14}", style="dim")
    _say(console, _scores("best", result.best))
    _say(console, _scores("plain", result.plain))
    if result.instruction == result.plain.instruction:
        _say(console, "No soft prompt led to a better instruction than the plain one.")
    _say(console, "")
    _say(console, _effort(result, prices, tally))
    _say(console, f"Kept in {directory}: instruction.txt, result.json, journal.jsonl, calls.sqlite")


def _instruction(console: Console, title: str, text: str, style: str = "") -> None:
    _say(console, title, style="dim")
    for line in textwrap.wrap(printable(text), console.width - 2) or ["(empty)"]:
        _say(console, f"  {line}", style=style)
    _say(console, "")


def _scores(name: str, scored: Scored) -> str:
    return f"{name:<10}{scored.validation.mean:>18.3f}{scored.test.mean:>14.3f}"


def _effort(result: Result, prices: Prices, tally: Tally) -> str:
    usage, now = result.usage, tally.usage.calls
    parts = [
        f"{len(result.trials)} evaluations",
        f"{result.distinct_instructions} distinct instructions",
        f"{usage.calls:,} black-box calls{f' ({now:,} of them now)' if now != usage.calls else ''}",
        f"{usage.prompt_tokens + usage.completion_tokens:,} tokens",
        format_cost(prices.cost(usage)),
        format_seconds(time.monotonic() - tally.started),
    ]
    return " · ".join(parts)


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)
