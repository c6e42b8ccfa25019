"""What an onlooker of a run may hear. Onlookers never change a run."""

from __future__ import annotations

from dataclasses import dataclass

from instructzero.types import Completion, Evaluation, Trial, Writing


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run is going to do, known before its first step.

    ``search_calls``: the most calls of the search, where it has such a limit.
    """

    task: str
    method: str
    evaluations: int
    validation: int
    test: int
    search_calls: int | None = None


class Observer:
    """Does nothing; override what you want to hear.

    ``answered`` is heard for every answer of the black box, ``cached`` when it came from the call store and was not
    paid again, and ``judged`` for those of a judge; ``trial_finished`` also for the trials of an earlier process that
    a resumed run replays.
    """

    def run_started(self, plan: RunPlan) -> None: ...

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None: ...

    def writing_started(self, number: int, proposals: int) -> None: ...

    def writing_finished(self, number: int, writings: list[Writing]) -> None: ...

    def answered(self, completion: Completion, cached: bool) -> None: ...

    def judged(self, completion: Completion, cached: bool) -> None: ...

    def trial_finished(self, trial: Trial) -> None: ...

    def search_stopped(self, reason: str) -> None: ...

    def testing_started(self, answers: int) -> None: ...

    def run_finished(self) -> None: ...
