"""The chrF of the library sacrebleu: the overlap of sequences of characters."""

from instructzero.tasks.library_metric import LibraryMetric, library
from instructzero.tasks.metric import MetricKind


def _parse(spec: str, parameter: str) -> LibraryMetric:
    chrf = library(spec, "sacrebleu.metrics", "sacrebleu").CHRF()
    return LibraryMetric(spec, lambda said, answer: chrf.sentence_score(said, [answer]).score / 100)


METRIC = MetricKind("chrf", "the same sequences of characters occur (chrF); less for a part of them", _parse)
