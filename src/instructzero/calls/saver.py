"""Writes the answers of one role, and what is set aside for its questions in flight, into the call store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from instructzero.calls.call import Call
from instructzero.calls.set_aside import SetAside
from instructzero.calls.store import CallStore
from instructzero.errors import RunDirectoryError, UnwritableStore
from instructzero.types import Completion, Usage

_COLLECTED_S = 0.02
"""The least time in seconds between two writes while answers arrive."""

_PAUSE_S = 1.0
_PATIENCE_S = 60.0
"""How long a store that cannot be written is tried again, in seconds."""


class Paid(NamedTuple):
    """An answer, the usage that is charged for it, and the bound that was set aside."""

    completion: Completion
    charge: Usage
    bound: Usage


Done = Callable[[Completion | Exception], None]
"""A function that receives the answer as it is stored, or the reason why it is not."""


class _Unsaved(NamedTuple):
    call: Call
    paid: Paid
    done: Done


class Saver:
    """Writes by a thread of its own; answers that arrive at the same time share one write.

    Used from one event loop. While the store cannot be written, because the disk is full or another process locks the
    store, nothing new is sent, and the write is tried again for a minute: the answers are paid, and only in memory.

    Parameters
    ----------
    store
        The store, which belongs to the caller.
    run, role
        The account that is charged.
    books
        True if the run has a budget: tries that may have been billed without an answer are booked.
    limited
        True if a question is sent once what it may cost is on the disk; see `SetAside`.
    warn
        Receives a sentence about a store that cannot be written; from the event loop, so that what it raises loses
        nothing.
    hurries
        Returns True if the user wants the end at once: a store that cannot be written is not waited for.
    """

    def __init__(
        self,
        store: CallStore,
        *,
        run: str,
        role: str,
        books: bool,
        limited: bool,
        warn: Callable[[str], None],
        hurries: Callable[[], bool],
    ) -> None:
        self._store = store
        self._run, self._role = run, role
        self._books, self._limited = books, limited
        self._warn = warn
        self._hurries = hurries
        self._written = store.another(patience_s=_PAUSE_S)  # short, so that a second signal ends the wait soon
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="instructzero-store")
        self._aside = SetAside()
        self._unsaved: list[_Unsaved] = []
        self._lost: list[Usage] = []
        self._uncovered: list[asyncio.Future[None]] = []
        self._saving: asyncio.Task[None] | None = None
        self._no_more = asyncio.Event()
        self._written_at = float("-inf")
        self._stuck_since: float | None = None
        self._has_warned = False

    async def begin(self, bound: Usage) -> None:
        """Set ``bound`` aside for a question that is to be sent; return when that is on the disk.

        Raises
        ------
        RunDirectoryError
            If the store cannot be written.
        """
        covered = self._aside.begin(bound) or not self._limited
        if covered and self._stuck_since is None:
            return
        self._uncovered.append(future := asyncio.get_running_loop().create_future())
        self._save_soon()
        try:
            await future
        except BaseException:
            self._aside.end(bound)
            raise

    def end(self, bound: Usage) -> None:
        """Note that a question has no answer, and cost nothing."""
        self._aside.end(bound)

    def lose(self, bound: Usage) -> None:
        """Book a question soon that has no answer, and may have cost ``bound``."""
        if self._books:
            self._lost.append(bound)
            self._save_soon()
        else:
            self._aside.end(bound)

    def save(self, call: Call, paid: Paid, done: Done) -> None:
        """Save an answer soon, and call ``done`` when it is on the disk."""
        self._unsaved.append(_Unsaved(call, paid, done))
        self._save_soon()

    async def close(self) -> None:
        """Finish writing. The store stays open."""
        try:
            if self._saving is not None:
                await asyncio.wait([self._saving])
            rest = self._aside.rest()
            if self._limited and self._aside.level.calls > rest.calls:  # the last questions had no answers
                with contextlib.suppress(RunDirectoryError):  # too much stays set aside
                    await self._write([], [], rest)
        finally:
            self._thread.shutdown(wait=True)
            if self._written is not self._store:
                self._written.close()

    def _save_soon(self) -> None:
        if self._saving is None or self._saving.done():
            self._saving = asyncio.get_running_loop().create_task(self._save_all())
        elif self._is_urgent():
            self._no_more.set()

    def _is_urgent(self) -> bool:
        """Return True if a question waits for the write, or none is in flight whose answer could share it."""
        return bool(self._uncovered) or len(self._unsaved) + len(self._lost) >= self._aside.questions

    async def _save_all(self) -> None:
        """Write what is collected, then what was collected during the write, until nothing is left."""
        loop = asyncio.get_running_loop()
        while self._unsaved or self._uncovered or self._lost:
            if loop.time() < self._written_at + _COLLECTED_S:
                await self._collect(loop)
            batch, self._unsaved = self._unsaved, []
            lost, self._lost = self._lost, []
            waiting, self._uncovered = self._uncovered, []
            bounds = [*(each.paid.bound for each in batch), *lost]
            try:
                stored = await self._write(batch, lost, self._aside.next_level(bounds) if self._limited else None)
            except Exception as error:  # passed on to those who wait for the write
                self._fail(batch, waiting, error)
            else:
                for bound in bounds:
                    self._aside.end(bound)
                self._finish(batch, waiting, stored)
            self._written_at = loop.time()

    async def _collect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait a moment for further answers, so that many share a write."""
        self._no_more.clear()
        if not self._is_urgent():
            timer = loop.call_later(_COLLECTED_S, self._no_more.set)
            await self._no_more.wait()
            timer.cancel()

    def _finish(
        self, batch: Sequence[_Unsaved], waiting: Sequence[asyncio.Future[None]], stored: Sequence[Completion]
    ) -> None:
        for future in waiting:
            if not future.done():
                future.set_result(None)
        for each, completion in zip(batch, stored, strict=True):
            each.done(completion)

    def _fail(self, batch: Sequence[_Unsaved], waiting: Sequence[asyncio.Future[None]], error: Exception) -> None:
        """Pass an error on; what is set aside stays on the disk, because the answers are paid."""
        if batch:
            lost = f"{len(batch):,} paid answers could not be stored and are lost; they count as billed"
            asyncio.get_running_loop().call_soon(self._warn, lost)
        for future in waiting:
            if not future.done():
                future.set_exception(error)
        for each in batch:
            each.done(error)

    async def _write(self, batch: Sequence[_Unsaved], lost: Sequence[Usage], level: Usage | None) -> list[Completion]:
        """Write answers, and what is set aside from now on; try again for a while if the store cannot be written."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                stored = await loop.run_in_executor(self._thread, self._put, batch, lost, level)
            except UnwritableStore as error:
                if self._stuck_since is None:
                    self._stuck_since = loop.time()
                elif not self._has_warned:
                    self._has_warned = True
                    loop.call_soon(self._warn, _waits(error, len(batch)))
                if self._hurries() or loop.time() >= self._stuck_since + _PATIENCE_S:
                    raise
                await asyncio.sleep(_PAUSE_S)
            else:
                self._stuck_since, self._has_warned = None, False
                if level is not None:
                    self._aside.written(level)
                return stored

    def _put(self, batch: Sequence[_Unsaved], lost: Sequence[Usage], level: Usage | None) -> list[Completion]:
        return self._written.put_many(
            [(each.call, each.paid.completion) for each in batch],
            run=self._run,
            role=self._role,
            charges=[each.paid.charge for each in batch],
            lost=lost,
            set_aside=level,
        )


def _waits(error: UnwritableStore, answers: int) -> str:
    """Return a sentence about answers that wait for the store."""
    waiting = f"; {answers:,} paid answers wait in memory" if answers else ""
    return f"{error}{waiting}, and nothing new is asked; it is tried again for {_PATIENCE_S:.0f} seconds"
