from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.calls.budget import Budget
from instructzero.calls.held_back import BudgetReserve
from instructzero.calls.limits import Limits
from instructzero.calls.prices import FREE, Price
from instructzero.calls.reservation import Reservation
from instructzero.errors import BudgetExhausted, ConfigurationError
from instructzero.types import Completion, Usage

BOX, JUDGE = "black box", "judge"
PRICES = {BOX: Price(1e6, 2e6), JUDGE: Price(3e6, 0.0)}  # whole dollars per token, so that sums are exact


def budget(limits: Limits, **arguments: Any) -> Budget:
    return Budget(limits, **{"prices": PRICES, **arguments})


async def proven_budget(tokens: int) -> Budget:
    """Return a budget with room for ``tokens``, in which the black box has answered for one token."""
    shared = budget(Limits(tokens=tokens + 1))
    (await shared.reserve(BOX, Usage(1, 1, 0))).settle(Completion("", 1))
    return shared


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, timeout=10))


async def ticks(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Try:
    """One try of a random script: the turns of the loop until it starts, ends, and gives up."""

    role: str
    bound: Usage
    actual: Usage
    end: str
    start: int
    hold: int
    patience: int | None


@st.composite
def tries(draw: st.DrawFn) -> Try:
    prompt, completion = draw(st.integers(1, 40)), draw(st.integers(0, 40))
    return Try(
        role=draw(st.sampled_from([BOX, JUDGE])),
        bound=Usage(1, prompt, completion),
        actual=Usage(1, draw(st.integers(1, prompt)), draw(st.integers(0, completion))),
        end=draw(st.sampled_from(["settle", "settle", "lose", "cancel"])),
        start=draw(st.integers(0, 4)),
        hold=draw(st.integers(0, 6)),
        patience=draw(st.none() | st.integers(0, 12)),
    )


@st.composite
def any_limits(draw: st.DrawFn) -> Limits:
    def maybe(most: int) -> int | None:
        return draw(st.none() | st.integers(1, most))

    return Limits(calls=maybe(8), tokens=maybe(200), usd=maybe(300))


@dataclass
class Books:
    """The test's own account of what is spent and in flight."""

    limits: Limits
    spent: list[tuple[str, Usage]] = field(default_factory=list)
    in_flight: list[tuple[str, Usage]] = field(default_factory=list)

    def within(self, amounts: list[tuple[str, Usage]]) -> bool:
        total = sum((usage for _, usage in amounts), Usage())
        dollars = sum(PRICES[role].cost(usage) for role, usage in amounts)
        measured = (
            (total.calls, self.limits.calls),
            (total.prompt_tokens + total.completion_tokens, self.limits.tokens),
            (dollars, self.limits.usd),
        )
        return all(limit is None or amount <= limit for amount, limit in measured)

    def of(self, role: str) -> Usage:
        return sum((usage for each, usage in self.spent if each == role), Usage())


async def attempt(each: Try, shared: Budget, books: Books) -> None:
    await ticks(each.start)
    try:
        reservation = await shared.reserve(each.role, each.bound)
    except BudgetExhausted:
        assert not books.within([*books.spent, (each.role, each.bound)]), "refused although it fits"
        return
    held = (each.role, each.bound)
    books.in_flight.append(held)
    assert books.within([*books.spent, *books.in_flight])
    try:
        await ticks(each.hold)
        end, charge = each.end, {"settle": each.actual, "lose": each.bound, "cancel": Usage()}[each.end]
    except asyncio.CancelledError:
        end, charge = "lose", each.bound
        raise
    finally:
        books.in_flight.remove(held)
        books.spent.append((each.role, charge))
        close(reservation, end, charge)


def close(reservation: Reservation, end: str, charge: Usage) -> None:
    if end == "settle":
        reservation.settle(Completion("", charge.prompt_tokens, charge.completion_tokens))
    else:
        {"lose": reservation.lose, "cancel": reservation.cancel}[end]()


@given(any_limits(), st.lists(tries(), max_size=12))
def test_random_tries_never_exceed_a_limit_and_all_waiters_end(limits: Limits, script: list[Try]) -> None:
    async def play() -> None:
        shared, books = budget(limits), Books(limits)
        tasks = [asyncio.create_task(attempt(each, shared, books)) for each in script]
        for task, each in zip(tasks, script, strict=True):
            if each.patience is not None:
                asyncio.create_task(give_up(task, each.patience))  # noqa: RUF006  (it ends before the loop does)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome, each in zip(ended, script, strict=True):
            assert outcome is None or (isinstance(outcome, asyncio.CancelledError) and each.patience is not None)
        assert books.within(books.spent)
        assert all(shared.spent.get(role, Usage()) == books.of(role) for role in PRICES)
        assert shared.total == books.of(BOX) + books.of(JUDGE)
        assert shared.cost() == PRICES[BOX].cost(books.of(BOX)) + PRICES[JUDGE].cost(books.of(JUDGE))

    async def give_up(task: asyncio.Task[None], patience: int) -> None:
        await ticks(patience)
        task.cancel()

    run(play())


def test_reserve_waits_while_a_try_in_flight_may_make_room() -> None:
    async def play() -> None:
        shared = budget(Limits(tokens=100))
        first = await shared.reserve(BOX, Usage(1, 60, 0))
        second = asyncio.create_task(shared.reserve(BOX, Usage(1, 60, 0)))
        await ticks(3)
        assert not second.done()
        first.settle(Completion("", 40, 0))
        (await second).settle(Completion("", 60, 0))
        assert shared.total == Usage(2, 100, 0)

    run(play())


def test_reserve_is_refused_once_no_try_in_flight_can_make_room() -> None:
    async def play() -> None:
        shared = budget(Limits(tokens=100))
        first = await shared.reserve(BOX, Usage(1, 60, 0))
        second = asyncio.create_task(shared.reserve(BOX, Usage(1, 60, 0)))
        await ticks(3)
        first.settle(Completion("", 41, 0))
        with pytest.raises(BudgetExhausted):
            await second
        (await shared.reserve(BOX, Usage(1, 59, 0))).cancel()

    run(play())


def test_reserve_above_the_limit_is_refused_at_once() -> None:
    async def play() -> None:
        shared = budget(Limits(tokens=100))
        await shared.reserve(BOX, Usage(1, 60, 0))
        with pytest.raises(BudgetExhausted):
            await shared.reserve(BOX, Usage(1, 101, 0))

    run(play())


def test_reserve_serves_waiters_in_order_even_if_a_later_one_fits() -> None:
    async def play() -> None:
        shared, order = budget(Limits(tokens=100)), []

        async def ask(name: str, tokens: int) -> None:
            reservation = await shared.reserve(BOX, Usage(1, tokens, 0))
            order.append(name)
            await ticks(2)
            reservation.settle(Completion("", 1, 0))

        tasks = [asyncio.create_task(ask(name, tokens)) for name, tokens in (("a", 60), ("b", 60), ("c", 10))]
        await asyncio.gather(*tasks)
        assert order == ["a", "b", "c"]

    run(play())


def test_cancelled_waiter_lets_the_next_one_in() -> None:
    async def play() -> None:
        shared = await proven_budget(tokens=100)
        await shared.reserve(BOX, Usage(1, 60, 0))
        large = asyncio.create_task(shared.reserve(BOX, Usage(1, 60, 0)))
        small = asyncio.create_task(shared.reserve(BOX, Usage(1, 30, 0)))
        await ticks(2)
        large.cancel()
        await small
        assert large.cancelled()

    run(play())


def test_room_granted_to_cancelled_task_is_free_again() -> None:
    async def play() -> None:
        shared = budget(Limits(calls=1))
        first = await shared.reserve(BOX, Usage(1, 1, 1))
        second = asyncio.create_task(shared.reserve(BOX, Usage(1, 1, 1)))
        await ticks(2)
        first.cancel()  # the second has room from now on
        second.cancel()  # and is cancelled before it learns that
        with pytest.raises(asyncio.CancelledError):
            await second
        (await shared.reserve(BOX, Usage(1, 1, 1))).cancel()

    run(play())


def test_roles_share_limits_at_their_own_prices() -> None:
    async def play() -> None:
        shared = budget(Limits(usd=10))
        (await shared.reserve_for(JUDGE)(Usage(1, 3, 5))).settle(Completion("", 3, 5))  # 9 dollars
        (await shared.reserve_for(BOX)(Usage(1, 1, 0))).settle(Completion("", 1, 0))  # 1 dollar
        with pytest.raises(BudgetExhausted):
            await shared.reserve_for(BOX)(Usage(1, 1, 0))
        assert shared.spent == {JUDGE: Usage(1, 3, 5), BOX: Usage(1, 1, 0)}
        assert shared.cost() == 10

    run(play())


def test_usage_of_earlier_processes_counts() -> None:
    async def play() -> None:
        shared = budget(Limits(calls=3), spent={BOX: Usage(1, 10, 1), JUDGE: Usage(1, 10, 1)})
        (await shared.reserve(BOX, Usage(1, 5, 5))).settle(Completion("", 5, 5))
        with pytest.raises(BudgetExhausted):
            await shared.reserve(JUDGE, Usage(1, 5, 5))
        assert shared.total == Usage(3, 25, 7)

    run(play())


def test_settle_without_token_counts_charges_the_bound() -> None:
    async def play() -> None:
        shared = budget(Limits(tokens=100))
        (await shared.reserve(BOX, Usage(1, 60, 10))).settle(Completion("", 0, 0))
        assert shared.total == Usage(1, 60, 10)

    run(play())


def test_lost_try_charges_its_bound() -> None:
    async def play() -> None:
        shared = budget(Limits(tokens=100))
        (await shared.reserve(BOX, Usage(1, 60, 10))).lose()
        (await shared.reserve(JUDGE, Usage(1, 20, 10))).settle(Completion("", 2, 1))
        (await shared.reserve(JUDGE, Usage(1, 20, 7))).cancel()
        assert shared.spent == {BOX: Usage(1, 60, 10), JUDGE: Usage(1, 2, 1)}

    run(play())


def test_reserve_does_not_grant_what_is_held_back() -> None:
    async def play() -> None:
        shared = budget(Limits(tokens=100))
        (await shared.reserve(BOX, Usage(1, 20, 0))).settle(Completion("", 20, 0))
        shared.keep({BOX: Usage(2, 50, 0)}, seconds=0)
        held = await shared.reserve(BOX, Usage(1, 20, 0))
        waiting = asyncio.create_task(shared.reserve(BOX, Usage(1, 20, 0)))  # would fit into what is held back
        await ticks(2)
        assert not waiting.done()
        held.settle(Completion("", 20, 0))
        with pytest.raises(
            BudgetExhausted,
            match="40 tokens spent so far and the 50 tokens held back for the final selection and test; raise",
        ):
            await waiting
        shared.keep({}, seconds=0)
        (await shared.reserve(BOX, Usage(1, 60, 0))).settle(Completion("", 60, 0))

    run(play())


@pytest.mark.parametrize(("kept", "said"), [(6, True), (5, False)])
def test_message_proposes_fewer_examples_if_most_is_held_back(kept: int, said: bool) -> None:
    async def play() -> None:
        shared = budget(Limits(calls=10))
        shared.keep({BOX: Usage(kept)}, seconds=0)
        with pytest.raises(BudgetExhausted) as stop:
            await shared.reserve(BOX, Usage(10))
        assert ("or start another run with fewer --test or --confirmation examples" in str(stop.value)) == said

    run(play())


def test_release_of_held_back_budget_admits_waiters() -> None:
    async def play() -> None:
        shared = await proven_budget(tokens=100)
        shared.keep({BOX: Usage(2, 50, 0)}, seconds=0)
        await shared.reserve(BOX, Usage(1, 30, 0))
        waiting = asyncio.create_task(shared.reserve(BOX, Usage(1, 40, 0)))
        await ticks(2)
        assert not waiting.done()
        shared.keep({}, seconds=0)
        await waiting

    run(play())


def test_budget_reserve_holds_back_average_cost_and_pace() -> None:
    now = 0.0

    async def play() -> None:
        nonlocal now
        shared = budget(Limits(tokens=1000, seconds=100), clock=lambda: now)
        savings = BudgetReserve(shared)
        savings.keep(3)  # no cost is known yet
        for _ in range(2):
            (await shared.reserve(BOX, Usage(1, 100, 0))).settle(Completion("", 100, 0))
        now = 20.0
        savings.keep(3)  # about 330 tokens, and 30 seconds
        with pytest.raises(BudgetExhausted, match="tokens held back for the final selection and test"):
            await shared.reserve(BOX, Usage(1, 480, 0))
        (await shared.reserve(BOX, Usage(1, 460, 0))).cancel()
        now = 70.0
        with pytest.raises(BudgetExhausted, match="--max-time"):
            await shared.reserve(BOX, Usage(1, 1, 0))
        savings.release()
        (await shared.reserve(BOX, Usage(1, 800, 0))).cancel()

    run(play())


def test_budget_reserve_holds_back_nothing_for_idle_role() -> None:
    async def play() -> None:
        shared = budget(Limits(calls=10), prices={**PRICES, "rewriter": PRICES[BOX]})
        savings = BudgetReserve(shared, idle=("rewriter",))
        for role in (BOX, "rewriter"):
            (await shared.reserve(role, Usage(1, 1))).settle(Completion("", 1))
        savings.keep(4)
        for _ in range(4):
            (await shared.reserve(BOX, Usage(1, 1))).settle(Completion("", 1))
        with pytest.raises(BudgetExhausted, match="4 calls held back for the final selection and test"):
            await shared.reserve(BOX, Usage(1, 1))

    run(play())


def test_seconds_count_from_construction_of_the_budget() -> None:
    now = 100.0

    async def play() -> None:
        nonlocal now
        shared = budget(Limits(calls=1, seconds=60), clock=lambda: now)
        now = 159.9
        first = await shared.reserve(BOX, Usage(1, 1, 1))
        waiting = asyncio.create_task(shared.reserve(BOX, Usage(1, 1, 1)))
        await ticks(2)
        now = 160.0
        first.cancel()
        with pytest.raises(
            BudgetExhausted, match="the limit of 60 seconds is reached; raise --max-time and run it again"
        ):
            await waiting

    run(play())


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(calls=2), "limit of 2 calls .* take 1 more than the 2 calls spent so far; raise --max-calls and"),
        (
            Limits(tokens=1040),
            "limit of 1,040 tokens .* 15 more than the 1,030 tokens spent so far; raise --max-tokens",
        ),
        (Limits(usd=0.0104), r"of \$0.0104 .* \$0.00015 more than the \$0.0103 spent so far; raise --max-usd and"),
    ],
)
def test_message_names_limit_spent_amount_and_flag(limits: Limits, sentence: str) -> None:
    async def play() -> None:
        prices, spent = {BOX: Price(10.0, 10.0)}, {BOX: Usage(2, 1000, 30)}
        with pytest.raises(BudgetExhausted, match=sentence) as caught:
            await budget(limits, prices=prices, spent=spent).reserve(BOX, Usage(1, 10, 5))
        assert str(caught.value).endswith("which continues from here and pays nothing twice")

    run(play())


def test_reservation_closed_twice_raises() -> None:
    async def play() -> None:
        reservation = await budget(Limits()).reserve(BOX, Usage(1, 1, 1))
        reservation.settle(Completion("", 1, 1))
        with pytest.raises(RuntimeError, match="expected an open reservation"):
            reservation.cancel()

    run(play())


def test_reserve_for_unknown_role_raises() -> None:
    with pytest.raises(ValueError, match="expected one of the roles black box, judge, got 'writer'"):
        run(budget(Limits()).reserve("writer", Usage(1, 1, 1)))


@pytest.mark.parametrize("limits", [{"calls": 0}, {"tokens": -1}, {"usd": math.nan}, {"seconds": math.inf}])
def test_limits_not_above_zero_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"expected --max-\w+ above 0, got"):
        Limits(**limits)


def test_limit_in_dollars_without_a_price_is_refused() -> None:
    prices = {BOX: Price(1, 2), JUDGE: None}
    sentence = "the price of the judge is not known; give --input-price and --output-price"
    with pytest.raises(ConfigurationError, match=sentence):
        Budget(Limits(usd=1), prices=prices)
    with pytest.raises(ConfigurationError, match=sentence):
        Budget(Limits(usd=1), prices={BOX: Price(1, 2)}, spent={JUDGE: Usage(1, 1, 1)})
    Budget(Limits(calls=1, tokens=1, seconds=1), prices=prices)


def test_cost_is_none_once_a_role_without_price_was_used() -> None:
    prices = {BOX: Price(1e6, 0), JUDGE: None}
    assert Budget(Limits(), prices=prices).cost() == 0
    assert Budget(Limits(), prices=prices, spent={BOX: Usage(1, 2, 0)}).cost() == 2
    assert Budget(Limits(), prices=prices, spent={JUDGE: Usage(1, 2, 0)}).cost() is None


def test_usage_beyond_the_bound_counts_at_once() -> None:
    async def play() -> None:
        shared = budget(Limits(tokens=1_000))
        first = await shared.reserve(BOX, Usage(1, 60, 10))
        assert first.settle(Completion("a", 60, 950)) == Usage(1, 60, 950)
        with pytest.raises(BudgetExhausted, match=r"take 1,950 more than the 1,010 tokens spent so far"):
            await shared.reserve(BOX, Usage(1, 60, 10))

    run(play())


def test_waiters_are_admitted_at_the_bound_that_has_grown_meanwhile() -> None:
    async def play() -> None:
        shared = await proven_budget(tokens=500)
        first = await shared.reserve(BOX, Usage(1, 60, 10))
        second, third = (asyncio.create_task(shared.reserve(BOX, Usage(1, 190, 35))) for _ in range(2))
        await ticks(2)
        assert second.done()
        assert not third.done()  # 1 + 70 + 2 * 225 tokens are more than the limit of 501
        first.settle(Completion("a", 10, 30))  # 20 more than the bound
        await ticks(2)
        assert not third.done()  # 41 + 2 * 225 are less, and 41 + 225 + (225 + 2 * 20) are not
        (await second).settle(Completion("a", 1, 1))
        (await third).cancel()

    run(play())


def test_role_has_one_try_in_flight_until_its_first_answer_under_a_limit_of_tokens() -> None:
    async def play(limits: Limits) -> int:
        shared = budget(limits)
        tasks = [asyncio.create_task(shared.reserve(role, Usage(1, 1, 1))) for role in (BOX, JUDGE, BOX, BOX)]
        await ticks(2)
        at_first = sum(task.done() for task in tasks)
        tasks[0].result().settle(Completion("a", 1, 1))
        await ticks(2)
        assert all(task.done() for task in tasks)
        return at_first

    assert [run(play(limits)) for limits in (Limits(tokens=99), Limits(usd=99), Limits(calls=9))] == [2, 2, 4]


def test_batched_role_does_not_wait_for_a_first_answer() -> None:
    async def play() -> None:
        shared = budget(Limits(tokens=100), batched=(BOX,))
        for _ in range(3):
            await shared.reserve(BOX, Usage(1, 20, 0))

    run(play())


def test_lost_first_try_lets_the_next_one_in() -> None:
    async def play() -> None:
        shared = budget(Limits(tokens=100))
        first = await shared.reserve(BOX, Usage(1, 20, 0))
        second = asyncio.create_task(shared.reserve(BOX, Usage(1, 20, 0)))
        await ticks(2)
        assert not second.done()
        first.lose()
        (await second).cancel()

    run(play())


@pytest.mark.parametrize(("limits", "free", "said"), [({}, False, 1), ({}, True, 0), ({"tokens": 9_999}, True, 1)])
def test_excess_is_said_once_where_it_may_cost_something(limits: dict[str, Any], free: bool, said: int) -> None:
    warnings: list[str] = []

    async def play() -> None:
        shared = budget(Limits(**limits), prices={BOX: FREE if free else None}, warn=warnings.append)
        for _ in range(2):
            (await shared.reserve(BOX, Usage(1, 60, 10))).settle(Completion("a", 60, 300))

    run(play())
    assert len(warnings) == said


def test_charge_of_answer_is_returned_for_the_ledger() -> None:
    async def play() -> Usage:
        shared = budget(Limits(), prices={BOX: Price(1, 2, reasoning=3)})
        return (await shared.reserve(BOX, Usage(1, 60, 10))).settle(Completion("a", 5))

    assert run(play()) == Usage(1, 5, 10, reasoning_tokens=10)
