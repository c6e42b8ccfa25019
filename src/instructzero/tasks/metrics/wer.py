"""One minus the word error rate of the library jiwer."""

from instructzero.tasks.library_metric import LibraryMetric, library, tokens
from instructzero.tasks.metric import MetricKind


def _parse(spec: str, parameter: str) -> LibraryMetric:
    jiwer = library(spec, "jiwer", "jiwer")
    return LibraryMetric(spec, lambda said, answer: 1 - jiwer.wer(" ".join(tokens(answer)), " ".join(tokens(said))))


METRIC = MetricKind("wer", "no word is wrong, missing or added; else 1 - word error rate, at least 0", _parse)
