"""Answers that a metric cannot tell apart although the data does: two labels, or an input and its answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

from instructzero.tasks.answers.scripts import units
from instructzero.tasks.answers.text import normal_form
from instructzero.tasks.classification.objectives import LabelMetric
from instructzero.tasks.metric import Metric
from instructzero.tasks.metrics.choice import ChoiceMetric
from instructzero.tasks.metrics.exact_set import SetMetric
from instructzero.tasks.metrics.verbatim import METRIC as VERBATIM
from instructzero.tasks.metrics.verbatim import VerbatimMetric
from instructzero.tasks.text_metric import TextMetric
from instructzero.terminal import short
from instructzero.types import Example

_TEXT_METRICS = (TextMetric, ChoiceMetric, SetMetric, VerbatimMetric, LabelMetric)
_MOST_LABELS = 30  # more different answers are texts, of which some differ in case or punctuation by chance
_SHARE = 0.1  # of inputs that are their own answer, as "arm" is in a translation into German


def ambiguities(examples: Sequence[Example], metric: Metric) -> list[str]:
    """Return one sentence for each way in which ``metric`` takes different answers of ``examples`` for equal.

    Two labels are different if no example accepts both. An input is different from its answer if the two are not the
    same text. Metrics that do not compare texts, such as numeric, give no sentence.

    >>> from instructzero.tasks import get_metric
    >>> ambiguities([Example("hello", ("Hello!",))], get_metric("exact_match"))[0][:53]
    '1 of 1 inputs counts as its own answer under exact_ma'
    """
    if not examples or not all(isinstance(part, _TEXT_METRICS) for part in metric.parts.values()):
        return []
    return [*_equal_labels(examples, metric), *_contained_labels(examples, metric), *_answered_inputs(examples, metric)]


def _equal_labels(examples: Sequence[Example], metric: Metric) -> Iterator[str]:
    pairs = [(one, other) for one, other in _different(examples) if _are_equal(one, other, metric)]
    if pairs:
        yield (
            f"{_counted(len(pairs), 'pair of different answers counts', 'pairs of different answers count')} as equal "
            f"under {metric.name}, such as {_shown(*pairs[0])}; {_remedy(pairs[0])} if they differ in meaning"
        )


def _contained_labels(examples: Sequence[Example], metric: Metric) -> Iterator[str]:
    answers = {pair for couple in _different(examples) for pair in permutations(couple)}
    pairs = [
        (said, answer)
        for said, answer in sorted(answers)
        if metric.score(said, answer) == 1.0 and not _are_equal(said, answer, metric)
    ]
    if pairs:
        yield (
            f"{_counted(len(pairs), 'answer lies', 'answers lie')} inside another one and so counts for it under "
            f"{metric.name}, such as {_shown(*reversed(pairs[0]))}; use --metric choice, which takes the longest"
        )


def _answered_inputs(examples: Sequence[Example], metric: Metric) -> Iterator[str]:
    pairs = [pair for example in examples if (pair := _own_answer(example, metric))]
    if pairs and len(pairs) >= _SHARE * len(examples):
        counted = "counts as its own answer" if len(pairs) == 1 else "count as their own answers"
        yield (
            f"{len(pairs):,} of {len(examples):,} inputs {counted} under {metric.name}, such as {_shown(*pairs[0])}; "
            f"{_remedy(pairs[0])} if what differs is the task"
        )


def _own_answer(example: Example, metric: Metric) -> tuple[str, str] | None:
    """Return the input and the answer that it counts as, unless the input is an accepted answer to the character."""
    if any(example.input.strip() == answer.strip() for answer in example.outputs):
        return None
    equal = (answer for answer in example.outputs if _are_equal(example.input, answer, metric))
    return next(((example.input, answer) for answer in equal), None)


def _different(examples: Sequence[Example]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of different answers that no example accepts both, if there are few answers."""
    answers = sorted({answer.strip() for example in examples for answer in example.outputs})
    if len(answers) > _MOST_LABELS:
        return
    together: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for answer in example.outputs:
            together[answer.strip()].update(other.strip() for other in example.outputs)
    yield from (pair for pair in combinations(answers, 2) if pair[1] not in together[pair[0]])


def _are_equal(one: str, other: str, metric: Metric) -> bool:
    if sorted(set(units(normal_form(one)))) != sorted(set(units(normal_form(other)))):
        return False
    return metric.score(one, other) == metric.score(other, one) == 1.0


def _remedy(pair: tuple[str, str]) -> str:
    verbatim = VERBATIM.parse("verbatim", "")
    if verbatim.score(*pair) or verbatim.score(*reversed(pair)):
        return "use a Python function as the metric (--metric MODULE:FUNCTION)"
    return "use --metric verbatim"


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


def _shown(one: str, other: str) -> str:
    return f"{short(one, 60)!r} and {short(other, 60)!r}"
