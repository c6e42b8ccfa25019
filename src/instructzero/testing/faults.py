"""Simulated faults between a client and a service, at given rates and reproducible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b


class Fault(StrEnum):
    """A fault of one request."""

    DELAY = "the answer comes late"
    THROTTLED = "429 that says how long to wait"
    THROTTLED_SILENTLY = "429 that does not"
    SERVER_ERROR = "500"
    RESET_UNREAD = "the connection is reset before the request is read"
    RESET_MIDWAY = "the connection is reset in the middle of the answer"
    EMPTY = "200 without a body"
    HTML = "a web page with status 200"
    CUT_JSON = "200 with the first half of the JSON text"
    WRONG_TYPES = "200 with JSON whose fields have other types"
    HANG = "no answer, and the connection stays open"


@dataclass(frozen=True, slots=True)
class Faults:
    """The rates of faults; a request has at most one.

    The n-th request with a prompt has the same fault in every run, whatever the order of the requests.

    Parameters
    ----------
    rates
        The share of the requests with each fault.
    seed
        Seed of the faults.
    delay
        Seconds of a late answer.
    retry_after
        Seconds that a throttled client is asked to wait.

    >>> Faults({Fault.SERVER_ERROR: 1.0}).of("ping", 1).name
    'SERVER_ERROR'
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    seed: int = 0
    delay: float = 0.2
    retry_after: float = 0.05

    def __post_init__(self) -> None:
        if any(rate < 0 for rate in self.rates.values()) or sum(self.rates.values()) > 1 + 1e-9:
            raise ValueError(f"expected rates that add up to at most 1, got {dict(self.rates)}; lower them")

    def of(self, prompt: str, attempt: int) -> Fault | None:
        """Return the fault of the ``attempt``-th request with ``prompt``, or None."""
        digest = blake2b(f"{self.seed}:{attempt}:{prompt}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        draw = int.from_bytes(digest) / 2**64  # ~ U[0, 1)
        for fault, rate in self.rates.items():
            draw -= rate
            if draw < 0:
                return fault
        return None
