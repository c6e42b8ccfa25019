"""The answers of one role's model: read from the call store, or asked for and stored before they are returned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from instructzero.calls.asker import Asker
from instructzero.calls.call import Call, canonical
from instructzero.calls.saver import Saver
from instructzero.calls.store import CallStore
from instructzero.types import Completion, Request


class Answers:
    """The answers of the model behind ``asker``, kept in ``store`` and booked to ``run`` under ``role``.

    Used from one event loop. Neither the model nor the store is closed here: both belong to the caller.

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
    books, limited, warn, hurries
        Those of `Saver`.
    """

    def __init__(
        self,
        asker: Asker,
        store: CallStore,
        *,
        run: str = "",
        role: str = "black box",
        shared: bool = False,
        books: bool = False,
        limited: bool = False,
        warn: Callable[[str], None] = lambda message: None,
        hurries: Callable[[], bool] = lambda: False,
    ) -> None:
        self._asker = asker
        self._identity = canonical(dict(asker.identity))
        self._store = store
        self._shared = shared
        self._saver = Saver(store, run=run, role=role, books=books, limited=limited, warn=warn, hurries=hurries)
        self._asking: dict[Call, list[_Waiter]] = {}  # with those who wait for the same answer
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

    async def get(self, call: Call, request: Request) -> tuple[Completion, bool]:
        """Return the answer to ``request``, and True if it was known. The same call is never in flight twice."""
        waiter = _Waiter()
        await self.ask(call, request, waiter)
        return await waiter.answer

    async def ask(self, call: Call, request: Request, receiver: Receiver) -> None:
        """Ask ``request``, and return when the model has answered; ``receiver`` gets the answer once it is stored.

        ``receiver`` gets it with True if it was known. An error of the model is raised here. The same call is never in
        flight twice.
        """
        known = self._looked_up.pop(call) if call in self._looked_up else self._store.get(call)
        if known is not None:
            receiver.received(call, known, True)
        elif (others := self._asking.get(call)) is not None:
            others.append(waiter := _Waiter())
            receiver.received(call, (await waiter.answer)[0], True)
        else:
            self._asking[call] = []
            try:
                await self._ask(call, request, receiver)
            except BaseException as error:
                self._tell(call, error)
                raise

    async def close(self) -> None:
        """Finish writing. The model and the store stay open."""
        await self._saver.close()

    async def _ask(self, call: Call, request: Request, receiver: Receiver) -> None:
        """Pay for the answer, unless another process that shares the store has just paid for it."""
        claimed = self._shared and await self._store.claim_soon(call)
        try:
            if self._shared and (known := self._store.get(call)) is not None:
                self._tell(call, known)
                receiver.received(call, known, True)
            else:
                paid = await self._asker.pay(request, self._saver)
                self._saver.save(call, paid, partial(self._end, call, receiver, claimed))
                claimed = False  # until it is stored
        finally:
            if claimed:
                self._store.release(call)

    def _end(self, call: Call, receiver: Receiver, claimed: bool, outcome: Completion | Exception) -> None:
        """Pass an answer on that is stored, or the reason why it cannot be stored."""
        if claimed:
            self._store.release(call)
        self._tell(call, outcome)
        if isinstance(outcome, Completion):
            receiver.received(call, outcome, False)
        else:
            receiver.failed(call, outcome)

    def _tell(self, call: Call, outcome: Completion | BaseException) -> None:
        """Give everybody who waits for the same answer its outcome."""
        for other in self._asking.pop(call):
            if isinstance(outcome, Completion):
                other.received(call, outcome, True)
            else:
                other.failed(call, outcome if isinstance(outcome, Exception) else asyncio.CancelledError())


class Receiver(Protocol):
    """Gets an answer once it is stored, in the event loop of `Answers`."""

    def received(self, call: Call, completion: Completion, cached: bool) -> None:
        """Take the answer to ``call``; ``cached`` is False only if it was just paid for."""
        ...

    def failed(self, call: Call, error: Exception) -> None:
        """Take the reason why the answer to ``call`` could not be stored."""
        ...


class _Waiter(Receiver):
    """The future of an answer, and True if it was known."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[tuple[Completion, bool]] = asyncio.get_running_loop().create_future()

    def received(self, call: Call, completion: Completion, cached: bool) -> None:
        if not self.answer.done():
            self.answer.set_result((completion, cached))

    def failed(self, call: Call, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
