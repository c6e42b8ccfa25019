"""The display of a running search: a live table on a terminal, log lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from instructzero.calls.prices import Price, cost_of
from instructzero.progress.tally import Tally
from instructzero.records.observers import RunPlan
from instructzero.terminal import excerpt, format_cost, format_seconds, log_line, paragraph
from instructzero.types import Evaluation, Trial, Usage, Writing

_BATCHES_S = 60.0
_LIVE_TEXT = 180
"""Maximum characters of an instruction in the live display, so that a long one leaves room on a small terminal."""


class LiveProgress(Tally):
    """A live table that redraws itself; use it as a context manager."""

    def __init__(self, console: Console, prices: Mapping[str, Price | None]) -> None:
        super().__init__()
        self._prices = prices
        self._console = console
        self._live = Live(console=console, get_renderable=self.render, refresh_per_second=8, transient=True)

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def warned(self, message: str) -> None:
        """Print the warning above the table, where it stays."""
        super().warned(message)
        for line in f"Warning: {message}".splitlines():
            paragraph(self._console, line)

    def render(self) -> RenderableType:
        """Return the table in its current state."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in self._rows():
            table.add_row(name, Text(value))
        return table

    def _rows(self) -> list[tuple[str, str]]:
        return rows_of(self, self._prices)


def rows_of(tally: Tally, prices: Mapping[str, Price | None]) -> list[tuple[str, str]]:
    """Return the rows of the live table: names and texts."""
    left, spent = tally.seconds_left(), sum(tally.spent.values(), Usage())
    return [
        ("now", f"{tally.stage} · {format_seconds(time.monotonic() - tally.started)}"),
        *([("waiting", waits)] if (waits := tally.waits() or tally.batches()) else []),
        ("search", f"round {tally.round} · {tally.reached()} · {_bar(tally.share())}"),
        ("instructions", f"{len(tally.instructions)} distinct"),
        ("plain", _quoted(tally.plain, _LIVE_TEXT)),
        ("best so far", _quoted(tally.best, _LIVE_TEXT)),
        ("black box", f"{tally.usage.calls:,} calls paid · {tally.reused:,} cached"),
        *([("writer", asked)] if (asked := tally.writer()) else []),
        *([("answers", found)] if (found := tally.incomplete()) else []),
        ("tokens", f"{spent.prompt_tokens:,} in · {spent.completion_tokens:,} out"),
        ("cost", format_cost(cost_of(tally.spent, prices))),
        ("time left", "estimating" if left is None else format_seconds(left)),
    ]


class PlainProgress(Tally):
    """Log lines for files and pipes: one for every new best, and one for every tenth of the evaluations.

    An instruction that scores lower than the plain one is not reported as best. Use it as a context manager.
    """

    def __init__(self, console: Console, prices: Mapping[str, Price | None]) -> None:
        super().__init__()
        self._reported = 0
        self._next_batch = 0.0
        self._console = console
        self._prices = prices

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *details: object) -> None: ...

    def run_started(self, plan: RunPlan) -> None:
        """Print the plan."""
        super().run_started(plan)
        self._say(
            f"task {plan.task}, method {plan.method}: {plan.evaluations} evaluations on {plan.validation} "
            f"validation examples, then {plan.test} test examples"
        )
        if plan.writer:
            self._say(f"writer {plan.writer}")

    def warned(self, message: str) -> None:
        """Print the warning."""
        super().warned(message)
        for line in f"Warning: {message}".splitlines():
            self._say(line)

    def waiting(self, role: str, seconds: float, reason: str) -> None:
        """Print the wait."""
        super().waiting(role, seconds, reason)
        self._say(f"waiting {self.waits()}")

    def batch_waited(self, role: str, questions: int, done: int, seconds: float) -> None:
        """Print the progress of the batches, at most once a minute."""
        super().batch_waited(role, questions, done, seconds)
        if time.monotonic() >= self._next_batch:
            self._next_batch = time.monotonic() + _BATCHES_S
            self._say(self.batches())

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None:
        """Print the plain instruction with its score."""
        super().plain_finished(writing, evaluation)
        self._say(f"plain instruction {_quoted(self.plain)}")

    def writing_started(self, number: int, proposals: int) -> None:
        """Print the last round if enough evaluations have passed."""
        total = self.plan.evaluations if self.plan else 0
        self._reported = max(self._reported, self.replayed)
        if number and self.evaluations - self._reported >= max(1, total / 10):
            self._report_round()
        super().writing_started(number, proposals)

    def trial_finished(self, trial: Trial) -> None:
        """Print a new best instruction."""
        before = self.best
        super().trial_finished(trial)
        if trial.proposal.given is not None:
            self._say(f"your instruction {_quoted((trial.instruction, trial.score))}")
        beats = self.best is not None and (self.plain is None or self.best[1] >= self.plain[1])
        if beats and self.best != before and self.searching_since is not None:
            self._say(f"evaluation {self.evaluations}: new best {_quoted(self.best)}")

    def search_stopped(self, reason: str) -> None:
        """Print the reason of an early stop."""
        super().search_stopped(reason)
        self._say(reason)

    def testing_started(self, answers: int) -> None:
        """Print the rest of the search, and the start of the final test."""
        super().testing_started(answers)
        if self._reported < self.evaluations:
            self._report_round()
        self._say(self.stage)

    def _report_round(self) -> None:
        self._reported = self.evaluations
        left, found = self.seconds_left(), self.incomplete()
        self._say(
            f"round {self.round} done: {self.reached()}, "
            f"{len(self.instructions)} distinct instructions, {self.usage.calls:,} calls, "
            f"{f'{self.writing.calls:,} writer calls, ' if self.writer() else ''}"
            f"{sum(self.spent.values(), Usage()).tokens:,} tokens, "
            f"{format_cost(cost_of(self.spent, self._prices))}, "
            f"{'?' if left is None else format_seconds(left)} left{f'; answers: {found}' if found else ''}"
        )

    def _say(self, line: str) -> None:
        elapsed = format_seconds(time.monotonic() - self.started)
        log_line(self._console, f"[{elapsed}] {line}", indent=" " * len(f"[{elapsed}] "))


def progress_on(
    console: Console, prices: Mapping[str, Price | None], *, plain: bool, quiet: bool
) -> AbstractContextManager[Tally]:
    """Return the display of a run.

    Parameters
    ----------
    console
        The terminal, or a file.
    prices
        Prices by role, for the cost so far.
    plain
        Log lines also on a terminal.
    quiet
        No output; the run is only counted.
    """
    if quiet:
        return nullcontext(Tally())
    # With FORCE_COLOR, a pipe counts as a console too; a live display would fill a log with its steps.
    live = console.is_interactive and console.file.isatty() and not plain
    return LiveProgress(console, prices) if live else PlainProgress(console, prices)


def _quoted(scored: tuple[str, float] | None, limit: int | None = None) -> str:
    """Return a score and its instruction on one line, shortened to ``limit`` characters."""
    if scored is None:
        return "none yet"
    return f"{scored[1]:.2f}  “{excerpt(scored[0], limit or len(scored[0]))}”"


def _bar(share: float, width: int = 24) -> str:
    filled = int(width * share)
    return "━" * filled + "╌" * (width - filled)
