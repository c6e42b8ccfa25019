"""How many requests may be on their way at once, and how soon after one another they leave."""

from __future__ import annotations

import asyncio
from collections import deque

from instructzero.errors import ModelError

_SHRINK = 0.5
_BYTES_PER_TOKEN = 4  # what services reckon with before they count


class Throttle:
    """Gives out places, first come, first served: at most ``most`` at once, and fewer while a server says "too fast".

    As TCP does it: `refused` halves the width, once for all the places that were given out before, and every `answered`
    adds 1/width, so that a round of answers widens it by one, up to ``most``. `pause` lets nobody in for some seconds.
    ``requests_per_minute`` and ``tokens_per_minute`` space the places out evenly, with as many tokens for each as its
    request can cost at most. Lives in one event loop; its clock is the loop's.

    >>> async def most_at_once():
    ...     throttle = Throttle(2)
    ...     first, second = await throttle.enter(), await throttle.enter()
    ...     throttle.refused(first)
    ...     throttle.refused(second)  # of the same burst
    ...     throttle.leave()
    ...     throttle.leave()
    ...     return throttle.width
    >>> asyncio.run(most_at_once())
    1
    """

    def __init__(
        self, most: int, *, requests_per_minute: int | None = None, tokens_per_minute: int | None = None
    ) -> None:
        limits = {"concurrency": most, "requests a minute": requests_per_minute, "tokens a minute": tokens_per_minute}
        for name, limit in limits.items():
            if limit is not None and limit < 1:
                raise ModelError(f"expected at least 1 for {name}, got {limit}; raise it or leave it out")
        self.most = most
        self.in_flight = 0
        self._width = float(most)
        self._seconds_per_request = 60 / requests_per_minute if requests_per_minute else 0.0
        self._seconds_per_token = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._burst = 0
        self._waiting: deque[tuple[asyncio.Future[int], float]] = deque()
        self._opens = -float("inf")  # not before this time because a server asked for it
        self._next = -float("inf")  # not before this time because of the limits a minute
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def width(self) -> int:
        """How many places there are now."""
        return int(self._width)

    async def enter(self, size: int = 0, max_tokens: int = 0) -> int:
        """A place for a prompt of ``size`` bytes and its answer; `leave` gives it back. Returns the place's burst."""
        spacing = max(self._seconds_per_request, (size / _BYTES_PER_TOKEN + max_tokens) * self._seconds_per_token)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, spacing))
        self._admit()
        try:
            return await future
        except asyncio.CancelledError:
            if not future.cancelled():  # it got its place in the same moment
                self.leave()
            self._admit()
            raise

    def leave(self) -> None:
        """Give a place back."""
        self.in_flight -= 1
        self._admit()

    def answered(self) -> None:
        """A request was answered: the server keeps up."""
        self._width = min(self.most, self._width + 1 / self._width)

    def refused(self, burst: int) -> None:
        """A server said "too fast" to a request whose place was of this ``burst``."""
        if burst == self._burst:
            self._burst += 1
            self._width = max(1.0, self._width * _SHRINK)

    def pause(self, seconds: float) -> None:
        """Let nobody in for so long, because a server asked for it."""
        self._opens = max(self._opens, asyncio.get_running_loop().time() + seconds)

    def _admit(self) -> None:
        """Give places to those who wait, as far as there are any."""
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
            # A place that is given a little late does not delay those after it.
            self._next = (self._next if now - self._next < spacing else now) + spacing
            self.in_flight += 1
            future.set_result(self._burst)

    def _wake_at(self, time: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(time, self._admit)
