"""What a result says about labels: the commonest label's score by part, and the winner's confusion matrix."""

import pytest

from instructzero.records.label_results import LabelResults
from instructzero.tasks import Task, get_metric
from instructzero.types import Evaluation, Example


def rows(labels, start=0):
    return tuple(Example(f"word {start + number}", (label,)) for number, label in enumerate(labels))


def task_of(metric="exact_match"):
    parts = rows(["no", "yes"]), rows(["no"] * 3 + ["yes"], 10), rows(["yes"] * 4 + ["no"], 20)
    bound = get_metric(metric).bind([example for part in parts for example in part])
    return Task("t", *parts, metric=bound)


@pytest.mark.parametrize(
    ("metric", "validation", "test"),
    [("exact_match", 0.75, 0.8), ("choice", 0.75, 0.8), ("balanced_accuracy", 0.5, 0.5), ("mcc", 0.0, 0.0)],
)
def test_majority_scores_are_those_of_the_commonest_label_of_each_part(metric, validation, test):
    assert LabelResults.of(task_of(metric)).majority == {"validation": validation, "test": test}


def test_confusion_is_that_of_the_test_answers():
    answers = Evaluation((1.0, 0.0, 0.0, 1.0, 1.0), ("yes", "no", "dunno", "It is yes.", "no"))
    record = LabelResults.of(task_of(), answers).to_dict()
    assert record["confusion"] == {"labels": ["yes", "no"], "counts": [[2, 1, 1], [0, 1, 0]]}
    assert record["classes"][0] == {"label": "yes", "support": 4, "precision": 1.0, "recall": 0.5, "f1": 2 / 3}


@pytest.mark.parametrize("metric", ["judge", "my_module:score"])
def test_costly_metrics_are_not_asked_for_the_commonest_label(metric, monkeypatch, tmp_path):
    (tmp_path / "my_module.py").write_text("def score(prediction, answers):\n    raise RuntimeError\n")
    monkeypatch.chdir(tmp_path)
    results = LabelResults.of(task_of(metric), Evaluation((1.0,) * 5, ("yes",) * 5))
    assert results.majority == {}
    assert results.confusion is not None


def test_other_tasks_have_no_results_by_label():
    words = rows("abcdefghij")
    task = Task("t", words[:2], words[2:6], words[6:], metric=get_metric("exact_match"))
    assert LabelResults.of(task, Evaluation((1.0,) * 4, ("x",) * 4)).to_dict() == {
        "majority_scores": {},
        "classes": [],
        "confusion": None,
    }
