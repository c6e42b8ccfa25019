"""Room in the budget for one try."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from instructzero.types import Completion, Usage


class Reservation(Protocol):
    """Room in the budget for one try; exactly one of the three methods closes it."""

    @property
    def bound(self) -> Usage:
        """The maximum usage of the try."""
        ...

    @property
    def is_current(self) -> bool:
        """False if an answer has shown since that such a try may take more."""
        ...

    def settle(self, completion: Completion) -> Usage:
        """Close it for a try that was answered, and return the usage that is charged; see `charge_of`."""
        ...

    def lose(self) -> None:
        """Close it for a try without an answer that may have been billed: its whole bound counts as spent."""
        ...

    def cancel(self) -> None:
        """Close it for a try that was certainly not billed."""
        ...


Reserve = Callable[[Usage], Awaitable[Reservation]]
"""Waits until there is room for a try of at most this usage; raises `BudgetExhausted` if there will be none."""


class Keeper(Protocol):
    """Closes the reservations that it gives out."""

    def bound_of(self, role: str, asked: Usage) -> Usage:
        """Return the room that a try of ``role`` needs now, whose request has the bound ``asked``."""
        ...

    def settle(self, reservation: OpenReservation, completion: Completion) -> Usage:
        """Free the room after an answer, and return the usage that is booked."""
        ...

    def close(self, reservation: OpenReservation, charge: Usage) -> None:
        """Free the room, and book ``charge``."""
        ...

    def lose(self, reservation: OpenReservation) -> None:
        """Book the whole room as spent without an answer."""
        ...


class OpenReservation:
    """Room for one try in a `Budget`: ``asked`` is the bound of the request, ``bound`` what is set aside for it.

    ``usd`` are the dollars that the bound costs, None if the price is not known.
    """

    __slots__ = ("_closed", "_keeper", "asked", "begun", "bound", "role", "usd")

    def __init__(self, keeper: Keeper, role: str, asked: Usage, bound: Usage, usd: float | None) -> None:
        self._keeper = keeper
        self._closed = False
        self.begun = 0.0
        self.role = role
        self.asked = asked
        self.bound = bound
        self.usd = usd

    @property
    def is_current(self) -> bool:
        """See `Reservation.is_current`."""
        now = self._keeper.bound_of(self.role, self.asked)
        return now is self.bound or now == self.bound

    def settle(self, completion: Completion) -> Usage:
        """See `Reservation.settle`."""
        self._end()
        return self._keeper.settle(self, completion)

    def lose(self) -> None:
        """See `Reservation.lose`."""
        self._end()
        self._keeper.lose(self)

    def cancel(self) -> None:
        """See `Reservation.cancel`."""
        self._end()
        self._keeper.close(self, Usage())

    def _end(self) -> None:
        if self._closed:
            raise RuntimeError("expected an open reservation, got one that was already settled, lost or cancelled")
        self._closed = True
