"""Limit how many requests are in flight, and how soon one follows another."""

from __future__ import annotations

import asyncio
from collections import deque

from instructzero.errors import ModelError

_SHRINK = 0.5
_BYTES_PER_TOKEN = 4  # the estimate that services use before they count


class Throttle:
    """Gives out places for requests, first come, first served, and fewer of them while a server is overloaded.

    The number of places follows TCP's congestion control. `refused` halves it, once for all requests that were in
    flight together. Every `answered` adds 1/number, so that one round of answers adds one place, up to ``places``.
    `pause` admits no request for some seconds. Lives in one event loop, and uses the loop's clock.

    Parameters
    ----------
    places
        The maximum number of requests in flight, at least 1.
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
    ...     throttle.refused(first)
    ...     throttle.refused(second)  # of the same burst
    ...     throttle.leave()
    ...     throttle.leave()
    ...     return throttle.width
    >>> asyncio.run(refuse_two())
    1
    """

    def __init__(
        self, places: int, *, requests_per_minute: int | None = None, tokens_per_minute: int | None = None
    ) -> None:
        limits = {"concurrency": places, "requests a minute": requests_per_minute, "tokens a minute": tokens_per_minute}
        for name, limit in limits.items():
            if limit is not None and limit < 1:
                raise ModelError(f"expected at least 1 for {name}, got {limit}; raise it or leave it out")
        self.places = places
        self.in_flight = 0
        self._width = float(places)
        self._seconds_per_request = 60 / requests_per_minute if requests_per_minute else 0.0
        self._seconds_per_token = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._burst = 0
        self._waiting: deque[tuple[asyncio.Future[int], float]] = deque()
        self._opens = -float("inf")  # admits nobody before this time, because a server asked for it
        self._next = -float("inf")  # admits nobody before this time, because of the limits per minute
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def width(self) -> int:
        """The current number of places."""
        return int(self._width)

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
            The number of the burst that the place belongs to, for `refused`.
        """
        spacing = max(self._seconds_per_request, (size / _BYTES_PER_TOKEN + max_tokens) * self._seconds_per_token)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, spacing))
        self._admit()
        try:
            return await future
        except asyncio.CancelledError:
            if not future.cancelled():  # it got its place at the same moment
                self.leave()
            self._admit()
            raise

    def leave(self) -> None:
        """Give a place back."""
        self.in_flight -= 1
        self._admit()

    def answered(self) -> None:
        """Note that a request was answered: the server keeps up."""
        self._width = min(self.places, self._width + 1 / self._width)

    def refused(self, burst: int) -> None:
        """Note that the server refused a request of this ``burst`` as one of too many."""
        if burst == self._burst:
            self._burst += 1
            self._width = max(1.0, self._width * _SHRINK)

    def pause(self, seconds: float) -> None:
        """Admit no request for ``seconds``, because a server asked for it."""
        self._opens = max(self._opens, asyncio.get_running_loop().time() + seconds)

    def _admit(self) -> None:
        """Give the free places to those who wait."""
        while self._waiting and (self._waiting[0][0].done() or self.in_flight < self.width):
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
            # A place that is given out a little late does not delay the next ones.
            self._next = (self._next if now - self._next < spacing else now) + spacing
            self.in_flight += 1
            future.set_result(self._burst)

    def _wake_at(self, time: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(time, self._admit)
