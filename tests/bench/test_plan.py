"""Plans: their forms, refused ones, and the cells of a plan."""

import pytest

from instructzero.bench.plan import cells_of, make_plan, task_names
from instructzero.errors import ConfigurationError, UserError
from instructzero.optimizers import Uniform
from instructzero.tasks import builtin_names

SMALL = {"tasks": "sum", "methods": "uniform"}


def test_lists_and_comma_separated_text_give_the_same_plan():
    lists = make_plan({"tasks": ["sum", "antonyms"], "methods": ["uniform", "paper"], "budgets": [50, 20], "seeds": 2})
    texts = make_plan({"tasks": "sum,antonyms", "methods": "uniform, paper", "budgets": "20,50", "seeds": "2"})
    assert lists == texts
    assert lists.budgets == (20, 50)


def test_variant_is_a_method_with_settings(plan):
    found = plan(methods={"coupled": {"method": "instructzero", "kernel": "coupled"}, "uniform": None})
    assert found.methods == {
        "coupled": {"method": "instructzero", "kernel": "coupled"},
        "uniform": {"method": "uniform"},
    }
    assert [cell.settings.kernel for cell in cells_of(found)] == ["coupled", None] * 2


def test_method_of_a_module_has_a_folder_named_after_it(plan):
    name = f"python:{Uniform.__module__}:{Uniform.__name__}"
    cell = cells_of(plan(methods=name))[0]
    assert cell.settings.method == name
    assert cell.folder.parent.name == "python-instructzero.optimizers.methods.uniform-Uniform"


def test_cells_of_one_task_and_seed_share_examples_projection_and_answers(plan):
    cells = cells_of(plan(seeds=2))
    assert [(cell.seed, cell.task, cell.method) for cell in cells] == [
        (seed, task, method) for seed in (0, 1) for task in ("fruit", "tools") for method in ("uniform", "instructzero")
    ]
    by_pair = {}
    for cell in cells:
        by_pair.setdefault((cell.task, cell.seed), []).append((cell.settings.seed, cell.settings.store))
    assert all(len(set(found)) == 1 for found in by_pair.values())
    assert len({found[0] for found in by_pair.values()}) == len({found[0][0] for found in by_pair.values()}) == 4
    assert len({cell.folder for cell in cells}) == len(cells)


def test_search_ends_at_the_largest_budget(plan, scripted):
    settings = {**scripted["settings"]}
    del settings["evaluations"]
    (cell, *_) = cells_of(plan(settings=settings, budgets=[500, 3000]))
    assert (cell.settings.search_calls, cell.settings.evaluations, cell.budgets) == (3000, 3000, (500, 3000))


def test_method_settings_override_models_and_these_override_common_settings(plan, scripted):
    values = plan(
        settings={**scripted["settings"], "soft_tokens": 1, "dimension": 1, "test": 5},
        models={"pair": {"writer": "scripted:phrases", "blackbox": "scripted:obey", "soft_tokens": 2, "dimension": 2}},
        methods={"uniform": {"soft_tokens": 3}},
    )
    settings = cells_of(values)[0].settings
    assert (settings.test, settings.dimension, settings.soft_tokens) == (5, 2, 3)


def test_limits_of_an_endpoint_are_divided_among_the_workers(plan, scripted):
    common = {**scripted["settings"], "requests_per_minute": 100, "concurrency": 7}
    settings = cells_of(plan(settings=common, workers=3))[0].settings
    assert (settings.requests_per_minute, settings.concurrency, settings.tokens_per_minute) == (33, 2, None)
    with pytest.raises(ConfigurationError, match=r"settings: expected concurrency of at least 8, .* lower --workers"):
        cells_of(plan(settings=common, workers=8))


def test_task_all_stands_for_the_built_in_tasks():
    assert task_names(make_plan({**SMALL, "tasks": "all"})) == builtin_names()


def test_unnamed_models_are_named_after_their_black_box():
    assert list(make_plan(SMALL).models) == ["embedded"]
    assert list(make_plan({**SMALL, "settings": {"blackbox": "openai:gpt-4o-mini"}}).models) == ["gpt-4o-mini"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"taks": "sum"}, "unknown key 'taks' of a bench; did you mean 'tasks'?"),
        ({"tasks": []}, "no tasks are named; name them with --tasks"),
        ({"methods": {}}, "no methods are named; name them with --methods"),
        ({"methods": ["unifrom"]}, "unknown method 'unifrom'; did you mean 'uniform'?"),
        ({"methods": {"mine": {}}}, "unknown method 'mine'; .*or give it settings with a method"),
        ({"methods": {"mine": {"method": "unifrom"}}}, "unknown method 'unifrom'"),
        ({"budgets": "10,many"}, "budgets of the bench: .*integer.*'many'; fix it in the file or with --budgets"),
        ({"budgets": [0]}, "budgets of the bench: .*greater than 0"),
        ({"seeds": 0}, "seeds of the bench: .*greater than 0"),
        ({"engine": "dask"}, "engine of the bench: .*'processes', 'ray' or 'slurm'"),
        ({"settings": {"seed": 1}}, "settings: expected no seed, which the bench sets by itself"),
        ({"methods": {"uniform": {"task": "sum"}}}, "methods: uniform: expected no task"),
        ({"tasks": ["sum", "sum"]}, "expected different names, got 'sum' and 'sum'"),
        ({"tasks": ["a/sum.json", "sum"]}, "expected different names, got 'a/sum.json' and 'sum'"),
        ({"models": {"a b": {}, "a-b": {}}}, "expected different names, got 'a b' and 'a-b'"),
    ],
    ids=str,
)
def test_invalid_plan_is_refused_in_one_sentence(values, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        make_plan({**SMALL, **values})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"settings": {"valdation": 3}},
            "method 'uniform' with models 'embedded': unknown setting 'valdation'; did you",
        ),
        ({"methods": {"uniform": {"racing": "perhaps"}}}, "setting 'racing'"),
        ({"tasks": "sun"}, "unknown task 'sun'"),
        ({"methods": "python:no_such_module:Class"}, "expected a class that can be imported, got ModuleNotFoundError"),
        ({"settings": {"validation": 10**6}}, "asked for 1000000 validation examples"),
        ({"budgets": [5]}, "expected a largest budget of at least 21 calls, .* on sum takes, got 5; raise --budgets"),
    ],
    ids=str,
)
def test_cell_that_cannot_run_is_refused_before_any_runs(values, message):
    with pytest.raises(UserError, match=message):
        cells_of(make_plan({**SMALL, **values}))


def test_stray_file_with_name_of_builtin_task_does_not_hide_it(tmp_path, monkeypatch, task_file):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sum").write_text("a note")
    named = {"settings": {**SMALL.get("settings", {}), "writer": "scripted:phrases"}, "out": tmp_path / "bench"}
    plan = make_plan({**SMALL, "tasks": ["sum", task_file.name], "budgets": [50], **named})
    cells = {cell.task: cell.settings.task for cell in cells_of(plan)}
    assert cells == {"sum": "sum", "words": str(task_file)}


@pytest.mark.parametrize(
    "values",
    [
        {"seeds": "many"},
        {"budgets": ["x"]},
        {"workers": 0.5},
        {"tasks": 5},
        {"methods": 7},
        {"models": [1]},
        {"settings": "x"},
        {"out": 3},
    ],
)
def test_plan_value_of_wrong_type_gets_one_sentence(values):
    with pytest.raises(ConfigurationError) as refusal:
        make_plan({**SMALL, **values})
    assert "\n" not in str(refusal.value)
