"""Metrics of another package: installed entry points, used without a change in this package."""

import json
import sys

import pytest

import instructzero
from instructzero.errors import ConfigurationError, TaskError
from instructzero.records.directory import RunDirectory
from instructzero.registry import METRICS
from instructzero.tasks import get_metric, is_judged

PACKAGE = '''
"""A metric with a parameter, a metric without one, and a plain function; a record of all predictions."""

from dataclasses import dataclass

from instructzero.tasks import Metric, MetricKind

predictions = []


@dataclass(frozen=True)
class Prefix(Metric):
    length: int = 1

    def score(self, prediction, answer):
        predictions.append(prediction)
        return float(prediction[: self.length] == answer[: self.length])


def parse(spec, parameter):
    return Prefix(spec, int(parameter or "1"))


def overlap(prediction, outputs):
    predictions.append(prediction)
    return max(len(set(prediction) & set(output)) / len(set(prediction) | set(output)) for output in outputs)


def too_high(prediction, outputs):
    return 2.0


PREFIX = MetricKind("prefix[:LENGTH]", "the first letters are the answer's", parse)
FIXED = MetricKind.of(Prefix("first_letter"), "the first letter is the answer's")
UNPARSED = MetricKind("unparsed", "a parser that returns no metric", lambda spec, parameter: overlap)
NO_METRIC = 3
'''
ENTRY_POINTS = """[instructzero.metrics]
prefix = foreign_metrics:PREFIX
first_letter = foreign_metrics:FIXED
overlap = foreign_metrics:overlap
too_high = foreign_metrics:too_high
unparsed = foreign_metrics:UNPARSED
wrong = foreign_metrics:NO_METRIC
absent = foreign_metrics:NOTHING
f1 = foreign_metrics:overlap
"""


@pytest.fixture(autouse=True)
def foreign(tmp_path, monkeypatch):
    """Install the package in a folder of its own and return its module."""
    site = tmp_path / "site"
    info = site / "foreign_metrics-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "foreign_metrics.py").write_text(PACKAGE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-metrics\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "foreign_metrics", raising=False)
    import foreign_metrics

    yield foreign_metrics
    sys.modules.pop("foreign_metrics", None)


def test_registry_names_foreign_metrics_after_builtin_ones():
    assert METRICS.names()[: len(METRICS.own)] == METRICS.own
    assert set(METRICS.names()[len(METRICS.own) :]) >= {"prefix", "first_letter", "overlap"}


@pytest.mark.parametrize(
    ("spec", "prediction", "score"),
    [
        ("prefix", "abc", 1.0),
        ("prefix:2", "abc", 1.0),
        ("prefix:3", "abc", 0.0),
        ("first_letter", "abc", 1.0),
        ("overlap", "abc", 0.5),
        ("0.5*prefix:3 + 0.5*overlap", "abc", 0.25),
    ],
)
def test_foreign_metric_scores_and_keeps_its_specification_as_name(spec, prediction, score):
    metric = get_metric(spec)
    assert metric(prediction, ["abd"]) == score
    assert metric.name == ("first_letter" if spec == "first_letter" else spec)
    assert not is_judged(spec)


def test_builtin_metric_takes_precedence_over_foreign_one():
    assert get_metric("f1")("abc", ["abd"]) == 0.0


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("prefix:many", ["'prefix:many'", "expected prefix[:LENGTH], got 'many'"]),
        ("overlap:3", ["unknown metric 'overlap:3'", "did you mean 'overlap'"]),
        ("first_letter:3", ["unknown metric 'first_letter:3'"]),
        ("overlapp", ["did you mean 'overlap'", "prefix"]),
        ("wrong", ["'wrong'", "expected a MetricKind or a function", "got a int"]),
        ("unparsed", ["expected a Metric from its parser, got a function"]),
    ],
)
def test_invalid_foreign_metric_raises_with_fix(spec, words):
    with pytest.raises(TaskError) as refusal:
        get_metric(spec)
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_foreign_metric_that_does_not_load_raises_naming_the_entry_point():
    with pytest.raises(
        ConfigurationError, match=r"metric 'absent': expected an entry point .* 'foreign_metrics:NOTHING'"
    ):
        get_metric("absent")


def test_foreign_function_with_invalid_result_raises():
    with pytest.raises(TaskError, match=r"'too_high': expected a number from 0 to 1, got 2.0"):
        get_metric("too_high")("abc", ["abd"])


@pytest.mark.parametrize("spec", ["prefix:2", "overlap"])
def test_run_with_foreign_metric_names_it_in_journal_and_result(spec, scripted, tmp_path, foreign):
    directory = tmp_path / "run"
    result = instructzero.optimize(**scripted, metric=spec, directory=directory)
    header = json.loads((directory / "journal.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert header["metric"] == spec
    assert RunDirectory.read_settings(directory).metric == spec
    assert foreign.predictions
    assert 0 < result.test_score <= 1


def test_resume_with_foreign_metric_gives_the_same_result(scripted, tmp_path, foreign):
    directory, again = tmp_path / "run", tmp_path / "again"
    whole = instructzero.optimize(**scripted, metric="prefix:2", directory=directory)
    lines = (directory / "journal.jsonl").read_bytes().splitlines(keepends=True)
    for name in ("settings.yaml", "run-id", "calls.sqlite"):
        again.mkdir(exist_ok=True)
        (again / name).write_bytes((directory / name).read_bytes())
    (again / "journal.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
    assert instructzero.resume(again).to_dict() == whole.to_dict()
    assert (again / "journal.jsonl").read_bytes() == b"".join(lines)


def test_resume_with_other_parameter_of_foreign_metric_raises(scripted, tmp_path):
    instructzero.optimize(**scripted, metric="prefix:2", directory=tmp_path / "run")
    with pytest.raises(ConfigurationError, match="metric"):
        instructzero.optimize(**scripted, metric="prefix:3", directory=tmp_path / "run")
