"""Whole runs under random limits at an endpoint whose bill is known, and whose reports of it are not to be trusted."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.calls.prices import Price
from instructzero.models import retrying
from instructzero.models.scripted import ScriptedWriter
from instructzero.records.observers import Observer
from instructzero.testing import Endpoint, Reply
from instructzero.types import Usage
from tests.search.graded import PARTS, graded

RUNS = 20
"""With those of ``tests/calls/test_lying_usage.py``, 300 in all."""

SIZES = {**PARTS, "method": "uniform", "evaluations": 8, "batch": 4, "initial": None, "answer_tokens": 8}
Report = Callable[[Usage, random.Random], object]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_FIRST_WAIT_S", 0.001)


class Warnings(Observer):
    """Keeps the warnings of a run."""

    def __init__(self) -> None:
        self.received: list[str] = []

    def warned(self, message: str) -> None:
        self.received.append(message)


class Shop:
    """Answers right, bills prompts by the word and every answer with ``thoughts`` on top, and reports as it likes."""

    def __init__(self, rng: random.Random, report: Report, thoughts: int = 0) -> None:
        self._rng, self._report, self._thoughts = rng, report, thoughts
        self.bill: list[Usage] = []

    def __call__(self, prompt: str) -> Reply:
        text = "Grade: 10" if "rade" in prompt else graded(prompt)
        billed = Usage(1, len(prompt.split()), 1 + self._rng.randrange(8) + self._thoughts)
        self.bill.append(billed)
        content = dict(Reply.chat(text).content)
        return Reply({**content, "usage": self._report(billed, self._rng)})

    @property
    def total(self) -> Usage:
        return sum(self.bill, Usage())


def honest(billed: Usage, rng: random.Random) -> Mapping[str, Any]:
    return {"prompt_tokens": billed.prompt_tokens, "completion_tokens": billed.completion_tokens}


def overstated(billed: Usage, rng: random.Random) -> Mapping[str, Any]:
    return honest(billed + Usage(0, rng.randrange(60), rng.randrange(60)), rng)


def nonsense(billed: Usage, rng: random.Random) -> object:
    wrong = (-5, "7", None, True, 2**70, [1], 0)
    return rng.choice([None, {}, *(dict.fromkeys(honest(billed, rng), value) for value in wrong)])


def half_missing(billed: Usage, rng: random.Random) -> Mapping[str, Any]:
    kept = rng.choice(["prompt_tokens", "completion_tokens"])
    return {kept: honest(billed, rng)[kept]}


def on_top(billed: Usage, rng: random.Random) -> Mapping[str, Any]:
    said = {"prompt_tokens": billed.prompt_tokens, "completion_tokens": 1}
    return {**said, "total_tokens": billed.tokens}


@contextmanager
def run_at(shop: Shop, scripted: dict[str, Any], folder: Path, **settings: Any) -> Iterator[instructzero.Result | None]:
    """Yield the result of a run, or None if a limit left no room for one."""
    with Endpoint(shop) as endpoint:
        try:
            yield instructzero.optimize(
                scripted["task"],
                writer=ScriptedWriter(),
                blackbox="openai:m",
                base_url=endpoint.base_url,
                directory=folder,
                **SIZES,
                **settings,
            )
        except instructzero.BudgetExhausted:
            yield None


def any_limits(rng: random.Random) -> dict[str, Any]:
    drawn = {"max_calls": rng.randrange(10, 90), "max_tokens": rng.randrange(400, 9_000), "max_usd": rng.uniform(1, 30)}
    chosen = [name for name in drawn if rng.random() < 0.6] or ["max_tokens"]
    return {name: drawn[name] for name in chosen}


def overrun(shop: Shop, limits: dict[str, Any], price: Price) -> tuple[int, float]:
    """Return the tokens and dollars that were billed beyond the limits; the calls never are."""
    assert len(shop.bill) <= limits.get("max_calls", len(shop.bill))
    tokens = max(0, shop.total.tokens - limits["max_tokens"]) if "max_tokens" in limits else 0
    return tokens, max(0.0, price.cost(shop.total) - limits["max_usd"]) if "max_usd" in limits else 0.0


@pytest.mark.parametrize("number", range(RUNS))
def test_run_never_costs_more_than_its_limits(scripted: dict[str, Any], tmp_path: Path, number: int) -> None:
    rng = random.Random(number)
    report, limits = (honest, overstated, nonsense, half_missing)[number % 4], any_limits(rng)
    price = Price(rng.uniform(100, 3000), rng.uniform(100, 9000))
    judged = {"metric": "judge", "judge": "openai:m"} if number % 3 == 0 else {}
    prices = {"input_price": price.input, "output_price": price.output, "concurrency": rng.choice([1, 8, 32])}
    shop = Shop(rng, report)
    with run_at(shop, scripted, tmp_path / "run", **limits, **prices, **judged) as result:
        assert overrun(shop, limits, price) <= (0, 1e-9)
        spent = sum(result.spent.values(), Usage()) if result else Usage()
    assert result is None or spent.calls == len(shop.bill)
    assert result is None or report is not honest or spent == shop.total


def test_thoughts_on_top_count_at_once_and_are_said_once(scripted: dict[str, Any], tmp_path: Path) -> None:
    observer, shop = Warnings(), Shop(random.Random(0), on_top, thoughts=1_000)
    limits = {"max_tokens": 30_000, "max_usd": 20.0}
    prices = {"input_price": 300.0, "output_price": 500.0}
    with run_at(shop, scripted, tmp_path / "run", **limits, **prices, observer=observer) as result:
        assert result is not None
        assert overrun(shop, limits, Price(300.0, 500.0)) == (0, 0.0)
        assert sum(result.spent.values(), Usage()).tokens == shop.total.tokens > 18_000
    (said,) = (message for message in observer.received if "set aside" in message)
    assert re.match(r"an answer of the black box took 1,00\d tokens, 99\d more than the 8 set aside: ", said)


def test_limit_below_the_first_thoughts_is_exceeded_by_one_answer_only(
    scripted: dict[str, Any], tmp_path: Path
) -> None:
    shop = Shop(random.Random(0), on_top, thoughts=1_000)
    with run_at(shop, scripted, tmp_path / "run", max_tokens=900, concurrency=32) as result:
        assert result is None
    assert len(shop.bill) == 1


def test_lost_calls_of_every_role_are_counted(scripted: dict[str, Any], tmp_path: Path) -> None:
    shop, torn = Shop(random.Random(0), honest), Counter[str]()

    def answer(prompt: str) -> Reply:
        torn["judge" if "rade" in prompt else "black box"] += 1
        if torn.total() % 7 == 0:
            torn["lost judge" if "rade" in prompt else "lost black box"] += 1
            return Reply({"choices": "none"})  # with status 200, so it may have been billed
        return shop(prompt)

    judged = {"metric": "judge", "judge": "openai:m", "retries": 5}
    with run_at(answer, scripted, tmp_path / "run", **judged) as result:  # type: ignore[arg-type]
        assert result is not None
        assert result.lost == {"black box": torn["lost black box"], "judge": torn["lost judge"]}
        assert sum(usage.calls for usage in result.spent.values()) == torn["black box"] + torn["judge"]
    saved = json.loads((tmp_path / "run" / "result.json").read_text())
    assert saved["lost"] == result.lost


def test_journal_is_the_same_whatever_is_cached(scripted: dict[str, Any], tmp_path: Path) -> None:
    def cached(billed: Usage, rng: random.Random) -> Mapping[str, Any]:
        return {**honest(billed, rng), "prompt_tokens_details": {"cached_tokens": rng.randrange(billed.prompt_tokens)}}

    journals, results = [], []
    for seed, report in enumerate((honest, cached)):
        shop = Shop(
            random.Random(seed), lambda billed, rng, report=report: report(Usage(1, billed.prompt_tokens, 1), rng)
        )
        with run_at(
            shop, scripted, tmp_path / str(seed), cached_price=1.0, input_price=2.0, output_price=2.0
        ) as result:
            results.append(result)
        journal = (tmp_path / str(seed) / "journal.jsonl").read_text()
        journals.append([line for line in journal.splitlines() if '"kind":"run"' not in line])
    assert journals[0] == journals[1]
    parts = [result.spent["black box"].cached_tokens for result in results if result is not None]
    assert parts[0] == 0 < parts[1]
    saved = json.loads((tmp_path / "1" / "result.json").read_text())
    assert saved["spent"]["black box"]["cached_tokens"] == parts[1]
