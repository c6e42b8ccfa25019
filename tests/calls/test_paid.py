"""The paid models of a run: one loop, one budget and one store, an account per role, and one owner that closes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from instructzero.calls.budget import Budget
from instructzero.calls.call import Call
from instructzero.calls.limits import Limits
from instructzero.calls.paid import PaidModels
from instructzero.calls.prices import FREE
from instructzero.calls.store import BLACK_BOX, JUDGE, REWRITER, WRITER, CallStore
from instructzero.errors import BudgetExhausted
from instructzero.models.scripted import ScriptedBlackBox, echo
from instructzero.types import Completion, Message, Request, Usage


class Closing(ScriptedBlackBox):
    """Counts how often it is closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def box() -> Closing:
    return Closing(str.upper, concurrency=2, delay=0.001)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CallStore]:
    with CallStore(tmp_path / "calls.sqlite") as store:
        yield store


@pytest.fixture
def paid(box: Closing, store: CallStore) -> PaidModels:
    models = {BLACK_BOX: box, JUDGE: ScriptedBlackBox(str.lower)}
    budget = Budget(Limits(calls=8), prices=dict.fromkeys((BLACK_BOX, REWRITER, JUDGE), FREE))
    return PaidModels(models, store, run="run", budget=budget, retries=5)


def requests(name: str, count: int) -> list[Request]:
    return [Request((Message("user", f"{name} {number}"),), max_tokens=3) for number in range(count)]


def ask(paid: PaidModels, questions: dict[str, int]) -> None:
    """Ask a number of questions of each role, all concurrently."""

    async def run() -> None:
        roles = {name: paid.role(name).answers for name in questions}
        asked = [(roles[name], request) for name, count in questions.items() for request in requests(name, count)]
        await asyncio.gather(*(answers.get(answers.call(request), request) for answers, request in asked))

    with paid:
        paid.role(BLACK_BOX).run(run())


def test_roles_ask_with_own_accounts_and_one_store(paid: PaidModels, store: CallStore) -> None:
    ask(paid, {BLACK_BOX: 3, REWRITER: 2, JUDGE: 1})
    assert store.spent("run") == {
        BLACK_BOX: Usage(3, 9, 9),
        REWRITER: Usage(2, 4, 4),
        JUDGE: Usage(1, 2, 2),
    }
    assert len(store) == 6


def test_rewriter_asks_black_box_under_the_same_throttle(paid: PaidModels, box: Closing) -> None:
    ask(paid, {BLACK_BOX: 4, REWRITER: 4})
    assert box.calls.total() == 8
    assert box.most_in_flight == 2


def test_leaving_the_block_closes_every_model_once_and_not_the_store(
    paid: PaidModels, box: Closing, store: CallStore
) -> None:
    ask(paid, {BLACK_BOX: 1, REWRITER: 1})
    assert box.closed == 1
    assert len(store) == 2


def test_leaving_the_block_after_an_error_closes_the_models(paid: PaidModels, box: Closing) -> None:
    with pytest.raises(ZeroDivisionError), paid:
        raise ZeroDivisionError
    assert box.closed == 1


def test_failing_close_of_one_model_closes_the_others(box: Closing, store: CallStore) -> None:
    class Stuck(ScriptedBlackBox):
        async def close(self) -> None:
            raise OSError("stuck")

    with pytest.raises(OSError, match="stuck"), PaidModels({BLACK_BOX: box, JUDGE: Stuck(str.lower)}, store):
        pass
    assert box.closed == 1


class Question:
    """A question of a batch."""

    def __init__(self, call: Call, request: Request) -> None:
        self.call, self.request = call, request


def test_leaving_the_block_stores_answers_in_flight(store: CallStore) -> None:
    box = Closing(str.upper, concurrency=4, delay=0.05)
    with PaidModels({BLACK_BOX: box}, store, run="run") as paid:
        role = paid.role(BLACK_BOX)

        def answer(question: Question, completion: Completion, cached: bool) -> Completion:
            return completion

        questions = [Question(role.answers.call(request), request) for request in requests("word", 4)]
        batch = role.batch(answer, questions)
        role.run(batch.wait_for([questions[0].call]))  # after the first answer the others are in flight
    assert store.spent("run")[BLACK_BOX].calls == box.calls.total() == len(store) == 4


def test_roles_share_one_budget(paid: PaidModels, box: Closing) -> None:
    with pytest.raises(BudgetExhausted):
        ask(paid, {REWRITER: 5, BLACK_BOX: 4})
    assert box.calls.total() <= 8


def test_role_returns_the_same_object(paid: PaidModels) -> None:
    with paid:
        assert paid.role(BLACK_BOX) is paid.role(BLACK_BOX)


def test_writer_of_the_same_model_shares_the_places_of_the_black_box() -> None:
    same, other = ScriptedBlackBox(echo, concurrency=3), ScriptedBlackBox(echo, name="other", concurrency=5)
    with CallStore(":memory:") as store:
        with PaidModels({BLACK_BOX: same, WRITER: ScriptedBlackBox(echo, concurrency=9)}, store) as paid:
            assert paid.role(WRITER).answers.concurrency == 3
        with PaidModels({BLACK_BOX: same, WRITER: other}, store) as paid:
            assert (paid.role(BLACK_BOX).answers.concurrency, paid.role(WRITER).answers.concurrency) == (3, 5)
