"""The answer's words occur in the prediction."""

from instructzero.tasks.answers.scripts import occurs
from instructzero.tasks.answers.text import words
from instructzero.tasks.metric import MetricKind
from instructzero.tasks.text_metric import TextMetric


def _contains(said: str, answer: str) -> float:
    """Match whole words only: 5 is not in 15, -5 or 5.2. An empty answer is only in an empty prediction."""
    if not answer:
        return float(not said)
    return float(occurs(answer, said) if words(answer) else answer in said)


METRIC = MetricKind.of(TextMetric("contains", _contains), "the answer occurs in the prediction as whole words")
