"""Scores instructions on the validation examples: on all of them, or racing on as many as it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from instructzero.errors import BudgetExhausted
from instructzero.records.objective import Objective
from instructzero.scoring.evaluator import Evaluator
from instructzero.search.racing import Race
from instructzero.types import Evaluation, Example

_MORE = 1e-6  # of equals the one found first comes first, so that a place must be beaten and not only reached


class Validation:
    """Evaluates on ``examples`` in their order; with a ``race``, those that cannot win a place any more drop out.

    There are as many ``places`` as instructions among which the end of the run chooses. Who wins one is decided by the
    ``objective``; results are the scores themselves. ``cut_short`` has the complete results of a race that a limit
    stopped.
    """

    def __init__(
        self, evaluator: Evaluator, examples: Sequence[Example], objective: Objective, race: Race | None, places: int
    ) -> None:
        self._evaluator = evaluator
        self._examples = tuple(examples)
        self._objective = objective
        self._race = race
        self._places = places
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

    def score(self, instructions: Sequence[str], values: Sequence[float]) -> Iterator[Evaluation]:
        """Results in order; where they race, against each other and the ``values`` of what is complete already."""
        return self.whole(instructions) if self._race is None else iter(self._raced(self._race, instructions, values))

    def _raced(self, race: Race, instructions: Sequence[str], values: Sequence[float]) -> list[Evaluation]:
        results: dict[str, Evaluation] = {}
        try:
            self._run_race(race, results, instructions, values)
        except BudgetExhausted:
            self.cut_short = {text: each for text, each in results.items() if self.is_complete(each)}
            raise
        return [results[text] for text in instructions]

    def _run_race(
        self, race: Race, results: dict[str, Evaluation], instructions: Sequence[str], values: Sequence[float]
    ) -> None:
        """Stage by stage on ever more examples; after the first, the leader goes all the way.

        While a place is free, as many leaders do as there are places.
        """
        running = list(dict.fromkeys(instructions))
        for start, end in pairwise((0, *race.looks)):
            running = [text for text in running if start == 0 or not self.is_complete(results[text])]
            self._advance(results, running, start, end)
            if start == 0:
                ranked = sorted(running, key=lambda text: -self._objective.value(text, results[text]))
                leaders = ranked[: 1 if len(values) >= self._places else self._places]
                self._advance(results, leaders, end, len(self._examples))
            finished = [self._objective.value(*each) for each in results.items() if self.is_complete(each[1])]
            taken = sorted([*values, *finished], reverse=True)[: self._places]
            if len(taken) == self._places:
                running = [text for text in running if self._may_still_win(race, text, results[text], taken[-1])]

    def _may_still_win(self, race: Race, text: str, result: Evaluation, worst: float) -> bool:
        """Whether the mean score may still beat the worst of the places and make up for the penalty of its length."""
        needed = worst + _MORE + self._objective.penalty(text)
        return needed <= 1 and race.may_still_win(result.scores, needed)

    def _advance(self, results: dict[str, Evaluation], texts: Sequence[str], start: int, end: int) -> None:
        """Add the results on the examples from ``start`` to ``end``."""
        if texts and end > start:
            for text, more in zip(texts, self._evaluator.evaluate(texts, self._examples[start:end]), strict=True):
                results[text] = results[text] + more if text in results else more
