"""A comparison of runs on the terminal, or as JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from instructzero.cli.compare import Comparison, Pair, compare, read_runs
from instructzero.finished_run import FinishedRun
from instructzero.records.uncertainty import score_interval
from instructzero.terminal import excerpt, format_cost, paragraph, printable, unbroken
from instructzero.types import Evaluation

_WIDE = 120
"""Terminal width from which the table has columns for run and instruction; below, they are printed above it."""

_NUMBERS = ("vali-\ndation", "confir-\nmation", "test\n[95 % interval]", "\ncalls", "\ndollars")


def print_comparison(paths: Sequence[Path], *, as_json: bool = False) -> None:
    """Compare the finished runs in ``paths`` and print the result; raise `ConfigurationError` if they cannot be."""
    comparison = compare(read_runs(paths))
    if as_json:
        print(json.dumps(comparison.to_dict(), indent=2))
        return
    console = Console(highlight=False)
    wide = console.width >= _WIDE
    if not wide:
        _print_names(console, comparison)
    console.print(_table(comparison, wide))
    console.print()
    _print_pairs(console, comparison.pairs)
    for note in comparison.notes():
        paragraph(console, f"Warning: {note}")
    best = max(comparison.runs.values(), key=lambda run: run.test.score)
    command = f"instructzero export {shlex.quote(printable(str(best.path)))} --format python"
    paragraph(console, f"Export the best: {unbroken(command)}")


def _print_names(console: Console, comparison: Comparison) -> None:
    for label, run in comparison.runs.items():
        paragraph(console, f"{label}  {printable(str(run.path))}", indent="   ")
        paragraph(console, _quoted(run), first="   ", indent="   ")
    console.print()


def _table(comparison: Comparison, wide: bool) -> Table:
    """Return a table with one row per run; headings of two lines keep the numbers narrow."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column()
    if wide:
        table.add_column("\nrun", overflow="fold")
    table.add_column("\nmethod", overflow="fold")
    table.add_column("\nseed", justify="right")
    if wide:
        table.add_column("\ninstruction", overflow="fold", ratio=1)
    for name in _NUMBERS:
        table.add_column(name, justify="right", no_wrap=True)
    for label, run in comparison.runs.items():
        known = [label, str(run.path), run.settings.method, str(run.settings.seed), _quoted(run)]
        cells = known if wide else [label, run.settings.method, str(run.settings.seed)]
        table.add_row(*(Text(printable(cell)) for cell in [*cells, *_numbers(run)]))
    return table


def _numbers(run: FinishedRun) -> list[str]:
    interval = score_interval(run.test)
    dollars = run.dollars()
    return [
        _mean(run.validation),
        _mean(run.confirmation),
        f"{run.test.score:.3f} [{interval.low:.2f}, {interval.high:.2f}]",
        f"{run.usage.calls:,}",
        "—" if dollars is None else format_cost(dollars),
    ]


def _print_pairs(console: Console, pairs: Sequence[Pair]) -> None:
    """Print the numbers and the conclusion of every pair."""
    adjusted = len(pairs) > 1
    for pair in pairs:
        numbers = (
            f"{pair.first} − {pair.second}  {pair.test.difference:+.3f} [{pair.test.low:+.3f}, {pair.test.high:+.3f}], "
            f"p = {pair.test.p_value:.2g}{f', adjusted {pair.p_value:.2g}' if adjusted else ''}"
        )
        paragraph(console, numbers)
        paragraph(console, pair.sentence, indent="  ", first="  ")
    examples = sorted({pair.examples for pair in pairs})
    how = f"Differences of test scores, paired over {' or '.join(map(str, examples))} examples, with 95 % intervals"
    paragraph(console, f"{how}{'; p-values adjusted by Holm' if adjusted else ''}.", style="dim")


def _quoted(run: FinishedRun) -> str:
    return f"“{excerpt(run.instruction, len(run.instruction))}”"


def _mean(evaluation: Evaluation | None) -> str:
    return "—" if evaluation is None else f"{evaluation.score:.3f}"
