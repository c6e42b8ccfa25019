"""A search method of another package: run, resumed and compared, as an entry point and as ``python:module:Class``."""

import sys

import pytest

import instructzero
from instructzero.bench.cell import LocalModels, run_cell
from instructzero.bench.plan import cells_of, make_plan
from instructzero.config import make_settings
from instructzero.errors import EndpointError
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey
from instructzero.optimizers.registry import Materials, get_method
from instructzero.records.places import default_directory
from instructzero.registry import METHODS

MODULE = '''\
"""A walk around the best point."""

import numpy as np

from instructzero import Optimizer
from instructzero.types import Proposal


class Walk(Optimizer):
    """Steps away from the best point so far."""

    def __init__(self, dimension, seed, initial=3, batch=2):
        self.dimension, self.seed, self.initial, self.batch = dimension, seed, initial, batch
        self.trials = []

    def ask(self, limit):
        generator = np.random.default_rng([self.seed, len(self.trials)])
        if len(self.trials) < self.initial:
            points = generator.uniform(-1, 1, (min(self.initial - len(self.trials), limit), self.dimension))
        else:
            best = max(self.trials, key=lambda trial: trial.score).proposal.z
            points = np.clip(best + generator.normal(0, 0.5, (min(self.batch, limit), self.dimension)), -1, 1)
        return [Proposal(tuple(point)) for point in points.tolist()]

    def tell(self, trials, unpaid=()):
        self.trials.extend(trials)
'''
SETTINGS = {"evaluations": 9, "initial": 4, "batch": 3, "stop_early": False}


@pytest.fixture(params=["entry point", "python:"])
def method(request, tmp_path, monkeypatch):
    """The name of the method of a package that is installed, or that lies in the current directory."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "walking_method.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "walking_method", raising=False)
    monkeypatch.setattr("sys.path", list(sys.path))
    if request.param == "python:":
        monkeypatch.chdir(package)
        return "python:walking_method:Walk"
    metadata = package / "walking_method-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: walking-method\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[instructzero.methods]\nwalk = walking_method:Walk\n", encoding="utf-8")
    monkeypatch.syspath_prepend(package)
    return "walk"


def run(task_file, directory, method, **box):
    black_box = ScriptedBlackBox(obey, **box)
    return instructzero.optimize(
        str(task_file), writer=ScriptedWriter(), blackbox=black_box, directory=directory, method=method, **SETTINGS
    )


def test_foreign_method_is_listed_and_described(method):
    assert get_method(method).summary == "Steps away from the best point so far."
    assert (method in METHODS.names()) == (method == "walk")
    folder = default_directory(make_settings({"task": "sum", "method": method}))
    assert folder.name == f"sum-{method.replace(':', '-')}-0"


def test_foreign_method_runs_and_proposes_the_points_of_the_journal(method, task_file, tmp_path):
    result = run(task_file, tmp_path / "run", method)
    assert len(result.trials) == 9
    arguments = {"dimension": 10, "seed": 0, "initial": 4, "batch": 3}
    optimizer = get_method(method).make(arguments, Materials(represent=lambda points: None, demonstrations=""))
    for number in range(3):
        trials = [trial for trial in result.trials if trial.round == number]
        assert [trial.proposal for trial in trials] == optimizer.ask(9)[: len(trials)]
        optimizer.tell(trials)
    assert f"method: {method}" in (tmp_path / "run" / "settings.yaml").read_text(encoding="utf-8")


def test_resume_after_interruption_gives_the_same_journal(method, task_file, tmp_path):
    reference = run(task_file, tmp_path / "reference", method)
    interruptions = 0
    while True:
        try:
            result = run(task_file, tmp_path / "run", method, fail_after=40)
        except EndpointError:
            interruptions += 1
            continue
        break
    assert interruptions
    assert result == reference
    journals = [(tmp_path / name / "journal.jsonl").read_bytes() for name in ("run", "reference")]
    assert journals[0] == journals[1]


def test_bench_compares_a_foreign_method(method, task_file, tmp_path):
    plan = make_plan(
        {
            "tasks": [str(task_file)],
            "methods": [method, "uniform"],
            "models": {"scripted": {"writer": "scripted:phrases", "blackbox": "scripted:obey"}},
            "budgets": [60],
            "seeds": 1,
            "settings": {"exemplars": 3, "validation": 6, "test": 6, "batch": 4},
            "workers": 1,
            "out": str(tmp_path / "bench"),
        }
    )
    cell, other = cells_of(plan)
    assert cell.folder.parent.name == method.replace(":", "-")
    assert (cell.method, other.method) == (method, "uniform")
    outcome = run_cell(cell, LocalModels())
    assert outcome.cell.method == method
    assert [mark.budget for mark in outcome.cell.marks] == [60]
