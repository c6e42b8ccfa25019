"""Plans: what they may say, what is refused, and the cells they consist of."""

import pytest

from instructzero.bench.plan import cells_of, make_plan, task_names
from instructzero.errors import ConfigurationError, UserError
from instructzero.tasks import builtin_names

SMALL = {"tasks": "sum", "methods": "uniform"}


def test_a_file_and_flags_say_the_same():
    lists = make_plan({"tasks": ["sum", "antonyms"], "methods": ["uniform", "paper"], "budgets": [50, 20], "seeds": 2})
    texts = make_plan({"tasks": "sum,antonyms", "methods": "uniform, paper", "budgets": "20,50", "seeds": "2"})
    assert lists == texts
    assert lists.budgets == (20, 50)


def test_a_variant_is_a_method_with_settings(plan):
    found = plan(methods={"coupled": {"method": "instructzero", "kernel": "coupled"}, "uniform": None})
    assert found.methods == {
        "coupled": {"method": "instructzero", "kernel": "coupled"},
        "uniform": {"method": "uniform"},
    }
    assert [cell.settings.kernel for cell in cells_of(found)] == ["coupled", None] * 2


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


def test_a_search_ends_at_the_largest_budget_and_not_before(plan, scripted):
    settings = {**scripted["settings"]}
    del settings["evaluations"]
    (cell, *_) = cells_of(plan(settings=settings, budgets=[500, 3000]))
    assert (cell.settings.search_calls, cell.settings.evaluations, cell.budgets) == (3000, 3000, (500, 3000))


def test_a_method_wins_over_its_models_and_these_over_common_settings(plan, scripted):
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


def test_all_tasks_are_the_built_in_ones():
    assert task_names(make_plan({**SMALL, "tasks": "all"})) == builtin_names()


def test_models_without_a_name_are_called_by_their_black_box():
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
        ({"budgets": "10,many"}, "budgets of the bench: .*integer.*'many'; mend it in the file or with --budgets"),
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
def test_what_a_plan_cannot_say_is_one_sentence(values, message):
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
        ({"settings": {"validation": 10**6}}, "asked for 1000000 validation examples"),
        ({"budgets": [5]}, "expected a largest budget of at least 21 calls, .* on sum takes, got 5; raise --budgets"),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_said_before_anything_is(values, message):
    with pytest.raises(UserError, match=message):
        cells_of(make_plan({**SMALL, **values}))
