"""The summary of a finished run on the terminal."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from instructzero.calls.prices import Price, cost_of
from instructzero.calls.store import JUDGE
from instructzero.progress import Tally
from instructzero.records.result import REFERENCES, Result
from instructzero.records.uncertainty import score_interval
from instructzero.terminal import format_cost, format_seconds, paragraph, printable, unbroken
from instructzero.types import Evaluation

_COLUMN = 20  # characters for a score with its interval; three such columns fit a terminal of 80


def print_summary(
    console: Console, result: Result, directory: Path, prices: Mapping[str, Price | None], tally: Tally
) -> None:
    """Print the best instruction, its scores beside the baselines, warnings, and the cost of the run.

    Parameters
    ----------
    console
        The terminal, or a file.
    result
        The result of the run.
    directory
        The run directory.
    prices
        Prices by role.
    tally
        The counts of this process.
    """
    _say(console, "")
    _instruction(console, "Best instruction", result.instruction, style="bold")
    _instruction(console, "Plain instruction (exemplars only, no soft prompt)", result.plain.instruction)
    if result.baseline is not None:
        _instruction(console, "Your instruction", result.baseline.instruction)
    for line in _table(result):
        _say(console, line, style="dim" if line.startswith(("score", "majority:")) else "")
    _say(console, "")
    for line in [*_comparisons(result), *(f"Warning: {warning}" for warning in result.warnings())]:
        paragraph(console, line)
    if result.instruction == result.plain.instruction:
        paragraph(console, "The search found no better instruction than the plain one.")
    if tally.stopped is not None:
        paragraph(console, f"The search stopped early: {tally.stopped}.")
    if tally.complete:
        paragraph(console, "This run was complete already: nothing was asked.")
    if incomplete := result.endings.summary():
        paragraph(console, incomplete)
    _say(console, "")
    paragraph(console, _effort(result, prices, tally))
    paragraph(console, f"Results in {unbroken(str(directory))}: {', '.join(_kept(directory))}")
    command = f"instructzero report {shlex.quote(str(directory))} --open"
    paragraph(console, f"Report: {unbroken(command)}")


def _kept(directory: Path) -> list[str]:
    """Return the files in the run directory; the call store may be elsewhere."""
    names = ("instruction.txt", "result.json", "report.html", "journal.jsonl", "calls.sqlite")
    return [name for name in names if (directory / name).exists()]


def _table(result: Result) -> Iterator[str]:
    """Yield one row per instruction, with scores and 95 % intervals on validation, confirmation and test."""
    rows = {"best": result.best, "plain": result.plain, "yours": result.baseline}
    parts = [part for part in ("validation", "confirmation", "test") if getattr(result.best, part) is not None]
    heads = [f"{part} ({len(getattr(result.best, part).scores)})" for part in parts]
    yield f"{'score':<8}" + "".join(f"{head:>{_COLUMN}}" for head in heads)
    for name, scored in rows.items():
        if scored is not None:
            yield f"{name:<8}" + "".join(f"{_score(getattr(scored, part)):>{_COLUMN}}" for part in parts)
    if known := result.labels.majority:
        interval = " " * len(" [0.00, 1.00]")
        yield f"{'majority':<8}" + "".join(f"{f'{known[part]:.3f}{interval}':>{_COLUMN}}" for part in parts)
        yield "majority: the commonest label of each part as the answer to everything"


def _score(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "—"
    interval = score_interval(evaluation)
    return f"{evaluation.score:.3f} [{interval.low:.2f}, {interval.high:.2f}]"


def _comparisons(result: Result) -> Iterator[str]:
    for name, test in result.comparisons().items():
        yield (
            f"Test score against {REFERENCES[name]}: {test.difference:+.3f} "
            f"[{test.low:+.3f}, {test.high:+.3f}], p = {test.p_value:.2g} (paired)"
        )


def _instruction(console: Console, title: str, text: str, style: str = "") -> None:
    _say(console, title, style="dim")
    lines = Text(printable(text)).wrap(console, console.width - 2)  # counts wide characters as two columns
    for line in [line.plain for line in lines if line] or ["(empty)"]:
        _say(console, f"  {line}", style=style)
    _say(console, "")


def _effort(result: Result, prices: Mapping[str, Price | None], tally: Tally) -> str:
    usage = result.usage
    parts = [
        f"{len(result.trials)} evaluations",
        f"{result.distinct_instructions} distinct instructions",
        _calls(usage.calls, tally.usage.calls),
        *([f"{result.spent[JUDGE].calls:,} judge calls"] if JUDGE in result.spent else []),
        f"{usage.prompt_tokens + usage.completion_tokens:,} tokens",
        format_cost(cost_of(result.spent, prices)),
        format_seconds(time.monotonic() - tally.started),
    ]
    return f"{unbroken(' ·')} ".join(map(unbroken, parts))


def _calls(recorded: int, now: int) -> str:
    """Return the calls of the results, and the calls of this process if they differ.

    They are fewer if answers were cached, and more if a limit interrupted an evaluation.
    """
    if now > recorded:
        return f"{recorded:,} black-box calls, and {now - recorded:,} for an evaluation that the limit interrupted"
    return f"{recorded:,} black-box calls{f' ({now:,} of them now)' if now < recorded else ''}"


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)
