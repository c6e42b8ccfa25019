"""Waits for a service that refuses, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from instructzero.errors import EndpointError, TransientError
from instructzero.models.patience import Patience
from instructzero.models.retrying import Retrier, end_waits
from instructzero.models.throttle import Throttle
from tests.virtual_time import run

Waits = list[tuple[float, float, str]]


def now() -> float:
    return asyncio.get_running_loop().time()


class Service:
    """Answers or raises in turn, the last outcome for ever, and notes the times of the tries."""

    def __init__(self, *outcomes: Exception | str) -> None:
        self.outcomes = list(outcomes)
        self.tries: list[float] = []

    async def __call__(self, place: int) -> str:
        self.tries.append(now())
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def asked(*outcomes: Exception | str, max_wait: float = 300.0, retries: int = 5) -> tuple[Service, Waits, str, float]:
    """Ask once; return the service, the reported waits with their times, the answer or error, and the end's time."""
    service, waits = Service(*outcomes), Waits()

    async def main() -> tuple[str, float]:
        patience = Patience(max_wait, lambda seconds, reason: waits.append((now(), seconds, reason)))
        try:
            said = await Retrier(Throttle(4), retries, patience=patience).run(service)
        except EndpointError as error:
            said = f"{error.__context__ or ''}{error}"
        return said, now()

    return service, waits, *run(main())


def refusal(**options: object) -> TransientError:
    return TransientError("the service says no", **{"throttled": True, **options})  # type: ignore[arg-type]


def test_wait_of_two_minutes_is_reported_at_once_and_kept() -> None:
    service, waits, said, end = asked(refusal(retry_after=120.0), "pong")
    assert waits == [(0.0, 120.0, "the service says no")]
    assert said == "pong"
    assert 120 <= end <= 126
    assert len(service.tries) == 2


def test_wait_of_a_minute_is_not_reported() -> None:
    assert asked(refusal(retry_after=60.0), "pong")[1:3] == ([], "pong")


def test_longer_wait_than_the_longest_ends_at_once_and_says_when_to_come_back() -> None:
    service, waits, said, end = asked(refusal(retry_after=25920.0))
    assert (len(service.tries), waits, end) == (1, [], 0.0)
    assert "the service says no; it asks to wait 7 h 12 min, and the longest wait is 5 min (--max-wait)" in said
    assert "every answer so far is kept: resume in 7 h 12 min, at " in said


def test_longest_wait_that_is_as_long_as_the_quota_needs_is_kept() -> None:
    _, waits, said, end = asked(refusal(retry_after=25920.0, quota_used_up=True), "pong", max_wait=30_000)
    assert said == "pong"
    assert len(waits) == 1
    assert end >= 25920


@pytest.mark.parametrize("seconds", [None, 0.0, 34.0, 60.0])
def test_daily_quota_ends_at_once_however_short_the_wait_that_is_asked_for(seconds: float | None) -> None:
    service, _, said, end = asked(refusal(retry_after=seconds, quota_used_up=True), max_wait=1e6)
    assert (len(service.tries), end) == (1, 0.0)
    assert "this quota is one of a day or longer" in said
    assert "resume when it is renewed" in said


@pytest.mark.parametrize("options", [{}, {"throttled": False, "overloaded": True}])
def test_silent_refusals_end_after_the_longest_wait_and_are_reported_after_a_minute(options: dict[str, bool]) -> None:
    _, waits, said, end = asked(refusal(**options), retries=1000)
    assert 250 <= end <= 300
    assert "it has answered nothing for" in said
    assert "resume later" in said
    assert 30 <= waits[0][0] <= 60
    assert all(later[0] - sooner[0] > 59 for sooner, later in itertools.pairwise(waits))


def test_short_waits_that_are_asked_for_again_and_again_end_after_the_longest_wait() -> None:
    _, waits, said, end = asked(refusal(retry_after=34.0), retries=1000)
    assert 240 <= end <= 300
    assert "it has answered nothing for" in said
    assert waits[0][1:] == (34.0, "the service says no")


def test_broken_connections_are_no_wait_for_the_service() -> None:
    service, waits, said, end = asked(TransientError("broken"), retries=30)
    assert len(service.tries) == 31
    assert end > 300
    assert waits == []
    assert "the last of 31 tries" in said


def test_answers_of_other_requests_begin_the_wait_anew() -> None:
    """A service answers one of two requests every 100 s, and refuses the other for 1000 s."""

    async def main() -> float:
        throttle, patience = Throttle(4), Patience(150.0)
        service = Service(*[refusal()] * 60, "pong")

        async def answers() -> None:
            for _ in range(9):
                await Retrier(throttle, 0, patience=patience).run(Service("pong"))
                await asyncio.sleep(100)

        other = asyncio.create_task(answers())
        try:
            await Retrier(throttle, 1000, patience=patience).run(service)
        finally:
            other.cancel()
        return now()

    with pytest.raises(EndpointError, match="answered nothing"):
        run(main())

    async def until_refused() -> float:
        try:
            return await main()
        except EndpointError:
            return now()

    assert run(until_refused()) > 900


def test_refusal_of_one_turns_those_away_that_wait_for_a_place() -> None:
    async def main() -> tuple[int, float]:
        throttle, patience, service = Throttle(2), Patience(), Service(refusal(quota_used_up=True))

        async def sent(place: int) -> str:
            await asyncio.sleep(1)
            return await service(place)

        asks = (Retrier(throttle, 5, patience=patience).run(sent) for _ in range(20))
        outcomes = await asyncio.gather(*asks, return_exceptions=True)
        assert all(isinstance(outcome, EndpointError) for outcome in outcomes)
        assert throttle.in_flight == 0
        return len(service.tries), now()

    assert run(main()) == (2, 1.0)


def test_burst_of_refusals_is_reported_once_and_a_much_longer_wait_again() -> None:
    waits = Waits()

    async def main() -> None:
        patience = Patience(1e6, lambda seconds, reason: waits.append((now(), seconds, reason)))
        for seconds in (120, 119, 118, 150):
            assert patience.objection(refusal(retry_after=float(seconds)), 1.0) is None
        assert patience.objection(refusal(retry_after=200.0), 1.0) is None

    run(main())
    assert [seconds for _, seconds, _ in waits] == [120, 200]


def test_cancelled_wait_ends_at_once() -> None:
    async def main(wait: Callable[[Retrier], Awaitable[str]]) -> float:
        task = asyncio.ensure_future(wait(Retrier(Throttle(1), 5)))
        await asyncio.sleep(3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        return now()

    for outcome in (refusal(retry_after=100.0), TransientError("broken")):
        assert run(main(lambda retrier, outcome=outcome: retrier.run(Service(outcome)))) == 3  # type: ignore[misc]


def test_end_waits_cancels_what_waits_now_or_later_and_no_request_in_flight() -> None:
    async def main() -> tuple[list[bool], float]:
        throttle = Throttle(1)

        async def slow(place: int) -> str:
            await asyncio.sleep(10)
            return "pong"

        async def twice() -> None:
            await Retrier(throttle, 0).run(slow)
            await Retrier(throttle, 0).run(slow)

        backing_off = Retrier(Throttle(1), 5).run(Service(TransientError("broken")))
        asked = [asyncio.ensure_future(each) for each in (twice(), Retrier(throttle, 0).run(slow), backing_off)]
        await asyncio.sleep(5)
        end_waits(asked)
        await asyncio.gather(*asked, return_exceptions=True)
        assert throttle.in_flight == 0
        return [task.cancelled() for task in asked], now()

    assert run(main()) == ([True, True, True], 10.0)


@pytest.mark.parametrize("start", [0.0, 12345.678])
def test_wait_as_long_as_the_longest_is_kept_though_requests_sent_before_it_are_refused_later(start: float) -> None:
    async def main() -> list[str | None]:
        await asyncio.sleep(start)
        patience = Patience(300.0)
        first = patience.objection(refusal(retry_after=300.0), 1.0)
        await asyncio.sleep(1)
        second = patience.objection(refusal(retry_after=300.0), 1.0)
        await asyncio.sleep(310)
        return [first, second, patience.objection(refusal(retry_after=300.0), 1.0)]

    first, second, third = run(main())
    assert (first, second) == (None, None)
    assert third is not None
    assert "it has answered nothing for 6 min" in third
    assert "resume in 5 min, at " in third


def test_silence_of_a_service_that_does_not_say_how_long_ends_after_the_longest_wait_with_many_requests() -> None:
    async def main() -> float:
        throttle, patience = Throttle(8), Patience(300.0)
        asks = (Retrier(throttle, 1000, patience=patience, seed=n).run(Service(refusal())) for n in range(8))
        await asyncio.gather(*asks, return_exceptions=True)
        return now()

    assert run(main()) <= 300


def test_wait_beyond_the_time_of_the_run_ends_at_once_and_a_shorter_one_is_kept() -> None:
    async def main() -> list[str | None]:
        end = now() + 50
        patience = Patience(300.0, time_left=lambda: end - now())
        kept = patience.objection(refusal(retry_after=40.0), 1.0)
        await asyncio.sleep(45)
        patience.answered()
        return [kept, patience.objection(refusal(retry_after=40.0), 1.0)]

    kept, ended = run(main())
    assert kept is None
    assert ended is not None
    assert "it asks to wait 40 s, and --max-time leaves 5 s" in ended
    assert "resume in 40 s, at " in ended
