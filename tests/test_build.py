"""Settings become a method with its parts."""

import pytest

import instructzero
from instructzero.build import build_judging, build_prices, build_task, is_local
from instructzero.calls.prices import Price
from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey
from instructzero.optimizers.registry import races
from instructzero.types import Example

PARTS = [
    {"kernel": "standard"},
    {"kernel": "coupled"},
    {"similarity": "exact_match"},
    {"similarity": "f1"},
    {"noise": "fitted"},
    {"lengthscale": "prior"},
    {"acquisition": "ei"},
    {"maximiser": "cma"},
    {"maximiser": "gradient"},
    {"candidates": 1},
    {"batch_choice": "fantasised"},
    {"batch_choice": "thompson"},
    {"preimages": False},
    {"geometry": "sphere"},
    {"continued": 0.0},
    {"soft_scale": 0.1},
    {"dimension": 5},
    {"soft_tokens": 3},
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: "-".join(map(str, *part.items())))
def test_every_part_of_the_search_is_one_setting_away(scripted, tmp_path, part):
    """A run with the part ends as any other: nothing twice, the best found among what was evaluated."""
    settings = {name: value for name, value in scripted.items() if name not in ("task", "writer", "blackbox")}
    result = instructzero.optimize(
        scripted["task"],
        writer=ScriptedWriter(),
        blackbox=ScriptedBlackBox(obey),
        directory=tmp_path / "run",
        **{**settings, "evaluations": 7, **part},
    )
    assert result.validation_score == max(trial.score for trial in result.trials)
    assert len(result.trials) <= 7


def test_the_repaired_method_races_and_confirms_and_the_paper_does_neither(task_file):
    """Unless it is said: the paper picks its winner by the whole validation score alone."""
    sizes = {"task": str(task_file), "exemplars": 2, "validation": 8, "test": 4}
    for method, raced, confirmed in (("instructzero", True, 12), ("paper", False, 0), ("uniform", False, 12)):
        settings = make_settings({**sizes, "method": method})
        assert (races(settings), len(build_task(settings).confirmation)) == (raced, confirmed)
        asked = make_settings({**sizes, "method": method, "racing": not raced, "confirmation": 3})
        assert (races(asked), len(build_task(asked).confirmation)) == (not raced, 3)


def test_only_models_that_run_here_are_local():
    specs = ["scripted:obey", "embedded:blackbox", "hf:somewhere", "openai:m", "anthropic:m", "python:m:f"]
    assert [is_local(spec) for spec in specs] == [True, True, True, False, False, False]


def test_prices_are_by_role_and_unknown_ones_are_none(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    known = {"task": "sum", "blackbox": "openai:gpt-4o-mini", "metric": "judge"}
    prices = build_prices(make_settings({**known, "judge": "openai:some-model"}))
    assert prices["black box"] == Price(0.15, 0.60)
    assert prices["judge"] is None
    assert "judge" not in build_prices(make_settings({"task": "sum"}))
    paid = make_settings({**known, "judge": "openai:m", "method": "ape", "rewriter": "blackbox"})
    assert build_prices(paid)["rewriter"] == Price(0.15, 0.60)
    assert "rewriter" not in prices
    elsewhere = make_settings({"task": "sum", "blackbox": "openai:gpt-4o-mini", "base_url": "http://127.0.0.1:9/v1"})
    assert build_prices(elsewhere)["black box"] is None
    assert build_prices(make_settings({"task": "sum", "input_price": 1, "output_price": 2}))["black box"] == Price(1, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "judge"}, "expected --metric judge and --judge MODEL together"),
        ({"judge": "scripted:echo"}, "expected --metric judge and --judge MODEL together"),
        (
            {"validation": 6, "search_calls": 5},
            "expected at least 6 --search-calls, the most that one evaluation takes, got 5",
        ),
        (
            {"validation": 6, "search_calls": 6, "method": "ape", "rewriter": "blackbox"},
            "expected at least 7 --search-calls",
        ),
        ({"shots": 9}, "expected at most 5 shots, because there are no more exemplars, got 9"),
        (
            {"scoring": "loglikelihood"},
            r"expected a local black box \(hf:FOLDER_OR_HUB_ID\) for --scoring loglikelihood",
        ),
        ({"baseline": "x", "finalists": 0}, "greater than 0"),
    ],
)
def test_settings_that_would_score_something_else_are_refused_before_anything_is_asked(
    scripted, tmp_path, changes, message
):
    box = ScriptedBlackBox(obey)
    settings = {name: value for name, value in scripted.items() if name not in ("task", "writer", "blackbox")}
    with pytest.raises(ConfigurationError, match=message):
        instructzero.optimize(
            scripted["task"],
            writer=ScriptedWriter(),
            blackbox=box,
            directory=tmp_path / "run",
            **settings,
            **changes,
        )
    assert box.calls.total() == 0


def test_a_judge_may_be_given_room_to_think():
    settings = make_settings({"task": "sum", "metric": "judge", "judge": "scripted:echo", "judge_tokens": 900})
    assert build_judging(settings).request(Example("1", ("1",)), "1").max_tokens == 900


@pytest.mark.parametrize("changes", [{"metric": "judge", "judge": "scripted:echo"}, {"similarity": "f1"}])
def test_a_likelihood_has_no_text_that_could_be_judged_or_compared(scripted, tmp_path, changes):
    class Local(ScriptedBlackBox):
        @property
        def identity(self):
            return {"backend": "huggingface", "model": "scripted"}

    settings = {name: value for name, value in scripted.items() if name not in ("task", "writer", "blackbox")}
    with pytest.raises(ConfigurationError, match="got --scoring loglikelihood, which has none"):
        instructzero.optimize(
            scripted["task"],
            writer=ScriptedWriter(),
            blackbox=Local(obey),
            directory=tmp_path / "run",
            **settings,
            scoring="loglikelihood",
            **changes,
        )


def test_shots_are_shown_with_each_question(scripted, tmp_path):
    box = ScriptedBlackBox(obey)
    settings = {name: value for name, value in scripted.items() if name not in ("task", "writer", "blackbox")}
    instructzero.optimize(
        scripted["task"],
        writer=ScriptedWriter(),
        blackbox=box,
        directory=tmp_path / "run",
        **{**settings, "method": "uniform", "evaluations": 2, "shots": 2},
    )
    assert {prompt.count("Input:") for prompt in box.calls} == {3}
