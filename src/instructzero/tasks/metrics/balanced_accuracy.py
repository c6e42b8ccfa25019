"""Classification by labels: the mean recall of the labels is 1: rare labels count as much as common ones."""

from instructzero.tasks.classification.objectives import LabelMetric
from instructzero.tasks.metric import MetricKind
from instructzero.tasks.metrics.choice import ChoiceMetric

METRIC = MetricKind.of(
    LabelMetric("balanced_accuracy", ChoiceMetric("choice")),
    "the mean recall of the labels is 1: rare labels count as much as common ones",
)
