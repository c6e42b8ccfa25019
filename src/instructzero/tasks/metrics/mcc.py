"""Classification by labels: Matthews correlation of labels and answers is 1; 0 is chance."""

from instructzero.tasks.classification.objectives import LabelMetric
from instructzero.tasks.metric import MetricKind
from instructzero.tasks.metrics.choice import ChoiceMetric

METRIC = MetricKind.of(
    LabelMetric("mcc", ChoiceMetric("choice")), "Matthews correlation of labels and answers is 1; 0 is chance"
)
