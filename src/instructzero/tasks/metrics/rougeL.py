"""ROUGE-L of the library rouge-score: the longest common subsequence of words."""

from instructzero.tasks.library_metric import rouge

METRIC = rouge("rougeL", "the same words occur in this order (ROUGE-L, F-measure); less for a part of them")
