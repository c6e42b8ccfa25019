"""Rounds of requests as batches: collected, sent, followed until they end, and found again after a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from instructzero.errors import BudgetExhausted, EndpointError, InstructZeroError, TransientError
from instructzero.models.batches.openai import TOO_MANY_TOKENS
from instructzero.models.batches.wire import BatchApi, Gone, Outcome, Plan, State, harmless, refused_batch
from instructzero.models.complaint import Complaint
from instructzero.models.patience import Patience
from instructzero.models.service import Reply

Value = TypeVar("Value")
OnProgress = Callable[[int, int, float], None]
"""Receives the questions in unfinished batches, those that are answered, and the seconds since they were sent."""

_RESULTS_BYTES = 48 * 2**20  # the client reads results of up to 64 MiB
_GROWTH = 1.5
_OK = 200


class OpenBatches(Protocol):
    """The durable list of the batches whose answers may not have been read."""

    def add(self, plan: Plan) -> None:
        """Add a batch that is about to be sent; its questions belong to no other batch any more."""
        ...

    def sent(self, mark: str, batch: str) -> None:
        """Note the service's name of a batch."""
        ...

    def find(self, keys: Sequence[str]) -> dict[str, Plan]:
        """Return the batch of every question that was sent in one."""
        ...

    def forget(self, plan: Plan, keys: Sequence[str]) -> None:
        """Remove questions of a batch, which has no answer to them."""
        ...

    def names(self) -> set[str]:
        """Return the service's names of all batches."""
        ...

    def close(self) -> None:
        """Close the list."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of a batch, in seconds.

    Parameters
    ----------
    quiet
        A round is complete when no request has come for so long.
    first, longest
        The first wait between two looks at a batch, and the longest.
    patience
        How long a service may fail to tell the state of a batch.
    """

    quiet: float = 1.0
    first: float = 5.0
    longest: float = 60.0
    patience: float = 1800.0


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A request that waits for its reply; ``room`` is the maximum size of the reply in bytes."""

    key: str
    line: bytes
    room: int
    future: asyncio.Future[Reply]


class Rounds:
    """Sends the requests that come together as one batch, or as few as the service takes.

    A batch is on record before it is sent. A request that is in a batch on record is not sent again: the batch is
    followed to its end. An answer stays on record, so that it can be read again if the process ends before the answer
    is stored elsewhere. Lives in one event loop.

    Parameters
    ----------
    api
        The batch API.
    records
        The batches on record.
    pace
        The times.
    on_progress
        Receives the progress at every look at a batch.
    patience
        Decides about the waits that the service asks for.
    """

    def __init__(
        self, api: BatchApi, records: OpenBatches, pace: Pace, on_progress: OnProgress, patience: Patience
    ) -> None:
        self._api = api
        self._records = records
        self._pace = pace
        self._on_progress = on_progress
        self._patience = patience
        self._most = api.most
        self._in_turn = False
        self._waiting: list[_Waiting] = []
        self._gathering = False
        self._delivered: set[str] = set()
        self._followed: dict[str, tuple[Plan, State]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def reply(self, key: str, room: int, body: Mapping[str, Any]) -> Reply:
        """Return the reply to a request.

        Parameters
        ----------
        key
            The name of the request, of letters and digits, at most 64.
        room
            The maximum size of the reply in bytes.
        body
            The request.

        Raises
        ------
        TransientError
            If the batch ended without a reply to this request; it can be asked again.
        InstructZeroError
            If the service refuses batches, or cannot be reached for long.
        """
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(key, self._api.line(key, body), room, future))
        if not self._gathering:
            self._gathering = True
            self._start([], self._gather())
        return await future

    async def close(self) -> int:
        """Follow no batch any longer; return the number of questions in batches that are not finished."""
        left = sum(len(plan.keys) for plan, _ in self._followed.values())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._api.close()
        self._records.close()
        return left

    def _start(self, items: Sequence[_Waiting], work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(items, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, items: Sequence[_Waiting], work: Coroutine[Any, Any, None]) -> None:
        """Do the work for ``items``; if it fails, they fail."""
        try:
            await work
        except Exception as error:  # every waiting caller receives it
            for item in _unanswered(items):
                item.future.set_exception(error)

    async def _gather(self) -> None:
        """Wait until no further request comes, then send those that wait."""
        seen = -1
        while seen != len(self._waiting):
            seen = len(self._waiting)
            await asyncio.sleep(self._pace.quiet)
        wave, self._waiting, self._gathering = _unanswered(self._waiting), [], False
        self._start(wave, self._send(wave))

    async def _send(self, wave: list[_Waiting]) -> None:
        """Follow the batches on record that hold requests of the wave, and send the other requests."""
        found = self._on_record([item.key for item in wave])
        known: dict[str, list[_Waiting]] = {}
        for item in wave:
            if item.key in found:
                known.setdefault(found[item.key].mark, []).append(item)
        for items in known.values():
            self._start(items, self._attach(found[items[0].key], items))
        self._ask_all([item for item in wave if item.key not in found])

    def _on_record(self, keys: list[str]) -> dict[str, Plan]:
        """Return the batches on record by key, but not for a request that comes again: its reply was of no use."""
        found = self._records.find(keys)
        for key in self._delivered & found.keys():
            self._records.forget(found.pop(key), [key])
        self._delivered.difference_update(keys)
        return found

    def _ask_all(self, items: Sequence[_Waiting]) -> None:
        chunks = list(self._chunks(items))
        if self._in_turn and chunks:
            self._start(items, self._one_by_one(chunks))
            return
        for chunk in chunks:
            self._start(chunk, self._ask(chunk))

    async def _one_by_one(self, chunks: Sequence[list[_Waiting]]) -> None:
        for chunk in chunks:
            await self._ask(chunk)

    def _chunks(self, items: Sequence[_Waiting]) -> Iterator[list[_Waiting]]:
        """Yield the requests of each batch, within the limits of the service and of the client."""
        chunk: dict[str, list[_Waiting]] = {}
        size = room = 0
        for item in items:
            is_full = len(chunk) == self._most or size + len(item.line) > self._api.most_bytes
            if item.key not in chunk and chunk and (is_full or room + item.room > _RESULTS_BYTES):
                yield [one for same in chunk.values() for one in same]
                chunk, size, room = {}, 0, 0
            size, room = size + len(item.line), room + item.room
            chunk.setdefault(item.key, []).append(item)
        if chunk:
            yield [one for same in chunk.values() for one in same]

    async def _ask(self, items: Sequence[_Waiting]) -> None:
        """Send one batch, and wait for its end."""
        lines = {item.key: item.line for item in _unanswered(items)}
        if not lines:
            return
        plan = Plan(uuid4().hex, time.time(), tuple(lines))
        self._records.add(plan)
        try:
            name = await self._patiently(lambda: self._api.create(plan.mark, list(lines.values())), sending=True)
        except TransientError as error:
            if not error.maybe_paid:  # otherwise the next try looks for it
                self._records.forget(plan, plan.keys)
            raise harmless(error) from None
        except InstructZeroError:
            self._records.forget(plan, plan.keys)
            raise
        self._records.sent(plan.mark, name)
        await self._follow(replace(plan, batch=name), items, fresh=True)

    async def _attach(self, plan: Plan, items: Sequence[_Waiting]) -> None:
        """Follow a batch on record, or send its requests again if the service does not have it."""
        if plan.batch is None:
            name = await self._patiently(lambda: self._api.find(plan, self._records.names()))
            if name is None:
                self._records.forget(plan, plan.keys)
                self._ask_all(items)
                return
            self._records.sent(plan.mark, name)
            plan = replace(plan, batch=name)
        await self._follow(plan, items)

    async def _follow(self, plan: Plan, items: Sequence[_Waiting], *, fresh: bool = False) -> None:
        """Wait for the end of a batch, and hand out its results."""
        try:
            state = await self._ended(plan, items, fresh)
            results = await self._patiently(lambda: self._api.results(state.files))
        except Gone:
            self._records.forget(plan, plan.keys)
            self._ask_all(items)
        except _NobodyWaits:
            return
        else:
            if state.refusal is not None:
                self._records.forget(plan, plan.keys)
                self._refused(state.refusal, items)
            else:
                await self._hand_out(plan, items, results)
        self._followed.pop(plan.mark, None)

    async def _ended(self, plan: Plan, items: Sequence[_Waiting], fresh: bool) -> State:
        """Return the state of a batch that has ended; raise `_NobodyWaits` if nobody waits any longer."""
        wait = self._pace.first
        self._followed[plan.mark] = plan, State(ended=False)
        while _unanswered(items):
            state = await self._patiently(lambda: self._state(plan, fresh))
            self._followed[plan.mark] = plan, state
            self._report()
            if state.ended:
                return state
            left = self._patience.time_left()
            if left <= 0:
                raise BudgetExhausted(
                    "the limit of time is reached while a batch is answered, which goes on at the service; raise "
                    "--max-time and run it again, which reads its answers and pays nothing twice"
                )
            await asyncio.sleep(min(wait, left))
            wait = min(self._pace.longest, wait * _GROWTH)
        raise _NobodyWaits

    async def _state(self, plan: Plan, fresh: bool) -> State:
        try:
            return await self._api.state(plan.batch or "")
        except Gone:
            if not fresh:
                raise
        raise TransientError(f"the endpoint {self._api.service.endpoint} does not know the batch {plan.batch} yet")

    def _report(self) -> None:
        plans = [plan for plan, _ in self._followed.values()]
        done = sum(len(plan.keys) if state.ended else state.done for plan, state in self._followed.values())
        seconds = time.time() - min(plan.at for plan in plans)
        self._on_progress(sum(len(plan.keys) for plan in plans), done, max(0.0, seconds))

    def _refused(self, complaint: Complaint, items: Sequence[_Waiting]) -> None:
        """Send smaller batches, one after the other, if the account may have no more tokens in batches, or fail."""
        service = self._api.service
        if complaint.code != TOO_MANY_TOKENS:
            raise refused_batch(complaint, service)
        if len(items) == 1:
            raise EndpointError(
                f"{service.endpoint} takes no batch now ({service.scrub(complaint.message)}); resume when other "
                "batches of the account have ended: every answer so far is kept"
            )
        self._most, self._in_turn = max(1, len(items) // 2), True
        self._ask_all(items)

    async def _hand_out(self, plan: Plan, items: Sequence[_Waiting], results: Mapping[str, Outcome]) -> None:
        """Hand out the answers, and then the refusals, which are judged by whether others were answered."""
        refused = []
        for item in _unanswered(items):
            outcome = results.get(item.key)
            if isinstance(outcome, Reply) and outcome.status == _OK:
                self._delivered.add(item.key)
                item.future.set_result(outcome)
            else:
                refused.append(item)
        for _ in range(2):
            await asyncio.sleep(0)
        self._records.forget(plan, [item.key for item in refused])
        for item in _unanswered(refused):
            outcome = results.get(item.key, "it is missing in the results")
            if isinstance(outcome, Reply):
                item.future.set_result(outcome)
            else:
                item.future.set_exception(self._no_answer(plan, outcome))

    def _no_answer(self, plan: Plan, reason: str) -> TransientError:
        service = self._api.service
        return TransientError(
            f"the batch {plan.batch} at {service.endpoint} has ended without an answer to a question "
            f"({service.scrub(reason)})"
        )

    async def _patiently(self, call: Callable[[], Awaitable[Value]], *, sending: bool = False) -> Value:
        """Return what ``call`` returns, which is tried again after failures.

        With ``sending``, which must not happen twice, only a refusal as one of too many is tried again.
        """
        clock = asyncio.get_running_loop().time
        wait, since = self._pace.first, clock()
        while True:
            try:
                value = await call()
            except TransientError as error:
                if sending and not _was_too_early(error):
                    raise
                failure = error
            else:
                self._patience.answered()
                return value
            pause = max(wait, failure.retry_after or 0.0)
            if objection := self._objection(failure, pause, clock() + pause - since, sending=sending):
                raise EndpointError(objection)
            await asyncio.sleep(pause)
            wait = min(self._pace.longest, wait * _GROWTH)

    def _objection(self, failure: TransientError, pause: float, silent: float, *, sending: bool) -> str | None:
        """Return why the run ends instead of a wait of ``pause`` seconds, ``silent`` with those before it.

        Once a batch is sent, a service that does not say how long to wait has `Pace.patience`, because a batch takes
        hours.
        """
        if sending or failure.retry_after or failure.quota_used_up:
            return self._patience.objection(failure, pause)
        if silent > self._pace.patience:
            return f"{failure}; a batch that was sent goes on there: resume later to read its answers"
        return None


class _NobodyWaits(Exception):
    """The callers of all requests of a batch were cancelled."""


def _was_too_early(failure: TransientError) -> bool:
    return failure.overloaded and not failure.maybe_paid


def _unanswered(items: Sequence[_Waiting]) -> list[_Waiting]:
    return [item for item in items if not item.future.done()]
