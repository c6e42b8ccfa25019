"""The answers of one role's model: read from the call store, or asked for and stored before they are returned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from instructzero.calls.asker import Asker
from instructzero.calls.call import Call, canonical
from instructzero.calls.store import CallStore
from instructzero.types import Completion, Request, Usage

_COLLECTED_S = 0.02
"""The least time in seconds between two writes while answers arrive."""


class Answers:
    """The answers of the model behind ``asker``, kept in ``store`` and booked to ``run`` under ``role``.

    Used from one event loop. A thread of its own writes to the disk; answers that arrive at the same time share one
    write. Neither the model nor the store is closed here: both belong to the caller.

    Parameters
    ----------
    asker
        Asks the model.
    store
        Holds the answers.
    run, role
        The account that is charged.
    shared
        True if other processes may ask the same questions at the same time; a question is then claimed before it is
        asked.
    """

    def __init__(
        self, asker: Asker, store: CallStore, *, run: str = "", role: str = "black box", shared: bool = False
    ) -> None:
        self._asker = asker
        self._identity = canonical(dict(asker.identity))
        self._store = store
        self._run, self._role, self._shared = run, role, shared
        self._written = store.another()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="instructzero-store")
        self._unsaved: list[_Unsaved] = []
        self._saving: asyncio.Task[None] | None = None
        self._asking: dict[Call, list[asyncio.Future[Completion]]] = {}  # with those who wait for the same answer
        self._all_arrived = asyncio.Event()
        self._written_at = float("-inf")
        self._looked_up: dict[Call, Completion | None] = {}

    @property
    def proven(self) -> bool:
        """True once the model has answered."""
        return self._asker.proven

    @property
    def tolerant(self) -> bool:
        """True if a question that is refused for its own sake gets a completion without an answer; see `Asker`."""
        return self._asker.tolerant

    @property
    def concurrency(self) -> int:
        """The number of requests that are worth having in flight."""
        return self._asker.concurrency

    def call(self, request: Request) -> Call:
        """Return the call under which the store keeps the answer to ``request``."""
        return Call.to(self._identity, request)

    def look_up(self, calls: Sequence[Call]) -> None:
        """Read the stored answers to ``calls`` in one query, for the next `get` of each call."""
        known = self._store.get_many(calls)
        self._looked_up = {call: known.get(call) for call in calls}

    async def get(
        self, call: Call, request: Request, arrived: Callable[[], None] = lambda: None
    ) -> tuple[Completion, bool]:
        """Return the answer to ``request``, and True if it was known. The same call is never in flight twice.

        ``arrived`` is called when the model has answered, before the answer is on the disk.
        """
        known = self._looked_up.pop(call) if call in self._looked_up else self._store.get(call)
        if known is not None:
            return known, True
        if (others := self._asking.get(call)) is not None:
            others.append(other := asyncio.get_running_loop().create_future())
            return await other, True
        others = self._asking[call] = []
        try:
            if self._shared:
                completion, cached = await self._ask(call, request, arrived)
            else:
                completion, cached = await self._pay(call, request, arrived), False
        except BaseException as error:
            _tell(others, error if isinstance(error, Exception) else asyncio.CancelledError())
            raise
        finally:
            del self._asking[call]
        _tell(others, completion)
        return completion, cached

    async def close(self) -> None:
        """Finish writing. The model and the store stay open."""
        try:
            if self._saving is not None:
                await asyncio.wait([self._saving])
        finally:
            self._thread.shutdown(wait=True)
            if self._written is not self._store:
                self._written.close()

    async def _ask(self, call: Call, request: Request, arrived: Callable[[], None]) -> tuple[Completion, bool]:
        """Pay for the answer, unless another process that shares the store has just paid for it."""
        async with self._store.claimed(call):
            known = self._store.get(call)
            return (await self._pay(call, request, arrived), False) if known is None else (known, True)

    async def _pay(self, call: Call, request: Request, arrived: Callable[[], None]) -> Completion:
        completion, charge = await self._asker.pay(request)
        arrived()
        return await self._saved(call, completion, charge)

    def _saved(self, call: Call, completion: Completion, charge: Usage) -> asyncio.Future[Completion]:
        """Return the future of the stored answer."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Completion] = loop.create_future()
        self._unsaved.append(_Unsaved(call, completion, charge, future))
        if self._saving is None or self._saving.done():
            self._saving = loop.create_task(self._save_all())
        elif len(self._unsaved) >= len(self._asking):
            self._all_arrived.set()
        return future

    async def _save_all(self) -> None:
        """Write the collected answers, then those that were collected during the write, until none is left."""
        loop = asyncio.get_running_loop()
        while self._unsaved:
            if loop.time() < self._written_at + _COLLECTED_S:
                await self._collect(loop)
            batch, self._unsaved = self._unsaved, []
            try:
                stored = await loop.run_in_executor(self._thread, self._write, batch)
            except Exception as error:  # passed on to the callers that wait for the write
                for unsaved in batch:
                    unsaved.fail(error)
            else:
                for unsaved, completion in zip(batch, stored, strict=True):
                    unsaved.finish(completion)
            self._written_at = loop.time()

    async def _collect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait a moment for further answers, so that many share a write, unless no question is in flight."""
        self._all_arrived.clear()
        if len(self._unsaved) < len(self._asking):
            timer = loop.call_later(_COLLECTED_S, self._all_arrived.set)
            await self._all_arrived.wait()
            timer.cancel()

    def _write(self, batch: Sequence[_Unsaved]) -> list[Completion]:
        return self._written.put_many(
            [(unsaved.call, unsaved.completion) for unsaved in batch],
            run=self._run,
            role=self._role,
            charges=[unsaved.charge for unsaved in batch],
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Unsaved:
    """An answer that is not on the disk yet, and the future of the caller that waits for it."""

    call: Call
    completion: Completion
    charge: Usage
    future: asyncio.Future[Completion]

    def finish(self, completion: Completion) -> None:
        if not self.future.done():
            self.future.set_result(completion)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


def _tell(others: Sequence[asyncio.Future[Completion]], outcome: Completion | BaseException) -> None:
    """Give everybody who waits for the same answer its outcome."""
    for other in others:
        if other.done():
            continue
        if isinstance(outcome, BaseException):
            other.set_exception(outcome)
        else:
            other.set_result(outcome)
