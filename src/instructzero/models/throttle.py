"""Limit how many requests are in flight, and how soon one follows another."""

from __future__ import annotations

import asyncio
from collections import deque

from instructzero.errors import EndpointError, ModelError
from instructzero.models.late import Late
from instructzero.models.width import Width

_BYTES_PER_TOKEN = 4  # the estimate that services use before they count


class Throttle:
    """Gives out places for requests, first come, first served, as many at once as the server keeps up with.

    The number of places is a `Width`: with a ``timeout``, it begins at 1 and grows while the latency does not. A
    refusal as one of too many, and a late answer of a slow server (`Late`), halve it. `pause` admits no request for
    some seconds. Places are numbered in the order in which they are given out. Lives in one event loop at a time, and
    uses the loop's clock.

    Parameters
    ----------
    places
        The maximum number of requests in flight, at least 1.
    timeout
        Seconds after which an answer is late; None is for a model on this machine, which has all places at once.
    requests_per_minute
        Places are given out evenly over the minute; None is no limit.
    tokens_per_minute
        The same for tokens, where every request counts with the maximum that it can take; None is no limit.

    Raises
    ------
    ModelError
        If a limit is below 1.

    Examples
    --------
    >>> async def refuse_two():
    ...     throttle = Throttle(2)
    ...     first, second = await throttle.enter(), await throttle.enter()
    ...     for place in (first, second):  # of the same burst
    ...         throttle.refused(place)
    ...         throttle.leave(place)
    ...     return throttle.width
    >>> asyncio.run(refuse_two())
    1
    """

    def __init__(
        self,
        places: int,
        *,
        timeout: float | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> None:
        limits = {"concurrency": places, "requests a minute": requests_per_minute, "tokens a minute": tokens_per_minute}
        for name, limit in limits.items():
            if limit is not None and limit < 1:
                raise ModelError(f"expected at least 1 for {name}, got {limit}; raise it or leave it out")
        self.places = places
        self.in_flight = 0
        self._width = Width(places, timeout)
        self._late = None if timeout is None else Late(timeout, self._was_late)
        self._seconds_per_request = 60 / requests_per_minute if requests_per_minute else 0.0
        self._seconds_per_token = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._number = 0
        self._waiting: deque[tuple[asyncio.Future[int], float]] = deque()
        self._opens = -float("inf")  # admits nobody before this time, because a server asked for it
        self._next = -float("inf")  # admits nobody before this time, because of the limits per minute
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def width(self) -> int:
        """The current number of places."""
        return self._width.places

    def enter_now(self, size: int = 0, max_tokens: int = 0) -> int | None:
        """Return the number of a place if there is one without waiting, as `enter` does, or else None."""
        if self._waiting or self.in_flight >= self._width.places:
            return None
        now = asyncio.get_running_loop().time()
        if max(self._opens, self._next) > now:
            return None
        self._pass(now, self._spacing(size, max_tokens))
        return self._give()

    async def enter(self, size: int = 0, max_tokens: int = 0) -> int:
        """Wait for a place, which `leave` gives back.

        Parameters
        ----------
        size
            The size of the prompt in bytes.
        max_tokens
            The maximum number of tokens in the answer.

        Returns
        -------
        int
            The number of the place.

        Raises
        ------
        EndpointError
            If `turn_away` is called in the meantime.
        """
        spacing = self._spacing(size, max_tokens)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, spacing))
        self._admit()
        try:
            return await future
        except asyncio.CancelledError:
            if not future.cancelled() and future.exception() is None:  # it got its place at the same moment
                self.leave(future.result())
            self._admit()
            raise

    def leave(self, place: int) -> None:
        """Give a place back."""
        if self._late is not None:
            self._late.ended(place)
        self.in_flight -= 1
        self._admit()

    def sent(self, place: int) -> None:
        """Note that the request with this place is sent now: its latency begins."""
        if self._late is not None:
            self._late.sent(place)

    def answered(self, place: int) -> None:
        """Note that the request with this place is answered now."""
        seconds = 0.0 if self._late is None else self._late.answered(place)
        if seconds is not None:
            self._width.answered(place, seconds, self._number)

    def refused(self, place: int) -> None:
        """Note that the server refused the request with this place as one of too many."""
        self._width.overloaded(place, self._number)

    def pause(self, seconds: float) -> None:
        """Admit no request for ``seconds``, because a server asked for it."""
        self._opens = max(self._opens, asyncio.get_running_loop().time() + seconds)

    def turn_away(self, reason: str) -> None:
        """Raise `EndpointError` in all calls of `enter` that wait: the service answers nobody for a long time."""
        waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            if not future.done():
                future.set_exception(EndpointError(reason))

    def _was_late(self, place: int) -> None:
        self._width.overloaded(place, self._number, late=True)

    def _admit(self) -> None:
        """Give the free places to those who wait."""
        while self._waiting and (self._waiting[0][0].done() or self.in_flight < self._width.places):
            future, spacing = self._waiting[0]
            if future.done():  # cancelled
                self._waiting.popleft()
                continue
            now = asyncio.get_running_loop().time()
            opens = max(self._opens, self._next)
            if opens > now:
                self._wake_at(opens)
                return
            self._waiting.popleft()
            self._pass(now, spacing)
            future.set_result(self._give())

    def _spacing(self, size: int, max_tokens: int) -> float:
        return max(self._seconds_per_request, (size / _BYTES_PER_TOKEN + max_tokens) * self._seconds_per_token)

    def _pass(self, now: float, spacing: float) -> None:
        """Let the next request follow after ``spacing`` seconds; one that comes a little late does not delay others."""
        self._next = (self._next if now - self._next < spacing else now) + spacing

    def _give(self) -> int:
        self.in_flight += 1
        if self.in_flight >= self._width.places:
            self._width.filled = True
        number, self._number = self._number, self._number + 1
        return number

    def _wake_at(self, time: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(time, self._admit)
