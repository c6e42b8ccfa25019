"""The events of a run that an observer receives. Observers never change a run."""

from __future__ import annotations

from dataclasses import dataclass

from instructzero.types import Completion, Evaluation, Trial, Writing


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The size of a run, known before its first step.

    Parameters
    ----------
    task, method
        Their names.
    evaluations
        The maximum number of evaluations.
    validation, test
        The numbers of examples.
    search_calls
        The maximum calls of the search; None for no limit of its own.
    answer_tokens
        The maximum tokens of an answer; 0 if it is not known.
    writer
        Name and address of a writer behind an API; "" for any other.
    """

    task: str
    method: str
    evaluations: int
    validation: int
    test: int
    search_calls: int | None = None
    answer_tokens: int = 0
    writer: str = ""


class Observer:
    """Receives the events of a run and does nothing; override the methods of the events you need."""

    def run_started(self, plan: RunPlan) -> None:
        """Receive the plan, before the first step."""

    def warned(self, message: str) -> None:
        """Receive a sentence about something that deserves a look; the run goes on."""

    def waiting(self, role: str, seconds: float, reason: str) -> None:
        """Receive a wait of more than a minute for the service of a role, what it says, and the time to the next try.

        An answer ends the wait, and so does the end of the run.
        """

    def batch_waited(self, role: str, questions: int, done: int, seconds: float) -> None:
        """Receive the progress of the batches of a role: their questions, those that are answered, their age."""

    def was_complete(self) -> None:
        """Receive, after the end, that the run had finished in an earlier process: nothing was asked."""

    def plain_finished(self, writing: Writing, evaluation: Evaluation) -> None:
        """Receive the plain instruction with its validation results."""

    def writing_started(self, number: int, proposals: int) -> None:
        """Receive the number of a round, and the number of proposals that the writer now writes texts for."""

    def writing_finished(self, number: int, writings: list[Writing]) -> None:
        """Receive the number of a round, and the texts that were written in it."""

    def answered(self, completion: Completion, cached: bool) -> None:
        """Receive an answer of the black box; ``cached`` if it came from the call store and was not paid again."""

    def judged(self, completion: Completion, cached: bool) -> None:
        """Receive an answer of the judge; ``cached`` as in `answered`."""

    def written(self, completion: Completion, cached: bool) -> None:
        """Receive an answer of a writer behind an API; ``cached`` as in `answered`."""

    def trial_finished(self, trial: Trial) -> None:
        """Receive a trial. A resumed run also replays the trials of earlier processes."""

    def search_stopped(self, reason: str) -> None:
        """Receive the reason why the search stopped before its last evaluation."""

    def testing_started(self, answers: int) -> None:
        """Receive the number of answers that a part of the final selection or test needs."""

    def run_finished(self) -> None:
        """Receive the end of the run, after its last answer."""
