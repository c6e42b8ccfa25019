"""The section on costs: paid calls by role, with lost ones and the parts of tokens that have prices of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import instructzero
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.models.scripted import ScriptedBlackBox, ScriptedWriter, obey
from instructzero.records.directory import RunDirectory
from instructzero.report.costs import costs_of
from instructzero.report.sections import cost
from instructzero.report.source import read_source
from instructzero.types import Usage


@pytest.fixture
def run(scripted: dict[str, Any], tmp_path: Path) -> Path:
    """Return the directory of a finished run with prices."""
    settings = {name: value for name, value in scripted.items() if name not in ("task", "writer", "blackbox")}
    prices = {"input_price": 2.0, "output_price": 2.0, "cached_price": 1.0}
    models = {"writer": ScriptedWriter(), "blackbox": ScriptedBlackBox(obey)}
    instructzero.optimize(scripted["task"], directory=tmp_path / "run", **models, **settings, **prices)
    return tmp_path / "run"


def book_lost(run: Path, usage: Usage) -> None:
    directory = RunDirectory(run)
    with CallStore(directory.calls) as store:
        store.put_many([], run=directory.identity, role=BLACK_BOX, lost=[usage])


def test_lost_calls_are_counted_at_their_maximum(run: Path) -> None:
    (before,) = costs_of(read_source(run))["roles"]
    book_lost(run, Usage(1, 1_000_000, 0))
    (after,) = costs_of(read_source(run))["roles"]
    assert (before["lost"], after["lost"]) == (0, 1)
    assert after["usd"] == pytest.approx(before["usd"] + 2.0)


def test_parts_of_tokens_have_columns_and_prices_where_there_are_any(run: Path) -> None:
    before = costs_of(read_source(run))
    assert "prompt: cached" not in str(cost({"costs": before}))
    book_lost(run, Usage(1, 1_000_000, 0, cached_tokens=1_000_000))
    after = costs_of(read_source(run))
    assert after["usd"] == pytest.approx(before["usd"] + 1.0)
    page = str(cost({"costs": after}))
    assert "prompt: cached" in page
    assert "<td>1,000,000</td>" in page
    assert "thoughts" not in page
