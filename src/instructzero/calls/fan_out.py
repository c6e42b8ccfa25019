"""Many concurrent questions to one model, asked by synchronous code."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, Protocol, TypeVar

from instructzero.calls.call import Call
from instructzero.errors import RefusedQuestion
from instructzero.models.retrying import end_waits

Answer = TypeVar("Answer")
Arrived = Callable[[], None]
"""The callback for an answer of the model that has arrived and is not stored yet."""


class _Asked(Protocol):
    """A question that the store knows by its call."""

    @property
    def call(self) -> Call: ...


Question = TypeVar("Question", bound=_Asked)


class QuestionBatch(Generic[Question, Answer]):
    """Asks distinct questions concurrently, in order, and waits for the answers to any of them.

    A question frees its place for the next one when its answer arrives; storing and using the answer happens meanwhile.
    Until the black box has answered once (``proven``), questions are asked one by one, so that a wrong key or address
    is refused once and not ``width`` times.

    Parameters
    ----------
    ask
        Asks one question; calls its second argument when the model has answered, before the answer is stored.
    questions
        The questions, no two of them with the same call.
    width
        The maximum number of questions in flight.
    grace_s
        Seconds that questions in flight have to finish when the batch is stopped.
    proven
        Returns True once the model has answered.
    tolerant
        A question that is refused before the model has answered any is asked again after the others; if the next one is
        refused too, the fault is in what they have in common.
    """

    def __init__(
        self,
        ask: Callable[[Question, Arrived], Coroutine[Any, Any, Answer]],
        questions: Sequence[Question],
        width: int,
        grace_s: float,
        proven: Callable[[], bool],
        tolerant: bool = False,
    ) -> None:
        self._ask = ask
        self._queue = deque(questions)
        self._width = width
        self._grace_s = grace_s
        self._proven = proven
        self._may_wait = tolerant
        self._answers: dict[Call, Answer] = {}
        self._changed = asyncio.Event()
        self._failure: Exception | None = None
        self._in_flight = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def wait_for(self, calls: Sequence[Call]) -> list[Answer]:
        """Return the answers to ``calls`` in order.

        After a failure nothing new is asked. If the answers to ``calls`` are complete once the questions in flight have
        finished, they are returned all the same; otherwise the first failure of the batch is raised.
        """
        self._send()
        try:
            while not self._has(calls):
                if self._failure is not None:
                    await self.drain()
                    if self._has(calls):
                        break
                    raise self._failure
                self._changed.clear()
                await self._changed.wait()
        except BaseException:
            await self.drain()
            raise
        return [self._answers[call] for call in calls]

    def _has(self, calls: Sequence[Call]) -> bool:
        return all(call in self._answers for call in calls)

    async def drain(self) -> None:
        """Ask nothing new, wait up to ``grace_s`` seconds for the questions in flight, then cancel them."""
        self._queue.clear()
        end_waits(self._tasks)
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self._grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _send(self) -> None:
        """Ask as many questions as there are free places."""
        while self._queue and self._in_flight < (self._width if self._proven() else 1):
            self._in_flight += 1
            self._tasks.add(asyncio.create_task(self._work(self._queue.popleft())))

    async def _work(self, question: Question) -> None:
        waiting = True

        def arrived() -> None:
            nonlocal waiting
            if waiting:
                waiting = False
                self._in_flight -= 1
                self._send()

        try:
            self._answers[question.call] = await self._ask(question, arrived)
        except Exception as error:  # wait_for raises it in the caller
            if self._may_wait and self._queue and isinstance(error, RefusedQuestion):
                self._may_wait = False
                self._queue.append(question)
            else:
                self._failure = self._failure or error
                self._queue.clear()
        finally:
            arrived()
            self._changed.set()
            self._tasks.discard(asyncio.current_task())  # its last step; a callback would be one more
