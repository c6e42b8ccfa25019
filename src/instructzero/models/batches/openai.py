"""OpenAI's batch API: a file of requests is uploaded, processed within a day, and its results are downloaded.

Reference: https://platform.openai.com/docs/api-reference/batch
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from instructzero.errors import TransientError
from instructzero.models.batches.wire import (
    TIMEOUT_S,
    Outcome,
    Plan,
    State,
    checked,
    harmless,
    keep_first,
    known,
    name_in,
    objects,
    without_batches,
)
from instructzero.models.complaint import Complaint
from instructzero.models.http import NoReply, Poster
from instructzero.models.service import Reply, Service
from instructzero.models.usage import count

MARK = "instructzero"
"""The name of our mark in a batch's metadata."""

TOO_MANY_TOKENS = "token_limit_exceeded"
"""The code of a batch that is refused because the account has too many tokens in unfinished batches."""

_BOUNDARY = "instructzero-batch-d0c5a1f4b7e94f6fa3b27d7c"
_PART = '--{}\r\nContent-Disposition: form-data; name="{}"'
_ENDED = ("completed", "failed", "expired", "cancelled")
_PAGE, _PAGES = 100, 20
_SKEW_S = 3600.0


class OpenAIBatches:
    """Sends batches of requests to one path of an OpenAI-compatible service; see `BatchApi`.

    Parameters
    ----------
    url, headers
        The address, and the headers of all requests.
    path
        The path of the requests in a batch, such as ``/v1/chat/completions``.
    service
        The service, for messages.
    """

    most = 50_000
    most_bytes = 190_000_000  # of 200 MB

    def __init__(self, url: str, headers: Mapping[str, str], path: str, service: Service) -> None:
        self.service = service
        self._path = path
        self._poster = Poster(url, headers, TIMEOUT_S)
        multipart = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        self._uploads = Poster(url, {**headers, **multipart}, TIMEOUT_S)

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """Return a request as it stands in a batch."""
        return json.dumps({"custom_id": key, "method": "POST", "url": self._path, "body": body}).encode() + b"\n"

    async def create(self, mark: str, lines: Sequence[bytes]) -> str:
        """Upload the requests, and have them processed."""
        file = await self._upload(mark, lines)
        asked = {
            "input_file_id": file,
            "endpoint": self._path,
            "completion_window": "24h",
            "metadata": {MARK: mark},
        }
        reply = without_batches(await self._reply(self._poster.post("/batches", asked)), self.service)
        return name_in(checked(reply, self.service), self.service)

    async def find(self, plan: Plan, others: set[str]) -> str | None:
        """Return the batch whose metadata have our mark."""
        after = ""
        for _ in range(_PAGES):
            reply = await self._reply(self._poster.get(f"/batches?limit={_PAGE}{after}"))
            data = checked(reply, self.service)
            listed = [batch for batch in data.get("data") or [] if isinstance(batch, dict)]
            for batch in listed:
                if (batch.get("metadata") or {}).get(MARK) == plan.mark:
                    return str(batch["id"])
            if not listed or not data.get("has_more") or _is_before(listed[-1], plan.at):
                break
            after = f"&after={quote(str(listed[-1].get('id')), safe='')}"
        return None

    async def state(self, batch: str) -> State:
        """Return the state of a batch."""
        reply = await self._reply(self._poster.get(f"/batches/{quote(batch, safe='')}"))
        data = checked(known(reply, self.service), self.service)
        status, counts = data.get("status"), data.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        names = [data.get("output_file_id"), data.get("error_file_id")]
        files = tuple(f"/files/{quote(name, safe='')}/content" for name in names if isinstance(name, str) and name)
        return State(
            # The name of the file may come a little later than the status.
            ended=status in _ENDED and (bool(files) or status != "completed"),
            done=count(counts.get("completed")) + count(counts.get("failed")),
            total=count(counts.get("total")),
            files=files,
            refusal=_refusal(data) if status == "failed" else None,
        )

    async def results(self, files: Sequence[str]) -> dict[str, Outcome]:
        """Return the results by the key of the request."""
        found: dict[str, Outcome] = {}
        for file in files:
            reply = known(await self._reply(self._poster.get(file)), self.service)
            for line in objects(reply):
                keep_first(found, line.get("custom_id"), _outcome(line))
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()
        await self._uploads.close()

    async def _upload(self, mark: str, lines: Sequence[bytes]) -> str:
        """Return the name of the file with the requests; nothing is processed yet."""
        try:
            reply = await self._reply(self._uploads.post("/files", _form(mark, lines)))
            return name_in(checked(without_batches(reply, self.service), self.service), self.service)
        except TransientError as error:
            raise harmless(error) from None

    async def _reply(self, request: Awaitable[Reply]) -> Reply:
        try:
            return await request
        except NoReply as error:
            failure = self.service.unreachable(str(error), sent=error.sent)
        raise failure


def _form(mark: str, lines: Sequence[bytes]) -> bytes:
    """Return the body of an upload (RFC 7578)."""
    purpose = f"{_PART.format(_BOUNDARY, 'purpose')}\r\n\r\nbatch\r\n"
    file = f'{_PART.format(_BOUNDARY, "file")}; filename="{mark}.jsonl"\r\nContent-Type: application/jsonl\r\n\r\n'
    return b"".join((purpose.encode(), file.encode(), *lines, f"\r\n--{_BOUNDARY}--\r\n".encode()))


def _outcome(line: Mapping[str, Any]) -> Outcome:
    """Return the outcome in a line of the results."""
    response = line.get("response")
    if isinstance(response, dict) and isinstance(response.get("status_code"), int):
        return Reply(response["status_code"], {}, json.dumps(response.get("body")).encode())
    complaint = Complaint.of(line.get("error") or "it holds neither a response nor an error")
    return complaint.message


def _refusal(data: Mapping[str, Any]) -> Complaint:
    errors = data.get("errors")
    listed = errors.get("data") if isinstance(errors, dict) else errors
    first = listed[0] if isinstance(listed, list) and listed else "it does not say why"
    return Complaint.of(first)


def _is_before(batch: Mapping[str, Any], time: float) -> bool:
    created = batch.get("created_at")
    return isinstance(created, int | float) and created < time - _SKEW_S
