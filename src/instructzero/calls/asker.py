"""Requests to one black box: repeated where that may help, not too fast, and within the budget."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from instructzero.calls.bounds import bound_of, charge_of
from instructzero.calls.reservation import Reservation, Reserve
from instructzero.calls.saver import Paid
from instructzero.errors import InstructZeroError, RefusedQuestion, TransientError
from instructzero.models.patience import Patience
from instructzero.models.retrying import Retrier
from instructzero.models.throttle import Throttle
from instructzero.protocols import BlackBox, capabilities_of
from instructzero.types import Completion, Request, Usage


class Asker:
    """Asks ``blackbox``; every try has a place in the throttle and a reservation in the budget.

    Lives in one event loop.

    Parameters
    ----------
    blackbox
        The model that answers.
    retries
        The number of further tries after a failed one, counted as `Retrier` counts them.
    throttle
        The places for requests in flight; several askers may share one.
    patience
        Decides about the waits for the service; askers that share a throttle share it, too.
    reserve
        Reserves the maximum cost of a try; None is no budget.
    seed
        The seed of the random part of the waits between tries.
    has_answered
        Returns True if the black box has answered in an earlier process. If it is given, a question that is refused
        for its own sake has a completion that is `Finish.FAILED`, charged at its bound because services bill some
        refusals; otherwise every refusal is raised.

    Attributes
    ----------
    proven
        True once the black box has answered.

    Raises
    ------
    ModelError
        If ``retries`` is negative.

    Examples
    --------
    >>> import asyncio
    >>> from instructzero.models.scripted import ScriptedBlackBox, echo
    >>> from instructzero.types import Message
    >>> asker = Asker.of(ScriptedBlackBox(echo))
    >>> asyncio.run(asker.ask(Request((Message("user", "ping"),)))).text
    'ping'
    """

    def __init__(
        self,
        blackbox: BlackBox,
        *,
        retries: int,
        throttle: Throttle,
        patience: Patience | None = None,
        reserve: Reserve | None = None,
        seed: int = 0,
        has_answered: Callable[[], bool] | None = None,
    ) -> None:
        self.proven = False
        self._has_answered = has_answered
        self._blackbox = blackbox
        self._batched = capabilities_of(blackbox).batched
        self._throttle = throttle
        self._retrier = Retrier(throttle, retries, patience=patience, seed=seed)
        self._reserve = reserve or _reserve_nothing

    @classmethod
    def of(cls, blackbox: BlackBox) -> Asker:
        """Return an asker without retries and budget, and with as many requests in flight as suit the black box."""
        return cls(blackbox, retries=0, throttle=throttle_of(blackbox))

    @property
    def identity(self) -> Mapping[str, str]:
        """The identity of the black box."""
        return self._blackbox.identity

    @property
    def concurrency(self) -> int:
        """The maximum number of requests in flight."""
        return self._throttle.places

    @property
    def tolerant(self) -> bool:
        """True if a question that is refused for its own sake does not raise an error."""
        return self._has_answered is not None

    async def ask(self, request: Request) -> Completion:
        """Return the answer to ``request``; see `pay`."""
        return (await self.pay(request, _Nowhere())).completion

    def pay(self, request: Request, aside: Aside) -> Coroutine[Any, Any, Paid]:
        """Return the answer to ``request``, and the usage that the budget has booked for it.

        What every try may cost is set aside first; for the try with the answer, `Saver.save` ends that.

        Raises
        ------
        EndpointError
            If the last try failed.
        BudgetExhausted
            If the budget has no room for another try.
        ModelError
            If the user has to fix something.
        """
        bound = bound_of(request)

        return self._retrier.run(
            partial(self._attempt, request, bound, aside),
            prompt_tokens=bound.prompt_tokens,
            completion_tokens=bound.completion_tokens,
        )

    async def close(self) -> None:
        """Free the black box."""
        await self._blackbox.close()

    async def _attempt(self, request: Request, asked: Usage, aside: Aside, place: int) -> Paid:
        """Try once; the reservation is closed exactly once, whatever happens."""
        reservation = await self._reserved(asked, aside)
        bound = reservation.bound
        self._throttle.sent(place)  # the waits before are none for the server
        try:
            completion = await self._blackbox.complete(request)
            self.proven = True
        except RefusedQuestion as error:
            if not self._is_alone(error):
                reservation.cancel()
                aside.end(bound)
                raise
            completion = Completion.failed(error.reason, at_limit=error.at_limit)
        except BaseException as error:
            if self._may_cost(error):
                reservation.lose()
                aside.lose(bound)
            else:
                reservation.cancel()
                aside.end(bound)
            raise
        return Paid(completion, reservation.settle(completion), bound)

    async def _reserved(self, asked: Usage, aside: Aside) -> Reservation:
        """Return room for a try, once it is set aside; reserve again if a try has got dearer meanwhile."""
        while True:
            reservation = await self._reserve(asked)
            try:
                await aside.begin(reservation.bound)
            except BaseException:
                reservation.cancel()
                raise
            if reservation.is_current:
                return reservation
            reservation.cancel()
            aside.end(reservation.bound)

    def _may_cost(self, error: BaseException) -> bool:
        """Return True if a try without an answer may be billed all the same."""
        if isinstance(error, TransientError):
            return error.maybe_paid
        if isinstance(error, InstructZeroError):  # refused before any work was done
            return False
        # Cancelled in flight, or a fault in the black box. The answer in a batch is booked when it is read.
        return not self._batched

    def _is_alone(self, error: RefusedQuestion) -> bool:
        """Return True if the refusal concerns this question only: it says so, or others were answered."""
        if self._has_answered is None:
            return False
        return error.about_content or self.proven or self._has_answered()


def throttle_of(model: BlackBox, **limits: int | None) -> Throttle:
    """Return the throttle of a model; one on this machine has all its places at once, because it queues by itself.

    ``limits`` are those of `Throttle` per minute.
    """
    can = capabilities_of(model)
    if can.batched:  # neither the latency nor the limits per minute are those of single requests
        return Throttle(model.concurrency)
    return Throttle(model.concurrency, timeout=None if can.local else can.timeout_s, **limits)


class Aside(Protocol):
    """Sets aside what tries may cost; see `Saver`."""

    async def begin(self, bound: Usage) -> None:
        """Set ``bound`` aside before a try."""
        ...

    def end(self, bound: Usage) -> None:
        """Note that a try has no answer, and cost nothing."""
        ...

    def lose(self, bound: Usage) -> None:
        """Note that a try has no answer, and may have cost as much."""
        ...


class _Nowhere(Aside):
    """Nothing is set aside for a question of nobody."""

    async def begin(self, bound: Usage) -> None: ...

    def end(self, bound: Usage) -> None: ...

    def lose(self, bound: Usage) -> None: ...


@dataclass(frozen=True, slots=True)
class _Nothing:
    """The reservation of a run without a budget."""

    bound: Usage
    is_current = True

    def settle(self, completion: Completion) -> Usage:
        return charge_of(completion, self.bound)

    def lose(self) -> None: ...

    def cancel(self) -> None: ...


async def _reserve_nothing(bound: Usage) -> Reservation:
    return _Nothing(bound)
