"""Objects built from settings, checks of settings, and prices."""

from pathlib import Path

import pytest

import instructzero
from instructzero.api import resolve_paths
from instructzero.build import build_judging, build_task
from instructzero.calls.prices import Price
from instructzero.config import make_settings
from instructzero.errors import ConfigurationError
from instructzero.models.capabilities import LOCAL_WEIGHTS
from instructzero.models.registry import capabilities
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey
from instructzero.optimizers.registry import races
from instructzero.pricing import role_prices
from instructzero.records.places import default_directory
from instructzero.types import Example

OF_POINTS = [
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
]
"""Parts of a search over points."""

PARTS = [
    *({"method": "dro", **part} for part in OF_POINTS),
    {"candidates": 1},
    {"continued": 0.0},
    {"continued": 1.0},
    {"soft_scale": 0.1},
    {"dimension": 5},
    {"soft_tokens": 3},
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: "-".join(f"{name}-{value}" for name, value in part.items()))
def test_run_with_each_part_setting_works(scripted, tmp_path, part):
    """A run with the part works like any other, and its winner is the best of its completely scored trials."""
    settings = {name: value for name, value in scripted.items() if name not in ("task", "writer", "blackbox")}
    result = instructzero.optimize(
        scripted["task"],
        writer=ScriptedWriter(),
        blackbox=ScriptedBlackBox(obey),
        directory=tmp_path / "run",
        **{**settings, "evaluations": 7, **part},
    )
    scored = [trial for trial in result.trials if trial.evaluation.is_complete(len(result.best.validation.scores))]
    assert result.validation_score == max(trial.score for trial in scored)
    assert 4 <= len(result.trials) <= 7


def test_defaults_race_and_confirm_except_for_paper(task_file):
    """By default, the paper's method selects its winner by the complete validation score alone."""
    sizes = {"task": str(task_file), "exemplars": 2, "validation": 8, "test": 4}
    for method, raced, confirmed in (("instructzero", True, 12), ("paper", False, 0), ("uniform", False, 12)):
        settings = make_settings({**sizes, "method": method})
        assert (races(settings), len(build_task(settings).confirmation)) == (raced, confirmed)
        asked = make_settings({**sizes, "method": method, "racing": not raced, "confirmation": 3})
        assert (races(asked), len(build_task(asked).confirmation)) == (not raced, 3)


def test_capabilities_call_only_models_of_this_machine_local():
    specs = ["scripted:obey", "embedded:blackbox", "hf:somewhere", "openai:m", "anthropic:m", "python:m:f"]
    assert [capabilities(spec).local for spec in specs] == [True, True, True, False, False, False]


def test_role_prices_are_by_role_and_none_if_unknown(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    known = {"task": "sum", "blackbox": "openai:gpt-4o-mini", "metric": "judge"}
    prices = role_prices(make_settings({**known, "judge": "openai:some-model"}))
    assert prices["black box"] == Price(0.15, 0.60)
    assert prices["judge"] is None
    assert "judge" not in role_prices(make_settings({"task": "sum"}))
    paid = make_settings({**known, "judge": "openai:m", "method": "ape", "rewriter": "blackbox"})
    assert role_prices(paid)["rewriter"] == Price(0.15, 0.60)
    assert "rewriter" not in prices
    elsewhere = make_settings({"task": "sum", "blackbox": "openai:gpt-4o-mini", "base_url": "http://127.0.0.1:9/v1"})
    assert role_prices(elsewhere)["black box"] is None
    assert role_prices(make_settings({"task": "sum", "input_price": 1, "output_price": 2}))["black box"] == Price(1, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"metric": "judge"}, "expected --metric judge and --judge MODEL together"),
        ({"judge": "scripted:echo"}, "expected --metric judge and --judge MODEL together"),
        (
            {"validation": 6, "search_calls": 5},
            "expected at least 6 --search-calls, the maximum that one evaluation takes, got 5",
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
def test_settings_that_do_not_fit_are_refused_before_any_call(scripted, tmp_path, changes, message):
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


def test_judge_tokens_set_length_of_judge_replies():
    settings = make_settings({"task": "sum", "metric": "judge", "judge": "scripted:echo", "judge_tokens": 900})
    assert build_judging(settings).request(Example("1", ("1",)), "1").max_tokens == 900


@pytest.mark.parametrize("changes", [{"metric": "judge", "judge": "scripted:echo"}, {"similarity": "f1"}])
def test_loglikelihood_with_judge_or_text_similarity_is_refused(scripted, tmp_path, changes):
    class Local(ScriptedBlackBox):
        capabilities = LOCAL_WEIGHTS

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


def test_shots_are_shown_in_every_question(scripted, tmp_path):
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


def test_stray_file_with_name_of_builtin_task_keeps_its_name_and_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sum").write_text("a note")
    (tmp_path / "words.jsonl").write_text("")
    named, file = (resolve_paths(make_settings({"task": task})) for task in ("sum", "words.jsonl"))
    assert (named.task, file.task) == ("sum", str(tmp_path / "words.jsonl"))
    directories = [default_directory(settings) for settings in (named, file)]
    assert directories == [Path("runs/sum-instructzero-0"), Path("runs/words-instructzero-0")]
