"""Metrics that are Python functions: what they receive, what they may return, and where their remarks go."""

import json
import operator
import sys

import pytest

import instructzero
from instructzero.errors import ConfigurationError, InstructZeroError, TaskError
from instructzero.records.journal import Journal
from instructzero.report import write_report
from instructzero.scoring.scorers import MetricScorer
from instructzero.tasks import get_metric
from instructzero.tasks.custom import FunctionMetric
from instructzero.tasks.metric import Grade
from instructzero.types import Completion, Evaluation, Example

STEP = Example("Boil water.", ("hot",), {"unit": "°C", "limit": 100})

MODULE = '''
def letters(prediction, example):
    """Score the letters in place, and say which one is the first wrong one."""
    for place, (said, wanted) in enumerate(zip(prediction, example.outputs[0])):
        if said != wanted:
            hint = example.columns["hint"]
            return place / len(example.outputs[0]), f"letter {place} <script>alert(1)</script> {hint}"
    return float(prediction == example.outputs[0])


def halves(prediction, answers):
    return 0.5
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Install a module with metrics, and return the settings of a run with rows that have a further column."""
    (tmp_path / "own_metrics.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_metrics", raising=False)
    words = "apple river stone cloud green light table chair mouse horse bread water house plant".split()
    rows = [{"input": word, "output": word[::-1], "hint": f"hint {place}"} for place, word in enumerate(words)]
    (tmp_path / "words.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    yield {
        "task": str(tmp_path / "words.jsonl"),
        "writer": "scripted:phrases",
        "blackbox": "scripted:obey",
        "evaluations": 8,
        "initial": 4,
        "batch": 4,
        "stop_early": False,
    }
    sys.modules.pop("own_metrics", None)


@pytest.mark.parametrize(
    "function",
    [
        lambda prediction, example: (prediction, example),
        lambda example, prediction: (prediction, example),
        lambda answer, example: (answer, example),
    ],
)
def test_parameter_named_example_receives_the_example(function):
    seen = []

    def score(first, second):
        seen.append(function(first, second))
        return 1

    score.__signature__ = __import__("inspect").signature(function)
    metric = FunctionMetric("own", score)
    assert metric.grade("cold", STEP) == Grade(1.0)
    assert metric.reads_columns
    assert seen == [("cold", STEP)]


def test_other_function_receives_the_accepted_answers():
    seen = []
    metric = FunctionMetric("own", lambda *values: seen.append(values) or 1)
    assert metric.grade("cold", STEP) == Grade(1.0)
    assert metric("cold", ["hot"]) == 1.0
    assert seen == [("cold", ("hot",))] * 2
    assert not metric.reads_columns


def test_function_of_c_receives_the_accepted_answers():
    assert FunctionMetric("own", operator.countOf)("b", ["b"]) == 0.0
    with pytest.raises(TaskError, match="got TypeError: '>' not supported"):
        FunctionMetric("own", max)("a", ["b"])


def test_function_receives_the_answer_without_thoughts():
    metric = FunctionMetric("own", lambda prediction, answers: float(prediction in answers))
    assert metric("<think>hot or cold?</think>hot", ["hot"]) == 1.0


@pytest.mark.parametrize(
    ("returned", "grade"),
    [
        (0.5, Grade(0.5)),
        (True, Grade(1.0)),
        ((0.25, "too short"), Grade(0.25, "too short")),
        ((1, None), Grade(1.0)),
        ((0, "  \n"), Grade(0.0)),
        ((0, "x" * 5000), Grade(0.0, "x" * 1999 + "…")),
    ],
)
def test_function_returns_a_number_or_a_number_and_a_remark(returned, grade):
    assert FunctionMetric("own", lambda prediction, answers: returned).grade("a", STEP) == grade


@pytest.mark.parametrize(
    ("returned", "came"),
    [
        *((2.0, "2.0"), (float("nan"), "nan"), ("1", "'1'"), (None, "None"), ((2.0, "high"), "2.0")),
        *(((0.5, 3), "a remark of type int"), ((0.5, "a", "b"), r"\(0.5, 'a', 'b'\)")),
    ],
)
def test_function_that_returns_something_else_is_refused(returned, came):
    metric = FunctionMetric("own", lambda prediction, answers: returned)
    with pytest.raises(TaskError, match=f"'own': expected a number from 0 to 1, got {came} for the prediction 'a'"):
        metric.grade("a", STEP)


def test_function_that_fails_on_an_example_is_refused_with_its_error():
    metric = FunctionMetric("own", lambda prediction, example: example.columns["unt"])
    with pytest.raises(TaskError, match="got KeyError: 'unt'; fix the function"):
        metric.grade("a", STEP)


def test_weighted_sum_scores_the_example_and_joins_remarks(module):
    metric = get_metric("1*own_metrics:letters + 3*exact_match")
    grade = metric.grade("xot", Example("toh", ("hot",), {"hint": "h"}))
    assert grade == Grade(0.0, "letter 0 <script>alert(1)</script> h")
    assert metric.reads_columns
    assert not get_metric("1*own_metrics:halves + 3*exact_match").reads_columns


def test_scorer_passes_columns_and_keeps_the_remark():
    metric = FunctionMetric("own", lambda prediction, example: (0.5, f"in {example.columns['unit']}"))
    assert MetricScorer(metric).grade(STEP, Completion("90")) == Grade(0.5, "in °C")


def test_sum_of_evaluations_aligns_remarks():
    first, second = Evaluation((1.0,), ("a",)), Evaluation((0.0, 1.0), ("b", "c"), remarks=("why", ""))
    assert (first + second).remarks == ("", "why", "")
    assert (first + first).remarks == ()
    assert Evaluation((1.0,), ("a",), remarks=("",)).remarks == ()
    with pytest.raises(ValueError, match="a remark for each of 1 scores, got 2"):
        Evaluation((1.0,), ("a",), remarks=("x", "y"))


def test_remarks_stand_in_journal_and_report_as_text(module, tmp_path):
    directory = tmp_path / "run"
    instructzero.optimize(**module, metric="own_metrics:letters", directory=directory)
    history = Journal(directory / "journal.jsonl").history
    trial = next(trial for trial in history.trials if trial.evaluation.remarks)
    assert len(trial.evaluation.remarks) == len(trial.evaluation.scores)
    assert any(remark.startswith("letter 0 <script>alert(1)</script> hint ") for remark in trial.evaluation.remarks)
    page = write_report(directory).read_text(encoding="utf-8")
    assert "\\u003cscript>alert(1)" in page
    assert "<script>alert(1)" not in page
    start = page.index('id="report-data">') + len('id="report-data">')
    parts = json.loads(page[start : page.index("</script>", start)])["examples"]["parts"]
    rows = [row for part in parts for row in part["rows"]]
    assert any(remark.startswith("letter") for row in rows for remark in row["remarks"])
    assert all(len(row["remarks"]) in (0, len(row["answers"])) for row in rows)


def test_resumed_run_has_the_same_remarks_and_repeats_no_call(module, tmp_path):
    directory, again = tmp_path / "run", tmp_path / "again"
    instructzero.optimize(**module, metric="own_metrics:letters", directory=directory)
    lines = (directory / "journal.jsonl").read_bytes().splitlines(keepends=True)
    again.mkdir()
    for name in ("settings.yaml", "run-id", "calls.sqlite"):
        (again / name).write_bytes((directory / name).read_bytes())
    (again / "journal.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
    instructzero.resume(again)
    assert (again / "journal.jsonl").read_bytes() == b"".join(lines)


def test_metric_without_remarks_leaves_no_trace_in_the_journal(module, tmp_path):
    instructzero.optimize(**module, metric="own_metrics:halves", directory=tmp_path / "run")
    text = (tmp_path / "run" / "journal.jsonl").read_text(encoding="utf-8")
    assert "remark" not in text
    assert "hint" not in text


@pytest.mark.parametrize(("metric", "changed"), [("own_metrics:letters", True), ("own_metrics:halves", False)])
def test_changed_column_is_another_run_only_for_a_metric_that_reads_it(module, tmp_path, metric, changed):
    instructzero.optimize(**module, metric=metric, directory=tmp_path / "run")
    path = tmp_path / "words.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("hint 1", "note 1"), encoding="utf-8")
    if not changed:
        assert instructzero.resume(tmp_path / "run").test_score == 0.5
        return
    with pytest.raises(InstructZeroError, match="was begun with another"):
        instructzero.resume(tmp_path / "run")


def test_metric_without_such_a_module_is_refused():
    with pytest.raises((TaskError, ConfigurationError), match="expected a Python module 'absent_metrics'"):
        get_metric("absent_metrics:score")
