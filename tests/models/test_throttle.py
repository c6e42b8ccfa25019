from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.errors import EndpointError, ModelError
from instructzero.models.throttle import Throttle
from tests.virtual_time import run


def now() -> float:
    return asyncio.get_running_loop().time()


async def enter_times(throttle: Throttle, count: int, *, stay: float = 0.0, **size: int) -> list[float]:
    """Return the times at which ``count`` tasks enter; they start now and stay ``stay`` seconds."""
    times: list[float] = []

    async def visit() -> None:
        place = await throttle.enter(**size)
        times.append(now())
        await asyncio.sleep(stay)
        throttle.leave(place)

    await asyncio.gather(*(visit() for _ in range(count)))
    return times


def test_enter_gives_out_at_most_the_number_of_places() -> None:
    assert run(enter_times(Throttle(2), 5, stay=1.0)) == [0, 0, 1, 1, 2]


def test_enter_is_first_come_first_served() -> None:
    async def order() -> list[int]:
        throttle, entered = Throttle(1), list[int]()

        async def visit(number: int) -> None:
            place = await throttle.enter()
            entered.append(number)
            await asyncio.sleep(1)
            throttle.leave(place)

        await asyncio.gather(*map(visit, range(6)))
        return entered

    assert run(order()) == list(range(6))


def in_loop(main: Coroutine[Any, Any, None]) -> None:
    run(main)


async def refuse(throttle: Throttle) -> None:
    place = await throttle.enter()
    throttle.refused(place)
    throttle.leave(place)


async def answer(throttle: Throttle, count: int) -> None:
    """Have ``count`` requests answered, always as many at once as there are places."""
    while count:
        places = [await throttle.enter() for _ in range(min(count, throttle.width))]
        count -= len(places)
        for place in places:
            throttle.sent(place)
            throttle.answered(place)
            throttle.leave(place)


def test_refusals_of_one_burst_halve_the_width_once() -> None:
    async def main() -> None:
        throttle = Throttle(16)
        places = [await throttle.enter() for _ in range(16)]
        for place in places:
            throttle.refused(place)
            throttle.leave(place)
        assert throttle.width == 8
        await refuse(throttle)  # sent after the burst, so it begins a new one
        assert throttle.width == 4

    in_loop(main())


def test_width_stays_at_least_one() -> None:
    async def main() -> None:
        throttle = Throttle(3)
        for _ in range(5):
            await refuse(throttle)
        assert throttle.width == 1

    in_loop(main())


def test_round_of_answers_after_a_refusal_widens_by_one_up_to_the_maximum() -> None:
    async def main() -> None:
        throttle = Throttle(16)
        await refuse(throttle)
        await answer(throttle, 8)
        assert throttle.width == 9
        await answer(throttle, 1000)
        assert throttle.width == 16

    in_loop(main())


def test_turn_away_raises_in_those_that_wait_and_admits_later_requests() -> None:
    async def main() -> None:
        throttle = Throttle(1)
        place = await throttle.enter()
        waiting = [asyncio.create_task(throttle.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        throttle.turn_away("come back tomorrow")
        for task in waiting:
            with pytest.raises(EndpointError, match="come back tomorrow"):
                await task
        throttle.leave(place)
        assert await throttle.enter() == 1

    in_loop(main())


def test_pause_stops_all_and_the_longest_pause_counts() -> None:
    async def main() -> None:
        throttle = Throttle(4)
        throttle.pause(5)
        throttle.pause(3)
        assert await enter_times(throttle, 2) == [5, 5]

    in_loop(main())


def test_pause_during_a_wait_extends_it() -> None:
    async def main() -> None:
        throttle = Throttle(4)
        throttle.pause(2)
        waiting = asyncio.create_task(enter_times(throttle, 2))
        await asyncio.sleep(1)
        throttle.pause(5)
        assert await waiting == [6, 6]

    in_loop(main())


def test_requests_per_minute_space_requests_evenly() -> None:
    assert run(enter_times(Throttle(100, requests_per_minute=120), 4)) == pytest.approx([0, 0.5, 1, 1.5])


def test_tokens_per_minute_space_requests_by_their_maximum_size() -> None:
    throttle = Throttle(100, tokens_per_minute=6000)  # 40 bytes count as 10 tokens
    assert run(enter_times(throttle, 3, size=40, max_tokens=90)) == pytest.approx([0, 1, 2])


@given(
    st.integers(1, 240),
    st.lists(st.floats(0, 5), min_size=1, max_size=40),
)
def test_no_minute_holds_more_requests_than_its_limit(limit: int, gaps: list[float]) -> None:
    """Allow one more if the minute begins between two requests, and one after a late request."""

    async def main() -> list[float]:
        throttle, times = Throttle(100, requests_per_minute=limit), list[float]()

        async def visit(start: float) -> None:
            await asyncio.sleep(start)
            place = await throttle.enter()
            times.append(now())
            throttle.leave(place)

        await asyncio.gather(*map(visit, itertools.accumulate(gaps)))
        return times

    times = run(main())
    for start in times:
        assert sum(start <= time < start + 60 for time in times) <= limit + 2


@given(
    most=st.integers(1, 4),
    timeout=st.one_of(st.none(), st.floats(0.1, 5)),
    visitors=st.lists(
        st.tuples(
            st.floats(0, 3), st.floats(0, 3), st.sampled_from(["answered", "refused", "pause", "away"]), st.floats(0, 6)
        ),
        min_size=1,
        max_size=20,
    ),
)
def test_random_events_keep_the_limit_and_give_back_all_places(
    most: int, timeout: float | None, visitors: list[tuple[float, float, str, float]]
) -> None:
    async def main() -> None:
        throttle = Throttle(most, timeout=timeout)
        inside = 0

        async def visit(start: float, stay: float, event: str) -> None:
            nonlocal inside
            await asyncio.sleep(start)
            place = await throttle.enter()
            throttle.sent(place)
            inside += 1
            try:
                assert inside <= throttle.width <= most
                await asyncio.sleep(stay)
                if event == "answered":
                    throttle.answered(place)
                elif event == "refused":
                    throttle.refused(place)
                elif event == "away":
                    throttle.turn_away("closed")
                else:
                    throttle.pause(stay)
            finally:
                inside -= 1
                throttle.leave(place)

        async def visit_until(start: float, stay: float, event: str, end: float) -> None:
            task = asyncio.create_task(visit(start, stay, event))
            asyncio.get_running_loop().call_later(end, task.cancel)
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled() or isinstance(task.exception(), EndpointError | None)

        await asyncio.gather(*(visit_until(*visitor) for visitor in visitors))
        assert throttle.in_flight == inside == 0
        await asyncio.gather(*(throttle.enter() for _ in range(throttle.width)))  # all places are free

    run(main())


@pytest.mark.parametrize(
    "options", [{"places": 0}, {"places": 1, "requests_per_minute": 0}, {"places": 1, "tokens_per_minute": -1}]
)
def test_impossible_limits_raise_model_error(options: dict[str, int]) -> None:
    with pytest.raises(ModelError, match="expected at least 1 for"):
        Throttle(**options)
