"""Many questions to one model on their way at once, asked by synchronous code."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, Protocol, TypeVar

from instructzero.calls.store import Call

Answer = TypeVar("Answer")
Arrived = Callable[[], None]
"""What is called when the model has answered, before the answer is stored."""


class _Asked(Protocol):
    """A question that the store knows by its call."""

    @property
    def call(self) -> Call: ...


Question = TypeVar("Question", bound=_Asked)


class Session(Generic[Question, Answer]):
    """Asks distinct questions in order, up to ``width`` of them at once, and lets one wait for some of the answers.

    A question makes room for the next one when its answer arrives; meanwhile it is stored and used. While the black
    box is not ``proven`` by an answer, one question goes alone: a wrong key or address is refused once, not ``width``
    times.
    """

    def __init__(
        self,
        ask: Callable[[Question, Arrived], Coroutine[Any, Any, Answer]],
        questions: Sequence[Question],
        width: int,
        grace_s: float,
        proven: Callable[[], bool],
    ) -> None:
        self._ask = ask
        self._queue = deque(questions)
        self._width = width
        self._grace_s = grace_s
        self._proven = proven
        self._answers: dict[Call, Answer] = {}
        self._news = asyncio.Event()
        self._failure: Exception | None = None
        self._on_their_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def wait_for(self, calls: Sequence[Call]) -> list[Answer]:
        """The answers to ``calls``; raises the first failure of all questions once nothing is on its way.

        What is complete by then is given all the same.
        """
        self._send()
        try:
            while not self._has(calls):
                if self._failure is not None:
                    await self.drain()
                    if self._has(calls):
                        break
                    raise self._failure
                self._news.clear()
                await self._news.wait()
        except BaseException:
            await self.drain()
            raise
        return [self._answers[call] for call in calls]

    def _has(self, calls: Sequence[Call]) -> bool:
        return all(call in self._answers for call in calls)

    async def drain(self) -> None:
        """Ask nothing new; what is on its way has the time of grace to be stored, and is cancelled then."""
        self._queue.clear()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self._grace_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _send(self) -> None:
        """As many questions as there is room for."""
        while self._queue and self._on_their_way < (self._width if self._proven() else 1):
            self._on_their_way += 1
            task = asyncio.create_task(self._work(self._queue.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self, question: Question) -> None:
        waiting = True

        def arrived() -> None:
            nonlocal waiting
            if waiting:
                waiting = False
                self._on_their_way -= 1
                self._send()

        try:
            self._answers[question.call] = await self._ask(question, arrived)
        except Exception as error:  # raised by wait_for, where the caller hears it
            self._failure = self._failure or error
            self._queue.clear()
        finally:
            arrived()
            self._news.set()
