"""What the questions in flight may cost, kept on the disk, so that a limit also holds after a kill."""

from __future__ import annotations

import math
from collections.abc import Iterable

from instructzero.types import Usage

_SLACK = 1 / 4
_MANY = 256  # many questions get many answers while others are written


class SetAside:
    """The sum of the bounds of one role's questions whose payment is not on the disk yet, and what of it is.

    A question is sent once the disk covers the sum. What is written has some slack, and it goes along with the answers,
    so that it is rarely written for its own sake.

    >>> aside, bound = SetAside(), Usage(1, 40, 256)
    >>> aside.begin(bound)
    False
    >>> aside.written(aside.next_level())
    >>> aside.covers(), aside.level.calls
    (True, 2)
    >>> aside.next_level(ending=[bound]).calls
    0
    """

    def __init__(self) -> None:
        self.level = Usage()
        self._calls = self._prompt = self._completion = self._cached = self._reasoning = 0

    @property
    def questions(self) -> int:
        """The number of questions whose payment is not on the disk."""
        return self._calls

    def begin(self, bound: Usage) -> bool:
        """Note a question that is to be sent; return True if the disk covers it."""
        self._add(bound, 1)
        return self.covers()

    def end(self, bound: Usage) -> None:
        """Note that a question costs nothing, or that its payment is on the disk."""
        self._add(bound, -1)

    def covers(self) -> bool:
        """Return True if the disk covers all questions."""
        level = self.level
        return (
            self._calls <= level.calls
            and self._prompt <= level.prompt_tokens
            and self._completion <= level.completion_tokens
            and self._cached <= level.cached_tokens
            and self._reasoning <= level.reasoning_tokens
        )

    def next_level(self, ending: Iterable[Usage] = ()) -> Usage:
        """Return what the next write puts on the disk, with the payments of the questions with the bounds ``ending``.

        Enough for as many questions as there are now, because others follow those that end; nothing if none is left.
        A lower level counts at once, a higher one when it is `written`.
        """
        now = self.rest()
        if self._calls == sum(bound.calls for bound in ending):
            level = Usage()  # also where more is set aside than the questions in flight need
        elif not self.covers():
            slack = min(max(_SLACK, now.calls / _MANY), 1.0)
            level = Usage(*(math.ceil((1 + slack) * amount) for amount in _amounts(now)))
        else:
            level = now if 2 * now.calls < self.level.calls else self.level
        if level.calls < self.level.calls:
            self.level = Usage(*map(min, _amounts(level), _amounts(self.level)))
        return level

    def written(self, level: Usage) -> None:
        """Note that ``level`` is on the disk."""
        self.level = level

    def rest(self) -> Usage:
        """Return the bounds of all questions whose payment is not on the disk."""
        return Usage(self._calls, self._prompt, self._completion, self._cached, self._reasoning)

    def _add(self, bound: Usage, sign: int) -> None:
        self._calls += sign * bound.calls
        self._prompt += sign * bound.prompt_tokens
        self._completion += sign * bound.completion_tokens
        self._cached += sign * bound.cached_tokens
        self._reasoning += sign * bound.reasoning_tokens


def _amounts(usage: Usage) -> tuple[int, int, int, int, int]:
    return (
        usage.calls,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.cached_tokens,
        usage.reasoning_tokens,
    )
