"""The batch API of a service, independent of its wire format, and what both formats share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from instructzero.errors import InstructZeroError, ModelError, RefusedQuestion, TransientError
from instructzero.models.complaint import Complaint
from instructzero.models.secrets import SECRETS
from instructzero.models.service import Reply, Service

TIMEOUT_S = 600.0
"""Seconds for one upload or download, which may have hundreds of megabytes."""

_OK, _NOT_FOUND = 200, 404


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch that was sent, or was about to be sent.

    Parameters
    ----------
    mark
        Our name of the batch.
    at
        The time before it was sent, in Unix seconds.
    keys
        The keys of its requests.
    batch
        The service's name of the batch; None if the process ended before the name was stored.
    """

    mark: str
    at: float
    keys: tuple[str, ...]
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The state of a batch.

    Parameters
    ----------
    ended
        True if there will be no further results.
    done, total
        The requests with a result, and all of them; 0 if the service does not say.
    files
        The paths of the results.
    refusal
        Why the service refuses the whole batch; None if it does not.
    """

    ended: bool
    done: int = 0
    total: int = 0
    files: tuple[str, ...] = ()
    refusal: Complaint | None = None


Outcome = Reply | str
"""The reply to one request, or why there is none, in words."""


class Gone(Exception):
    """The service does not know a batch or its results any more."""


class BatchApi(Protocol):
    """Sends batches to one service. Lives in one event loop.

    All methods raise `TransientError` if another try may succeed, and other errors of `InstructZeroError` if not.

    Attributes
    ----------
    most, most_bytes
        The maximum number of requests in a batch, and their maximum size.
    service
        The service, for messages.
    """

    most: int
    most_bytes: int
    service: Service

    def line(self, key: str, body: Mapping[str, Any]) -> bytes:
        """Return a request as it stands in a batch."""
        ...

    async def create(self, mark: str, lines: Sequence[bytes]) -> str:
        """Send a batch and return the service's name of it.

        A `TransientError` with ``maybe_paid`` means that the service may have the batch; `find` tells.
        """
        ...

    async def find(self, plan: Plan, others: set[str]) -> str | None:
        """Return the service's name of a planned batch; None if the service does not have it.

        ``others`` are the names of batches that are known to be others.
        """
        ...

    async def state(self, batch: str) -> State:
        """Return the state of a batch; raise `Gone` if the service does not know it."""
        ...

    async def results(self, files: Sequence[str]) -> dict[str, Outcome]:
        """Return the results by the key of the request; raise `Gone` if they were deleted."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


def checked(reply: Reply, service: Service) -> Any:
    """Return the JSON object in a reply with status 200; raise the error that another one reports."""
    if reply.status != _OK:
        raise _failure(reply, service)
    try:
        data = json.loads(reply.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise service.unreadable(reply.headers)
    return data


def known(reply: Reply, service: Service) -> Reply:
    """Return the reply about a batch; raise `Gone` if its status is 404, or the error that it reports."""
    if reply.status == _NOT_FOUND:
        raise Gone
    if reply.status != _OK:
        raise _failure(reply, service)
    return reply


def name_in(data: Mapping[str, Any], service: Service) -> str:
    """Return the ``id`` in an answer to an upload; raise `TransientError` if there is none."""
    name = data.get("id")
    if isinstance(name, str) and name and SECRETS.masked(name) == name:  # it is stored
        return name
    raise service.unreadable({})


def objects(reply: Reply) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a reply, one a line; other lines are passed over."""
    for line in reply.body.splitlines():
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            yield data


def keep_first(results: dict[str, Outcome], key: object, outcome: Outcome) -> None:
    """Add the outcome of a request, unless it has one; an answer takes precedence over a refusal."""
    if not isinstance(key, str):
        return
    before = results.get(key)
    if before is None or (_is_answer(outcome) and not _is_answer(before)):
        results[key] = outcome


def _is_answer(outcome: Outcome) -> bool:
    return isinstance(outcome, Reply) and outcome.status == _OK


def without_batches(reply: Reply, service: Service) -> Reply:
    """Return the reply to an upload; raise `ModelError` if the service has no batch API."""
    if reply.status in (_NOT_FOUND, 405, 501):
        said = service.scrub(Complaint.read(reply.body).message)
        raise ModelError(
            f"expected a service with a batch API at {service.endpoint}, got one without (status {reply.status}: "
            f"{said}); leave --batch-api out, or correct {service.setting}"
        )
    return reply


def refused_batch(complaint: Complaint, service: Service) -> ModelError:
    """Return the error for a batch that the service refuses as a whole."""
    return ModelError(
        f"{service.endpoint} refuses a batch of requests to {service.model!r} ({service.scrub(complaint.message)}); "
        "choose a model that its batch API takes, or leave --batch-api out"
    )


def _failure(reply: Reply, service: Service) -> InstructZeroError:
    complaint = Complaint.read(reply.body)
    failure = service.failure(reply.status, reply.headers, complaint)
    return refused_batch(complaint, service) if isinstance(failure, RefusedQuestion) else failure


def harmless(failure: TransientError) -> TransientError:
    """Return the failure of a request that costs nothing, whether it arrived or not."""
    return TransientError(
        str(failure),
        retry_after=failure.retry_after,
        throttled=failure.throttled,
        overloaded=failure.overloaded,
        quota_used_up=failure.quota_used_up,
    )
