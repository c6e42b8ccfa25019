"""The last words of a run on the terminal."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from instructzero.progress import Prices, Tally, format_cost, format_seconds
from instructzero.result import Result


def print_summary(console: Console, result: Result, directory: Path, prices: Prices, tally: Tally) -> None:
    """The best instruction, its scores beside the plain one's, and what the run took."""
    console.print()
    console.print("Best instruction")
    console.print(Padding(Text(result.instruction, style="bold"), (0, 0, 1, 2)))
    console.print(_scores(result))
    console.print(Padding(Text(_costs(result, prices, tally)), (1, 0, 0, 0)))
    console.print(Text(f"Kept in {directory}: instruction.txt, result.json, journal.jsonl, calls.sqlite"))


def _scores(result: Result) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("validation", justify="right")
    table.add_column("test", justify="right")
    table.add_column("instruction", overflow="fold")
    for name, scored in (("best", result.best), ("plain (no soft prompt)", result.plain)):
        table.add_row(name, f"{scored.validation.mean:.3f}", f"{scored.test.mean:.3f}", Text(scored.instruction))
    examples = (
        f"({len(result.best.validation.scores)} examples)",
        f"({len(result.best.test.scores)} examples)",
    )
    table.add_row("", *examples, "", style="dim")
    return table


def _costs(result: Result, prices: Prices, tally: Tally) -> str:
    usage = result.usage
    cost = prices.cost(usage)
    parts = [
        f"{len(result.trials)} evaluations",
        f"{result.distinct_instructions} distinct instructions",
        f"{usage.calls:,} black-box calls ({tally.usage.calls:,} of them now)",
        f"{usage.prompt_tokens + usage.completion_tokens:,} tokens",
        *([format_cost(cost)] if cost is not None else []),
        format_seconds(time.monotonic() - tally.started),
    ]
    return " · ".join(parts)
