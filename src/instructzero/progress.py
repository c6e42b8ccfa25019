"""What a person sees while a run goes on: a live display on a terminal, one line an event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from instructzero.calls.prices import Price
from instructzero.calls.store import BLACK_BOX, JUDGE
from instructzero.records.observers import Observer, RunPlan
from instructzero.terminal import log_line, short
from instructzero.types import Completion, Evaluation, Trial, Usage, Writing

_LIVE_TEXT = 180
"""Characters of an instruction in the live display, or a long one would leave a small terminal no room for the rest."""


def printable(text: str) -> str:
    """The text without what could steer the terminal: a model may write anything."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def cost_of(spent: Mapping[str, Usage], prices: Mapping[str, Price | None]) -> float | None:
    """Dollars for what each role has used, or None where a price is not known."""
    costs = [price.cost(usage) if (price := prices.get(role)) else None for role, usage in spent.items() if usage.calls]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def format_cost(dollars: float | None) -> str:
    return "no price set" if dollars is None else f"${dollars:.4f}"


def format_seconds(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def share_used(evaluations: int, most_evaluations: int, calls: int, most_calls: int | None) -> float:
    """The share of the nearer limit of a search that is used up, in [0, 1]."""
    return min(1.0, max(evaluations / most_evaluations, calls / most_calls if most_calls else 0.0))


@dataclass
class Tally(Observer):
    """Counts what an onlooker hears. ``usage`` and ``reused`` speak of this process, not of an earlier one.

    ``calls`` are those that the evaluations took, whenever they were paid; ``best`` was scored on all examples.
    ``stopped`` says why the search ended before its evaluations were spent, where a limit was reached.
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
    reused: int = 0
    started: float = field(default_factory=time.monotonic)
    searching_since: float | None = None
    searched: bool = False

    def run_started(self, plan: RunPlan) -> None:
        self.plan = plan
        self.stage = "scoring the plain instruction"

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None:
        self.plain = writing.instruction, evaluation.mean

    def writing_started(self, number: int, proposals: int) -> None:
        self._begin_searching()
        self.round, self.stage = number, f"writing {proposals} instructions"

    def writing_finished(self, number: int, writings: list[Writing]) -> None:
        self.stage = "asking the black box"

    def answered(self, completion: Completion, cached: bool) -> None:
        if cached:
            self.reused += 1
        else:
            self.usage += Usage(1, completion.prompt_tokens, completion.completion_tokens)

    def judged(self, completion: Completion, cached: bool) -> None:
        if not cached:
            self.judging += Usage(1, completion.prompt_tokens, completion.completion_tokens)

    @property
    def spent(self) -> dict[str, Usage]:
        """By role, in this process."""
        return {BLACK_BOX: self.usage, JUDGE: self.judging}

    def trial_finished(self, trial: Trial) -> None:
        self.evaluations += 1
        self.calls += trial.evaluation.usage.calls
        self.round = trial.round
        if self.searching_since is None:
            self.replayed, self.replayed_calls = self.evaluations, self.calls
        self.instructions.add(trial.instruction)
        if self._is_complete(trial) and (self.best is None or trial.score > self.best[1]):
            self.best = trial.instruction, trial.score

    def search_stopped(self, reason: str) -> None:
        self.stage = self.stopped = reason
        self.searched = True

    def testing_started(self, answers: int) -> None:
        self.searched = True
        self.stage = f"testing on held-out examples ({answers:,} questions)"

    def run_finished(self) -> None:
        self.stage = "done"

    def seconds_left(self) -> float | None:
        """Time left for the search at the pace of this process; None before the first evaluation.

        The limit that is nearer counts: evaluations, or calls of the search. 0 when the search has ended before both.
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
        """How far the search has got towards its limits, in words."""
        plan = self.plan
        if plan is None:
            return "not begun"
        done = f"{self.evaluations} of {plan.evaluations} evaluations"
        return f"{done}, {self.calls:,} of {plan.search_calls:,} calls" if plan.search_calls else done

    def share(self) -> float:
        """The share of the nearer limit that is used up, in [0, 1]."""
        if self.plan is None:
            return 0.0
        return share_used(self.evaluations, self.plan.evaluations, self.calls, self.plan.search_calls)

    def _is_complete(self, trial: Trial) -> bool:
        return self.plan is None or len(trial.evaluation.scores) >= self.plan.validation

    def _begin_searching(self) -> None:
        if self.searching_since is None:
            self.searching_since = time.monotonic()


class LiveProgress(Tally):
    """A display that redraws itself; use as a context manager."""

    def __init__(self, console: Console, prices: Mapping[str, Price | None]) -> None:
        super().__init__()
        self._prices = prices
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

    def render(self) -> RenderableType:
        """The display as it stands now."""
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in self._rows():
            table.add_row(name, Text(value))
        return table

    def _rows(self) -> list[tuple[str, str]]:
        left = self.seconds_left()
        return [
            ("now", f"{self.stage} · {format_seconds(time.monotonic() - self.started)}"),
            ("search", f"round {self.round} · {self.reached()} · {_bar(self.share())}"),
            ("instructions", f"{len(self.instructions)} distinct"),
            ("plain", _quoted(self.plain, _LIVE_TEXT)),
            ("best so far", _quoted(self.best, _LIVE_TEXT)),
            ("black box", f"{self.usage.calls:,} calls paid · {self.reused:,} from the call store"),
            ("tokens", f"{self.usage.prompt_tokens:,} in · {self.usage.completion_tokens:,} out"),
            ("cost", format_cost(cost_of(self.spent, self._prices))),
            ("time left", "estimating" if left is None else format_seconds(left)),
        ]


class PlainProgress(Tally):
    """A line for every new best, and for a round when a tenth of the evaluations has passed; for logs and pipes.

    Nothing is called best that the plain instruction beats. Use as a context manager.
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
        super().run_started(plan)
        self._say(
            f"task {plan.task}, method {plan.method}: {plan.evaluations} evaluations on {plan.validation} "
            f"validation examples, then {plan.test} test examples"
        )

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None:
        super().plain_finished(writing, evaluation)
        self._say(f"plain instruction {_quoted(self.plain)}")

    def writing_started(self, number: int, proposals: int) -> None:
        total = self.plan.evaluations if self.plan else 0
        self._reported = max(self._reported, self.replayed)
        if number and self.evaluations - self._reported >= max(1, total / 10):
            self._report_round()
        super().writing_started(number, proposals)

    def trial_finished(self, trial: Trial) -> None:
        before = self.best
        super().trial_finished(trial)
        beats = self.best is not None and (self.plain is None or self.best[1] >= self.plain[1])
        if beats and self.best != before and self.searching_since is not None:
            self._say(f"evaluation {self.evaluations}: new best {_quoted(self.best)}")

    def search_stopped(self, reason: str) -> None:
        super().search_stopped(reason)
        self._say(reason)

    def testing_started(self, answers: int) -> None:
        super().testing_started(answers)
        if self._reported < self.evaluations:
            self._report_round()
        self._say(self.stage)

    def _report_round(self) -> None:
        self._reported = self.evaluations
        left = self.seconds_left()
        self._say(
            f"round {self.round} done: {self.reached()}, "
            f"{len(self.instructions)} distinct instructions, {self.usage.calls:,} calls, "
            f"{self.usage.prompt_tokens + self.usage.completion_tokens:,} tokens, "
            f"{format_cost(cost_of(self.spent, self._prices))}, "
            f"{'?' if left is None else format_seconds(left)} left"
        )

    def _say(self, line: str) -> None:
        elapsed = format_seconds(time.monotonic() - self.started)
        log_line(self._console, f"[{elapsed}] {line}", indent=" " * len(f"[{elapsed}] "))


def progress_on(
    console: Console, prices: Mapping[str, Price | None], *, plain: bool, quiet: bool
) -> AbstractContextManager[Tally]:
    """Nothing where it is to be quiet, lines where they are asked for or no person looks on, else the live display."""
    if quiet:
        return nullcontext(Tally())
    # FORCE_COLOR makes a console of a pipe; a display that redraws itself would fill a log with its steps.
    live = console.is_interactive and console.file.isatty() and not plain
    return LiveProgress(console, prices) if live else PlainProgress(console, prices)


def _quoted(scored: tuple[str, float] | None, most: int | None = None) -> str:
    """A score and its instruction, cut after ``most`` characters."""
    if scored is None:
        return "none yet"
    text = printable(scored[0])
    return f"{scored[1]:.2f}  “{text if most is None else short(text, most)}”"


def _bar(share: float, width: int = 24) -> str:
    filled = int(width * share)
    return "━" * filled + "╌" * (width - filled)
