"""The parameters that a service accepts, learned from its refusals, because services differ."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from instructzero.errors import InstructZeroError
from instructzero.models.complaint import Complaint
from instructzero.models.dialects import LIMITS, refused_field
from instructzero.models.http import NoReply
from instructzero.models.service import Reply, Service

_SEEDS = 2**31  # every service that takes a seed takes one below
_OK = 200
_ERROR = re.compile(rb'\s*\{\s*"error"\s*:\s*\{')
"""The beginning of a refusal that a gateway passes on with status 200."""


class Parameters:
    """The names of the temperature, the seed and the limit of tokens in requests to one service.

    Parameters
    ----------
    limit
        The first name of the limit of tokens, one of `LIMITS`.
    own
        The fields that the user adds to the requests. They are never left out.

    >>> parameters = Parameters("max_tokens")
    >>> complaint = Complaint("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    >>> parameters.learn(400, complaint, parameters.of(7, 0.0))
    'max_tokens'
    >>> parameters.of(7, 0.0)
    {'max_completion_tokens': 7, 'temperature': 0.0}
    """

    def __init__(self, limit: str, own: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.takes_temperature = True
        self._takes_seed = True
        self._has_answered = False
        self._limit = limit
        self._own = own
        self._refused: set[str] = set()
        self._said: dict[str, str] = {}
        self._listeners: list[Callable[[str], None]] = []

    def of(self, max_tokens: int, temperature: float, seed: int | None = None) -> dict[str, Any]:
        """Return the parameters of a request, without those that the service has refused."""
        parameters: dict[str, Any] = {self._limit: max_tokens}
        if self.takes_temperature:
            parameters["temperature"] = temperature
        if self._takes_seed and seed is not None:
            parameters["seed"] = seed % _SEEDS
        return parameters

    def on_learned(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with a clause for every parameter that is refused, once each; see `Learning`."""
        self._listeners.append(listener)
        for clause in self._said.values():
            listener(clause)

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
            Sends it; it may raise `NoReply`.
        service
            The service; its `Service.failure` makes the error that is raised for another status.

        Raises
        ------
        ModelError
            If the service refuses a field that the user added.
        InstructZeroError
            If the service refuses the request for another reason.
        """
        while True:
            sent = body()
            silence: InstructZeroError | None = None
            try:
                reply = (await post(sent)).masked()
            except NoReply as error:
                silence = service.unreachable(str(error), sent=error.sent)
            if silence is not None:  # outside the handler, whose exception holds the request, and so the key
                raise silence
            if reply.status == _OK and not _ERROR.match(reply.body):
                self._has_answered = True
                return reply
            complaint = Complaint.read(reply.body)
            status = _status(reply, complaint)
            name = self.learn(status, complaint, sent)
            if name:
                self._say(name, f"status {status}: {service.scrub(_reason(complaint, name))}")
            elif reply.status == _OK:
                return reply  # whoever reads it raises the error that it holds
            elif (name := refused_field(status, complaint, sent, self._own)) in self._own and not self._has_answered:
                raise service.refused_field(name, status, complaint)
            else:
                raise service.failure(reply.status, reply.headers, complaint)

    def learn(self, status: int, complaint: Complaint, sent: Mapping[str, Any]) -> str:
        """Learn from the refusal of a request.

        The limit of tokens gets its other name. It is never left out, because it bounds the cost.

        Returns
        -------
        str
            The refused parameter, if the request should be sent again with others; "" if not.
        """
        untried = not self._has_answered or self._is_outdated(sent)
        name = refused_field(status, complaint, sent, self._own, untried=untried)
        if not name or name in self._own:
            return ""
        if name == "temperature":
            self.takes_temperature = False
        elif name == "seed":
            self._takes_seed = False
        elif name in LIMITS:
            return self._rename(name)
        else:
            return ""
        return name

    def _is_outdated(self, sent: Mapping[str, Any]) -> bool:
        """Return True if a request was sent with a parameter that has been left out since."""
        return ("temperature" in sent and not self.takes_temperature) or ("seed" in sent and not self._takes_seed)

    def _rename(self, name: str) -> str:
        other = LIMITS[1 - LIMITS.index(name)]
        if other in self._refused:
            return ""
        self._refused.add(name)
        self._limit = other
        return name

    def _say(self, name: str, reason: str) -> None:
        """Tell the listeners once what is sent instead."""
        if name in self._said:
            return
        consequence = {
            "temperature": "it is left out, so answers are sampled by the service's default",
            "seed": "it is left out, so sampled answers can differ from run to run",
        }.get(name, f"the limit of tokens is sent as {self._limit}")
        self._said[name] = f"refuses {_WORDS.get(name, name)} ({reason}): {consequence}"
        for listener in self._listeners:
            listener(self._said[name])


_WORDS = {"temperature": "the temperature", "seed": "the seed"}


def _status(reply: Reply, complaint: Complaint) -> int:
    """Return the status of a refusal; with status 200, the code in the body."""
    return complaint.status if reply.status == _OK and complaint.status is not None else reply.status


def _reason(complaint: Complaint, name: str) -> str:
    """Return the message that names the parameter, which gateways have in the details."""
    is_named = name in complaint.message.lower() or complaint.parameter or not complaint.details
    return complaint.message if is_named else complaint.details
