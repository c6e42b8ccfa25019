"""One minus the character error rate of the library jiwer."""

from instructzero.tasks.answers.text import plain, words
from instructzero.tasks.library_metric import LibraryMetric, library
from instructzero.tasks.metric import MetricKind


def _parse(spec: str, parameter: str) -> LibraryMetric:
    jiwer = library(spec, "jiwer", "jiwer")
    return LibraryMetric(spec, lambda said, answer: 1 - jiwer.cer(_characters(answer), _characters(said)))


def _characters(text: str) -> str:
    return words(text) or plain(text)


METRIC = MetricKind("cer", "no character is wrong, missing or added; else 1 - character error rate, at least 0", _parse)
