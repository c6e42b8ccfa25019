"""Throttles in front of simulated servers, in virtual time."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from instructzero.models.throttle import Throttle
from instructzero.models.width import Width
from tests.virtual_time import run


@dataclass
class Outcome:
    """The end of a number of requests: those cut at twice the timeout, the seconds, and the widths as they changed."""

    lost: int
    seconds: float
    longest: float
    widths: list[tuple[float, int]]

    def reached(self, width: int) -> float:
        """Return the time at which the throttle first had this width."""
        return next((time for time, found in self.widths if found >= width), math.inf)

    @property
    def width(self) -> int:
        return self.widths[-1][1]


def ask(
    service_s: Callable[[], float], *, slots: int | None, timeout: float, requests: int, places: int = 32
) -> Outcome:
    """Send requests to a server that works on ``slots`` at once, None for all, each for ``service_s()`` seconds."""

    async def main() -> Outcome:
        loop = asyncio.get_running_loop()
        throttle = Throttle(places, timeout=timeout)
        slot = asyncio.Semaphore(slots or requests)
        found = Outcome(0, 0.0, 0.0, [(0.0, throttle.width)])

        async def work() -> None:
            async with slot:
                await asyncio.sleep(service_s())

        async def request() -> None:
            place = await throttle.enter()
            throttle.sent(place)
            sent = loop.time()
            try:
                await asyncio.wait_for(work(), 2 * timeout)
                throttle.answered(place)
            except TimeoutError:
                found.lost += 1
            finally:
                throttle.leave(place)
            found.longest = max(found.longest, loop.time() - sent)
            if throttle.width != found.width:
                found.widths.append((loop.time(), throttle.width))

        await asyncio.gather(*(request() for _ in range(requests)))
        found.seconds = loop.time()
        return found

    return run(main())


def lognormal(seed: int, median: float, sigma: float) -> Callable[[], float]:
    numbers = random.Random(seed)
    return lambda: median * math.exp(numbers.gauss(0, sigma))


@pytest.mark.parametrize("seconds", [0.1, 1, 2, 3, 4, 5, 6, 8, 9.9])
def test_one_slot_server_loses_no_request_and_is_never_idle(seconds: float) -> None:
    found = ask(lambda: seconds, slots=1, timeout=10, requests=40)
    assert found.lost == 0
    assert found.seconds == pytest.approx(40 * seconds)
    assert found.longest < 20


def test_one_slot_server_of_2_s_answers_within_the_timeout() -> None:
    found = ask(lambda: 2.0, slots=1, timeout=10, requests=40)
    assert found.lost == 0
    assert found.longest <= 8
    assert max(width for _, width in found.widths) <= 4


@pytest.mark.parametrize("slots", [2, 3, 4, 7, 16])
@pytest.mark.parametrize("seconds", [0.05, 0.7, 2, 4])
def test_server_with_slots_is_used_fully_without_loss(slots: int, seconds: float) -> None:
    found = ask(lambda: seconds, slots=slots, timeout=10, requests=60 * slots)
    assert found.lost == 0
    assert found.seconds <= 1.35 * 60 * seconds  # the beginning, and the widths between powers of two


def test_unlimited_service_with_answers_of_1_to_30_s_reaches_all_places_in_a_few_rounds() -> None:
    outcomes = [ask(lognormal(seed, 5.5, 0.87), slots=None, timeout=60, requests=600) for seed in range(20)]
    reached = sorted(outcome.reached(32) for outcome in outcomes)
    assert reached[10] <= 8 * 8  # eight times the mean latency of 8 s
    assert reached[-1] <= 20 * 8
    assert all(outcome.width == 32 for outcome in outcomes)


def test_unlimited_service_with_answers_of_half_the_timeout_reaches_all_places() -> None:
    outcomes = [ask(lognormal(seed, 25, 0.3), slots=None, timeout=60, requests=600) for seed in range(10)]
    assert sorted(outcome.reached(32) for outcome in outcomes)[5] <= 20 * 26


@pytest.mark.parametrize("busy", [False, True])
def test_thousand_places_at_50_ms_are_reached_in_ten_rounds_and_kept(busy: bool) -> None:
    """A busy client sees 50 to 300 ms."""
    numbers = random.Random(0)
    longest = 0.3 if busy else 0.05
    found = ask(lambda: numbers.uniform(0.05, longest), slots=None, timeout=60, requests=20_000, places=1000)
    assert found.reached(1000) <= 10 * longest + 1e-9
    assert found.width == 1000
    assert [width for _, width in found.widths] == sorted(width for _, width in found.widths)


@pytest.mark.parametrize(("before", "after"), [(1.0, 4.0), (0.2, 2.0)])
def test_server_that_gets_slower_halves_the_width_and_loses_nothing(before: float, after: float) -> None:
    served = 0

    def seconds() -> float:
        nonlocal served
        served += 1
        return before if served <= 100 else after

    found = ask(seconds, slots=4, timeout=10, requests=300)
    assert found.lost == 0
    assert found.width < max(width for _, width in found.widths)


def test_server_that_hangs_halves_the_width_after_the_timeout() -> None:
    served = 0

    def seconds() -> float:
        nonlocal served
        served += 1
        return 0.1 if served <= 200 else 15.0

    found = ask(seconds, slots=None, timeout=10, requests=400)
    times = [time for time, width in found.widths if width < 32 and time > 1]
    assert times
    assert found.lost == 0


def test_one_slow_answer_among_quick_ones_changes_nothing() -> None:
    served = 0

    def seconds() -> float:
        nonlocal served
        served += 1
        return 15.0 if served == 100 else 0.5

    found = ask(seconds, slots=None, timeout=10, requests=2000)
    assert found.width == 32
    assert found.lost == 0


def test_model_on_this_machine_has_all_places_at_once() -> None:
    assert Width(64).places == 64
    assert Width(64, timeout=10.0).places == 1


def test_width_does_not_grow_while_places_are_free() -> None:
    width = Width(32, timeout=10.0)
    for number in range(100):
        width.answered(number, 0.01, number + 1)
    assert width.places == 1
