"""The end of a run: the best few scored again on fresh examples, and the winner compared on the test examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from instructzero.records.journal import Journal
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer
from instructzero.records.result import Scored
from instructzero.scoring.evaluator import Evaluator
from instructzero.search.leakage import leaks
from instructzero.tasks import Task
from instructzero.types import Evaluation, Example


def questions_of_end(task: Task, finalists: int, baseline: str | None) -> int:
    """How many questions confirmation and test ask at most: the plain instruction is in both."""
    tested = 2 if baseline is None else 3
    return (finalists + 1) * len(task.confirmation) + tested * len(task.test)


def best_confirmed(
    contenders: Sequence[str],
    objective: Objective,
    validation: Mapping[str, Evaluation],
    confirmation: Mapping[str, Evaluation],
) -> str:
    """The best of the ``contenders`` on all that they were scored on, confirmation or not; of equals the first."""

    def value(text: str) -> float:
        known = validation[text] + confirmation[text] if text in confirmation else validation[text]
        return objective.value(text, known)

    return max(contenders, key=value)


def contenders_of(finalists: int, confirmation: int) -> int:
    """How many instructions a winner is chosen among: one where no ``confirmation`` examples can tell them apart."""
    return finalists if confirmation else 1


@dataclass(frozen=True)
class Finale:
    """Chooses the winner among the ``finalists`` best instructions, and tests it beside those it has to beat.

    With fresh examples for them and for the plain instruction, the winner is the best on validation and confirmation
    together: the maximum of many noisy scores flatters whoever it picks. Without, it is the best on validation.
    ``baseline`` is an instruction of the user's own.
    """

    task: Task
    evaluator: Evaluator
    objective: Objective
    journal: Journal
    observer: Observer
    finalists: int
    baseline: str | None

    @property
    def contenders(self) -> int:
        """How many instructions of the search the winner is chosen among."""
        return contenders_of(self.finalists, len(self.task.confirmation))

    def questions(self) -> int:
        """How many questions the end asks at most."""
        return questions_of_end(self.task, self.finalists, self.baseline)

    def run(self, ranked: Sequence[str], plain: str) -> str:
        """The winner among ``ranked`` (best first, the plain instruction in its place); all results are recorded."""
        contenders, history = list(ranked[: self.finalists]), self.journal.history
        if self.task.confirmation:
            contenders = list(dict.fromkeys([*contenders, plain]))
            self._complete(contenders, history.confirmations, self.task.confirmation, self.journal.add_confirmation)
        winner = best_confirmed(contenders, self.objective, history.known_evaluations(), history.confirmations)
        subjects = dict.fromkeys([winner, plain, *([self.baseline] if self.baseline is not None else [])])
        self._complete(list(subjects), history.tests, self.task.test, self.journal.add_test)
        return winner

    def _complete(
        self,
        instructions: Sequence[str],
        known: dict[str, Evaluation],
        examples: Sequence[Example],
        record: Callable[[str, Evaluation], None],
    ) -> None:
        """Evaluate and record what is not known yet."""
        missing = [text for text in instructions if text not in known]
        if missing:
            self.observer.testing_started(len(missing) * len(examples))
            for text, evaluation in zip(missing, self.evaluator.evaluate(missing, examples), strict=True):
                record(text, evaluation)

    def leaks(self, instruction: str) -> tuple[Example, ...]:
        """The exemplars that the instruction gives away."""
        return leaks(instruction, self.task.exemplars)

    def scored(self, instruction: str) -> Scored:
        """An instruction with everything that is known of it."""
        history = self.journal.history
        return Scored(
            instruction,
            history.known_evaluations()[instruction],
            history.tests[instruction],
            history.confirmations.get(instruction),
        )
