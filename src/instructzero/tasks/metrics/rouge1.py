"""ROUGE-1 of the library rouge-score: the overlap of single words."""

from instructzero.tasks.library_metric import rouge

METRIC = rouge("rouge1", "the same words occur (ROUGE-1, F-measure); less for a part of them")
