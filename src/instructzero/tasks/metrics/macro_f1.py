"""Classification by labels: the mean F1 of the labels is 1."""

from instructzero.tasks.classification.objectives import LabelMetric
from instructzero.tasks.metric import MetricKind
from instructzero.tasks.metrics.choice import ChoiceMetric

METRIC = MetricKind.of(LabelMetric("macro_f1", ChoiceMetric("choice")), "the mean F1 of the labels is 1")
