"""The final selection and the final test: the best few are confirmed on fresh examples, and the winner is tested."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from instructzero.records.journal import Journal
from instructzero.records.objective import Objective
from instructzero.records.observers import Observer
from instructzero.records.result import Scored
from instructzero.records.uncertainty import score_test
from instructzero.scoring.evaluator import Scores
from instructzero.search.leakage import leaks
from instructzero.tasks import Task
from instructzero.types import Evaluation, Example


def final_questions(task: Task, finalists: int, baseline: str | None, starts: int = 0) -> int:
    """Return the maximum number of questions of confirmation and test.

    The plain instruction and the ``starts`` instructions from which the search started are in both.
    """
    tested = (2 if baseline is None else 3) + starts
    return (finalists + 1 + starts) * len(task.confirmation) + tested * len(task.test)


def references_first(contenders: Sequence[str], *references: str | None) -> list[str]:
    """Return the ``contenders``, those among the ``references`` first: of equals, `best_confirmed` takes the first."""
    return sorted(contenders, key=lambda text: references.index(text) if text in references else len(references))


def by_confirmed_value(
    contenders: Sequence[str],
    objective: Objective,
    validation: Mapping[str, Evaluation],
    confirmation: Mapping[str, Evaluation],
) -> list[str]:
    """Return the ``contenders``, best first, by validation and, if known, confirmation together; equals stay in order.

    >>> results = {"a": Evaluation((0.0, 1.0), ("", "")), "b": Evaluation((1.0, 1.0), ("", ""))}
    >>> by_confirmed_value(["a", "b"], Objective(), results, {})
    ['b', 'a']
    """

    def value(text: str) -> float:
        known = validation[text] + confirmation[text] if text in confirmation else validation[text]
        return objective.value(text, known)

    return sorted(contenders, key=value, reverse=True)


def best_confirmed(
    contenders: Sequence[str],
    objective: Objective,
    validation: Mapping[str, Evaluation],
    confirmation: Mapping[str, Evaluation],
) -> str:
    """Return the first of `by_confirmed_value`."""
    return by_confirmed_value(contenders, objective, validation, confirmation)[0]


def contender_count(finalists: int, confirmation: int) -> int:
    """Return the number of instructions among which the winner is selected: one without ``confirmation`` examples."""
    return finalists if confirmation else 1


@dataclass(frozen=True, slots=True)
class Selection:
    """The outcome of the final selection and the final test.

    Parameters
    ----------
    winner
        The instruction that the run returns.
    starts
        The user's instructions from which the search started, the best on validation and confirmation first.
    challenger
        The best of the other instructions; None if there are no ``starts``, or no other one.
    """

    winner: str
    starts: tuple[str, ...] = ()
    challenger: str | None = None


@dataclass(frozen=True)
class Finale:
    """Selects the winner among the best instructions, and tests it together with the references.

    With confirmation examples, the best is that of the finalists and the plain instruction on validation and
    confirmation together: the maximum of many noisy validation scores is biased upwards. Without them, it is the best
    on validation. It is the winner, unless the search started from instructions of the user's.

    Then the best of these, selected in the same way, stays the winner unless the best other one, the challenger, is
    shown to be better: on the held-out test examples, the 95 % interval of the paired difference of their scores lies
    above 0. The test decides because no part of the run has seen its examples before. The search chose the challenger
    among many by its validation score, and the selection by its confirmation score, so that both scores are biased in
    its favour. With `Objective.length_penalty`, the interval lies above what the challenger's length costs it.

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
        An instruction of the user's to compare with, if there is one.
    starts
        The instructions of the user's from which the search starts. All of them are confirmed and tested.
    shows_failures
        The writer is shown validation examples that an instruction fails on, besides the exemplars.
    """

    task: Task
    evaluator: Scores
    objective: Objective
    journal: Journal
    observer: Observer
    finalists: int
    baseline: str | None
    starts: tuple[str, ...] = ()
    shows_failures: bool = False

    @property
    def contenders(self) -> int:
        """The number of instructions of the search among which the winner is selected."""
        return contender_count(self.finalists, len(self.task.confirmation))

    def questions(self) -> int:
        """Return the maximum number of calls for the questions of the final selection and the final test.

        A question to a program may take several calls: at most as many as in the evaluations so far.
        """
        known = self.journal.history.known_evaluations().values()
        calls = max((result.usage.calls / len(result.scores) for result in known if result.scores), default=1)
        return math.ceil(final_questions(self.task, self.finalists, self.baseline, len(self.starts)) * max(1, calls))

    def run(self, ranked: Sequence[str], plain: str) -> Selection:
        """Select among ``ranked``: all instructions, best first. All results are recorded."""
        history = self.journal.history
        contenders = list(dict.fromkeys([*ranked[: self.finalists], plain, *self.starts]))
        if self.task.confirmation:
            self._complete(contenders, history.confirmations, self.task.confirmation, self.journal.add_confirmation)
        others = [text for text in contenders if text not in self.starts]
        found = self._by_value(references_first(others, self.baseline, plain))[:1]
        starts = self._by_value([text for text in ranked if text in self.starts])
        references = [plain, *([] if self.baseline is None else [self.baseline])]
        subjects = dict.fromkeys([*found, *starts, *references])
        self._complete(list(subjects), history.tests, self.task.test, self.journal.add_test)
        if not starts:
            return Selection(found[0])
        challenger = found[0] if found else None
        return Selection(self._winner(starts[0], challenger), tuple(starts), challenger)

    def _by_value(self, texts: Sequence[str]) -> list[str]:
        history = self.journal.history
        return by_confirmed_value(texts, self.objective, history.known_evaluations(), history.confirmations)

    def _winner(self, own: str, challenger: str | None) -> str:
        """Return the challenger if it is shown to be better than the user's ``own`` instruction, or else that one."""
        if challenger is None:
            return own
        tests = self.journal.history.tests
        longer = self.objective.penalty(challenger) - self.objective.penalty(own)
        return challenger if score_test(tests[challenger], tests[own]).low > longer else own

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
        """Return the examples that the instruction copies, of those that the writer may have seen."""
        return leaks(instruction, self.task.exemplars + (self.task.validation if self.shows_failures else ()))

    def scored(self, instruction: str) -> Scored:
        """Return an instruction with all its results."""
        history = self.journal.history
        return Scored(
            instruction,
            history.known_evaluations()[instruction],
            history.tests[instruction],
            history.confirmations.get(instruction),
        )
