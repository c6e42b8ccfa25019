"""Try a request again where that may help, at the rate that a throttle allows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakSet

from instructzero.errors import EndpointError, ModelError, TransientError
from instructzero.models.patience import Patience
from instructzero.models.throttle import Throttle

Answer = TypeVar("Answer")

THROTTLED_PER_RETRY = 10
"""The number of tries refused as "too many requests" that count as one failed try."""

_waiting: set[asyncio.Task[Any] | None] = set()
_unwanted: WeakSet[asyncio.Task[Any]] = WeakSet()
_FIRST_WAIT_S, _LONGEST_BACKOFF_S = 0.5, 30.0
_JITTER = 0.5


def end_waits(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel those of ``tasks`` that wait for a place or for their next try, now or later; no answer is lost by it."""
    for task in tasks:
        _unwanted.add(task)
        if task in _waiting:
            task.cancel()


@dataclass(frozen=True, slots=True)
class _Failed:
    """A failed try: the seconds until the next one, and the reason if there must be none."""

    error: TransientError
    wait: float
    objection: str | None


class Retrier:
    """Repeats a try after a `TransientError`, each try with a place in ``throttle``.

    A request is tried ``retries`` + 1 times. A try that the server refused as "too many requests" counts as a tenth of
    a failed one (`THROTTLED_PER_RETRY`), so a request is tried at most 10 x ``retries`` + 1 times. The waits between
    tries are 0.5, 1, 2, ... 30 seconds, shortened by a random part of up to a half. If the server says how long to
    wait, the throttle admits no request for that time. A wait that ``patience`` objects to ends the request, and those
    that wait for a place. Lives in one event loop.

    Parameters
    ----------
    throttle
        The places; several retriers may share one.
    retries
        The number of further tries after a failed one, at least 0.
    patience
        Decides about the waits; retriers that share a throttle share it, too. None waits as long as the server asks.
    seed
        The seed of the random part of the waits.

    Raises
    ------
    ModelError
        If ``retries`` is negative.
    """

    def __init__(self, throttle: Throttle, retries: int, *, patience: Patience | None = None, seed: int = 0) -> None:
        if retries < 0:
            raise ModelError(f"expected no negative number of retries, got {retries}; give 0 or more")
        self._throttle = throttle
        self._retries = retries
        self._patience = patience or Patience()
        self._random = random.Random(seed)

    async def run(
        self, attempt: Callable[[int], Awaitable[Answer]], *, prompt_tokens: int = 0, completion_tokens: int = 0
    ) -> Answer:
        """Return what ``attempt`` returns, after as many tries as it takes.

        Parameters
        ----------
        attempt
            One try; it is called once for each, with the place in the throttle. It calls `Throttle.sent` when it sends
            its request.
        prompt_tokens, completion_tokens
            The tokens that one try can take at most, for the throttle's limit of tokens per minute.

        Raises
        ------
        EndpointError
            If the last try failed, or the wait for the next one is too long. Every other error of ``attempt`` is passed
            on at once.
        """
        tries, used = 0, 0
        while True:
            tries += 1
            result = await self._try(attempt, prompt_tokens, completion_tokens, tries)
            if not isinstance(result, _Failed):
                return result
            used += 1 if result.error.throttled else THROTTLED_PER_RETRY
            if result.objection is not None:
                raise EndpointError(result.objection)
            if used > self._retries * THROTTLED_PER_RETRY:
                break
            if not result.error.retry_after:  # otherwise the throttle waits
                await _waited(asyncio.sleep(result.wait))
        last = f" (the last of {tries} tries)" if tries > 1 else ""
        raise EndpointError(f"{result.error}{last}; every answer so far is kept: resume later")

    async def _try(
        self, attempt: Callable[[int], Awaitable[Answer]], prompt_tokens: int, completion_tokens: int, tries: int
    ) -> Answer | _Failed:
        place = None if _unwanted else self._throttle.enter_now(prompt_tokens, completion_tokens)
        if place is None:
            place = await _waited(self._throttle.enter(prompt_tokens, completion_tokens))
        try:
            answer = await attempt(place)
        except TransientError as error:
            return self._failed(error, place, tries)
        else:
            self._throttle.answered(place)
            self._patience.answered()
            return answer
        finally:
            self._throttle.leave(place)

    def _failed(self, error: TransientError, place: int, tries: int) -> _Failed:
        """Return the end of a try; while it still has its place, hold the other requests back, if need be."""
        wait = self._jittered_up(error.retry_after) if error.retry_after else self._backoff(tries)
        objection = self._patience.objection(error, wait)
        if error.overloaded:
            self._throttle.refused(place)
        if objection is not None:
            self._throttle.turn_away(objection)
        elif error.retry_after:
            self._throttle.pause(wait)
        return _Failed(error, wait, objection)

    def _backoff(self, tries: int) -> float:
        """Return the seconds to wait after a number of failed tries."""
        backoff = min(_LONGEST_BACKOFF_S, _FIRST_WAIT_S * 2.0 ** min(tries - 1, 16))
        return backoff * (1 - _JITTER * self._random.random())

    def _jittered_up(self, seconds: float) -> float:
        """Return a little more than the server asked for, so that the clients do not all return at once."""
        return seconds * (1 + min(0.1, 6.0 / seconds) * self._random.random())


async def _waited(wait: Awaitable[Answer]) -> Answer:
    """Return what ``wait`` returns; `end_waits` ends it."""
    task = asyncio.current_task()
    if task is not None and _unwanted and task in _unwanted:
        task.cancel()
    _waiting.add(task)
    try:
        return await wait
    finally:
        _waiting.discard(task)
