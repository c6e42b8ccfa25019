"""Anthropic's batch API: the requests are sent at once, processed within a day, and the results are read.

Reference: https://platform.claude.com/docs/en/api/messages/batches
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from instructzero.models.batches.wire import (
    Gone,
    Outcome,
    Plan,
    State,
    checked,
    keep_first,
    known,
    name_in,
    objects,
    without_batches,
)
from instructzero.models.service import Reply, Service
from instructzero.models.usage import count

PATH = "/v1/messages/batches"
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "overloaded_error": 529,
}
_OTHER = 500
_OUTCOMES = ("processing", "succeeded", "errored", "canceled", "expired")
_SKEW_S = 300.0
_PAGE = 100

Send = Callable[[str, bytes | None], Awaitable[Reply]]
"""Sends JSON text to a path, or None to read it; raises `TransientError` if no reply arrives."""


class AnthropicBatches:
    """Sends batches of requests to Anthropic's API; see `BatchApi`.

    A batch has no metadata, so a batch whose name was not stored is known by its time and its number of requests; its
    results tell then whether it is the right one.

    Parameters
    ----------
    send
        Sends a request.
    service
        The service, for messages.
    """

    most = 100_000
    most_bytes = 240_000_000  # of 256 MB

    def __init__(self, send: Send, service: Service) -> None:
        self.service = service
        self._send = send

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """Return a request as it stands in a batch."""
        return json.dumps({"custom_id": key, "params": body}).encode()

    async def create(self, mark: str, lines: Sequence[bytes]) -> str:
        """Send the requests."""
        reply = await self._send(PATH, b'{"requests":[' + b",".join(lines) + b"]}")
        return name_in(checked(without_batches(reply, self.service), self.service), self.service)

    async def find(self, plan: Plan, others: set[str]) -> str | None:
        """Return the batch of as many requests that was sent at this time."""
        data = checked(await self._send(f"{PATH}?limit={_PAGE}", None), self.service)
        listed = [batch for batch in data.get("data") or [] if isinstance(batch, dict)]
        for batch in listed:
            name = batch.get("id")
            if isinstance(name, str) and name not in others and _fits(batch, plan) and await self._may_be(batch, plan):
                return name
        return None

    async def state(self, batch: str) -> State:
        """Return the state of a batch."""
        data = checked(known(await self._send(_path(batch), None), self.service), self.service)
        total, processing = _total(data), count(_counts(data).get("processing"))
        # The address of the results that the service names is not used: it may be another host.
        return State(data.get("processing_status") == "ended", total - processing, total, (f"{_path(batch)}/results",))

    async def results(self, files: Sequence[str]) -> dict[str, Outcome]:
        """Return the results by the key of the request."""
        found: dict[str, Outcome] = {}
        for file in files:
            for line in objects(known(await self._send(file, None), self.service)):
                keep_first(found, line.get("custom_id"), _outcome(line.get("result")))
        return found

    async def close(self) -> None:
        """Do nothing: the connections belong to the black box."""

    async def _may_be(self, batch: Mapping[str, Any], plan: Plan) -> bool:
        """Return False if the results of a batch show that it is another one."""
        if batch.get("processing_status") != "ended":
            return True
        try:
            return not (await self.results([f"{_path(str(batch['id']))}/results"])).keys().isdisjoint(plan.keys)
        except Gone:
            return False


def _path(batch: str) -> str:
    return f"{PATH}/{quote(batch, safe='')}"


def _fits(batch: Mapping[str, Any], plan: Plan) -> bool:
    """Return True if a batch has the size of the plan, and was made at its time or later."""
    try:
        created = datetime.fromisoformat(str(batch.get("created_at"))).timestamp()
    except ValueError:
        return False
    return created > plan.at - _SKEW_S and _total(batch) == len(plan.keys)


def _counts(data: Mapping[str, Any]) -> Mapping[str, Any]:
    counts = data.get("request_counts")
    return counts if isinstance(counts, dict) else {}


def _total(data: Mapping[str, Any]) -> int:
    counts = _counts(data)
    return sum(count(counts.get(name)) for name in _OUTCOMES)


def _outcome(result: object) -> Outcome:
    """Return the outcome in a line of the results."""
    result = result if isinstance(result, dict) else {}
    kind = result.get("type")
    if kind == "succeeded":
        return Reply(200, {}, json.dumps(result.get("message")).encode())
    if kind == "errored":
        error = result.get("error")
        inner = error.get("error") if isinstance(error, dict) else None
        name = inner.get("type") if isinstance(inner, dict) else None
        return Reply(_STATUSES.get(str(name), _OTHER), {}, json.dumps(error).encode())
    return f"it is {kind}" if isinstance(kind, str) else "it holds no result"
