"""ROUGE-2 of the library rouge-score: the overlap of pairs of words."""

from instructzero.tasks.library_metric import rouge

METRIC = rouge("rouge2", "the same pairs of words occur (ROUGE-2, F-measure); less for a part of them")
