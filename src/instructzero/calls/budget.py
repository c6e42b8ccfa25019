"""The budget of a run: limits that are never exceeded, with requests in flight counted at their maximum cost.

Before every try at a paid model, an upper bound of its cost is reserved; afterwards the reservation is closed with the
actual cost. Spent + reserved stays within every limit whenever a try is admitted.

A service may bill more than the bound: thoughts beyond the limit of an answer, or a system prompt of its own. Such a
usage counts whole and at once, and the bounds of the role's later tries grow with it. Under a limit of tokens or
dollars, a role has one try in flight until its first answer has shown its usage. So what is spent exceeds a limit at
most by what the answers to the tries in flight at the last admission exceed their bounds; nothing that is billed and
not reported can be counted.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial

from instructzero.calls.bounds import RoleBounds, charge_of
from instructzero.calls.limits import FLAGS, Limits, amount
from instructzero.calls.prices import FREE, Price
from instructzero.calls.reservation import OpenReservation, Reservation, Reserve
from instructzero.calls.seconds import Seconds
from instructzero.errors import BudgetExhausted, ConfigurationError
from instructzero.types import Completion, Usage

_NOTHING = Usage()
_EASILY = 1 - 1e-6
"""The share of a limit in dollars below which rounding errors of a running sum do not matter."""


class Budget:
    """Grants room under `Limits` try by try, in the order of the requests. Lives in one event loop.

    Parameters
    ----------
    limits
        The limits.
    prices
        The price of every paid role ("black box", "judge", "rewriter", "writer"); None for a price that is not known.
    spent
        The usage by role of earlier processes of the run.
    seconds
        The running time so far, of which the limit of seconds is one.
    batched
        Roles whose requests are sent together, hours before their answers; they do not wait for a first answer.
    warn
        Receives a sentence about the first answer of a role that took more than its bound, if that may cost something;
        from the event loop, so that what it raises cannot lose the answer.
    clock
        Returns the time in seconds.

    Raises
    ------
    ConfigurationError
        If there is a limit in dollars and a price is not known.

    >>> async def spend():
    ...     budget = Budget(Limits(calls=2), prices={"black box": Price(1.0, 2.0)})
    ...     reservation = await budget.reserve("black box", Usage(1, 100, 10))
    ...     reservation.settle(Completion("Paris", 40, 5))
    ...     return budget.total.tokens, budget.cost()
    >>> asyncio.run(spend())
    (45, 5e-05)
    """

    def __init__(
        self,
        limits: Limits,
        *,
        prices: Mapping[str, Price | None],
        spent: Mapping[str, Usage] | None = None,
        seconds: float = 0.0,
        batched: Collection[str] = (),
        warn: Callable[[str], None] = lambda message: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._prices = dict(prices)
        self._spent = dict(spent or {})
        self._waiting: deque[_Waiter] = deque()
        self._batched = frozenset(batched)
        self._warn = warn
        self._in_flight: dict[str, set[OpenReservation]] = {role: set() for role in prices}
        self._bounds = {role: RoleBounds(role, price) for role, price in prices.items()}
        self._kept: dict[str, Usage] = {}
        self._load = self._load_of(self._spent)
        self._kept_load = _Load()
        self._time = Seconds(limits.seconds, seconds, clock)
        self._check_prices()

    @property
    def spent(self) -> Mapping[str, Usage]:
        """The usage by role, including earlier processes and tries that may have been billed without an answer."""
        return dict(self._spent)

    @property
    def total(self) -> Usage:
        """The usage of all roles together."""
        return sum(self._spent.values(), _NOTHING)

    def cost(self) -> float | None:
        """Return the dollars spent, or None if the price of a role that was used is not known."""
        return self._dollars(self._spent)

    @property
    def elapsed(self) -> float:
        """Seconds since construction."""
        return self._time.elapsed

    def time_left(self) -> float:
        """Return the seconds until the limit of time is reached; infinity without one."""
        return self._time.left

    def keep(self, amounts: Mapping[str, Usage], seconds: float) -> None:
        """Hold back ``amounts`` by role, and the last ``seconds``, instead of what was held back before."""
        self._kept, self._time.kept = dict(amounts), seconds
        self._kept_load = self._load_of(amounts)
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
        if not (self._waiting or self._is_unproven(role)):
            reservation = self._reservation(role, bound)
            if self._fits_easily(reservation):
                return self._granted(reservation)
        waiter = _Waiter(role, bound, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._admit()
        try:
            return await waiter.answer
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise

    def bound_of(self, role: str, asked: Usage) -> Usage:
        """Return the room that a try of ``role`` needs now, whose request has the bound ``asked``."""
        return self._bounds[role].of(asked)

    def settle(self, reservation: OpenReservation, completion: Completion) -> Usage:
        """Close a reservation for an answer, and return the usage that is booked. Called by the reservation."""
        role, charge = reservation.role, charge_of(completion, reservation.bound)
        if role not in self._batched:
            self._time.answered(reservation.begun)
        excess = self._bounds[role].learn(completion, reservation.asked)
        self.close(reservation, charge)
        if excess and (self._counts_tokens or self._prices[role] != FREE):
            asyncio.get_running_loop().call_soon(self._warn, excess)
        return charge

    def close(self, reservation: OpenReservation, charge: Usage) -> None:
        """Free the bound of a reservation that has ended, and book ``charge`` as spent. Called by the reservation."""
        role = reservation.role
        self._in_flight[role].remove(reservation)
        self._load.add(charge, self._cost_of(role, charge))
        self._load.remove(reservation.bound, reservation.usd)
        self._spent[role] = self._spent.get(role, _NOTHING) + charge
        if self._waiting:
            self._admit()

    def lose(self, reservation: OpenReservation) -> None:
        """Close a reservation and book its whole bound as spent. Called by the reservation."""
        self.close(reservation, reservation.bound)

    def _admit(self) -> None:
        """Answer the waiters in order, up to the first one that must wait longer.

        No waiter waits for ever: the first one would fit if nothing were in flight, so a try is in flight, and its end
        calls this method again.
        """
        while self._waiting:
            first = self._waiting[0]
            if not first.answer.done():  # a done answer means that the waiter was cancelled
                reservation = self._reservation(first.role, first.bound)
                if breach := self._breach(reservation, self._spent):
                    first.answer.set_exception(BudgetExhausted(self._explain(breach, reservation)))
                elif self._is_unproven(first.role) or self._breach(reservation, self._committed()):
                    return
                else:
                    first.answer.set_result(self._granted(reservation))
            self._waiting.popleft()

    def _reservation(self, role: str, asked: Usage) -> OpenReservation:
        bound = self.bound_of(role, asked)
        return OpenReservation(self, role, asked, bound, self._cost_of(role, bound))

    def _granted(self, reservation: OpenReservation) -> OpenReservation:
        reservation.begun = self._time.elapsed
        self._in_flight[reservation.role].add(reservation)
        self._load.add(reservation.bound, reservation.usd)
        return reservation

    def _committed(self) -> dict[str, Usage]:
        """Return the usage spent, and the bounds of the tries in flight, by role."""
        bounds = {
            role: sum((each.bound for each in tries), _NOTHING) for role, tries in self._in_flight.items() if tries
        }
        return _sum(self._spent, bounds)

    def _fits_easily(self, reservation: OpenReservation) -> bool:
        """Return True if a try certainly fits, by running sums; `_breach` makes exact ones, which takes longer."""
        limits, load, kept, bound = self._limits, self._load, self._kept_load, reservation.bound
        return (
            (limits.calls is None or load.calls + kept.calls + bound.calls <= limits.calls)
            and (limits.tokens is None or load.tokens + kept.tokens + bound.tokens <= limits.tokens)
            and (limits.usd is None or load.usd + kept.usd + (reservation.usd or 0.0) <= _EASILY * limits.usd)
            and self._time.suffice
        )

    def _is_unproven(self, role: str) -> bool:
        """Return True if a first answer of ``role`` has yet to show what answers cost."""
        waits = self._counts_tokens and role not in self._batched
        return waits and bool(self._in_flight[role]) and not self._bounds[role].proven

    @property
    def _counts_tokens(self) -> bool:
        return self._limits.tokens is not None or self._limits.usd is not None

    def _withdraw(self, waiter: _Waiter) -> None:
        """Undo a request for room whose task was cancelled, possibly after the room was granted."""
        if waiter.answer.cancelled():
            self._admit()  # the waiters behind it may fit
        elif waiter.answer.exception() is None:
            waiter.answer.result().cancel()

    def _breach(self, reservation: OpenReservation, amounts: Mapping[str, Usage]) -> str | None:
        """Return the name of a limit that ``amounts``, the amounts held back and a reservation together exceed."""
        limits, role, bound = self._limits, reservation.role, reservation.bound
        amounts = _sum(amounts, self._kept) if self._kept else amounts
        if not self._time.suffice:
            return "seconds"
        if limits.calls is not None and bound.calls + sum(usage.calls for usage in amounts.values()) > limits.calls:
            return "calls"
        if limits.tokens is not None and bound.tokens + _tokens(amounts) > limits.tokens:
            return "tokens"
        if limits.usd is not None:
            after = {**amounts, role: amounts.get(role, _NOTHING) + bound}
            if (self._dollars(after) or 0.0) > limits.usd:
                return "usd"
        return None

    def _load_of(self, amounts: Mapping[str, Usage]) -> _Load:
        load = _Load()
        for role, usage in amounts.items():
            load.add(usage, self._cost_of(role, usage))
        return load

    def _dollars(self, amounts: Mapping[str, Usage]) -> float | None:
        costs = [self._cost_of(role, usage) for role, usage in amounts.items() if usage != _NOTHING]
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
                "--writer-input-price and --writer-output-price for the writer, --judge-input-price and "
                "--judge-output-price for the judge, or limit --max-tokens instead"
            )

    def _explain(self, name: str, reservation: OpenReservation) -> str:
        if name == "seconds":
            return self._time.explanation()
        limit = amount(name, getattr(self._limits, name))
        fix = f"raise {FLAGS[name]} and run it again, which continues from here and pays nothing twice"
        if 2 * self._total(name, self._kept) > getattr(self._limits, name):
            fix += ", or start another run with fewer --test or --confirmation examples"
        further = self._measure(name, {reservation.role: reservation.bound}).removesuffix(f" {name}")
        kept = self._measure(name, self._kept)
        held_back = f" and the {kept} held back for the final selection and test" if self._kept else ""
        return (
            f"the limit of {limit} leaves no room for another request, which may take {further} more than the "
            f"{self._measure(name, self._spent)} spent so far{held_back}; {fix}"
        )

    def _measure(self, name: str, amounts: Mapping[str, Usage]) -> str:
        """Return ``amounts`` as a text, in the unit of the limit ``name``."""
        return amount(name, self._total(name, amounts))

    def _total(self, name: str, amounts: Mapping[str, Usage]) -> float:
        """Return ``amounts`` as a number, in the unit of the limit ``name``."""
        total = sum(amounts.values(), _NOTHING)
        return {"calls": total.calls, "tokens": total.tokens, "usd": self._dollars(amounts)}[name] or 0


def _sum(first: Mapping[str, Usage], second: Mapping[str, Usage]) -> dict[str, Usage]:
    """Return the sum of both by role."""
    return {role: first.get(role, _NOTHING) + second.get(role, _NOTHING) for role in {**first, **second}}


def _tokens(amounts: Mapping[str, Usage]) -> int:
    return sum(usage.prompt_tokens + usage.completion_tokens for usage in amounts.values())


@dataclass(slots=True)
class _Load:
    """Running sums over all roles; that of the dollars has rounding errors."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0

    def add(self, usage: Usage, usd: float | None) -> None:
        self.calls += usage.calls
        self.tokens += usage.prompt_tokens + usage.completion_tokens
        self.usd += usd or 0.0

    def remove(self, usage: Usage, usd: float | None) -> None:
        self.calls -= usage.calls
        self.tokens -= usage.prompt_tokens + usage.completion_tokens
        self.usd -= usd or 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    role: str
    bound: Usage
    answer: asyncio.Future[OpenReservation]
