"""The number of requests that a server is given at once, found from how fast it answers."""

from __future__ import annotations

import math

_FREE, _SAFE, _BOLD = 1 / 8, 0.55, 0.75  # shares of the timeout
_LONG = 8
_ROSE = 1.5
_RAMP = 4 / 3  # the first requests of a round find a queue that is only half as long, its mean 3/4
_FEW = 4


class Width:
    """Grows while the latency does not, and halves when the server is overloaded.

    The number doubles after a round, as in TCP's slow start. A *round* is the answers to more than half as many
    requests as there are places, all sent since the number last changed. The rules are:

    - In the worst case the server answers one request at a time, and twice the requests take twice as long. If the mean
      latency is at most 1/8 of the timeout, that leaves a wide margin, and nothing else is asked.
    - Above that, a whole round is measured next, because the first requests find a shorter queue. If the latency rose
      by more than half with the last doubling, the server was already busy: the number goes back, and the next attempt
      comes after twice as many rounds as the last one.
    - Above 0.55 of the timeout it grows only after eight rounds, and above 3/4 never: in the worst case, the answers
      would come after the request is cut.

    After the first overload the number grows by one place a round only. A round in which the places were never all in
    use says nothing about more places, so nothing changes.

    Parameters
    ----------
    most
        The maximum number of places, at least 1.
    timeout
        Seconds after which an answer is late. None is for a model on this machine, which queues by itself: the number
        begins at ``most``.

    Attributes
    ----------
    places
        The current number.
    filled
        Set to True by the user of the object when all places are in use.

    >>> width = Width(8, timeout=10.0)
    >>> for number in range(7):
    ...     width.filled = True
    ...     width.answered(number, 0.1, number + 1)
    >>> width.places
    8
    """

    def __init__(self, most: int, timeout: float | None = None) -> None:
        self.most = most
        self.places = most if timeout is None else 1
        self.filled = False
        self._timeout = math.inf if timeout is None else timeout
        self._steady = timeout is None
        self._halved_at = 0
        self._last: float | None = None  # the mean latency before the last doubling
        self._patience = 1
        self._begin(0)

    def answered(self, number: int, seconds: float, next_number: int) -> None:
        """Note an answer to request ``number`` after ``seconds``; the next request will be ``next_number``."""
        if number < self._since:
            return
        self._answers += 1
        self._seconds += seconds
        if self._answers >= self._needed:
            self._end_round(next_number)

    def overloaded(self, number: int, next_number: int, *, late: bool = False) -> None:
        """Halve, once for all requests that were sent before: request ``number`` was refused, or its answer is late."""
        if number < self._halved_at:
            return
        self._halved_at = next_number
        self._steady, self._last = True, None
        self.places = max(1, self.places // 2)
        if late:
            self._patience *= 2
        self._begin(next_number, rounds=self._patience if late else 1)

    def _begin(self, next_number: int, *, rounds: int = 1) -> None:
        """Begin to measure, for at least ``rounds`` rounds; earlier requests do not count."""
        self._since = next_number
        self._needed = self.places * rounds if self._steady or rounds > 1 else self.places // 2 + 1
        self._measured_twice = rounds > 1
        self.filled = False
        self._answers, self._seconds, self._rounds = 0, 0.0, 0

    def _end_round(self, next_number: int) -> None:
        answers, mean = self._answers, self._seconds / self._answers
        self._answers, self._seconds = 0, 0.0
        is_free = mean <= _FREE * self._timeout
        if not (is_free or self._steady or self._measured_twice):
            self._measured_twice, self._needed = True, self.places
        elif not is_free and self._rose(mean, answers):
            self._go_back(next_number)
        else:
            self._last = None  # accepted
            self._rounds += 1
            bound = _SAFE if self._rounds <= _LONG else _BOLD
            if self.filled and self.places < self.most and mean <= bound * self._timeout:
                self._grow(mean if self._measured_twice else _RAMP * mean, next_number)

    def _rose(self, mean: float, answers: int) -> bool:
        """Return True if the latency rose with the last doubling; a few answers prove it only if it is long."""
        if self._last is None or (answers < _FEW and mean <= self._timeout / 2):
            return False
        return mean > _ROSE * self._last

    def _go_back(self, next_number: int) -> None:
        self.places = (self.places + 1) // 2
        self._last = None
        self._patience *= 2
        self._begin(next_number, rounds=self._patience)

    def _grow(self, mean: float, next_number: int) -> None:
        if self._steady:
            self.places += 1
        else:
            self.places, self._last = min(self.most, 2 * self.places), mean
        self._begin(next_number)
