from __future__ import annotations

import math
import re

import pytest

from instructzero.calls.prices import AS_OF, Price, price_of
from instructzero.errors import ConfigurationError
from instructzero.types import Usage


def listed(spec: str, *, base_url: str | None = None) -> Price | None:
    return price_of(spec, base_url=base_url, input_price=None, output_price=None)


def test_cost_is_in_dollars_per_million_tokens() -> None:
    assert Price(2.0, 8.0).cost(Usage(calls=7, prompt_tokens=500_000, completion_tokens=250_000)) == 3.0


def test_parts_cost_their_own_price_or_that_of_the_others() -> None:
    usage = Usage(1, 1_000_000, 1_000_000, cached_tokens=400_000, reasoning_tokens=900_000)
    assert Price(2.0, 8.0).cost(usage) == 10.0
    assert Price(2.0, 8.0, cached=0.5).cost(usage) == pytest.approx(1.2 + 0.2 + 8.0)
    assert Price(2.0, 8.0, cached=0.5, reasoning=4.0).cost(usage) == pytest.approx(1.2 + 0.2 + 0.8 + 3.6)


@pytest.mark.parametrize("parts", [{"cached": -1.0}, {"reasoning": math.inf}])
def test_impossible_price_of_parts_is_refused(parts: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="--cached-price and --reasoning-price"):
        Price(1.0, 2.0, **parts)


def test_prices_of_parts_come_from_the_settings_alone() -> None:
    named = {"base_url": None, "input_price": None, "output_price": None}
    assert price_of("openai:gpt-4o", **named, cached_price=1.25, reasoning_price=9) == Price(2.5, 10, 1.25, 9)
    assert listed("openai:gpt-4o") == Price(2.5, 10, None, None)
    assert price_of("python:a:b", **named, cached_price=1.25) is None


@pytest.mark.parametrize(("input_price", "output_price"), [(-1.0, 1.0), (1.0, math.nan), (math.inf, 1.0)])
def test_impossible_price_raises_configuration_error(input_price: float, output_price: float) -> None:
    with pytest.raises(ConfigurationError, match="expected prices of at least 0 dollars"):
        Price(input_price, output_price)


@pytest.mark.parametrize(
    ("spec", "price"),
    [
        ("openai:gpt-4o", Price(2.5, 10)),
        ("openai:gpt-4o-mini", Price(0.15, 0.6)),
        ("openai:gpt-4.1-nano", Price(0.1, 0.4)),
        ("openai:gpt-5-mini", Price(0.25, 2)),
        ("openai:o4-mini", Price(1.1, 4.4)),
        ("anthropic:claude-opus-4-1", Price(15, 75)),
        ("anthropic:claude-opus-4-5", Price(5, 25)),
        ("anthropic:claude-haiku-4-5", Price(1, 5)),
    ],
)
def test_well_known_models_have_a_price(spec: str, price: Price) -> None:
    assert listed(spec) == price


@pytest.mark.parametrize(
    ("snapshot", "model"),
    [
        ("openai:gpt-4o-mini-2024-07-18", "openai:gpt-4o-mini"),
        ("openai:gpt-4o-2024-11-20", "openai:gpt-4o"),
        ("openai:gpt-5-2025-08-07", "openai:gpt-5"),
        ("openai:gpt-3.5-turbo-0125", "openai:gpt-3.5-turbo"),
        ("anthropic:claude-sonnet-4-20250514", "anthropic:claude-sonnet-4"),
        ("anthropic:claude-sonnet-4-5-20250929", "anthropic:claude-sonnet-4-5"),
        ("anthropic:claude-3-5-haiku-latest", "anthropic:claude-3-5-haiku"),
    ],
)
def test_dated_snapshot_has_the_price_of_its_model(snapshot: str, model: str) -> None:
    assert listed(snapshot) == listed(model) is not None


def test_snapshot_with_a_listed_price_keeps_it() -> None:
    assert listed("openai:gpt-4o-2024-05-13") == Price(5, 15)


@pytest.mark.parametrize(
    "spec",
    [
        "openai:gpt-4o-audio-preview",
        "openai:gpt-4o-mini-tts",
        "openai:gpt-4o-mini-2024",
        "openai:gpt-4o-latest",
        "openai:gpt-4o-20241120",
        "openai:gpt-4o-2024-11-20\n",
        "openai:gpt",
        "openai:ft:gpt-4o-mini-2024-07-18:me::abc",
        "openai:claude-opus-4-5",
        "anthropic:claude-opus",
        "anthropic:claude-opus-4-5-2025-11-01",
        "python:prices:gpt-4o",
        "gpt-4o",
        "",
    ],
)
def test_similar_names_have_no_listed_price(spec: str) -> None:
    assert listed(spec) is None


@pytest.mark.parametrize("spec", ["hf:Qwen/Qwen2.5-7B-Instruct", "embedded:blackbox", "scripted:obey"])
def test_local_model_is_free(spec: str) -> None:
    assert listed(spec, base_url="http://localhost:8000/v1") == Price(0, 0)


def test_listed_price_holds_for_the_official_endpoint_only() -> None:
    assert listed("openai:gpt-4o", base_url="http://localhost:8000/v1") is None


def test_prices_in_the_settings_take_precedence() -> None:
    assert price_of("openai:gpt-4o", base_url=None, input_price=1, output_price=2) == Price(1, 2)
    assert price_of("openai:gpt-4o", base_url=None, input_price=0, output_price=None) == Price(0, 10)
    assert price_of("python:a:b", base_url=None, input_price=1, output_price=2) == Price(1, 2)
    assert price_of("python:a:b", base_url=None, input_price=1, output_price=None) is None
    assert price_of("hf:gpt2", base_url=None, input_price=None, output_price=3) == Price(0, 3)


def test_table_names_its_month() -> None:
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", AS_OF)
