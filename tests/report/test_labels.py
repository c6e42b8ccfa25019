"""The results by label in a report: the commonest label beside the scores, the table, and the confusion matrix."""

from dataclasses import replace

import pytest

import instructzero
from instructzero.models.scripted import ScriptedWriter
from instructzero.report import labels as section
from instructzero.report.data import collect
from instructzero.report.page import render
from instructzero.report.source import read_source
from instructzero.tasks import TaskData, split_task
from instructzero.types import Example
from tests.report.conftest import NASTY

LABELS = ("plain", NASTY[0], NASTY[2])
SORTED = [(f"thing {number}", LABELS[min(number % 6, 2)]) for number in range(60)]
SIZES = {"exemplars": 4, "validation": 12, "test": 24}


def sort(prompt):
    number = int(prompt.rpartition("Input: thing ")[2].split("\n")[0])
    return "I do not know" if number % 5 == 0 else dict(SORTED)[f"thing {number}"]


@pytest.fixture(scope="module")
def sorted_run(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sorted") / "run"
    instructzero.optimize(
        SORTED, writer=ScriptedWriter(), blackbox=sort, metric="choice", evaluations=6, directory=directory, **SIZES
    )
    return read_source(directory)


def test_data_are_those_of_the_result(sorted_run):
    found = section.labels_of(sorted_run)
    assert found["majority_scores"] == sorted_run.result["majority_scores"]
    assert found["majority_scores"]["test"] == pytest.approx(16 / 24)
    assert [row["support"] for row in found["classes"]] == [16, 4, 4]
    assert sum(map(sum, found["confusion"]["counts"])) == 24


def test_page_shows_the_commonest_label_beside_the_scores_and_escapes_labels(sorted_run):
    page = render(collect(sorted_run))
    assert "Majority" in page
    assert '<section id="labels"' in page
    assert 'href="#labels"' in page
    text = page[page.index('<section id="labels"') : page.index('<section id="lineage"')]
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "&quot; onmouseover=" in text
    assert '" onmouseover="' not in text


def test_page_of_other_tasks_has_no_section_of_labels(finished):
    page = render(collect(read_source(finished)))
    assert 'id="labels"' not in page
    assert "Commonest label" not in page


def test_running_search_has_the_commonest_label_only(sorted_run):
    examples = tuple(Example(text, (label,)) for text, label in SORTED)
    task = split_task(TaskData("sorted", examples), metric="choice", **SIZES)
    found = section.labels_of(replace(sorted_run, result=None, task=task))
    assert found["majority_scores"]["validation"] == pytest.approx(8 / 12)
    assert not found["classes"]
    assert "final test" in section.labels({"labels": found})


def test_matrix_of_many_labels_counts_the_rarer_ones_together():
    names = [f"label {number:02}" for number in range(15)]
    counts = [[int(row == column) * 2 + int(column == 14) for column in range(15)] + [1] for row in range(15)]
    classes = [{"label": name, "support": 4, "precision": 0.5, "recall": 0.5, "f1": 0.5} for name in names]
    page = section.labels({"labels": {"classes": classes, "confusion": {"labels": names, "counts": counts}}})
    assert "3 rarer labels are not shown" in page
    assert "label 11" in page
    assert "label 12" not in page
    assert page.count("other labels") == 2
