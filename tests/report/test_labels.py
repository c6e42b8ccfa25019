"""The results by label in a report: the commonest label beside the scores, the table, and the confusion matrix."""

import json
from dataclasses import replace

import pytest

import instructzero
from instructzero.models.scripted import ScriptedWriter
from instructzero.report.data import collect
from instructzero.report.labels import label_parts_of, labels_of
from instructzero.report.labels_section import labels
from instructzero.report.page import render
from instructzero.report.source import read_source
from tests.browser import Watched
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
    rows = directory.with_name("sorted.jsonl")
    rows.write_text("".join(json.dumps({"input": text, "output": label}) + "\n" for text, label in SORTED))
    instructzero.optimize(
        rows, writer=ScriptedWriter(), blackbox=sort, metric="choice", evaluations=6, directory=directory, **SIZES
    )
    return read_source(directory)


def test_data_are_those_of_the_result(sorted_run):
    found = labels_of(sorted_run)
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


def test_running_search_has_the_validation_results_by_label(sorted_run):
    running = replace(sorted_run, result=None, history=replace(sorted_run.history, tests={}, confirmations={}))
    found = labels_of(running)
    assert found["majority_scores"]["validation"] == pytest.approx(8 / 12)
    assert not found["classes"]
    assert [part["name"] for part in label_parts_of(running)] == ["validation"]
    assert "follow the final test" in labels({"labels": found, "label_parts": []})


def test_parts_have_the_results_of_the_best_and_the_plain_instruction(sorted_run):
    parts = {part["name"]: part for part in label_parts_of(sorted_run)}
    assert list(parts) == ["test", "confirmation", "validation"]
    test = parts["test"]["results"]
    assert test["best"]["classes"] == sorted_run.result["classes"]
    assert test["best"]["confusion"] == sorted_run.result["confusion"]
    rivals = {text for role, text in sorted_run.references.items() if role in ("plain", "start", "baseline")}
    assert len(test) == 1 + len(rivals - {sorted_run.best})
    assert [part["examples"] for part in parts.values()] == [24, parts["confirmation"]["examples"], 12]


def test_confusions_are_the_cells_beside_the_diagonal_most_common_first(sorted_run):
    part = label_parts_of(sorted_run)[0]
    confusion = part["results"]["best"]["confusion"]
    names = [*confusion["labels"], None]
    cells = {
        (confusion["labels"][row], names[column]): count
        for row, line in enumerate(confusion["counts"])
        for column, count in enumerate(line)
        if count and row != column
    }
    found = {(one["label"], one["said"]): one["counts"]["best"] for one in part["confusions"]}
    assert {pair: count for pair, count in found.items() if count} == cells != {}
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_run_without_its_examples_shows_the_recorded_results(sorted_run):
    lost = replace(sorted_run, task=None, missing="They are gone.")
    assert label_parts_of(lost) == []
    assert "24 test examples by label" in labels({"labels": labels_of(lost), "label_parts": []})


def test_matrix_of_many_labels_counts_the_rarer_ones_together():
    names = [f"label {number:02}" for number in range(15)]
    counts = [[int(row == column) * 2 + int(column == 14) for column in range(15)] + [1] for row in range(15)]
    classes = [{"label": name, "support": 4, "precision": 0.5, "recall": 0.5, "f1": 0.5} for name in names]
    found = {"classes": classes, "confusion": {"labels": names, "counts": counts}}
    page = labels({"labels": found, "label_parts": []})
    assert "3 rarer labels are not shown" in page
    assert "label 11" in page
    assert "label 12" not in page
    assert page.count("other labels") == 2


@pytest.mark.parametrize("width", [390, 1440])
def test_section_fits_the_window_and_has_no_serious_accessibility_fault(browser, sorted_run, tmp_path, width):
    page = tmp_path / "report.html"
    page.write_text(render(collect(sorted_run)), encoding="utf-8")
    watched = Watched(browser, page.as_uri(), "#matrix td", width)
    watched.page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert not watched.sticks_out()
    assert [watched.faults(scheme) for scheme in ("light", "dark")] == [[], []]
    assert watched.errors == []
    watched.close()
