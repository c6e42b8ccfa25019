"""The budget of a run: limits that are never exceeded, with requests in flight counted at their maximum cost.

Before every try at a paid model, an upper bound of its cost is reserved; afterwards the reservation is closed with the
actual cost. Spent + reserved stays within every limit at every moment, as long as the bounds hold.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from instructzero.calls.prices import Price
from instructzero.errors import BudgetExhausted, ConfigurationError
from instructzero.types import Request, Usage

TOKENS_PER_MESSAGE = 16
"""The maximum tokens that a chat template puts around a message: its role, and the marks of its start and end."""

TOKENS_PER_REQUEST = 128
"""The maximum tokens that a chat template puts around a conversation: a system prompt and the cue of the answer."""

_FLAGS = {"calls": "--max-calls", "usd": "--max-usd", "tokens": "--max-tokens", "seconds": "--max-time"}


class Reservation(Protocol):
    """Room in the budget for one try; exactly one of the three methods closes it."""

    def settle(self, usage: Usage) -> None:
        """Close it for a try that was answered, with this usage."""
        ...

    def lose(self) -> None:
        """Close it for a try without an answer that may have been billed: its whole bound counts as spent."""
        ...

    def cancel(self) -> None:
        """Close it for a try that was certainly not billed."""
        ...


Reserve = Callable[[Usage], Awaitable[Reservation]]
"""Waits until there is room for a try of at most this usage; raises `BudgetExhausted` if there will be none."""


def bound_of(request: Request) -> Usage:
    """Return the maximum usage that one try at ``request`` can be billed for.

    A token of a byte-level vocabulary covers at least one byte. So the prompt has at most as many tokens as its
    contents have bytes in UTF-8, plus those that a chat template adds.

    >>> from instructzero.types import Message
    >>> bound_of(Request((Message("user", "déjà vu"),), max_tokens=5))
    Usage(calls=1, prompt_tokens=153, completion_tokens=5)
    """
    contents = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in request.messages)
    overhead = TOKENS_PER_REQUEST + TOKENS_PER_MESSAGE * len(request.messages)
    return Usage(1, contents + overhead, request.max_tokens)


def charge_of(usage: Usage, bound: Usage) -> Usage:
    """Return the usage that is charged for an answer: its own, or the bound if the model reports no prompt tokens."""
    return usage if usage.prompt_tokens else bound


@dataclass(frozen=True, slots=True)
class Limits:
    """The maximum that a run may spend over all its roles; None is no limit.

    Parameters
    ----------
    calls
        Requests.
    usd
        Dollars.
    tokens
        Tokens of prompts and answers together.
    seconds
        Seconds of this process.

    Raises
    ------
    ConfigurationError
        If a limit is not above 0.
    """

    calls: int | None = None
    usd: float | None = None
    tokens: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, flag in _FLAGS.items():
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ConfigurationError(f"expected {flag} above 0, got {value}; raise it, or leave it out")


class Budget:
    """Grants room under `Limits` try by try, in the order of the requests. Lives in one event loop.

    Parameters
    ----------
    limits
        The limits. Seconds count from now.
    prices
        The price of every paid role ("black box", "judge", "rewriter", "writer"); None for a price that is not known.
    spent
        The usage by role of earlier processes of the run.
    on_lost
        ``on_lost(role, bound)`` is called for every try that may have been billed without an answer, so that it can be
        recorded for the next process.
    clock
        Returns the time in seconds.

    Raises
    ------
    ConfigurationError
        If there is a limit in dollars and a price is not known.

    >>> async def spend():
    ...     budget = Budget(Limits(calls=2), prices={"black box": Price(1.0, 2.0)})
    ...     reservation = await budget.reserve("black box", Usage(1, 100, 10))
    ...     reservation.settle(Usage(1, 40, 5))
    ...     return budget.total, budget.cost()
    >>> asyncio.run(spend())
    (Usage(calls=1, prompt_tokens=40, completion_tokens=5), 5e-05)
    """

    def __init__(
        self,
        limits: Limits,
        *,
        prices: Mapping[str, Price | None],
        spent: Mapping[str, Usage] | None = None,
        on_lost: Callable[[str, Usage], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._prices = dict(prices)
        self._spent = dict(spent or {})
        self._committed = dict(self._spent)  # the spent usage, and the bounds of the tries in flight
        self._waiting: deque[_Waiter] = deque()
        self._on_lost = on_lost
        self._kept: dict[str, Usage] = {}
        self._kept_seconds = 0.0
        self._clock = clock
        self._started = clock()
        self._check_prices()

    @property
    def spent(self) -> Mapping[str, Usage]:
        """The usage by role, including earlier processes and tries that may have been billed without an answer."""
        return dict(self._spent)

    @property
    def total(self) -> Usage:
        """The usage of all roles together."""
        return sum(self._spent.values(), Usage())

    def cost(self) -> float | None:
        """Return the dollars spent, or None if the price of a role that was used is not known."""
        return self._dollars(self._spent)

    @property
    def elapsed(self) -> float:
        """Seconds since construction."""
        return self._clock() - self._started

    def keep(self, amounts: Mapping[str, Usage], seconds: float) -> None:
        """Hold back ``amounts`` by role, and the last ``seconds``, instead of what was held back before."""
        self._kept, self._kept_seconds = dict(amounts), seconds
        self._admit()

    def reserve_for(self, role: str) -> Reserve:
        """Return `reserve` for one role."""
        return partial(self.reserve, role)

    async def reserve(self, role: str, bound: Usage) -> Reservation:
        """Reserve room for a try of at most ``bound``.

        Waits while there is no room, but there may be once a try in flight has cost less than its bound. Raises
        `BudgetExhausted` as soon as that cannot happen any more.
        """
        if role not in self._prices:
            raise ValueError(f"expected one of the roles {', '.join(self._prices)}, got {role!r}; name its price")
        waiter = _Waiter(role, bound, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._admit()
        try:
            return await waiter.answer
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise

    def close(self, reservation: _Reservation, charge: Usage) -> None:
        """Free the bound of a reservation that has ended, and book ``charge`` as spent. Called by the reservation."""
        role = reservation.role
        self._committed[role] = _difference(self._committed[role], reservation.bound) + charge
        self._spent[role] = self._spent.get(role, Usage()) + charge
        self._admit()

    def lose(self, reservation: _Reservation) -> None:
        """Close a reservation and book its whole bound as spent. Called by the reservation."""
        self.close(reservation, reservation.bound)
        if self._on_lost is not None:
            self._on_lost(reservation.role, reservation.bound)

    def _admit(self) -> None:
        """Answer the waiters in order, up to the first one that must wait longer.

        No waiter waits for ever: the first one would fit if nothing were in flight, so a try is in flight, and its end
        calls this method again.
        """
        while self._waiting:
            first = self._waiting[0]
            if not first.answer.done():  # a done answer means that the waiter was cancelled
                if breach := self._breach(first, self._spent):
                    first.answer.set_exception(BudgetExhausted(self._explain(breach, first)))
                elif self._breach(first, self._committed):
                    return
                else:
                    self._committed[first.role] = self._committed.get(first.role, Usage()) + first.bound
                    first.answer.set_result(_Reservation(self, first.role, first.bound))
            self._waiting.popleft()

    def _withdraw(self, waiter: _Waiter) -> None:
        """Undo a request for room whose task was cancelled, possibly after the room was granted."""
        if waiter.answer.cancelled():
            self._admit()  # the waiters behind it may fit
        elif waiter.answer.exception() is None:
            waiter.answer.result().cancel()

    def _breach(self, waiter: _Waiter, amounts: Mapping[str, Usage]) -> str | None:
        """Return the name of a limit that ``amounts``, the amounts held back and the waiter's bound together exceed."""
        limits, bound = self._limits, waiter.bound
        amounts = _sum(amounts, self._kept) if self._kept else amounts
        if limits.seconds is not None and self.elapsed + self._kept_seconds >= limits.seconds:
            return "seconds"
        if limits.calls is not None and bound.calls + sum(usage.calls for usage in amounts.values()) > limits.calls:
            return "calls"
        if limits.tokens is not None and _tokens(bound) + sum(map(_tokens, amounts.values())) > limits.tokens:
            return "tokens"
        if limits.usd is not None:
            after = {**amounts, waiter.role: amounts.get(waiter.role, Usage()) + bound}
            if (self._dollars(after) or 0.0) > limits.usd:
                return "usd"
        return None

    def _dollars(self, amounts: Mapping[str, Usage]) -> float | None:
        costs = [self._cost_of(role, usage) for role, usage in amounts.items() if usage != Usage()]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    def _cost_of(self, role: str, usage: Usage) -> float | None:
        price = self._prices.get(role)
        return None if price is None else price.cost(usage)

    def _check_prices(self) -> None:
        unknown = [role for role in {**self._prices, **self._spent} if self._prices.get(role) is None]
        if self._limits.usd is not None and unknown:
            raise ConfigurationError(
                f"--max-usd needs a price, and the price of the {' and the '.join(unknown)} is not known; give "
                "--input-price and --output-price in dollars per million tokens for the black box, "
                "--writer-input-price and --writer-output-price for the writer, choose a judge whose price is known, "
                "or limit --max-tokens instead"
            )

    def _explain(self, name: str, waiter: _Waiter) -> str:
        limit = _amount(name, getattr(self._limits, name))
        fix = f"raise {_FLAGS[name]} and run it again, which continues from here and pays nothing twice"
        if name == "seconds":
            seconds = f"{self._kept_seconds:.0f} held back for the final selection and test"
            kept = f" except for the {seconds}" if self._kept_seconds else ""
            return f"the limit of {limit} is reached{kept}; {fix}"
        if 2 * self._total(name, self._kept) > getattr(self._limits, name):
            fix += ", or start another run with fewer --test or --confirmation examples"
        further = self._measure(name, {waiter.role: waiter.bound}).removesuffix(f" {name}")
        kept = self._measure(name, self._kept)
        held_back = f" and the {kept} held back for the final selection and test" if self._kept else ""
        return (
            f"the limit of {limit} leaves no room for another request, which may take {further} more than the "
            f"{self._measure(name, self._spent)} spent so far{held_back}; {fix}"
        )

    def _measure(self, name: str, amounts: Mapping[str, Usage]) -> str:
        """Return ``amounts`` as a text, in the unit of the limit ``name``."""
        return _amount(name, self._total(name, amounts))

    def _total(self, name: str, amounts: Mapping[str, Usage]) -> float:
        """Return ``amounts`` as a number, in the unit of the limit ``name``."""
        total = sum(amounts.values(), Usage())
        return {"calls": total.calls, "tokens": _tokens(total), "usd": self._dollars(amounts)}[name] or 0


class BudgetReserve:
    """Holds back from a search what the final selection and test will take, at the cost and pace of the calls so far.

    ``idle`` are the roles that the final selection and test do not use.
    """

    def __init__(self, budget: Budget, *, idle: Collection[str] = ()) -> None:
        self._budget = budget
        self._idle = frozenset(idle)
        self._before = budget.total.calls

    def keep(self, questions: int) -> None:
        """Hold back what ``questions`` questions will take of every role that is not idle, with a small margin."""
        spent = {role: usage for role, usage in self._budget.spent.items() if usage.calls and role not in self._idle}
        amounts = {role: _share(usage, questions) for role, usage in spent.items()}
        asked = self._budget.total.calls - self._before
        self._budget.keep(amounts, self._budget.elapsed / asked * questions if asked else 0.0)

    def release(self) -> None:
        """Let the final selection and test use what was held back."""
        self._budget.keep({}, 0.0)


def _sum(first: Mapping[str, Usage], second: Mapping[str, Usage]) -> dict[str, Usage]:
    """Return the sum of both by role."""
    return {role: first.get(role, Usage()) + second.get(role, Usage()) for role in {**first, **second}}


def _share(usage: Usage, questions: int) -> Usage:
    """Return the usage of ``questions`` at the average of those in ``usage``, with a tenth more tokens."""
    tokens = (
        math.ceil(1.1 * count / usage.calls * questions) for count in (usage.prompt_tokens, usage.completion_tokens)
    )
    return Usage(questions, *tokens)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    role: str
    bound: Usage
    answer: asyncio.Future[_Reservation]


class _Reservation:
    """Room for one try in a `Budget`."""

    def __init__(self, budget: Budget, role: str, bound: Usage) -> None:
        self._budget = budget
        self._closed = False
        self.role = role
        self.bound = bound

    def settle(self, usage: Usage) -> None:
        self._end()
        self._budget.close(self, charge_of(usage, self.bound))

    def lose(self) -> None:
        self._end()
        self._budget.lose(self)

    def cancel(self) -> None:
        self._end()
        self._budget.close(self, Usage())

    def _end(self) -> None:
        if self._closed:
            raise RuntimeError("expected an open reservation, got one that was already settled, lost or cancelled")
        self._closed = True


def _difference(whole: Usage, part: Usage) -> Usage:
    return Usage(
        whole.calls - part.calls,
        whole.prompt_tokens - part.prompt_tokens,
        whole.completion_tokens - part.completion_tokens,
    )


def _tokens(usage: Usage) -> int:
    return usage.prompt_tokens + usage.completion_tokens


def _amount(name: str, value: float) -> str:
    """Return a value with its unit, with up to six decimal places."""
    number = f"{value:,.6f}".rstrip("0").rstrip(".")
    return f"${number}" if name == "usd" else f"{number} {name}"
