import json
import shutil

import pytest

from instructzero.bench.cell import run_cell
from instructzero.bench.local_models import LocalModels
from instructzero.bench.manual import REQUEST, manual_result, write_manually
from instructzero.bench.paper import PLANS, PUBLISHED, ablation, draw, run_folder
from instructzero.bench.plan import cells_of, make_plan
from instructzero.bench.results import read_cells
from instructzero.build import build_task
from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.models.scripted import PHRASES
from instructzero.tasks import builtin_names
from instructzero.types import Example
from tests.bench.synthetic import cell


@pytest.fixture
def bench(task_file, tmp_path):
    """A small bench of real runs: two methods and two seeds, on a word task named larger_animal."""
    task = tmp_path / "larger_animal.jsonl"
    shutil.copy(task_file, task)
    plan = make_plan(
        {
            "tasks": [str(task)],
            "methods": {"paper": {}, "instructzero": {"initial": 4}},
            "models": {"scripted": {"writer": "scripted:phrases", "blackbox": "scripted:obey"}},
            "budgets": [60],
            "seeds": 2,
            "settings": {"evaluations": 8, "validation": 6, "test": 6, "exemplars": 3, "racing": False},
            "out": tmp_path / "out",
            "workers": 1,
        }
    )
    models = LocalModels()
    for planned in cells_of(plan):
        run_cell(planned, models)
    return plan.out


@pytest.mark.parametrize("name", PLANS)
def test_plans_are_accepted_by_the_bench(name):
    plan = make_plan(PLANS[name])
    assert plan.seeds == 3
    assert plan.budgets == (3000,)
    assert plan.settings["evaluations"] == 150
    assert set(plan.tasks) <= {"all", *builtin_names()}


def test_plans_share_their_runs():
    plans = [make_plan(plan) for plan in PLANS.values()]
    assert len({plan.out for plan in plans}) == 1
    everything = next(plan for plan in plans if plan.tasks == ("all",))
    assert all(plan.methods.items() <= everything.methods.items() for plan in plans)
    assert all(plan.settings == everything.settings for plan in plans)


def test_plan_of_table1_has_the_tasks_of_the_paper():
    assert list(PUBLISHED) == PLANS["table1"]["tasks"]


def test_ablation_has_own_and_published_numbers():
    found = [
        cell(method, "sum", {3000: score}, seed=seed, plain=0.2)
        for method, score in {"paper": 0.7, "instructzero": 0.9}.items()
        for seed in range(2)
    ]
    table = ablation(found, {("sum", 0): 0.0, ("sum", 1): 0.3})
    assert dict(zip(table.header, table.rows[0], strict=True)) == {
        "task": "sum",
        "Manual": "0.15",
        "w/o Manual": "0.20",
        "InstructZero (as published)": "0.70",
        "InstructZero (repaired)": "0.90",
        "paper: Manual": "0.00",
        "paper: w/o Manual": "0.00",
        "paper: InstructZero": "1.00",
    }


ENDINGS = ("png", "svg", "pdf")


@pytest.mark.parametrize("name", ["fig1", "fig4"])
def test_draw_writes_a_figure_for_each_pair_of_models(name, tmp_path):
    found = [cell("paper", "sum", {3000: 0.5}, models=models) for models in ("a/b", "c")]
    paths = draw(name, found, tmp_path)
    assert {path.name for path in paths} == {f"{name}-{models}.{end}" for models in ("a-b", "c") for end in ENDINGS}
    assert all(path.stat().st_size for path in paths)


def test_draw_without_cells_raises_error(tmp_path):
    with pytest.raises(ConfigurationError, match="expected finished runs for fig5"):
        draw("fig5", [], tmp_path)


@pytest.mark.parametrize("name", ["fig1", "fig4"])
def test_draw_shows_tasks_and_methods_that_the_paper_does_not_have(name, tmp_path):
    found = [cell(method, task, {30: 0.5}) for method in ("ape", "capo", "opro") for task in ("mine", "other")]
    _, svg, _ = draw(name, found, tmp_path)
    text = svg.read_text(encoding="utf-8")
    assert "capo" in text
    assert "mine" in text


def test_ablation_of_a_task_that_the_paper_does_not_have_leaves_the_published_numbers_empty():
    table = ablation(
        [cell("capo", "mine", {30: 0.5}), cell("capo", "sum", {30: 0.5})], {("mine", 0): 0.25, ("sum", 0): 0.5}
    )
    assert [row[0] for row in table.rows] == ["sum", "mine"]
    assert table.rows[1][1:] == ("0.25", "0.10", "0.50", "", "", "")


def test_draw_unknown_figure_raises_error(tmp_path):
    with pytest.raises(ConfigurationError, match="expected one of fig1, fig4, fig5, fig6, table1 of the paper"):
        draw("fig9", [], tmp_path)


def test_draw_with_missing_journal_names_its_path(tmp_path):
    found = cell("paper", "sum", {10: 0.5})
    with pytest.raises(ConfigurationError, match="the journal of a run at"):
        draw("fig5", [found], tmp_path)
    assert str(run_folder(found, tmp_path)).endswith("embedded/paper/sum-0")


def test_draw_real_runs_writes_figures_and_table(bench):
    found = read_cells(bench)
    assert {path.name for path in draw("fig5", found, bench)} == {f"fig5-scripted.{end}" for end in ENDINGS}
    assert {path.stem for path in draw("fig6", found, bench)} == {"fig6-scripted-paper", "fig6-scripted-instructzero"}
    table, _ = draw("table1", found, bench)
    assert "| larger_animal |" in table.read_text(encoding="utf-8")
    assert read_cells(bench) == found


def test_manual_result_asks_once_and_keeps_the_result(bench):
    folder = run_folder(read_cells(bench)[0], bench)
    result = manual_result(folder)
    assert json.loads((folder / "manual.json").read_text(encoding="utf-8")) == {
        "instruction": result.instruction,
        "test": result.test,
    }
    (folder / "settings.yaml").unlink()  # a second question would need it
    assert manual_result(folder) == result


class Reader:
    """A writer that keeps the text it has read."""

    def __init__(self, has_chat_template):
        self.has_chat_template = has_chat_template

    def render_chat(self, content):
        return f"<user>{content}</user>"

    def generate(self, soft_prompts, before, after, *, max_new_tokens, special_tokens):
        assert soft_prompts is None
        self.read = before + after
        return [f" {PHRASES[0]}\n\nInput: x"]


@pytest.mark.parametrize(("chat", "around"), [(False, ("", "")), (True, ("<user>", "?</user>"))])
def test_write_manually_replaces_the_soft_prompt_by_the_request(task_file, chat, around):
    settings = make_settings({"task": str(task_file), "exemplars": 1, "writer": "scripted:phrases"})
    task = build_task(settings)
    reader = Reader(chat)
    assert write_manually(reader, settings, task) == PHRASES[0]
    (exemplar,) = task.exemplars
    assert isinstance(exemplar, Example)
    expected = f"{REQUEST}\n\nInput: {exemplar.input}\nOutput: {exemplar.outputs[0]}\n\nThe instruction was to"
    assert reader.read == around[0] + expected + around[1]
