"""One cell: run, read again, gone on with."""

import json
import os
from weakref import WeakValueDictionary

import pytest

from instructzero.bench.cell import asking, results_on, run_cell
from instructzero.bench.cell_files import held
from instructzero.bench.local_models import LocalModels
from instructzero.bench.plan import cells_of
from instructzero.build import build_data, divide
from instructzero.calls.store import CallStore
from instructzero.errors import ConfigurationError, EndpointError, RunDirectoryError
from instructzero.files import sharing
from instructzero.models import network, scripted
from instructzero.records.journal import Journal


@pytest.fixture
def models():
    return LocalModels()


def content(cell):
    return (cell.folder / "cell.json").read_bytes()


def answers(cell):
    """How many answers the cell's store holds, each of which was paid for once."""
    with CallStore(cell.settings.store) as store:
        assert sum(account.usage.calls for account in store.accounts()) == len(store)
        return len(store)


def test_the_search_keeps_to_the_largest_budget_and_tests_come_on_top(plan, models):
    cell = cells_of(plan())[0]
    outcome = run_cell(cell, models)
    found = outcome.cell
    assert (found.method, found.task, found.models, found.seed) == ("uniform", "fruit", "scripted", 0)
    assert [mark.budget for mark in found.marks] == [20, 60]
    assert found.plain.budget == 0
    assert all(len(mark.test_scores) == 6 and mark.test == sum(mark.test_scores) / 6 for mark in found.marks)
    assert 20 < found.usage.calls <= 60 < outcome.paid.calls == answers(cell)
    assert [calls for calls, _ in found.curve] == sorted(calls for calls, _ in found.curve)
    assert found.curve[-1][1] == found.marks[-1].validation
    assert found.seconds > 0
    assert b"seconds" not in content(cell)


@pytest.mark.parametrize("method", ["paper", "instructzero"])
def test_of_the_best_on_validation_the_best_on_fresh_examples_too_is_tested(plan, models, method):
    sizes = {**plan().settings, "validation": 3, "test": 3}
    cell = cells_of(plan(methods=[method], tasks=plan().tasks[0], settings=sizes))[0]
    mark = run_cell(cell, models).cell.marks[-1]
    fresh = divide(build_data(cell.settings), cell.settings, confirmation=None)
    trials = Journal(cell.folder / "journal.jsonl").history.trials
    validated = {trial.instruction: trial.evaluation for trial in trials if trial.evaluation.is_complete(3)}
    best = sorted(validated, key=lambda text: -validated[text].mean)[:3]
    asked = answers(cell)
    with asking(cell.folder, cell.settings, fresh) as evaluator:
        confirmed = results_on(fresh.confirmation, evaluator, best)
    assert answers(cell) == asked  # nothing is new: the cell has asked all of it
    pooled = {text: (validated[text] + confirmed[text]).mean for text in best}
    assert len(fresh.confirmation) == 8
    assert mark.confirmation == confirmed[mark.instruction].mean
    assert pooled[mark.instruction] == max(pooled.values())


def test_a_finished_cell_is_read_and_asks_nothing(plan, models, monkeypatch):
    cell = cells_of(plan())[0]
    first = run_cell(cell, models)
    monkeypatch.setattr(scripted.ScriptedBlackBox, "complete", None)
    assert run_cell(cell, models) == first


def test_trackers_of_the_plan_log_the_cell_and_no_progress_is_left(plan, models):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    cell = cells_of(plan(log_to=["tensorboard"]))[0]
    run_cell(cell, models)
    assert list((cell.folder / "tensorboard").iterdir())
    assert not (cell.folder / "progress.json").exists()


def test_the_same_bytes_in_another_place_and_company(plan, models, tmp_path):
    alone = cells_of(plan(methods=["instructzero"], out=tmp_path / "alone"))[0]
    run_cell(alone, models)
    for cell in cells_of(plan())[:2]:
        run_cell(cell, LocalModels())
    assert content(cell) == content(alone)


def test_methods_share_answers_and_each_is_charged_for_what_it_asked(plan, models, tmp_path):
    first, second = cells_of(plan(tasks=plan().tasks[0]))
    one, other = run_cell(first, models), run_cell(second, models)
    alone = run_cell(cells_of(plan(tasks=plan().tasks[0], out=tmp_path / "alone"))[1], models)
    assert first.settings.store == second.settings.store
    assert other.cell.usage == alone.cell.usage
    assert other.paid.calls < alone.paid.calls
    assert one.paid.calls + other.paid.calls == answers(first)


def test_stopped_in_the_middle_it_ends_with_the_same_bytes_and_repeats_no_call(plan, models, monkeypatch, tmp_path):
    for number, whole in enumerate(cells_of(plan(out=tmp_path / "whole"))[:2]):
        run_cell(whole, models)
        cell = cells_of(plan())[number]
        while not (cell.folder / "cell.json").exists():
            with monkeypatch.context() as patch:
                fail_after(patch, 17)
                try:
                    run_cell(cell, models)
                except EndpointError:
                    assert json.loads((cell.folder / "timing.json").read_text())["seconds"] > 0
        assert content(cell) == content(whole)
        assert answers(cell) == answers(whole)


def fail_after(patch, calls):
    """Let the endpoint break at every so many calls."""
    ask = scripted.ScriptedBlackBox.complete
    asked = 0

    async def complete(self, request):
        nonlocal asked
        asked += 1
        if asked > calls:
            raise EndpointError("the line is dead")
        return await ask(self, request)

    patch.setattr(scripted.ScriptedBlackBox, "complete", complete)


def test_other_budgets_up_to_the_same_largest_are_tested_without_a_new_search(plan, models):
    before = cells_of(plan())[0]
    run_cell(before, models)
    journal = (before.folder / "journal.jsonl").read_bytes()
    outcome = run_cell(cells_of(plan(budgets=[30, 40, 60]))[0], models)
    assert [mark.budget for mark in outcome.cell.marks] == [30, 40, 60]
    assert (before.folder / "journal.jsonl").read_bytes() == journal
    assert outcome.cell.usage.calls <= 60 < answers(before)


@pytest.mark.parametrize(("values", "name"), [({"budgets": [90]}, "search_calls"), ({"settings": {}}, "exemplars")])
def test_a_cell_of_other_settings_is_refused_by_name(plan, models, values, name):
    run_cell(cells_of(plan())[0], models)
    with pytest.raises(
        ConfigurationError, match=rf"fruit-0 holds a cell of other settings \(.*{name}: .* another --out"
    ):
        run_cell(cells_of(plan(**values))[0], models)


def test_an_unfinished_cell_of_other_budgets_is_refused_too(plan, models, monkeypatch):
    with monkeypatch.context() as patch:
        fail_after(patch, 20)
        with pytest.raises(EndpointError):
            run_cell(cells_of(plan())[0], models)
    with pytest.raises(ConfigurationError, match="holds a cell of other settings"):
        run_cell(cells_of(plan(budgets=[90]))[0], models)


def test_a_folder_that_cannot_be_written_is_one_sentence(plan, models):
    with pytest.raises(RunDirectoryError, match="cannot write to /proc/none"):
        run_cell(cells_of(plan(out="/proc/none"))[0], models)


def test_a_cell_that_another_process_holds_is_waited_for_and_then_refused(plan, models, monkeypatch):
    import fcntl

    from instructzero.bench import cell_files as module

    monkeypatch.setattr(module, "PATIENCE_S", 0.1)
    cell = cells_of(plan())[0]
    cell.folder.mkdir(parents=True)
    with (cell.folder / "cell.lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RunDirectoryError, match="in use by another process"):
            run_cell(cell, models)
    assert run_cell(cell, models).cell.method == "uniform"


def test_local_models_are_loaded_once_for_all_cells(plan, scripted, models, monkeypatch):
    loads = []
    load = network._load
    monkeypatch.setattr(network, "_loaded", WeakValueDictionary())  # other tests may hold the same models
    monkeypatch.setattr(network, "_load", lambda source, *rest: loads.append(source) or load(source, *rest))
    sizes = {"evaluations": 2, "validation": 2, "confirmation": 0, "test": 2, "batch": 2}
    settings = {**scripted["settings"], **sizes}
    embedded = plan(tasks="antonyms,sum", models={"embedded": {}}, methods=["uniform"], settings=settings)
    for cell in cells_of(embedded):
        run_cell(cell, models)
    assert len(loads) == len(set(loads)) == 2


@pytest.mark.parametrize("found", ['{"seconds": 1.5, "mine": 2}', "mine", "[]", '{"seconds": null}'])
def test_file_of_other_origin_in_the_place_of_the_seconds_is_refused_and_unchanged(plan, models, found):
    cell = cells_of(plan())[0]
    cell.folder.mkdir(parents=True)
    (cell.folder / "timing.json").write_text(found)
    with pytest.raises(RunDirectoryError, match=r"the seconds of a cell in .*timing.json, got another file"):
        run_cell(cell, models)
    assert (cell.folder / "timing.json").read_text() == found


@pytest.mark.parametrize(("share", "mode"), [(False, 0o700), (True, 0o775)])
def test_folders_of_models_and_methods_have_the_mode_of_a_run(plan, models, share, mode):
    cell = cells_of(plan())[0]
    before = os.umask(0o002)
    try:
        with sharing(share), held(cell):
            found = {folder.stat().st_mode & 0o777 for folder in (cell.folder, *cell.folder.parents[:2])}
    finally:
        os.umask(before)
    assert found == {mode}
