"""Small benches: tasks that the scripted models can solve, and plans with them."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from instructzero.bench.plan import cells_of, make_plan

ASSETS = Path(__file__).parents[1] / "assets"

WORDS = {
    "fruit": "apple pear plum grape lemon melon cherry banana orange quince peach mango papaya lime fig date kiwi",
    "tools": "hammer saw drill wrench pliers chisel file lathe anvil clamp ruler level spade rake hoe axe vise",
}


@pytest.fixture
def task_files(tmp_path):
    """Two tasks without a common input: reversed words, and words in upper case."""
    paths = []
    for (name, words), change in zip(WORDS.items(), (lambda word: word[::-1], str.upper), strict=True):
        path = tmp_path / f"{name}.jsonl"
        rows = [json.dumps({"input": word, "output": change(word)}) for word in words.split()]
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        paths.append(str(path))
    return paths


@pytest.fixture
def scripted(task_files, tmp_path):
    """The values of a plan with 2 methods × 2 tasks × 1 seed and scripted models."""
    return {
        "tasks": task_files,
        "methods": ["uniform", "instructzero"],
        "models": {"scripted": {"writer": "scripted:phrases", "blackbox": "scripted:obey"}},
        "budgets": [20, 60],
        "seeds": 1,
        "settings": {"exemplars": 3, "validation": 6, "test": 6, "initial": 4, "batch": 4, "evaluations": 12},
        "workers": 2,
        "out": str(tmp_path / "out"),
    }


@pytest.fixture
def plan(scripted):
    """Make the plan of ``scripted``, with some values replaced."""
    return lambda **values: make_plan({**scripted, **values})


@pytest.fixture
def dying(scripted, tmp_path, monkeypatch):
    """The values of ``scripted`` with a black box that logs its calls in CALLS_FILE and dies at call DIE_AT."""
    for name, value in {
        "PYTHONPATH": ASSETS,
        "CALLS_FILE": tmp_path / "calls",
        "DEATH_FILE": tmp_path / "death",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.syspath_prepend(ASSETS)
    models = {"dying": {"writer": "scripted:phrases", "blackbox": "python:dying_blackbox:answer"}}
    return {**scripted, "models": models}


@pytest.fixture
def start(tmp_path):
    """Start a bench in a new process: with the command line or, if an engine is named, without a report."""

    def popen(values, engine=None):
        path = tmp_path / "plan.yaml"
        path.write_text(yaml.safe_dump(values))
        command = ["-m", "instructzero", "bench", str(path)]
        if engine is not None:
            command = [str(ASSETS / "run_plan.py"), str(path), engine]
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    started = []
    yield popen
    for process in started:  # a failed test may have left one running
        process.kill()
        process.communicate()


@pytest.fixture
def cells_in():
    """Read the bytes of all cells of a plan, by the name of the cell."""

    def read(values):
        cells = cells_of(make_plan(values))
        return {str(cell): (cell.folder / "cell.json").read_bytes() for cell in cells}

    return read


@pytest.fixture
def in_this_process(tmp_path):
    """Run the cells of a plan in this process, on one thread; returns the values with their separate folder."""
    import torch

    from instructzero.bench.cell import LocalModels, run_cell

    def run(values):
        values = {**values, "out": str(tmp_path / "reference")}
        models = LocalModels()
        for cell in cells_of(make_plan(values)):
            run_cell(cell, models)
        return values

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield run
    torch.set_num_threads(threads)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A simulated Slurm cluster on this machine, which runs jobs at once; returns the folder with their states."""
    pytest.importorskip("submitit", reason="the extra slurm is not installed: pip install 'instructzero[slurm]'")
    commands, state = tmp_path / "bin", tmp_path / "slurm"
    commands.mkdir()
    state.mkdir()
    for name in ("sbatch", "srun", "sacct", "scancel"):
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {ASSETS / "slurm.py"} {name} "$@"\n')
        command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_STATE", str(state))
    yield state
    for group in state.glob("*/group"):
        with suppress(ProcessLookupError):
            os.killpg(int(group.read_text()), signal.SIGKILL)
