"""The overlap of the words, as in SQuAD (Rajpurkar et al., 2016); of characters in scripts without spaces."""

from collections import Counter

from instructzero.tasks.answers.scripts import units
from instructzero.tasks.metric import MetricKind
from instructzero.tasks.text_metric import TextMetric


def _f1(said: str, answer: str) -> float:
    """Return 2 P R / (P + R), with precision P and recall R over the words with their multiplicity."""
    said_words, answer_words = units(said), units(answer)
    if not said_words or not answer_words:
        return float(said_words == answer_words)
    common = sum((Counter(said_words) & Counter(answer_words)).values())
    return 2 * common / (len(said_words) + len(answer_words))


METRIC = MetricKind.of(TextMetric("f1", _f1), "the same words occur; less for a part of them")
