"""How long a service asks its clients to wait."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After-Ms`` or ``Retry-After`` ask for (RFC 9110, section 10.2.3).

    >>> seconds_to_wait({"retry-after": "1.5"}), seconds_to_wait({"retry-after-ms": "20"})
    (1.5, 0.02)
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    then, now = _date(headers.get("retry-after")), _date(headers.get("date"))
    if then is None:
        return None
    return max(0.0, then - (time.time() if now is None else now))


def _date(text: str | None) -> float | None:
    """Return seconds since the epoch, or None if ``text`` is not a date."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, OverflowError):
        return None
