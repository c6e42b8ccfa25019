from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructzero.calls.asker import Asker
from instructzero.calls.bounds import bound_of
from instructzero.errors import BudgetExhausted, EndpointError, ModelError, TransientError
from instructzero.models.patience import Patience
from instructzero.models.scripted import ScriptedBlackBox, echo
from instructzero.models.throttle import Throttle
from instructzero.types import Completion, Message, Request, Usage
from tests.virtual_time import run

PING = Request((Message("user", "ping"),), max_tokens=7)
PONG = Completion("pong", 5, 2)
Outcome = Completion | BaseException


class Play:
    """A black box that needs ``seconds`` for a try and returns outcomes in turn, the last one for ever."""

    concurrency = 4

    def __init__(self, *outcomes: Outcome, seconds: float = 0.0) -> None:
        self._outcomes = list(outcomes)
        self._seconds = seconds
        self.tries: list[float] = []
        self.in_flight = self.most_in_flight = 0
        self.closed = False

    @property
    def identity(self) -> Mapping[str, str]:
        return {"backend": "play"}

    async def complete(self, request: Request) -> Completion:
        self.tries.append(asyncio.get_running_loop().time())
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self._seconds)
        finally:
            self.in_flight -= 1
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def close(self) -> None:
        self.closed = True


@dataclass
class Book:
    """A budget that counts how its reservations end."""

    room: int = 10**9
    wait: float = 0.0
    bounds: list[Usage] = field(default_factory=list)
    settled: list[Usage] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)

    async def reserve(self, bound: Usage) -> Entry:
        await asyncio.sleep(self.wait)
        if len(self.bounds) >= self.room:
            raise BudgetExhausted("nothing left")
        self.bounds.append(bound)
        return Entry(self)


@dataclass
class Entry:
    book: Book
    open: bool = True
    bound: Usage = field(default_factory=lambda: Usage(1))
    is_current: bool = True

    def _end(self, how: str) -> None:
        assert self.open, f"ended twice, now {how}"
        self.open = False
        self.book.ends[how] += 1

    def settle(self, completion: Completion) -> Usage:
        self.book.settled.append(completion.usage)
        self._end("settled")
        return completion.usage

    def lose(self) -> None:
        self._end("lost")

    def cancel(self) -> None:
        self._end("cancelled")


def failed(**options: object) -> TransientError:
    return TransientError("the endpoint is ill", **options)  # type: ignore[arg-type]


def throttled(**options: object) -> TransientError:
    return failed(throttled=True, **options)


def ask(box: Play, *, retries: int = 3, book: Book | None = None, seed: int = 0) -> Completion:
    asker = Asker(box, retries=retries, throttle=Throttle(4), reserve=book.reserve if book else None, seed=seed)
    return run(asker.ask(PING))


def test_answer_settles_the_reservation_with_its_usage() -> None:
    book = Book()
    assert ask(Play(PONG), book=book) == PONG
    assert book.bounds == [bound_of(PING)]
    assert book.settled == [Usage(1, 5, 2)]
    assert book.ends == {"settled": 1}


def test_transient_failures_are_retried_with_growing_waits() -> None:
    box = Play(failed(), failed(), failed(), PONG)
    assert ask(box) == PONG
    waits = [later - sooner for sooner, later in itertools.pairwise(box.tries)]
    assert len(waits) == 3
    assert all(0.5 * full <= wait <= full for wait, full in zip(waits, [0.5, 1.0, 2.0], strict=True))


def test_waits_are_determined_by_the_seed() -> None:
    def waits(seed: int) -> list[float]:
        box = Play(failed(), failed(), PONG)
        ask(box, seed=seed)
        return box.tries

    assert waits(1) == waits(1)
    assert waits(1) != waits(2)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_permanent_failure_raises_endpoint_error_after_retries_plus_one_tries(retries: int) -> None:
    box, book = Play(failed()), Book()
    with pytest.raises(EndpointError, match=r"the endpoint is ill.*resume later") as caught:
        ask(box, retries=retries, book=book)
    assert not isinstance(caught.value, TransientError)
    assert caught.value.__context__ is None
    assert len(box.tries) == retries + 1
    assert book.ends == {"cancelled": retries + 1}


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_throttled_try_counts_as_a_tenth_of_a_failure(retries: int) -> None:
    box = Play(throttled())
    with pytest.raises(EndpointError):
        ask(box, retries=retries)
    assert len(box.tries) == 10 * retries + 1


def test_failures_and_throttled_tries_are_counted_together() -> None:
    box = Play(failed(), *[throttled()] * 10, failed())
    with pytest.raises(EndpointError):
        ask(box, retries=2)
    assert len(box.tries) == 12


def test_retry_after_is_respected_however_long_it_is_if_no_wait_is_too_long() -> None:
    box = Play(throttled(retry_after=7.0), failed(retry_after=9000.0), PONG)
    ask(box)
    first, second = box.tries[1], box.tries[2] - box.tries[1]
    assert 7.0 <= first <= 7.7
    assert 9000.0 <= second <= 9006.0


def test_retry_after_zero_still_backs_off() -> None:
    box = Play(throttled(retry_after=0.0), PONG)
    ask(box)
    assert box.tries[1] >= 0.25


def test_retry_after_holds_all_requests() -> None:
    async def main() -> list[float]:
        box = Play(throttled(retry_after=10.0), PONG)
        asker = Asker(box, retries=1, throttle=Throttle(1))
        await asyncio.gather(*(asker.ask(PING) for _ in range(3)))
        return box.tries

    assert min(run(main())[1:]) >= 10.0


def test_throttled_burst_reduces_the_requests_in_flight() -> None:
    async def main() -> int:
        box = Play(*[throttled()] * 8, PONG, seconds=1.0)
        asker = Asker(box, retries=3, throttle=Throttle(8))
        tasks = [asyncio.create_task(asker.ask(PING)) for _ in range(30)]
        await asyncio.sleep(1.001)
        box.most_in_flight = 0
        await asyncio.gather(*tasks)
        return box.most_in_flight

    assert 4 <= run(main()) < 8  # halved once, then widened by one place per round


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (failed(maybe_paid=True), "lost"),
        (failed(), "cancelled"),
        (ModelError("wrong key"), "cancelled"),
        (EndpointError("no money left"), "cancelled"),
        (RuntimeError("a fault"), "lost"),
    ],
)
def test_failed_try_closes_the_reservation_by_its_cost(error: Exception, end: str) -> None:
    book = Book()
    with pytest.raises(type(error) if not isinstance(error, TransientError) else EndpointError):
        ask(Play(error), retries=0, book=book)
    assert book.ends == {end: 1}


def test_model_error_is_not_retried() -> None:
    box = Play(ModelError("wrong key"))
    with pytest.raises(ModelError, match="wrong key"):
        ask(box)
    assert len(box.tries) == 1


def test_exhausted_budget_stops_before_the_next_try() -> None:
    box, book = Play(failed(), PONG), Book(room=1)
    with pytest.raises(BudgetExhausted):
        ask(box, book=book)
    assert len(box.tries) == 1
    assert book.ends == {"cancelled": 1}


@pytest.mark.parametrize(("after", "ends"), [(0.5, {}), (1.5, {"lost": 1})])
def test_cancelled_try_counts_as_lost_only_after_sending(after: float, ends: dict[str, int]) -> None:
    async def main() -> tuple[Book, Throttle]:
        book, throttle = Book(wait=1.0), Throttle(1)
        asker = Asker(Play(PONG, seconds=1.0), retries=3, throttle=throttle, reserve=book.reserve)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after):
                await asker.ask(PING)
        return book, throttle

    book, throttle = run(main())
    assert book.ends == ends
    assert throttle.in_flight == 0


def test_asker_of_a_black_box_tries_once() -> None:
    box = ScriptedBlackBox(echo, concurrency=3, fail_after=1)
    asker = Asker.of(box)
    assert asker.concurrency == 3
    assert asker.identity == box.identity
    assert run(asker.ask(PING)).text == "ping"
    with pytest.raises(EndpointError, match="broke down"):
        run(asker.ask(PING))


def test_close_closes_the_black_box() -> None:
    box = Play(PONG)
    run(Asker.of(box).close())
    assert box.closed


def test_negative_retries_raise_model_error() -> None:
    with pytest.raises(ModelError, match="retries"):
        Asker(Play(PONG), retries=-1, throttle=Throttle(1))


outcomes = st.one_of(
    st.builds(Completion, st.text(max_size=3), st.integers(0, 9), st.integers(0, 9)),
    st.builds(
        TransientError,
        st.just("ill"),
        retry_after=st.one_of(st.none(), st.floats(0, 300)),
        throttled=st.booleans(),
        overloaded=st.booleans(),
        quota_used_up=st.booleans(),
        maybe_paid=st.booleans(),
    ),
    st.sampled_from([ModelError("refused"), EndpointError("gone"), RuntimeError("a fault")]),
)


@given(
    script=st.lists(outcomes, min_size=1, max_size=30),
    most=st.integers(1, 3),
    retries=st.integers(0, 2),
    seconds=st.floats(0, 2),
    room=st.integers(0, 30),
    patience=st.lists(st.floats(0, 20), min_size=1, max_size=8),
    timeout=st.one_of(st.none(), st.floats(0.1, 5)),
    longest=st.floats(1, 400),
)
def test_random_outcomes_give_back_all_places_and_reservations(
    script: Sequence[Outcome],
    most: int,
    retries: int,
    seconds: float,
    room: int,
    patience: Sequence[float],
    timeout: float | None,
    longest: float,
) -> None:
    """``patience`` holds the seconds after which the requests are cancelled."""

    async def main() -> tuple[Play, Book, Throttle]:
        box, book, throttle = Play(*script, seconds=seconds), Book(room=room, wait=0.1), Throttle(most, timeout=timeout)
        asker = Asker(box, retries=retries, throttle=throttle, patience=Patience(longest), reserve=book.reserve)

        async def ask(patience: float) -> None:
            async with asyncio.timeout(patience):
                await asker.ask(PING)

        await asyncio.gather(*map(ask, patience), return_exceptions=True)
        return box, book, throttle

    box, book, throttle = run(main())
    assert box.most_in_flight <= most
    assert throttle.in_flight == box.in_flight == 0
    assert book.ends.total() == len(book.bounds) == len(box.tries) <= room
    assert len(box.tries) <= len(patience) * (10 * retries + 1)
    assert set(book.settled) <= {outcome.usage for outcome in script if isinstance(outcome, Completion)}
