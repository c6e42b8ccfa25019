"""The same set of words, in any order."""

from instructzero.tasks.metric import MetricKind
from instructzero.tasks.text_metric import TextMetric


def _same_set(said: str, answer: str) -> float:
    return float(set(said.split()) == set(answer.split()))


METRIC = MetricKind.of(TextMetric("exact_set", _same_set), "the same set of words occurs, in any order")
