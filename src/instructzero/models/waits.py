"""How long a service asks its clients to wait: in headers, in the body of a refusal, or in words."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_SECONDS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_UNIT = r"(?:ms|milliseconds?|[dhms](?![a-z])|weeks?|days?|hours?|minutes?|mins?|seconds?|secs?)"
_GAP = r"[\s,]*(?:and\s+)?"
_PART = re.compile(rf"(\d+(?:\.\d+)?)\s*({_UNIT}){_GAP}")
_IN_WORDS = re.compile(
    rf"(?:try again|retry(?: your request)?|wait|resets?)\s+(?:(?:in|after|for):?\s+)?(?:(?:about|at least)\s+)?"
    rf"((?:\d+(?:\.\d+)?\s*{_UNIT}{_GAP})+)",
    re.IGNORECASE,
)
_DELAY = re.compile(r'"retryDelay":\s*"([^"]+)"')  # Google's RetryInfo
_RESET_AT = re.compile(r'"x-ratelimit-reset":\s*"?(\d{10,13})\b', re.IGNORECASE)  # OpenRouter's, since the epoch
_MILLISECONDS = 10**12  # a time since the epoch that is larger is not in seconds
_LONGEST_SPAN_S = 35 * 86400.0  # a month; anything longer is not a wait
_QUOTA = re.compile(
    r"(?:\b|_)per[ _-]?(?:day|week|month|24[ _-]?h)|\b(?:requests|tokens)/(?:day|week|month)\b|PerDay|"
    r"\b(?:daily|weekly|monthly)\b|_daily\b|\b[rt]pd\b|"
    r"\b(?:24|12|5)[ -]hour (?:limit|quota|usage)",
    re.IGNORECASE,
)


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After-Ms`` or ``Retry-After`` ask for (RFC 9110, section 10.2.3).

    >>> seconds_to_wait({"retry-after": "1.5"}), seconds_to_wait({"retry-after-ms": "20"})
    (1.5, 0.02)
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        number = _number(headers.get(name, ""))
        if number is not None:
            return _plausible(number * unit)
    then, now = _date(headers.get("retry-after")), _date(headers.get("date"))
    return None if then is None else _plausible(then - (time.time() if now is None else now))


def seconds_asked(headers: Mapping[str, str], message: str, details: str) -> float | None:
    """Return the seconds that a refusal as one of too many asks to wait, None if it does not say.

    Parameters
    ----------
    headers
        Those of the response. ``Retry-After`` comes first.
    message
        The message of the error, which may say "try again in 7h12m0s".
    details
        The whole error as JSON, which may have a ``retryDelay`` (Google) or the time of a reset (OpenRouter).

    >>> seconds_asked({}, "Rate limit reached. Please try again in 1m0.5s. Visit the documentation.", "")
    60.5
    """
    found = seconds_to_wait(headers)
    if found is None and (delay := _DELAY.search(details)):
        found = duration(delay[1])
    if found is None and (words := _IN_WORDS.search(message)):
        found = duration(words[1])
    if found is None:
        found = _until_reset(headers)
    if found is None and (reset := _RESET_AT.search(details)):
        at = int(reset[1])
        found = max(0.0, (at / 1000 if at >= _MILLISECONDS else at) - time.time())
    return None if found is None else _plausible(found)


def is_long_quota(message: str, details: str) -> bool:
    """Return True if a refusal says that the allowance of a day or longer is used up.

    >>> is_long_quota("Rate limit reached on requests per day (RPD): Limit 200, Used 200.", "")
    True
    >>> is_long_quota("Rate limit reached on tokens per minute (TPM): Limit 6000, Used 5900.", "")
    False
    """
    return bool(_QUOTA.search(message) or _QUOTA.search(details))


def duration(text: str) -> float | None:
    """Return the seconds of a duration such as ``6m0s``, ``34.07s``, ``120ms`` or ``45 seconds``; None if it is none.

    >>> duration("7h12m0s"), duration("45 seconds"), duration("soon")
    (25920.0, 45.0, None)
    """
    parts = _PART.findall(text.lower())
    if not parts or _PART.sub("", text.lower()).strip(" ,."):
        return None
    return sum(
        float(number) * _SECONDS["ms" if unit.startswith(("ms", "milli")) else unit[0]] for number, unit in parts
    )


def in_words(seconds: float) -> str:
    """Return a duration in words.

    >>> in_words(25920), in_words(300), in_words(34.2)
    ('7 h 12 min', '5 min', '35 s')
    """
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    parts = [f"{hours} h"] if hours else []
    return " ".join([*parts, f"{minutes} min"] if minutes or not hours else parts)


def clock(seconds: float) -> str:
    """Return the local time in ``seconds`` from now, with the date if it is another day."""
    now, then = time.localtime(), time.localtime(time.time() + math.ceil(seconds))
    return time.strftime("%H:%M" if now[:3] == then[:3] else "%Y-%m-%d %H:%M", then)


def _number(text: str) -> float | None:
    """Return the number in a header, or the seconds of a duration, which some services send; None if it is neither."""
    try:
        number = float(text)
    except ValueError:
        return duration(text)
    return number if math.isfinite(number) else None


def _plausible(seconds: float) -> float | None:
    """Return a wait of at least 0 seconds; None if it is longer than a month."""
    return max(0.0, seconds) if seconds <= _LONGEST_SPAN_S else None


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until the limits that have nothing left are reset, in the headers of OpenAI and Groq."""
    used_up = [
        seconds
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
        and (seconds := duration(headers.get(f"x-ratelimit-reset-{kind}", ""))) is not None
    ]
    return max(used_up, default=None)


def _date(text: str | None) -> float | None:
    """Return seconds since the epoch, or None if ``text`` is not a date."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, OverflowError):
        return None
