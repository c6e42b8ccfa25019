"""The parameters that a service accepts, learned from its refusals, because services differ."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from instructzero.models.service import Complaint, Reply, Service

LIMITS = ("max_tokens", "max_completion_tokens")
_NAMES = re.compile(r"\b(?:max_completion_tokens|max_tokens|temperature|seed)\b")
_SEEDS = 2**31  # every service that takes a seed takes one below
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|n[o']t support|not permitted|unrecogni[sz]ed|unknown|unexpected|deprecated",
    re.IGNORECASE,
)


class Parameters:
    """The names of the temperature, the seed and the limit of tokens in requests to one service.

    ``limit`` is the first name of the limit of tokens, one of `LIMITS`.

    >>> parameters = Parameters("max_tokens")
    >>> complaint = Complaint("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    >>> parameters.learn(400, complaint, parameters.of(7, 0.0))
    True
    >>> parameters.of(7, 0.0)
    {'max_completion_tokens': 7, 'temperature': 0.0}
    """

    def __init__(self, limit: str) -> None:
        self.takes_temperature = True
        self._takes_seed = True
        self._limit = limit
        self._refused: set[str] = set()

    def of(self, max_tokens: int, temperature: float, seed: int | None = None) -> dict[str, Any]:
        """Return the parameters of a request, without those that the service has refused."""
        parameters: dict[str, Any] = {self._limit: max_tokens}
        if self.takes_temperature:
            parameters["temperature"] = temperature
        if self._takes_seed and seed is not None:
            parameters["seed"] = seed % _SEEDS
        return parameters

    async def negotiated(
        self,
        body: Callable[[], dict[str, Any]],
        post: Callable[[Mapping[str, Any]], Awaitable[Reply]],
        service: Service,
    ) -> Reply:
        """Return the reply with status 200 to ``body()``, which is sent again as long as a refusal changes it.

        Parameters
        ----------
        body
            Makes the request with the current parameters.
        post
            Sends it.
        service
            The service; its `Service.failure` makes the error that is raised for another status.
        """
        while True:
            sent = body()
            reply = await post(sent)
            if reply.status == 200:
                return reply
            complaint = Complaint.read(reply.body)
            if not self.learn(reply.status, complaint, sent):
                raise service.failure(reply.status, reply.headers, complaint)

    def learn(self, status: int, complaint: Complaint, sent: Mapping[str, Any]) -> bool:
        """Learn from the refusal of a request; return True if it should be sent again with other parameters.

        The limit of tokens gets its other name. It is never left out, because it bounds the cost.
        """
        name = _refused_parameter(status, complaint)
        if name not in sent:
            return False
        if name == "temperature":
            self.takes_temperature = False
            return True
        if name == "seed":
            self._takes_seed = False
            return True
        other = LIMITS[1 - LIMITS.index(name)]
        if other in self._refused:
            return False
        self._refused.add(name)
        self._limit = other
        return True


def _refused_parameter(status: int, complaint: Complaint) -> str:
    """Return the parameter that a server refuses, or accepts with its own value only; "" for any other complaint."""
    if status not in (400, 422) or not _UNSUPPORTED.search(f"{complaint.code} {complaint.message}"):
        return ""
    found = _NAMES.search(complaint.parameter) or _NAMES.search(complaint.message)
    return found[0] if found else ""
