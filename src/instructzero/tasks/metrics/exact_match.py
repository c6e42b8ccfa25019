"""The same words in the same order."""

from instructzero.tasks.metric import MetricKind
from instructzero.tasks.text_metric import EXACT_MATCH

METRIC = MetricKind.of(EXACT_MATCH, "prediction and answer are equal after normalisation")
