"""The counts of a run, from the events that an observer receives."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from instructzero.calls.store import BLACK_BOX, JUDGE, WRITER
from instructzero.models.waits import clock, in_words
from instructzero.records.endings import Endings
from instructzero.records.observers import Observer, RunPlan
from instructzero.terminal import format_seconds
from instructzero.types import Completion, Evaluation, Finish, Trial, Usage, Writing


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
    wait
        The wait for a service: the role, its end as a time of `time.monotonic`, and the reason.
    batch
        The batches that are waited for: the role, their questions, those that are answered, and their age in seconds.
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
    wait: tuple[str, float, str] | None = None
    batch: tuple[str, int, int, float] | None = None

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

    def waiting(self, role: str, seconds: float, reason: str) -> None:
        """Keep the wait."""
        self.wait = role, time.monotonic() + seconds, reason

    def batch_waited(self, role: str, questions: int, done: int, seconds: float) -> None:
        """Keep the progress of the batches."""
        self.batch = role, questions, done, seconds

    def batches(self) -> str:
        """Return the progress of the batches in words; "" if none is waited for."""
        if self.batch is None:
            return ""
        role, questions, done, seconds = self.batch
        return f"batch of {questions:,} questions to the {role}: {done:,} done, {format_seconds(seconds)}"

    def waits(self) -> str:
        """Return the wait for a service in words; "" if there is none now."""
        if self.wait is None or (left := self.wait[1] - time.monotonic()) <= 0:
            return ""
        return f"for the {self.wait[0]} until {clock(left)}, in {in_words(left)}: {self.wait[2]}"

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
            self.usage += completion.billed
            self.wait = self.batch = None

    def judged(self, completion: Completion, cached: bool) -> None:
        """Count a grade of the judge."""
        if not cached:
            self.judging += completion.billed
            self.wait = self.batch = None

    def written(self, completion: Completion, cached: bool) -> None:
        """Count an answer of a writer behind an API."""
        if not cached:
            self.writing += completion.billed
            self.wait = None

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
