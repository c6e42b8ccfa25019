"""The cells of a bench share the answers of a task over methods and seeds, also in a bench of an older version."""

from dataclasses import replace

import pytest

from instructzero.bench.cell import LocalModels, run_cell
from instructzero.bench.command import run_plan
from instructzero.bench.plan import cells_of, shares_over_seeds
from instructzero.bench.sharing import share_earlier_answers, sharing_words
from instructzero.calls.store import CallStore
from instructzero.config import make_settings
from instructzero.models.scripted import obey
from instructzero.testing import Endpoint


@pytest.fixture
def endpoint(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with Endpoint(obey) as served:
        yield served


@pytest.fixture
def paid(plan, task_files, endpoint):
    """Make a plan of 2 methods × 1 task × 2 seeds with a black box that costs money, with some values replaced."""
    pair = {"writer": "scripted:phrases", "blackbox": "openai:m", "base_url": endpoint.base_url}
    return lambda **values: plan(**{"tasks": task_files[0], "seeds": 2, "models": {"pair": pair}, **values})


def run_all(cells):
    models = LocalModels()
    return [run_cell(cell, models) for cell in cells]


def contents(cells):
    return {str(cell): (cell.folder / "cell.json").read_bytes() for cell in cells}


def as_before(cells, out):
    """Return the cells with a store for every seed, as older versions had them."""
    stores = [out / "answers" / f"pair-fruit-{cell.seed}.sqlite" for cell in cells]
    return [
        replace(cell, settings=cell.settings.model_copy(update={"store": store}))
        for cell, store in zip(cells, stores, strict=True)
    ]


def test_question_is_paid_once_over_methods_and_seeds_and_counts_in_every_cell(paid, endpoint, tmp_path):
    cells = cells_of(paid())
    assert {cell.settings.store for cell in cells} == {tmp_path / "out" / "answers" / "pair" / "fruit.sqlite"}
    outcomes = run_all(cells)
    assert set(endpoint.received.values()) == {1}
    assert endpoint.billed.total() == sum(outcome.paid.calls for outcome in outcomes)
    apart = run_all(as_before(cells_of(paid(out=tmp_path / "apart")), tmp_path / "apart"))
    assert set(endpoint.received.values()) == {2, 3}, "the seeds have questions in common"
    assert [outcome.cell.usage for outcome in outcomes] == [outcome.cell.usage for outcome in apart]


def test_results_do_not_depend_on_the_order_of_the_cells(paid, tmp_path):
    forth, back = cells_of(paid()), cells_of(paid(out=tmp_path / "back"))
    run_all(forth)
    run_all(reversed(back))
    assert contents(forth) == contents(back)


def test_bench_of_an_older_version_continues_with_its_stores_and_pays_for_no_question_again(paid, endpoint, tmp_path):
    whole = cells_of(paid(out=tmp_path / "whole", seeds=3))
    run_all(whole)
    questions = set(endpoint.received)
    endpoint.received.clear()
    begun = as_before(cells_of(paid()), tmp_path / "out")[:3]
    run_all(begun)
    before = endpoint.received.copy()
    assert run_plan(paid(seeds=3, workers=1), lambda line: None)
    assert {cell.settings.store.name for cell in cells_of(paid(seeds=3))} == {
        "pair-fruit-0.sqlite",
        "pair-fruit-1.sqlite",
        "fruit.sqlite",
    }
    assert set(endpoint.received) == questions
    assert not (endpoint.received - before).keys() & before.keys()
    assert contents(cells_of(paid(seeds=3))) == contents(whole)


def test_copied_answers_are_charged_to_nobody_and_copied_once(paid, tmp_path):
    (old, *_) = begun = as_before(cells_of(paid(methods=["uniform"], seeds=1)), tmp_path / "out")
    run_all(begun)
    cells = cells_of(paid(methods=["uniform"]))
    for _ in range(2):
        share_earlier_answers(cells, cells[1:])
    with CallStore(old.settings.store) as earlier, CallStore(cells[1].settings.store) as store:
        assert [call.key for call in store.export()] == [call.key for call in earlier.export()]
        assert (len(store), store.accounts()) == (len(earlier), [])


def test_seeds_of_free_models_have_stores_of_their_own(plan):
    cells = cells_of(plan(seeds=2, tasks=plan().tasks[0]))
    assert [cell.settings.store.name for cell in cells] == ["scripted-fruit-0.sqlite"] * 2 + [
        "scripted-fruit-1.sqlite"
    ] * 2


@pytest.mark.parametrize(
    ("models", "shared"),
    [
        ({}, False),
        ({"blackbox": "openai:m"}, True),
        ({"blackbox": "python:module:function"}, True),
        ({"writer": "anthropic:m"}, True),
        ({"judge": "openai:m", "metric": "judge"}, True),
        ({"blackbox": "hf:gpt2", "judge": "hf:gpt2", "metric": "judge"}, False),
    ],
    ids=str,
)
def test_seeds_share_answers_if_any_asked_model_costs_money(models, shared):
    assert shares_over_seeds(make_settings({"task": "sum", **models})) is shared


def test_line_of_the_plan_says_what_is_shared(plan, paid):
    free, paying = cells_of(plan()), cells_of(paid())
    assert sharing_words(free) == "each task's answers are shared by its methods"
    assert sharing_words(paying) == "each task's answers are shared by its methods and seeds"
    assert sharing_words([*free, *paying]).endswith("by its methods, and by its seeds where they cost money")
