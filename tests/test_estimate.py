"""Estimates of a run: near the truth where a pilot can measure, and always free of charge."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from instructzero.api import run_settings
from instructzero.config import Settings, make_settings
from instructzero.errors import ModelError
from instructzero.estimate import Estimate, estimate
from instructzero.records.observers import Observer

NOBODY = "http://127.0.0.1:9/v1"
"""An address without a server."""


@pytest.fixture
def quick(scripted: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Settings of a quick run, with its own working directory and temporary folder."""
    (tmp_path / "here").mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return {**scripted, "exemplars": 2, "validation": 6, "test": 6, "evaluations": 60, "initial": 20, "batch": 10}


def service(settings: Mapping[str, Any], **changes: Any) -> Settings:
    return make_settings({**settings, "blackbox": "openai:some-model", "base_url": NOBODY, **changes})


@pytest.mark.parametrize(
    "method", [{"method": "paper"}, {"method": "instructzero"}, {"method": "uniform", "racing": True}]
)
def test_pilot_estimate_is_near_the_run(quick: dict[str, Any], tmp_path: Path, method: dict[str, Any]) -> None:
    settings = make_settings({**quick, **method})
    said = estimate(settings)
    result = run_settings(settings, tmp_path / "run", Observer())
    spent = result.spent["black box"]
    assert said.calls[1] == pytest.approx(spent.calls, rel=0.2)
    assert said.tokens[1] == pytest.approx(spent.prompt_tokens + spent.completion_tokens, rel=0.2)
    assert said.calls[0] < said.calls[1] < said.calls[2]


def test_pilot_of_short_run_is_exact(quick: dict[str, Any], tmp_path: Path) -> None:
    settings = make_settings({**quick, "method": "uniform", "evaluations": 8, "batch": 4})
    said = estimate(settings)
    assert said.calls[1] == run_settings(settings, tmp_path / "run", Observer()).spent["black box"].calls


def test_pilot_ignores_limits(quick: dict[str, Any]) -> None:
    few = {**quick, "method": "uniform", "evaluations": 8, "batch": 4}
    limits = {"max_calls": 1, "max_tokens": 1, "max_usd": 1e-9, "max_time": 1e-9}
    assert estimate(make_settings({**few, **limits})).calls == estimate(make_settings(few)).calls


def test_pilot_is_priced_like_the_run(quick: dict[str, Any]) -> None:
    few = {**quick, "method": "uniform", "evaluations": 8, "batch": 4}
    assert estimate(make_settings(few)).dollars == (0, 0, 0)
    priced = estimate(make_settings({**few, "input_price": 1e6, "output_price": 1e6}))
    assert priced.dollars is not None
    assert priced.dollars[1] == pytest.approx(priced.tokens[1])


def test_pilot_leaves_no_files(quick: dict[str, Any], tmp_path: Path) -> None:
    estimate(make_settings({**quick, "evaluations": 8, "store": tmp_path / "here/store.sqlite"}))
    assert list((tmp_path / "here").iterdir()) == list((tmp_path / "tmp").iterdir()) == []


def test_estimate_asks_no_service(quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said = estimate(service(quick, method="paper"))
    assert said.dollars is None
    assert said.calls[1] == 6 + 60 * 6 + 2 * 6
    assert said.calls[0] < said.calls[1] == said.calls[2]
    assert said.tokens[0] < said.tokens[1] < said.tokens[2]
    assert list((tmp_path / "here").iterdir()) == []


def test_estimate_asks_no_user_function(quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here/dear.py").write_text("def answer(prompt):\n    open('asked', 'w').close()\n    return ''\n")
    monkeypatch.syspath_prepend(tmp_path / "here")
    estimate(make_settings({**quick, "blackbox": "python:dear:answer"}))
    assert not (tmp_path / "here/asked").exists()


def test_estimate_grows_with_larger_settings(quick: dict[str, Any]) -> None:
    plain = estimate(service(quick, method="paper"))
    for changes in (
        {"baseline": "mine"},
        {"shots": 2},
        {"confirmation": 5},
        {"evaluations": 70},
        {"metric": "judge", "judge": "openai:grader"},
    ):
        assert estimate(service(quick, method="paper", **changes)).tokens[1] > plain.tokens[1], changes
    assert estimate(service(quick, method="paper", racing=True)).tokens[1] < plain.tokens[1]


def test_estimate_counts_the_test_of_the_users_instructions(quick: dict[str, Any]) -> None:
    """They count as evaluations, so that the search asks no more questions."""
    plain = estimate(service(quick, method="paper"))
    started = estimate(service(quick, method="paper", start=["mine", "another"]))
    assert started.calls[1] == plain.calls[1] + 2 * quick["test"]


def test_estimate_with_judge_doubles_calls(quick: dict[str, Any]) -> None:
    plain = estimate(service(quick, method="paper"))
    judged = estimate(service(quick, method="paper", metric="judge", judge="openai:grader"))
    assert judged.calls == tuple(2 * each for each in plain.calls)
    assert judged.tokens[1] > 5 * plain.tokens[1]


def test_estimate_counts_rewriting_without_asking(quick: dict[str, Any]) -> None:
    texts = {"method": "ape", "input_price": 1.0, "output_price": 1.0}
    free, paid = estimate(service(quick, **texts)), estimate(service(quick, **texts, rewriter="blackbox"))
    assert [more - less for more, less in zip(paid.calls, free.calls, strict=True)] == [60, 60, 60]
    assert paid.tokens[1] > free.tokens[1] + 60 * 50  # the requests hold demonstrations
    assert paid.dollars == pytest.approx([each / 1e6 for each in paid.tokens])
    assert (
        estimate(service(quick, method="paper", rewriter="blackbox")).calls
        == estimate(service(quick, method="paper")).calls
    )


@pytest.mark.parametrize("rewriter", ["writer", "blackbox"])
def test_estimate_respects_search_calls(quick: dict[str, Any], rewriter: str) -> None:
    bound = {"method": "ape", "rewriter": rewriter, "search_calls": 100, "confirmation": 0}
    said = estimate(service(quick, **bound))
    assert said.calls[1] == pytest.approx(6 + 100 + 2 * 6, abs=1)
    far = estimate(service(quick, **{**bound, "search_calls": 10_000}))
    assert far.calls == estimate(service(quick, **{**bound, "search_calls": None})).calls


@pytest.mark.parametrize("changes", [{"method": "ape", "rewriter": "blackbox"}, {"search_calls": 150}])
def test_pilot_counts_rewriting_and_search_calls(
    quick: dict[str, Any], tmp_path: Path, changes: dict[str, Any]
) -> None:
    settings = make_settings({**quick, "method": "uniform", "racing": True, **changes})
    said = estimate(settings)
    result = run_settings(settings, tmp_path / "run", Observer())
    assert said.calls[1] == pytest.approx(sum(usage.calls for usage in result.spent.values()), rel=0.2)


def test_estimate_of_priced_service_has_a_cost(quick: dict[str, Any]) -> None:
    prices = {"input_price": 1.0, "output_price": 1.0}
    said = estimate(service(quick, method="paper", **prices))
    assert said.dollars == pytest.approx([each / 1e6 for each in said.tokens])
    assert estimate(service(quick, metric="judge", judge="openai:unknown-model", **prices)).dollars is None
    judging = {"judge_input_price": 1.0, "judge_output_price": 2.0}
    priced = service(quick, metric="judge", judge="openai:unknown-model", **prices, **judging)
    assert estimate(priced).dollars is not None


def test_estimate_has_four_lines() -> None:
    said = Estimate((1_000, 2_000, 3_000), (10, 20, 3_000_000), (0.1, 0.25, 1.0), (1.0, 65.0, 3_600.0))
    assert said.lines() == [
        "calls    2,000 (1,000 to 3,000)",
        "tokens   20 (10 to 3,000,000)",
        "cost     $0.2500 ($0.1000 to $1.0000)",
        "time     0:01:05 (0:00:01 to 1:00:00)",
    ]
    assert Estimate((1, 1, 1), (1, 1, 1), None, (0, 0, 0)).lines()[2] == "cost     no price set"


def test_pilot_counts_local_judge(quick: dict[str, Any]) -> None:
    few = {**quick, "method": "uniform", "evaluations": 8, "batch": 4}
    plain = estimate(make_settings(few))
    judged = estimate(make_settings({**few, "metric": "judge", "judge": "scripted:echo"}))
    assert plain.calls[1] < judged.calls[1] <= 2 * plain.calls[1]
    assert judged.tokens[1] > 5 * plain.tokens[1]


def test_estimate_of_unknown_model_kind_is_refused(quick: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=re.escape("expected a model as")):
        estimate(make_settings({**quick, "blackbox": "magic:x"}))


def test_estimate_counts_requests_to_an_asked_writer_without_asking(quick: dict[str, Any]) -> None:
    prices = dict.fromkeys(("input_price", "output_price", "writer_input_price", "writer_output_price"), 1.0)
    local = estimate(service(quick, method="ape"))
    asked = estimate(service(quick, method="ape", writer="openai:pen", writer_url="http://127.0.0.1:9/v1", **prices))
    assert asked.calls[1] - local.calls[1] == 1 + 60  # the plain instruction, and one request for a text
    assert asked.dollars == pytest.approx([each / 1e6 for each in asked.tokens])
    assert asked.writer == "openai:pen at http://127.0.0.1:9/v1"
    assert f"writer   {asked.writer}" in asked.lines()


def test_estimate_counts_shared_requests_once(quick: dict[str, Any]) -> None:
    one, several = (estimate(service(quick, method=method, writer="openai:pen")) for method in ("ape", "instructzero"))
    local = estimate(service(quick, method="instructzero"))
    assert 0 < several.calls[1] - local.calls[1] < (one.calls[1] - estimate(service(quick, method="ape")).calls[1])
