"""The summary of a finished run on the terminal."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from instructzero.calls.prices import Price, cost_of
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER, WRITER
from instructzero.progress import Tally
from instructzero.records.result import REFERENCES, Result, Scored
from instructzero.records.uncertainty import score_interval
from instructzero.terminal import format_cost, format_lost, format_seconds, paragraph, printable, short, unbroken
from instructzero.types import Evaluation, Usage

_TITLES = {
    "plain": "Plain instruction (exemplars only, no soft prompt)",
    "baseline": "Your instruction",
    "start": "Your instruction, from which the search started",
    "challenger": "Best challenger",
}
_ROWS = {"baseline": "yours"}
_MESSAGE = 2_000  # maximum characters of a message, which may have long exemplars
_COLUMN = 20  # characters for a score with its interval; three such columns fit a terminal of 80


def print_summary(
    console: Console, result: Result, directory: Path, prices: Mapping[str, Price | None], tally: Tally
) -> None:
    """Print the verdict, the best instruction, its scores beside the references, warnings, and the cost of the run.

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
    if result.verdict is not None:
        paragraph(console, result.verdict, style="bold")
        _say(console, "")
    _instruction(console, f"Best instruction{_whose(result)}", result.instruction, style="bold")
    for name, scored in _others(result).items():
        _instruction(console, _TITLES[name], scored.instruction)
    for line in _table(result):
        _say(console, line, style="dim" if line.startswith(("score", "majority:")) else "")
    _say(console, "")
    for line in [*_comparisons(result), *(f"Warning: {warning}" for warning in result.warnings())]:
        paragraph(console, line)
    if result.verdict is None and result.instruction == result.plain.instruction:
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
    _use(console, result, directory)


def _use(console: Console, result: Result, directory: Path) -> None:
    """Print the messages as sent, with the names of the input's fields, and the commands that export them."""
    if result.use is None:
        return
    _say(console, "")
    _say(console, "Use it: the messages as sent", style="dim")
    names = {name: f"{{{name}}}" for name in result.use.fields}
    for message in result.messages(names):
        _instruction(console, f"{message['role']}:", short(message["content"], _MESSAGE))
    export = unbroken(f"instructzero export {shlex.quote(str(directory))} --format python")
    paragraph(console, f"In your code: {export} (or messages, curl, dspy, promptfoo, inspect, langchain)")


def _whose(result: Result) -> str:
    """Return a note if the best instruction is one that the search started from."""
    return " (yours)" if result.instruction in {start.instruction for start in result.starts} else ""


def _others(result: Result) -> dict[str, Scored]:
    """Return the references by name; the start and the challenger only if they are not the best instruction."""
    return {
        name: scored
        for name, scored in result.references().items()
        if name in ("plain", "baseline") or scored.instruction != result.instruction
    }


def _kept(directory: Path) -> list[str]:
    """Return the files in the run directory; the call store may be elsewhere."""
    names = ("instruction.txt", "result.json", "report.html", "journal.jsonl", "calls.sqlite")
    return [name for name in names if (directory / name).exists()]


def _table(result: Result) -> Iterator[str]:
    """Yield one row per instruction, with scores and 95 % intervals on validation, confirmation and test."""
    rows = {"best": result.best, **{_ROWS.get(name, name): scored for name, scored in _others(result).items()}}
    first = max(8, *(len(name) + 1 for name in rows))
    parts = [part for part in ("validation", "confirmation", "test") if getattr(result.best, part) is not None]
    heads = [f"{part} ({len(getattr(result.best, part).scores)})" for part in parts]
    yield f"{'score':<{first}}" + "".join(f"{head:>{_COLUMN}}" for head in heads)
    for name, scored in rows.items():
        yield f"{name:<{first}}" + "".join(f"{_score(getattr(scored, part)):>{_COLUMN}}" for part in parts)
    if known := result.labels.majority:
        interval = " " * len(" [0.00, 1.00]")
        yield f"{'majority':<{first}}" + "".join(f"{f'{known[part]:.3f}{interval}':>{_COLUMN}}" for part in parts)
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
    for line in text.expandtabs(4).splitlines() or ["(empty)"]:
        pieces = Text(printable(line)).wrap(console, console.width - 2)  # counts wide characters as two columns
        for piece in [piece.plain for piece in pieces if piece] or [""]:
            _say(console, f"  {piece}".rstrip(), style=style)
    _say(console, "")


def _effort(result: Result, prices: Mapping[str, Price | None], tally: Tally) -> str:
    lost = sum(result.lost.values())
    parts = [
        f"{len(result.trials)} evaluations",
        f"{result.distinct_instructions} distinct instructions",
        _calls(result.usage.calls, tally.usage.calls, _answered(result, BLACK_BOX) + _answered(result, REWRITER)),
        *(f"{_answered(result, role):,} {role} calls" for role in (WRITER, JUDGE) if role in result.spent),
        *([format_lost(lost)] if lost else []),
        f"{sum(result.spent.values(), Usage()).tokens:,} tokens",
        format_cost(cost_of(result.spent, prices)),
        format_seconds(time.monotonic() - tally.started),
    ]
    return f"{unbroken(' ·')} ".join(map(unbroken, parts))


def _answered(result: Result, role: str) -> int:
    """Return the paid calls of a role without the lost ones, which are counted together."""
    return result.spent[role].calls - result.lost.get(role, 0) if role in result.spent else 0


def _calls(recorded: int, now: int, paid: int) -> str:
    """Return the calls of the results, and those of this process or of all that differ.

    Parameters
    ----------
    recorded
        The calls of the results.
    now
        The calls of this process: fewer if answers were cached.
    paid
        The answered calls of all processes of the run: more if a limit interrupted an evaluation.
    """
    calls = f"{recorded:,} black-box calls{f' ({now:,} of them now)' if now < recorded else ''}"
    further = max(now, paid) - recorded
    return f"{calls}, and {further:,} for an evaluation that the limit interrupted" if further > 0 else calls


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)
