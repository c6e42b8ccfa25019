"""The paid models of a run share what they must, and are paid for apart."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from instructzero.calls.budget import Budget, Limits
from instructzero.calls.prices import FREE
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER, CallStore
from instructzero.calls.traffic import Traffic, is_free
from instructzero.config import make_settings
from instructzero.errors import BudgetExhausted
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.types import Message, Request, Usage


class Closing(ScriptedBlackBox):
    """Counts how often it is closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def box() -> Closing:
    return Closing(str.upper, concurrency=2, delay=0.001)


@pytest.fixture
def traffic(box: Closing, tmp_path: Path) -> Iterator[Traffic]:
    settings = make_settings({"task": "sum", "method": "ape", "rewriter": "blackbox"})
    prices = dict.fromkeys((BLACK_BOX, REWRITER, JUDGE), FREE)
    models = {BLACK_BOX: box, JUDGE: ScriptedBlackBox(str.lower)}
    with CallStore(tmp_path / "calls.sqlite") as store:
        yield Traffic(settings, models, store, Budget(Limits(calls=8), prices=prices), "run")


def requests(name: str, count: int) -> list[Request]:
    return [Request((Message("user", f"{name} {number}"),), max_tokens=3) for number in range(count)]


def ask(traffic: Traffic, questions: dict[str, int]) -> None:
    """So many questions of each role, all together."""

    async def run() -> None:
        roles = {role: traffic.answers(role) for role in questions}
        asked = [(roles[role], each) for role, count in questions.items() for each in requests(role, count)]
        try:
            await asyncio.gather(*(answers.get(answers.call(each), each) for answers, each in asked))
        finally:
            for answers in roles.values():
                await answers.close()

    try:
        traffic.loop.run(run())
    finally:
        traffic.loop.close()


def test_each_role_has_its_own_account_and_all_one_store(traffic: Traffic) -> None:
    ask(traffic, {BLACK_BOX: 3, REWRITER: 2, JUDGE: 1})
    assert traffic.store.spent("run") == {
        BLACK_BOX: Usage(3, 9, 9),
        REWRITER: Usage(2, 4, 4),
        JUDGE: Usage(1, 2, 2),
    }
    assert len(traffic.store) == 6


def test_the_rewriter_is_the_black_box_and_leaves_it_no_more_room(traffic: Traffic, box: Closing) -> None:
    ask(traffic, {BLACK_BOX: 4, REWRITER: 4})
    assert box.calls.total() == 8
    assert box.most_in_flight == 2


def test_only_the_black_box_itself_is_closed(traffic: Traffic, box: Closing) -> None:
    ask(traffic, {REWRITER: 1})
    assert box.closed == 0


def test_one_budget_is_for_all(traffic: Traffic, box: Closing) -> None:
    with pytest.raises(BudgetExhausted):
        ask(traffic, {REWRITER: 5, BLACK_BOX: 4})
    assert box.calls.total() <= 8


def test_only_a_model_in_this_process_is_free(box: Closing) -> None:
    class Local(Closing):
        """Says that it runs here."""

        @property
        def identity(self) -> dict[str, str]:
            return {"backend": "huggingface"}

    assert is_free(Local(str.upper))
    assert not is_free(box)
