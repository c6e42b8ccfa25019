"""A look at the first scores of a run: all 0, or the same for every instruction, mostly means a faulty set-up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from instructzero.errors import TaskError
from instructzero.tasks import Metric, get_metric
from instructzero.tasks.answers.forms import without_thoughts
from instructzero.terminal import excerpt
from instructzero.types import Evaluation, Example, Finish

_SHOWN = 3
"""The number of questions that are shown with their answers."""

_FEWEST = 3
"""The number of instructions from which on equal scores are suspicious."""

_WIDTH = 70  # characters of an input or an answer
_OTHERS = ("numeric", "choice", "contains")  # of those that accept as many, the strictest is named
_LAST_LINE = r"regex:([^\n]+)\s*$"
_WITHOUT_TEXT = {
    Finish.EMPTY_AT_LIMIT: "The model used all tokens before it answered: raise --answer-tokens",
    Finish.FILTERED: "The content filter of the service withheld the answers: change the filter, or the examples",
    Finish.REFUSED: "The model declined to answer: ask it one of the questions by hand",
    Finish.FAILED: "The service refused the questions: ask it one of them by hand",
}
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class _Answered:
    """An answer of the black box to an example, and its score."""

    example: Example
    prediction: str
    score: float
    finish: Finish


def look_at(results: Mapping[str, Evaluation], examples: Sequence[Example], metric: Metric) -> str | None:
    """Return what is suspicious about the first results of a run, in lines for the user; None if nothing is.

    Parameters
    ----------
    results
        The results of the plain instruction and of the first round, by instruction.
    examples
        The validation examples, in the order of the results.
    metric
        The metric of the run.
    """
    if len(results) < _FEWEST:
        return None
    answered = [answer for result in results.values() for answer in _answers(result, examples)]
    if all(answer.score == 0 for answer in answered):
        first = f"all {len(answered)} answers to the first {len(results)} instructions scored 0 by {metric.name}"
        return "\n".join([first, *_shown(answered), _remedy(answered, examples, metric)])
    if _same_for_all(list(results.values())):
        first = f"the first {len(results)} instructions have the same score on every example"
        return "\n".join(
            [first, *_shown(answered), "The instruction makes no difference so far: check that it reaches the model"]
        )
    return None


def _answers(result: Evaluation, examples: Sequence[Example]) -> Iterator[_Answered]:
    finishes = {answer.position: answer.finish for answer in result.incomplete}
    aligned = zip(examples, result.predictions, result.scores, strict=False)
    for position, (example, prediction, score) in enumerate(aligned):
        yield _Answered(example, prediction, score, finishes.get(position, Finish.COMPLETE))


def _same_for_all(results: Sequence[Evaluation]) -> bool:
    """Return True if all instructions have the same scores, not all of them 1, on the examples that all have seen."""
    seen = min(len(result.scores) for result in results)
    vectors = {result.scores[:seen] for result in results}
    return len(vectors) == 1 and any(score < 1 for score in vectors.pop())


def _shown(answered: Sequence[_Answered]) -> Iterator[str]:
    """Yield the first questions of different inputs, wrongly answered if possible, with both answers."""
    first: dict[str, _Answered] = {}
    for answer in answered:
        first.setdefault(answer.example.input, answer)
    for answer in sorted(first.values(), key=lambda answer: answer.score >= 1)[:_SHOWN]:
        accepted = " or ".join(_quoted(output) for output in answer.example.outputs[:_SHOWN])
        given = _quoted(without_thoughts(answer.prediction))
        yield f"  {_quoted(answer.example.input)}: expected {accepted}, got {given}"


def _quoted(text: str) -> str:
    return f"“{excerpt(text, _WIDTH)}”" if text.strip() else "an empty answer"


def _remedy(answered: Sequence[_Answered], examples: Sequence[Example], metric: Metric) -> str:
    """Return what to do about scores of 0: the metric that accepts most of the answers, if one does."""
    if not any(answer.prediction.strip() for answer in answered):
        commonest = Counter(answer.finish for answer in answered).most_common(1)[0][0]
        return _WITHOUT_TEXT.get(commonest, "Every answer is empty: ask the model one of the questions by hand")
    accepted = {spec: _accepted(answered, other) for spec, other in _other_metrics(examples, metric).items()}
    best = max(accepted, key=lambda spec: accepted[spec], default=None)
    if best is None or not accepted[best]:
        return "No other metric accepts one of them: check the task's answers, the model and its address"
    what = "of their last lines" if best == _LAST_LINE else "of them"
    return f"--metric '{best}' accepts {accepted[best]} {what}: start a new run with it if that is what you mean"


def _other_metrics(examples: Sequence[Example], metric: Metric) -> dict[str, Metric]:
    """Return the metrics to try, by specification, prepared for the examples."""
    found: dict[str, Metric] = {}
    for spec in (*_OTHERS, _LAST_LINE):
        if spec == "numeric" and not all(_DIGIT.search(answer) for example in examples for answer in example.outputs):
            continue
        try:
            found[spec] = get_metric(spec).bind(examples)
        except TaskError:
            continue
    return {spec: other for spec, other in found.items() if spec != metric.name}


def _accepted(answered: Sequence[_Answered], metric: Metric) -> int:
    return sum(metric(answer.prediction, answer.example.outputs) >= 1 for answer in answered)
