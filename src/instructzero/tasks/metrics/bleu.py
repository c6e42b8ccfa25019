"""BLEU of the library sacrebleu, for single sentences."""

from instructzero.errors import TaskError
from instructzero.tasks.library_metric import LibraryMetric, library
from instructzero.tasks.metric import MetricKind

_TOKENIZERS = ("13a", "intl", "char", "zh", "none")


def _parse(spec: str, parameter: str) -> LibraryMetric:
    tokenizer = parameter or _TOKENIZERS[0]
    if tokenizer not in _TOKENIZERS:
        raise TaskError(f"metric {spec!r}: expected one of the tokenizers {', '.join(_TOKENIZERS)}, got {parameter!r}")
    # Without the effective order, every text of fewer than four words scores nearly 0.
    bleu = library(spec, "sacrebleu.metrics", "sacrebleu").BLEU(tokenize=tokenizer, effective_order=True)
    return LibraryMetric(spec, lambda said, answer: bleu.sentence_score(said, [answer]).score / 100)


METRIC = MetricKind("bleu[:TOKENIZER]", "the same sequences of words occur (BLEU); less for a part of them", _parse)
