"""Try a request again where that may help, at the rate that a throttle allows."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from instructzero.errors import EndpointError, ModelError, TransientError
from instructzero.models.throttle import Throttle

Answer = TypeVar("Answer")

LONGEST_WAIT_S = 120.0
"""The longest wait, in seconds, that a server can ask for; a longer one is cut to this."""

THROTTLED_PER_RETRY = 10
"""The number of tries refused as "too many requests" that count as one failed try."""

_FIRST_WAIT_S, _LONGEST_BACKOFF_S = 0.5, 30.0
_JITTER = 0.5


class Retrier:
    """Repeats a try after a `TransientError`, each try with a place in ``throttle``.

    A request is tried ``retries`` + 1 times. A try that the server refused as "too many requests" counts as a tenth of
    a failed one (`THROTTLED_PER_RETRY`), so a request is tried at most 10 x ``retries`` + 1 times. The waits between
    tries are 0.5, 1, 2, ... 30 seconds, shortened by a random part of up to a half. If the server says how long to
    wait, the throttle admits no request for that time, at most for `LONGEST_WAIT_S`. Lives in one event loop.

    Parameters
    ----------
    throttle
        The places; several retriers may share one.
    retries
        The number of further tries after a failed one, at least 0.
    seed
        The seed of the random part of the waits.

    Raises
    ------
    ModelError
        If ``retries`` is negative.
    """

    def __init__(self, throttle: Throttle, retries: int, *, seed: int = 0) -> None:
        if retries < 0:
            raise ModelError(f"expected no negative number of retries, got {retries}; give 0 or more")
        self._throttle = throttle
        self._retries = retries
        self._random = random.Random(seed)

    async def run(
        self, attempt: Callable[[], Awaitable[Answer]], *, prompt_tokens: int = 0, completion_tokens: int = 0
    ) -> Answer:
        """Return what ``attempt`` returns, after as many tries as it takes.

        Parameters
        ----------
        attempt
            One try; it is called once for each.
        prompt_tokens, completion_tokens
            The tokens that one try can take at most, for the throttle's limit of tokens per minute.

        Raises
        ------
        EndpointError
            If the last try failed. Every other error of ``attempt`` is passed on at once.
        """
        tries = failed = throttled = 0
        while True:
            tries += 1
            try:
                return await self._try(attempt, prompt_tokens, completion_tokens)
            except TransientError as error:
                failure = error
            failed += not failure.throttled
            throttled += failure.throttled
            if failed * THROTTLED_PER_RETRY + throttled > self._retries * THROTTLED_PER_RETRY:
                break
            await self._wait(failure, failed + throttled)
        raise EndpointError(
            f"{failure} (the last of {tries} tries); every answer so far is kept: resume later"
            if tries > 1
            else f"{failure}; every answer so far is kept: resume later"
        )

    async def _try(
        self, attempt: Callable[[], Awaitable[Answer]], prompt_tokens: int, completion_tokens: int
    ) -> Answer:
        burst = await self._throttle.enter(prompt_tokens, completion_tokens)
        try:
            answer = await attempt()
        except TransientError as error:
            if error.throttled:
                self._throttle.refused(burst)
            if error.retry_after:
                self._throttle.pause(self._jittered_up(min(error.retry_after, LONGEST_WAIT_S)))
            raise
        else:
            self._throttle.answered()
            return answer
        finally:
            self._throttle.leave()

    async def _wait(self, failure: TransientError, number: int) -> None:
        """Back off after failed try ``number``; if the server named a time, the throttle waits instead."""
        if not failure.retry_after:
            backoff = min(_LONGEST_BACKOFF_S, _FIRST_WAIT_S * 2.0 ** min(number - 1, 16))
            await asyncio.sleep(backoff * (1 - _JITTER * self._random.random()))

    def _jittered_up(self, seconds: float) -> float:
        """Return a little more than the server asked for, so that the clients do not all return at once."""
        return seconds * (1 + 0.1 * self._random.random())
