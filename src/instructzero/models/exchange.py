"""Requests to one server that a whole group of callers shares: so many at once, each tried again where that helps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from itertools import count

from instructzero.calls.asker import Asker
from instructzero.models.http import NoReply, Poster
from instructzero.models.service import Reply, Service
from instructzero.models.throttle import Throttle
from instructzero.types import Completion, Request

Read = Callable[[Reply], Completion]
"""What a reply says; raises for one that says nothing."""


class Exchange:
    """Sends to ``service``, at most ``concurrency`` requests at once, each tried ``retries`` + 1 times.

    ``timeout`` is in seconds a try. Raises what `Asker` raises, and what is raised by whoever reads the replies. Lives
    in one event loop.
    """

    def __init__(self, service: Service, *, concurrency: int, timeout: float, retries: int) -> None:
        headers = {"User-Agent": "instructzero"}
        if service.key:
            headers["Authorization"] = f"Bearer {service.key}"
        self._service = service
        self._poster = Poster(service.endpoint, headers, timeout)
        self._throttle = Throttle(concurrency)
        self._retries = retries
        self._seeds = count()

    async def get(self, path: str, read: Read) -> Completion:
        return await self._ask(lambda: self._poster.get(path), read)

    async def post(self, path: str, body: Callable[[], bytes], read: Read) -> Completion:
        """What the reply to a JSON text says. It is made when its turn comes, so that few of them are in memory."""
        return await self._ask(lambda: self._poster.post(path, body()), read)

    async def close(self) -> None:
        await self._poster.close()

    async def _ask(self, send: Callable[[], Awaitable[Reply]], read: Read) -> Completion:
        attempt = _Attempt(send, read, self._service)
        asker = Asker(attempt, retries=self._retries, throttle=self._throttle, seed=next(self._seeds))
        return await asker.ask(Request(()))


class _Attempt:
    """One request in the shape of a black box, so that `Asker` may try it again."""

    def __init__(self, send: Callable[[], Awaitable[Reply]], read: Read, service: Service) -> None:
        self._send = send
        self._read = read
        self._service = service

    @property
    def identity(self) -> Mapping[str, str]:
        return {}

    @property
    def concurrency(self) -> int:
        return 1

    async def complete(self, request: Request) -> Completion:
        try:
            reply = await self._send()
        except NoReply as error:
            failure = self._service.unreachable(str(error), sent=error.sent)
        else:
            return self._read(reply)
        raise failure

    async def close(self) -> None:
        """Nothing: the connections are the exchange's."""


async def together(asked: Iterable[Coroutine[None, None, Completion]]) -> list[Completion]:
    """All answers, in order; the first failure ends the others and is raised."""
    tasks = [asyncio.ensure_future(each) for each in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
