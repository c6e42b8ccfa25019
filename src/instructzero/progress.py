"""The display of a running search: a live table on a terminal, log lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from instructzero.calls.prices import Price, cost_of
from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.records.endings import Endings
from instructzero.records.observers import Observer, RunPlan
from instructzero.terminal import excerpt, format_cost, format_seconds, log_line, paragraph
from instructzero.types import Completion, Evaluation, Finish, Trial, Usage, Writing

_LIVE_TEXT = 180
"""Maximum characters of an instruction in the live display, so that a long one leaves room on a small terminal."""


def share_used(evaluations: int, max_evaluations: int, calls: int, max_calls: int | None) -> float:
    """Return the used share of the nearer limit of a search, in [0, 1].

    >>> share_used(evaluations=30, max_evaluations=150, calls=400, max_calls=1000)
    0.4
    """
    return min(1.0, max(evaluations / max_evaluations, calls / max_calls if max_calls else 0.0))


@dataclass
class Tally(Observer):
    """The counts of a run, from the events that an observer receives.

    Parameters
    ----------
    plan
        The plan of the run, once it has started.
    stage
        The current activity, in words.
    stopped
        The reason why the search ended before all evaluations, if it did.
    plain, best
        An instruction and its validation score. ``best`` was scored on all validation examples.
    round, evaluations
        Counts of the search, with those of an earlier process.
    calls
        Calls of all evaluations, whether paid now or earlier.
    replayed, replayed_calls
        Evaluations and calls of an earlier process.
    instructions
        The distinct instructions.
    usage, judging, writing, reused
        Calls of the black box, of the judge and of a writer behind an API, and cached answers of the black box, in this
        process.
    endings
        The answers of this process by how they ended, from the call store included.
    started, searching_since
        Times of `time.monotonic`, in seconds.
    searched
        True once the search has ended.
    complete
        True if the run had finished in an earlier process.
    warnings
        The warnings so far.
    """

    plan: RunPlan | None = None
    stage: str = "loading the models"
    stopped: str | None = None
    plain: tuple[str, float] | None = None
    best: tuple[str, float] | None = None
    round: int = 0
    evaluations: int = 0
    calls: int = 0
    replayed: int = 0
    replayed_calls: int = 0
    instructions: set[str] = field(default_factory=set)
    usage: Usage = field(default_factory=Usage)
    judging: Usage = field(default_factory=Usage)
    writing: Usage = field(default_factory=Usage)
    reused: int = 0
    endings: Counter[Finish] = field(default_factory=Counter)
    started: float = field(default_factory=time.monotonic)
    searching_since: float | None = None
    searched: bool = False
    complete: bool = False
    warnings: list[str] = field(default_factory=list)

    def run_started(self, plan: RunPlan) -> None:
        """Keep the plan."""
        self.plan = plan
        self.stage = "scoring the plain instruction"

    def was_complete(self) -> None:
        """Keep that the run was finished before."""
        self.complete = True

    def warned(self, message: str) -> None:
        """Keep the warning."""
        self.warnings.append(message)

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None:
        """Keep the plain instruction with its score, and warn if many of its answers did not arrive."""
        self.plain = writing.instruction, evaluation.score
        limit = self.plan.answer_tokens if self.plan else 0
        for sentence in Endings.of({"": ([evaluation], ())}, limit).by_kind(hopeless=evaluation.mean == 0):
            self.warned(f"with the plain instruction, {sentence}")

    def writing_started(self, number: int, proposals: int) -> None:
        """Start a round; the first one starts the clock of the search."""
        self._begin_searching()
        self.round, self.stage = number, f"writing {proposals} instructions"

    def writing_finished(self, number: int, writings: list[Writing]) -> None:
        """Change the stage."""
        self.stage = "asking the black box"

    def answered(self, completion: Completion, cached: bool) -> None:
        """Count an answer of the black box."""
        self.endings[completion.finish] += 1
        if cached:
            self.reused += 1
        else:
            self.usage += completion.usage

    def judged(self, completion: Completion, cached: bool) -> None:
        """Count a grade of the judge."""
        if not cached:
            self.judging += completion.usage

    def written(self, completion: Completion, cached: bool) -> None:
        """Count an answer of a writer behind an API."""
        if not cached:
            self.writing += completion.usage

    @property
    def spent(self) -> dict[str, Usage]:
        """The usage of this process by role."""
        return {BLACK_BOX: self.usage, JUDGE: self.judging, WRITER: self.writing}

    def trial_finished(self, trial: Trial) -> None:
        """Count a trial, and update the best instruction."""
        self.evaluations += 1
        self.calls += trial.evaluation.usage.calls
        self.round = trial.round
        if self.searching_since is None:
            self.replayed, self.replayed_calls = self.evaluations, self.calls
        self.instructions.add(trial.instruction)
        if self._is_complete(trial) and (self.best is None or trial.score > self.best[1]):
            self.best = trial.instruction, trial.score

    def search_stopped(self, reason: str) -> None:
        """Keep the reason of an early stop."""
        self.stage = self.stopped = reason
        self.searched = True

    def testing_started(self, answers: int) -> None:
        """Start the final test."""
        self.searched = True
        self.stage = f"testing on held-out examples ({answers:,} questions)"

    def run_finished(self) -> None:
        """Change the stage."""
        self.stage = "done"

    def incomplete(self) -> str:
        """Return the counts of the answers that are not complete, in words; "" if there are none."""
        return Endings(self.endings.total(), {kind: self.endings[kind] for kind in Finish}).counted()

    def seconds_left(self) -> float | None:
        """Return the seconds left for the search at the pace of this process, or None before the first evaluation.

        The nearer limit counts: evaluations, or calls of the search. It is 0 once the search has ended.
        """
        if self.searched:
            return 0.0
        if self.plan is None or self.searching_since is None:
            return None
        work = [(self.evaluations - self.replayed, self.plan.evaluations - self.evaluations)]
        if self.plan.search_calls is not None:
            work.append((self.calls - self.replayed_calls, self.plan.search_calls - self.calls))
        begun = [left / done for done, left in work if done]
        return (time.monotonic() - self.searching_since) * min(begun) if begun else None

    def reached(self) -> str:
        """Return the progress of the search towards its limits, in words."""
        plan = self.plan
        if plan is None:
            return "not started"
        done = f"{self.evaluations} of {plan.evaluations} evaluations"
        return f"{done}, {self.calls:,} of {plan.search_calls:,} calls" if plan.search_calls else done

    def writer(self) -> str:
        """Return name and paid calls of a writer behind an API; "" for any other writer."""
        name = self.plan.writer if self.plan else ""
        return f"{name} · {self.writing.calls:,} calls paid" if name else ""

    def share(self) -> float:
        """Return the used share of the nearer limit, in [0, 1]."""
        if self.plan is None:
            return 0.0
        return share_used(self.evaluations, self.plan.evaluations, self.calls, self.plan.search_calls)

    def _is_complete(self, trial: Trial) -> bool:
        return self.plan is None or trial.evaluation.is_complete(self.plan.validation)

    def _begin_searching(self) -> None:
        if self.searching_since is None:
            self.searching_since = time.monotonic()


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
    left = tally.seconds_left()
    return [
        ("now", f"{tally.stage} · {format_seconds(time.monotonic() - tally.started)}"),
        ("search", f"round {tally.round} · {tally.reached()} · {_bar(tally.share())}"),
        ("instructions", f"{len(tally.instructions)} distinct"),
        ("plain", _quoted(tally.plain, _LIVE_TEXT)),
        ("best so far", _quoted(tally.best, _LIVE_TEXT)),
        ("black box", f"{tally.usage.calls:,} calls paid · {tally.reused:,} cached"),
        *([("writer", asked)] if (asked := tally.writer()) else []),
        *([("answers", found)] if (found := tally.incomplete()) else []),
        ("tokens", f"{tally.usage.prompt_tokens:,} in · {tally.usage.completion_tokens:,} out"),
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
            f"{self.usage.prompt_tokens + self.usage.completion_tokens:,} tokens, "
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
