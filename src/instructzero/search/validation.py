"""Scores instructions on the validation examples: on all of them, or in a race that drops hopeless ones early."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from instructzero.errors import BudgetExhausted
from instructzero.records.objective import Objective
from instructzero.scoring.evaluator import Scores
from instructzero.search.racing import Race
from instructzero.types import Evaluation, Example

_MORE = 1e-6  # among equals the earlier one ranks higher, so a place must be beaten, not only reached

Promising = Callable[[Mapping[str, Evaluation], int], Collection[str] | None]
"""A function from results by instruction and the number of places to the instructions that go on, or None."""


class Validation:
    """Evaluates instructions on the validation examples, in their order.

    Parameters
    ----------
    evaluator
        Scores instructions on examples.
    examples
        The validation examples, the same in all trials of the run.
    objective
        Ranks the results. The results themselves are the scores, without the penalty.
    race
        The rule by which instructions drop out; None to score all of them on all examples.
    places
        The number of finalists: an instruction drops out when it can hardly become one of them.
    promising
        Returns the instructions that go on, given the results so far, with scores minus the penalty; None leaves it to
        the test of ``race``. See `Optimizer.promising`.

    Attributes
    ----------
    cut_short
        The complete results of a race that a limit stopped.
    """

    def __init__(
        self,
        evaluator: Scores,
        examples: Sequence[Example],
        objective: Objective,
        race: Race | None,
        places: int,
        promising: Promising = lambda results, places: None,
    ) -> None:
        self._evaluator = evaluator
        self._examples = tuple(examples)
        self._objective = objective
        self._race = race
        self._places = places
        self._promising = promising
        self.cut_short: dict[str, Evaluation] = {}

    @property
    def questions(self) -> int:
        """The maximum number of questions per instruction."""
        return len(self._examples)

    def is_complete(self, evaluation: Evaluation) -> bool:
        """Return True if the instruction was scored on all examples."""
        return evaluation.is_complete(len(self._examples))

    def whole(self, instructions: Sequence[str]) -> Iterator[Evaluation]:
        """Yield results on all examples, in order, as soon as they are complete."""
        return self._evaluator.evaluate(instructions, self._examples)

    def score(self, instructions: Sequence[str], values: Sequence[float]) -> Iterator[Evaluation]:
        """Return results in order. In a race, instructions compete with each other and with the earlier ``values``."""
        return self.whole(instructions) if self._race is None else iter(self._raced(self._race, instructions, values))

    def _raced(self, race: Race, instructions: Sequence[str], values: Sequence[float]) -> list[Evaluation]:
        results: dict[str, Evaluation] = {}
        try:
            self._run_race(race, results, instructions, values)
        except BudgetExhausted:
            self.cut_short = {text: result for text, result in results.items() if self.is_complete(result)}
            raise
        return [results[text] for text in instructions]

    def _run_race(
        self, race: Race, results: dict[str, Evaluation], instructions: Sequence[str], values: Sequence[float]
    ) -> None:
        """Score in stages, on more and more examples, those that go on after the last stage."""
        running = list(dict.fromkeys(instructions))
        for start, end in pairwise((0, *race.looks)):
            running = [text for text in running if start == 0 or not self.is_complete(results[text])]
            if not running:
                return
            self._advance(results, running, start, end)
            adjusted = {text: self._adjusted(text, result) for text, result in results.items()}
            promising = self._promising(adjusted, self._places)
            if promising is not None:
                running = [text for text in running if text in promising]
                continue
            if start == 0:
                self._complete_leaders(results, running, end, values)
            running = self._still_winning(race, results, running, values)

    def _complete_leaders(
        self, results: dict[str, Evaluation], running: Sequence[str], scored: int, values: Sequence[float]
    ) -> None:
        """Score the leader of the first stage on all examples; while a place is free, as many as there are places."""
        ranked = sorted(running, key=lambda text: -self._objective.value(text, results[text]))
        leaders = ranked[: 1 if len(values) >= self._places else self._places]
        self._advance(results, leaders, scored, len(self._examples))

    def _still_winning(
        self, race: Race, results: Mapping[str, Evaluation], running: Sequence[str], values: Sequence[float]
    ) -> list[str]:
        """Return those of ``running`` that may still take a place; all of them while one is free."""
        finished = [self._objective.value(*scored) for scored in results.items() if self.is_complete(scored[1])]
        taken = sorted([*values, *finished], reverse=True)[: self._places]
        if len(taken) < self._places:
            return list(running)
        return [text for text in running if self._may_still_win(race, text, results[text], taken[-1])]

    def _adjusted(self, text: str, result: Evaluation) -> Evaluation:
        """Return the result with the scores that the optimizer receives."""
        return self._objective.adjusted_evaluation(text, result)

    def _may_still_win(self, race: Race, text: str, result: Evaluation, worst: float) -> bool:
        """Return True if the score, minus the penalty, may still beat the ``worst`` of the places."""
        scores, needed = self._objective.race(text, result, worst + _MORE)
        return needed <= 1 and race.may_still_win(scores, needed)

    def _advance(self, results: dict[str, Evaluation], texts: Sequence[str], start: int, end: int) -> None:
        """Add the results on the examples ``start`` to ``end`` - 1."""
        if texts and end > start:
            for text, more in zip(texts, self._evaluator.evaluate(texts, self._examples[start:end]), strict=True):
                results[text] = results[text] + more if text in results else more
