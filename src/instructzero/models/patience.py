"""How long a run waits for a service that refuses, and what it says about it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from instructzero.errors import TransientError
from instructzero.models.waits import clock, in_words

WORTH_SAYING_S = 60.0
"""A longer wait is reported."""

_KEPT = "every answer so far is kept: resume"


class Patience:
    """Decides about every wait for one service. Lives in one event loop.

    The wait begins with the first refusal after the last answer, and lasts until the next attempt: what the service
    asks for, or else a growing time of our own. A wait of more than a minute is reported. One of more than ``max_wait``
    ends the run, and so does a quota of a day or longer that is used up: many services ask for a minute even then.

    Parameters
    ----------
    max_wait
        The longest wait in seconds.
    on_wait
        Receives the seconds until the next attempt and the reason.
    time_left
        Returns the seconds until the run has to end.
    """

    def __init__(
        self,
        max_wait: float = math.inf,
        on_wait: Callable[[float, str], None] = lambda seconds, reason: None,
        time_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._max_wait = max_wait
        self.time_left = time_left
        self._on_wait = on_wait
        self._since: float | None = None
        self._said_until = -math.inf
        self._asked_until = -math.inf  # a refusal before this time is of a request that was sent before the wait

    def answered(self) -> None:
        """Note an answer: the wait, if there was one, is over."""
        self._since = None

    def objection(self, failure: TransientError, backoff: float) -> str | None:
        """Return why the run ends instead of a wait, or None if the wait is acceptable.

        Parameters
        ----------
        failure
            The failure of a try. One that is no refusal, such as a broken connection, is no wait for the service.
        backoff
            The seconds until the next try, unless the service asks for a wait.
        """
        asked = failure.retry_after or 0.0
        if not (failure.overloaded or asked):
            return None
        seconds = asked or backoff
        now = asyncio.get_running_loop().time()
        if self._since is None:
            self._since = now
        silent = now - self._since
        reason = self._too_long(asked, seconds, silent, failure.quota_used_up, sent_before=now < self._asked_until)
        if reason is not None:
            return f"{failure}; {reason}"
        if asked:
            self._asked_until = max(self._asked_until, now + asked)
        if silent + seconds > WORTH_SAYING_S:
            self._say(failure, now, seconds)
        return None

    def _too_long(
        self, asked: float, seconds: float, silent: float, quota_used_up: bool, *, sent_before: bool
    ) -> str | None:
        """Return why a wait is too long, or None.

        A request that was sent before the service asked for a wait may be refused later, and is a part of that wait.
        """
        if quota_used_up and asked <= WORTH_SAYING_S:
            return (
                f"this quota is one of a day or longer, so that a short wait is of no use; {_KEPT} when it is renewed"
            )
        when = f"in {in_words(asked)}, at {clock(asked)}" if asked else "later"
        if asked > (left := self.time_left()):
            return (
                f"it asks to wait {in_words(asked)}, and --max-time leaves {in_words(max(0.0, left))}; {_KEPT} {when}"
            )
        if asked > self._max_wait:
            trouble = f"it asks to wait {in_words(asked)}"
        elif silent + seconds > self._max_wait and not sent_before:
            trouble = f"it has answered nothing for {in_words(silent)}"
        else:
            return None
        return f"{trouble}, and the longest wait is {in_words(self._max_wait)} (--max-wait); {_KEPT} {when}"

    def _say(self, failure: TransientError, now: float, seconds: float) -> None:
        """Report a wait, once for all requests that wait for the same time."""
        if now + seconds > self._said_until + WORTH_SAYING_S:
            self._said_until = now + seconds
            self._on_wait(seconds, str(failure))
