"""Scores instructions on the validation examples: on all of them, or racing on as many as it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from instructzero.errors import BudgetExhausted
from instructzero.evaluator import Evaluator
from instructzero.objective import Objective
from instructzero.racing import Race
from instructzero.types import Evaluation, Exemplar


class Validation:
    """Evaluates on ``examples`` in their order; with a ``race``, instructions that cannot win any more drop out.

    What wins is decided by the ``objective``; results are the scores themselves. ``cut_short`` has the complete
    results of a race that a limit stopped.
    """

    def __init__(
        self, evaluator: Evaluator, examples: Sequence[Exemplar], objective: Objective, race: Race | None
    ) -> None:
        self._evaluator = evaluator
        self._examples = tuple(examples)
        self._objective = objective
        self._race = race
        self.cut_short: dict[str, Evaluation] = {}

    @property
    def questions(self) -> int:
        """How many questions an instruction is scored on at most."""
        return len(self._examples)

    def is_complete(self, evaluation: Evaluation) -> bool:
        """Whether the instruction was scored on all examples."""
        return len(evaluation.scores) == len(self._examples)

    def whole(self, instructions: Sequence[str]) -> Iterator[Evaluation]:
        """Results on all examples, in order, each as soon as it is complete."""
        return self._evaluator.evaluate(instructions, self._examples)

    def score(self, instructions: Sequence[str], target: float) -> Iterator[Evaluation]:
        """Results in order; where they race, against each other and ``target``, the best value so far."""
        return self.whole(instructions) if self._race is None else iter(self._raced(self._race, instructions, target))

    def _raced(self, race: Race, instructions: Sequence[str], target: float) -> list[Evaluation]:
        results: dict[str, Evaluation] = {}
        try:
            self._run_race(race, results, instructions, target)
        except BudgetExhausted:
            self.cut_short = {text: each for text, each in results.items() if self.is_complete(each)}
            raise
        return [results[text] for text in instructions]

    def _run_race(self, race: Race, results: dict[str, Evaluation], instructions: Sequence[str], target: float) -> None:
        """Stage by stage on ever more examples; after the first, the leader goes all the way and sets the target."""
        running = list(dict.fromkeys(instructions))
        for start, end in pairwise((0, *race.looks)):
            running = [text for text in running if start == 0 or not self.is_complete(results[text])]
            self._advance(results, running, start, end)
            if start == 0 and running:
                leader = max(running, key=lambda text: self._objective.value(text, results[text]))
                self._advance(results, [leader], end, len(self._examples))
            finished = [self._objective.value(*each) for each in results.items() if self.is_complete(each[1])]
            target = max([target, *finished])
            running = [text for text in running if self._may_still_win(race, text, results[text], target)]

    def _may_still_win(self, race: Race, text: str, result: Evaluation, target: float) -> bool:
        """Whether the mean score may still reach the target and make up for the penalty of its length."""
        needed = target + self._objective.penalty(text)
        return needed <= 1 and race.may_still_win(result.scores, needed)

    def _advance(self, results: dict[str, Evaluation], texts: Sequence[str], start: int, end: int) -> None:
        """Add the results on the examples from ``start`` to ``end``."""
        if texts and end > start:
            for text, more in zip(texts, self._evaluator.evaluate(texts, self._examples[start:end]), strict=True):
                results[text] = results[text] + more if text in results else more
