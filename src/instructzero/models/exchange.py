"""Requests of one writer to one server: a bounded number in flight, each tried again where that may help."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from itertools import count
from types import MappingProxyType
from typing import TypeVar

from instructzero.models.headers import Headers, authorization
from instructzero.models.http import NoReply, Poster
from instructzero.models.patience import Patience
from instructzero.models.retrying import Retrier
from instructzero.models.service import Reply, Service
from instructzero.models.throttle import Throttle

Answer = TypeVar("Answer")


class Exchange:
    """Sends requests to ``service``, and reads the replies. Lives in one event loop.

    Parameters
    ----------
    service
        The server, its key, and the seconds after which an answer is late.
    throttle
        The places for requests in flight. It outlives the exchange, because it learns how many the server takes.
    retries
        The number of further tries after a failed one, counted as `Retrier` counts them.
    headers
        Further headers of every request.
    patience
        Decides about the waits for the server; None waits as long as the server asks.
    """

    def __init__(
        self,
        service: Service,
        *,
        throttle: Throttle,
        retries: int,
        headers: Mapping[str, str] = MappingProxyType({}),
        patience: Patience | None = None,
    ) -> None:
        ours = {"User-Agent": "instructzero", **(authorization(service.endpoint, service.key) if service.key else {})}
        self._service = service
        self._poster = Poster(service.endpoint, Headers(dict(headers)).over(ours), service.cut_s)
        self._throttle = throttle
        self._patience = patience or Patience()
        self._retries = retries
        self._seeds = count()

    async def get(self, path: str, read: Callable[[Reply], Answer]) -> Answer:
        """Return what ``read`` makes of the reply; see `post`."""
        return await self._ask(lambda: self._poster.get(path), read)

    async def post(self, path: str, body: Callable[[], bytes], read: Callable[[Reply], Answer]) -> Answer:
        """Send a JSON text and return what ``read`` makes of the reply.

        Parameters
        ----------
        path
            The path below the server's address.
        body
            Makes the JSON text when the request is sent, so that only the texts in flight are in memory.
        read
            Reads a reply; it raises if the reply holds no answer.

        Raises
        ------
        EndpointError
            If the last try failed. Errors of ``read`` that are not transient are passed on.
        """
        return await self._ask(lambda: self._poster.post(path, body()), read)

    async def close(self) -> None:
        """Close the connections."""
        await self._poster.close()

    async def _ask(self, send: Callable[[], Awaitable[Reply]], read: Callable[[Reply], Answer]) -> Answer:
        retrier = Retrier(self._throttle, self._retries, patience=self._patience, seed=next(self._seeds))
        return await retrier.run(lambda place: self._once(place, send, read))

    async def _once(self, place: int, send: Callable[[], Awaitable[Reply]], read: Callable[[Reply], Answer]) -> Answer:
        self._throttle.sent(place)
        try:
            reply = await send()
        except NoReply as error:
            failure = self._service.unreachable(str(error), sent=error.sent)
        else:
            return read(reply.masked())
        raise failure


async def together(requests: Iterable[Coroutine[None, None, Answer]]) -> list[Answer]:
    """Return all answers, in order; the first failure cancels the other requests and is raised."""
    tasks = [asyncio.ensure_future(request) for request in requests]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
