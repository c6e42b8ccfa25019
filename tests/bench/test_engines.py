"""Engines write the same bytes as a single process, even if processes die or are interrupted."""

import os
import signal
import time
from collections import deque
from pathlib import Path

import pytest

from instructzero.bench.engines import LIVES, make_engine, take
from instructzero.bench.engines.processes import ProcessEngine
from instructzero.bench.plan import cells_of, make_plan
from instructzero.errors import InstructZeroError, UserError

pytestmark = pytest.mark.timeout(600)  # every test starts several interpreters

SIZES = {"exemplars": 2, "validation": 4, "confirmation": 0, "test": 4, "initial": 3, "batch": 3, "evaluations": 6}
QUICK = {**SIZES, "instruction_tokens": 24, "answer_tokens": 8}


def log(path):
    return Path(path).read_text(encoding="utf-8").splitlines()


@pytest.fixture(params=["processes", "ray", "slurm"])
def engine(request):
    if request.param == "ray":
        pytest.importorskip("ray", reason="the extra ray is not installed: pip install 'instructzero[ray]'")
    if request.param == "slurm":
        request.getfixturevalue("slurm")
    return request.param


def finish(start, values, engine="processes", tries=3):
    """Run a bench until it has finished; try again if Ray does not start because the machine is too busy."""
    for _ in range(tries):
        process = start(values, engine)
        out, err = process.communicate(timeout=500)
        if "Ray does not start" not in err:
            break
    assert process.returncode == 0, err
    return out


def test_killed_worker_repeats_only_its_cell_and_no_call_and_seeds_share_answers(
    engine, start, dying, cells_in, in_this_process, monkeypatch
):
    monkeypatch.setenv("DIE_AT", "30")
    dying |= {"tasks": dying["tasks"][0], "seeds": 2}
    out = finish(start, dying, engine)
    assert Path(os.environ["DEATH_FILE"]).exists()
    assert "4 of 4: " in out
    asked = log(os.environ["CALLS_FILE"])
    assert len(asked) == len(set(asked))
    reference = in_this_process(dying)
    assert cells_in({**dying, "engine": engine}) == cells_in(reference)
    assert sorted(log(os.environ["CALLS_FILE"])) == sorted(asked * 2)


def test_killed_bench_continues_and_writes_the_same_bytes(start, scripted, cells_in, in_this_process):
    values = {**scripted, "tasks": "antonyms,sum", "models": {"embedded": {}}, "settings": QUICK, "budgets": [10, 24]}
    process = start(values)
    out = Path(values["out"])
    while not list(out.glob("*/*/*/cell.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert len(list(out.glob("*/*/*/cell.json"))) < 4
    assert " of 4 runs were finished before" in finish(start, values)
    assert cells_in(values) == cells_in(in_this_process(values))


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize(
    ("engine", "number", "code"),
    [("processes", signal.SIGINT, 130), ("processes", signal.SIGTERM, 143), ("slurm", signal.SIGINT, 130)],
    indirect=["engine"],
)
def test_signal_keeps_paid_answers_and_next_bench_continues(
    engine, number, code, start, dying, cells_in, in_this_process
):
    dying["engine"] = engine
    process = start(dying)
    calls = Path(os.environ["CALLS_FILE"])
    while not calls.exists() or len(log(calls)) < 20:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    if number == signal.SIGTERM:  # schedulers and containers send it to the workers, too
        for worker in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(worker), number)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert err.splitlines()[-1] == "instructzero: stopped; all paid answers are stored; repeat the command to continue"
    assert "Traceback" not in err
    stopped = len(log(calls))
    finish(start, dying)
    asked = log(calls)
    assert stopped < len(asked) == len(set(asked))
    assert cells_in(dying) == cells_in(in_this_process(dying))


def test_error_of_a_cell_names_the_cell_and_stops_the_bench(plan, task_files):
    cells = cells_of(plan(models={"broken": {"writer": "scripted:phrases", "blackbox": "python:no_such_module:f"}}))
    with pytest.raises(UserError, match=r"uniform on fruit, broken, seed 0: the module no_such_module"):
        list(ProcessEngine(1).map(cells))


def test_cell_whose_process_keeps_dying_raises_error(dying, monkeypatch):
    monkeypatch.setenv("DIE_AT", "1")
    monkeypatch.delenv("DEATH_FILE")
    cell = cells_of(make_plan(dying))[0]
    with pytest.raises(InstructZeroError, match=f"uniform on fruit, dying, seed 0: .* died {LIVES} times"):
        list(ProcessEngine(2).map([cell]))


def test_take_returns_no_cell_that_shares_a_call_store_with_a_running_one(plan):
    waiting = deque(cells_of(plan(methods=["uniform", "instructzero", "ape"])))
    first, second = take(waiting, []), take(waiting, [])
    assert (first.task, second.task) == ("fruit", "fruit")
    assert take(waiting, [first]).task == "tools"
    assert take(waiting, [first, *waiting]) is None
    assert [cell.task for cell in (first, second, *waiting)].count("tools") == 2


def test_slurm_runs_cells_that_share_a_call_store_in_one_job(slurm, scripted, cells_in, in_this_process):
    outcomes = list(make_engine(make_plan({**scripted, "engine": "slurm"})).map(cells_of(make_plan(scripted))))
    assert sorted(path.name for path in slurm.iterdir()) == ["1", "2"]
    assert len(outcomes) == 4
    assert cells_in(scripted) == cells_in(in_this_process(scripted))


def test_interrupted_slurm_job_keeps_answers_and_remaining_cells_run_in_another_job(
    slurm, start, dying, cells_in, in_this_process
):
    process = start({**dying, "workers": 1}, "slurm")
    calls = Path(os.environ["CALLS_FILE"])
    while not calls.exists() or len(log(calls)) < 20:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.kill(int((slurm / "1" / "task").read_text()), signal.SIGUSR2)
    out, err = process.communicate(timeout=500)
    assert process.returncode == 0, err
    assert "4 of 4: " in out
    assert len(list(slurm.iterdir())) == 3
    asked = log(calls)
    assert len(asked) == len(set(asked))
    assert cells_in(dying) == cells_in(in_this_process(dying))


def test_slurm_without_commands_or_with_rejected_job_raises_one_sentence(plan, slurm, monkeypatch):
    refusal = "#!/bin/sh\necho 'error: invalid partition specified: gpu' >&2\nexit 1\n"
    (slurm.parent / "bin" / "sbatch").write_text(refusal)
    with pytest.raises(InstructZeroError, match=r"expected Slurm to accept the job, got: .*invalid partition.*; fix"):
        list(make_engine(plan(engine="slurm")).map(cells_of(plan())))
    monkeypatch.setenv("PATH", str(slurm))
    with pytest.raises(UserError, match=r"expected Slurm's commands sbatch and srun .* use --engine processes"):
        make_engine(plan(engine="slurm"))


def test_map_without_cells_yields_nothing(plan, monkeypatch):
    assert list(make_engine(plan()).map([])) == []
