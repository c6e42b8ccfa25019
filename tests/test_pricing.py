"""The paid roles of a run, and their prices."""

from __future__ import annotations

from typing import Any

import pytest

from instructzero.calls.prices import Price
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER, WRITER
from instructzero.config import make_settings
from instructzero.pricing import pays_for_texts, role_prices, text_requests, text_role

MINI = "openai:gpt-4o-mini"


@pytest.fixture(autouse=True)
def _official(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def prices(**settings: Any) -> dict[str, Price | None]:
    return role_prices(make_settings({"task": "sum", "method": "ape", **settings}))


@pytest.mark.parametrize(
    ("settings", "role"),
    [
        ({}, None),
        ({"rewriter": "blackbox"}, REWRITER),
        ({"writer": "openai:m"}, WRITER),
        ({"writer": "openai:m", "rewriter": "blackbox"}, REWRITER),
    ],
)
def test_texts_are_made_by_the_writer_unless_the_black_box_is_named(settings: dict[str, str], role: str | None) -> None:
    chosen = make_settings({"task": "sum", "method": "ape", **settings})
    assert text_role(chosen) == role
    assert pays_for_texts(chosen) is (role is not None)
    assert bool(text_requests(chosen)) is (role is not None)


def test_writer_behind_an_api_has_its_own_price() -> None:
    assert prices(writer=MINI, blackbox="openai:gpt-4o") == {BLACK_BOX: Price(2.5, 10), WRITER: Price(0.15, 0.6)}
    assert prices(writer=MINI, writer_input_price=3.0)[WRITER] == Price(3, 0.6)
    assert prices(writer="openai:unknown")[WRITER] is None
    assert prices(writer=MINI, writer_url="http://here/v1")[WRITER] is None  # the list is the official service's
    assert WRITER not in prices(writer="embedded:writer")


def test_same_model_at_the_same_address_costs_the_same() -> None:
    same = {"writer": "openai:m", "blackbox": "openai:m", "base_url": "http://here/v1"}
    own = {"input_price": 1.0, "output_price": 2.0}
    assert prices(**same, **own)[WRITER] == Price(1, 2)
    assert prices(**same, **own, writer_output_price=9.0)[WRITER] == Price(1, 9)
    assert prices(**same, **own, writer_url="http://there/v1")[WRITER] is None


def test_prices_of_parts_hold_for_the_black_box_and_the_same_model_at_the_same_address() -> None:
    same = {"writer": "openai:m", "blackbox": "openai:m", "base_url": "http://here/v1"}
    own = {"input_price": 1.0, "output_price": 2.0, "cached_price": 0.5, "reasoning_price": 3.0}
    found = prices(**same, **own, judge="openai:j", judge_input_price=4.0, judge_output_price=5.0)
    assert found[BLACK_BOX] == found[WRITER] == Price(1, 2, 0.5, 3)
    assert found[JUDGE] == Price(4, 5)


def test_rewriter_costs_what_the_black_box_costs() -> None:
    found = prices(blackbox=MINI, rewriter="blackbox", writer="openai:gpt-4o")
    assert found == {BLACK_BOX: Price(0.15, 0.6), REWRITER: Price(0.15, 0.6), WRITER: Price(2.5, 10)}


def test_list_prices_are_halved_in_batches_and_given_ones_are_not():
    batched = make_settings({"task": "antonyms", "blackbox": "openai:gpt-4o-mini", "batch_api": True})
    assert role_prices(batched)["black box"] == Price(0.075, 0.3)
    given = batched.model_copy(update={"input_price": 0.15, "output_price": 0.6})
    assert role_prices(given)["black box"] == Price(0.15, 0.6)
