"""The failures of the best instruction: which examples they are, why they failed, and how the page shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from instructzero.report.failures import MAX_FAILURES, failures_of
from instructzero.report.failures_section import failures
from instructzero.report.html import escape, join
from instructzero.report.source import Source, read_source
from instructzero.types import Evaluation, Finish, Incomplete
from tests.report.conftest import NASTY


@pytest.fixture(scope="module")
def source(finished: Path) -> Source:
    return read_source(finished)


def with_results(source: Source, best: Evaluation, plain: Evaluation) -> Source:
    """Return the run with these results of the final test."""
    tests = {str(source.best): best, source.references["plain"]: plain}
    return replace(source, history=replace(source.history, tests=tests))


def test_duels_and_failures_count_every_example_of_the_final_test(source: Source) -> None:
    best = Evaluation((1.0, 0.0, 1.0, 0.5), ("a", "b", "c", "d"))
    plain = Evaluation((1.0, 1.0, 0.0, 0.0), ("a", "B", "x", "y"))
    part = failures_of(with_results(source, best, plain))[0]
    assert (part["name"], part["examples"], part["right"], part["failed"], part["gained"]) == ("test", 4, 2, 2, 1)
    assert part["duels"]["plain"] == {"both": 1, "best": 1, "rival": 1, "neither": 1}
    regression, other = part["failures"]
    assert (regression["number"], regression["best"]["given"], regression["plain"]["given"]) == (2, "b", "B")
    assert (other["number"], other["best"]["why"]) == (4, "partly correct")
    assert [row["number"] for row in part["gains"]] == [3]


def test_examples_and_answers_are_those_of_the_run(source: Source) -> None:
    assert source.task is not None
    for part in failures_of(source):
        examples = getattr(source.task, part["name"])
        for row in (*part["failures"], *part["gains"]):
            example = examples[row["number"] - 1]
            assert (row["input"], row["expected"]) == (example.input, list(example.outputs))
    test = next(part for part in failures_of(source) if part["name"] == "test")
    given = [row["plain"]["given"] for row in test["gains"]]
    plain = source.history.tests[source.references["plain"]]
    assert given == [plain.predictions[row["number"] - 1] for row in test["gains"]] != []


def test_reason_is_the_remark_or_the_way_an_answer_ended_or_the_rule(source: Source) -> None:
    cut = (Incomplete(1, Finish.CUT), Incomplete(2, Finish.FAILED, "too long"))
    best = Evaluation((0.0,) * 4, ("",) * 4, incomplete=cut, remarks=("Not a word.", "", "", ""))
    part = failures_of(with_results(source, best, Evaluation((0.0,) * 4, ("",) * 4)))[0]
    assert [row["best"]["why"] for row in part["failures"]] == [
        "Not a word.",
        "cut off at the token limit",
        "none: the service refused the question: too long",
        "the metric does not accept it",
    ]


def test_many_failures_are_cut_and_counted(source: Source) -> None:
    count = MAX_FAILURES + 5
    best = Evaluation((0.0,) * count, ("no",) * count)
    part = failures_of(with_results(source, best, Evaluation((1.0,) * count, ("yes",) * count)))[0]
    assert (len(part["failures"]), part["failed"]) == (MAX_FAILURES, count)
    assert f"{MAX_FAILURES} of {count} examples" in join(*failures([part]))


def test_lost_examples_are_named_as_such(source: Source) -> None:
    part = failures_of(replace(source, task=None))[0]
    assert all(row["input"] is None for row in (*part["failures"], *part["gains"]))
    assert "not available" in join(*failures([part]))


def test_running_search_has_no_failures_of_the_final_test(source: Source) -> None:
    running = replace(source, result=None, history=replace(source.history, tests={}, confirmations={}))
    assert [part["name"] for part in failures_of(running)] == ["validation"]


def test_hostile_inputs_and_answers_stay_text(hostile: Path) -> None:
    page = (hostile / "report.html").read_text(encoding="utf-8")
    shown = page[page.index('<section id="examples"') : page.index("</section>", page.index('<section id="examples"'))]
    assert "Failures on the test examples" in shown
    assert "<script" not in shown
    assert "<img" not in shown
    assert escape(NASTY[0]) in shown
