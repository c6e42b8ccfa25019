"""The final selection and the final test: the best few are confirmed on fresh examples, and the winner is tested."""

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


def final_questions(task: Task, finalists: int, baseline: str | None) -> int:
    """Return the maximum number of questions of confirmation and test; the plain instruction is in both."""
    tested = 2 if baseline is None else 3
    return (finalists + 1) * len(task.confirmation) + tested * len(task.test)


def references_first(contenders: Sequence[str], *references: str | None) -> list[str]:
    """Return the ``contenders``, those among the ``references`` first: of equals, `best_confirmed` takes the first."""
    return sorted(contenders, key=lambda text: references.index(text) if text in references else len(references))


def best_confirmed(
    contenders: Sequence[str],
    objective: Objective,
    validation: Mapping[str, Evaluation],
    confirmation: Mapping[str, Evaluation],
) -> str:
    """Return the best of the ``contenders`` on validation and, if known, confirmation together; of equals the first."""

    def value(text: str) -> float:
        known = validation[text] + confirmation[text] if text in confirmation else validation[text]
        return objective.value(text, known)

    return max(contenders, key=value)


def contender_count(finalists: int, confirmation: int) -> int:
    """Return the number of instructions among which the winner is selected: one without ``confirmation`` examples."""
    return finalists if confirmation else 1


@dataclass(frozen=True)
class Finale:
    """Selects the winner among the best instructions, and tests it together with the references.

    With confirmation examples, the winner is the best of the finalists and the plain instruction on validation and
    confirmation together: the maximum of many noisy validation scores is biased upwards. Without them, the winner is
    the best on validation.

    Parameters
    ----------
    task
        Gives the confirmation and the test examples.
    evaluator
        Scores instructions on examples.
    objective
        Ranks the scored instructions.
    journal
        Records the results.
    observer
        Receives the number of answers that are needed.
    finalists
        The number of best instructions that are confirmed.
    baseline
        The user's own instruction, if there is one.
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
        """The number of instructions of the search among which the winner is selected."""
        return contender_count(self.finalists, len(self.task.confirmation))

    def questions(self) -> int:
        """Return the maximum number of questions of the final selection and the final test."""
        return final_questions(self.task, self.finalists, self.baseline)

    def run(self, ranked: Sequence[str], plain: str) -> str:
        """Return the winner among ``ranked``: all instructions, best first. All results are recorded."""
        contenders, history = list(ranked[: self.finalists]), self.journal.history
        if self.task.confirmation:
            contenders = list(dict.fromkeys([*contenders, plain]))
            self._complete(contenders, history.confirmations, self.task.confirmation, self.journal.add_confirmation)
        contenders = references_first(contenders, self.baseline, plain)
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
        """Evaluate the instructions that are not in ``known`` yet, and record their results."""
        missing = [text for text in instructions if text not in known]
        if missing:
            self.observer.testing_started(len(missing) * len(examples))
            for text, evaluation in zip(missing, self.evaluator.evaluate(missing, examples), strict=True):
                record(text, evaluation)

    def leaks(self, instruction: str) -> tuple[Example, ...]:
        """Return the exemplars that the instruction copies."""
        return leaks(instruction, self.task.exemplars)

    def scored(self, instruction: str) -> Scored:
        """Return an instruction with all its results."""
        history = self.journal.history
        return Scored(
            instruction,
            history.known_evaluations()[instruction],
            history.tests[instruction],
            history.confirmations.get(instruction),
        )
