"""The answers that a request shows when it asks for an improvement of an instruction.

Agrawal, Tan, Soylu, et al.: GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning, arXiv 2507.19457:
a model reads what a prompt was answered, what was expected and what the metric says, and proposes a better prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median_low

import numpy as np

from instructzero.optimizers.wording import Answer
from instructzero.types import Evaluation, Example, Finish

WRONG, RIGHT = 5, 2
"""The maximum numbers of wrong and of right answers that one request shows."""

ACCEPTED = 3
"""The maximum number of accepted answers of one example that are shown."""

PROBLEMS = {
    Finish.CUT: "cut off at the token limit",
    Finish.EMPTY: "an empty answer",
    Finish.EMPTY_AT_LIMIT: "none: the model used all tokens before it answered",
    Finish.FILTERED: "withheld by a content filter",
    Finish.REFUSED: "the model declined to answer",
    Finish.FAILED: "none: the service refused the question",
}
"""The reason why an answer is not complete, in the words of a request."""


def low_scores(evaluation: Evaluation) -> list[int]:
    """Return the positions of the answers that failed: the lower half of those below the best.

    Where the metric says right or wrong, these are all wrong answers. The best score is that of this evaluation, since
    a penalty for length lowers the scores of right answers too; answers are not right because all are equally wrong.
    """
    top = max(*evaluation.scores, 0.5)
    below = [score for score in evaluation.scores if score < top]
    if not below:
        return []
    return [position for position, score in enumerate(evaluation.scores) if score < top and score <= median_low(below)]


def high_scores(evaluation: Evaluation) -> list[int]:
    """Return the positions of the answers with the best score, if that is at least 0.5."""
    top = max(*evaluation.scores, 0.5)
    return [position for position, score in enumerate(evaluation.scores) if score >= top]


def drawn_answers(
    evaluation: Evaluation, examples: Sequence[Example], generator: np.random.Generator
) -> tuple[list[Answer], list[Answer]]:
    """Return at most `WRONG` answers that failed and at most `RIGHT` that did not, drawn at random.

    Parameters
    ----------
    evaluation
        The results of an instruction on the first examples.
    examples
        The examples, in the order of the results.
    generator
        The random generator of the round.
    """
    failed = _drawn(low_scores(evaluation), WRONG, generator)
    kept = _drawn(high_scores(evaluation), RIGHT, generator)
    return _answers(failed, evaluation, examples), _answers(kept, evaluation, examples)


def _drawn(positions: Sequence[int], count: int, generator: np.random.Generator) -> list[int]:
    return [positions[place] for place in generator.permutation(len(positions))[:count]]


def _answers(positions: Sequence[int], evaluation: Evaluation, examples: Sequence[Example]) -> list[Answer]:
    problems = {one.position: PROBLEMS.get(one.finish, "") for one in evaluation.incomplete}
    remarks = evaluation.remarks or ("",) * len(evaluation.scores)
    return [
        Answer(
            examples[position].input,
            " or ".join(examples[position].outputs[:ACCEPTED]),
            evaluation.predictions[position],
            problems.get(position, ""),
            remarks[position],
        )
        for position in positions
    ]
