"""All traffic to one black box: tried again where that may help, not too fast, and never beyond the budget."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

from instructzero.calls.budget import Reservation, Reserve, bound_of
from instructzero.errors import EndpointError, InstructZeroError, ModelError, TransientError
from instructzero.models.throttle import Throttle
from instructzero.protocols import BlackBox
from instructzero.types import Completion, Request, Usage

LONGEST_WAIT_S = 120.0
"""A server that asks for a longer wait is asked again after this one."""

THROTTLED_PER_RETRY = 10
"""So many tries that a server met with "too many requests" count as one that failed."""

_FIRST_WAIT_S, _LONGEST_BACKOFF_S = 0.5, 30.0
_JITTER = 0.5


class Asker:
    """Asks ``blackbox``, each time with a place in ``throttle`` and a reservation, and again if that may help.

    A request is tried ``retries`` + 1 times. Being told to wait is normal, and counts as a tenth of a failed try
    (`THROTTLED_PER_RETRY`), so that no request is tried more than 10 x ``retries`` + 1 times. Between tries pass 0.5,
    1, 2, ... 30 seconds, less a random part of up to a half, from a generator seeded with ``seed``. Where the server
    says how long to wait, nobody asks it anything for so long, or for `LONGEST_WAIT_S` if that is less. Lives in one
    event loop.

    >>> from instructzero.models.scripted import ScriptedBlackBox, echo
    >>> from instructzero.types import Message
    >>> asker = Asker.of(ScriptedBlackBox(echo))
    >>> asyncio.run(asker.ask(Request((Message("user", "ping"),)))).text
    'ping'
    """

    def __init__(
        self, blackbox: BlackBox, *, retries: int, throttle: Throttle, reserve: Reserve | None = None, seed: int = 0
    ) -> None:
        if retries < 0:
            raise ModelError(f"expected no negative number of retries, got {retries}; give 0 or more")
        self._blackbox = blackbox
        self._retries = retries
        self._throttle = throttle
        self._reserve = reserve or _reserve_nothing
        self._random = random.Random(seed)

    @classmethod
    def of(cls, blackbox: BlackBox) -> Asker:
        """One try a request, as many at once as the black box likes, and no budget."""
        return cls(blackbox, retries=0, throttle=Throttle(blackbox.concurrency))

    @property
    def identity(self) -> Mapping[str, str]:
        return self._blackbox.identity

    @property
    def concurrency(self) -> int:
        """How many requests are worth having in flight."""
        return self._throttle.most

    async def ask(self, request: Request) -> Completion:
        """The answer.

        Raises `EndpointError` when the last try failed, `BudgetExhausted` when there is no room for another, and what
        the black box raises for what the user must mend.
        """
        tries = failed = throttled = 0
        while True:
            tries += 1
            try:
                return await self._try(request)
            except TransientError as error:
                failure = error
            failed += not failure.throttled
            throttled += failure.throttled
            if failed * THROTTLED_PER_RETRY + throttled > self._retries * THROTTLED_PER_RETRY:
                break
            await self._wait(failure, failed + throttled)
        raise EndpointError(
            f"{failure}, in the last of {tries} tries; every answer so far is kept: resume later"
            if tries > 1
            else f"{failure}; every answer so far is kept: resume later"
        )

    async def close(self) -> None:
        """Free the black box."""
        await self._blackbox.close()

    async def _try(self, request: Request) -> Completion:
        bound = bound_of(request)
        burst = await self._throttle.enter(bound.prompt_tokens, bound.completion_tokens)
        try:
            completion = await self._complete(request, await self._reserve(bound))
        except TransientError as error:
            if error.throttled:
                self._throttle.refused(burst)
            if error.retry_after:
                self._throttle.pause(self._jittered_up(min(error.retry_after, LONGEST_WAIT_S)))
            raise
        else:
            self._throttle.answered()
            return completion
        finally:
            self._throttle.leave()

    async def _complete(self, request: Request, reservation: Reservation) -> Completion:
        """One try; the reservation is closed exactly once, whatever happens."""
        try:
            completion = await self._blackbox.complete(request)
        except TransientError as error:
            if error.maybe_paid:
                reservation.lose()
            else:
                reservation.cancel()
            raise
        except InstructZeroError:  # refused before any work was done
            reservation.cancel()
            raise
        except BaseException:  # cancelled on the way, or a fault in the black box: nobody knows what was done
            reservation.lose()
            raise
        reservation.settle(Usage(1, completion.prompt_tokens, completion.completion_tokens))
        return completion

    async def _wait(self, failure: TransientError, number: int) -> None:
        """Back off after the ``number``-th failed try; where the server named a time, the throttle waits instead."""
        if not failure.retry_after:
            backoff = min(_LONGEST_BACKOFF_S, _FIRST_WAIT_S * 2.0 ** min(number - 1, 16))
            await asyncio.sleep(backoff * (1 - _JITTER * self._random.random()))

    def _jittered_up(self, seconds: float) -> float:
        """A little more than the server asked for, so that not everybody comes at once."""
        return seconds * (1 + 0.1 * self._random.random())


class _Nothing:
    """The reservation of a run without a budget."""

    def settle(self, usage: Usage) -> None: ...

    def lose(self) -> None: ...

    def cancel(self) -> None: ...


async def _reserve_nothing(bound: Usage) -> Reservation:
    return _Nothing()
