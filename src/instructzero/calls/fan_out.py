"""Many concurrent questions to one model, asked by synchronous code."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from types import CoroutineType
from typing import Any, Generic, Protocol, TypeVar, cast

from instructzero.calls.answers import Answers
from instructzero.calls.call import Call
from instructzero.errors import RefusedQuestion
from instructzero.models.retrying import end_waits
from instructzero.types import Completion, Request

Result = TypeVar("Result")


class _Asked(Protocol):
    """A question that the store knows by its call."""

    @property
    def call(self) -> Call: ...

    @property
    def request(self) -> Request: ...


Question = TypeVar("Question", bound=_Asked)
Use = Callable[[Question, Completion, bool], Result | Coroutine[Any, Any, Result]]
"""A function (question, answer, cached) -> result, for answers that are stored; see `Answers.ask` for ``cached``."""


class QuestionBatch(Generic[Question, Result]):
    """Asks distinct questions concurrently, in order, and waits for the results of any of them.

    A question frees its place for the next one when its answer arrives; storing and using the answer happens meanwhile.
    Until the black box has answered once (``proven``), questions are asked one by one, so that a wrong key or address
    is refused once and not ``width`` times.

    Parameters
    ----------
    answers
        Answers the questions.
    use
        Makes the result of a question from its answer, once that is stored; a coroutine is awaited.
    questions
        The questions, no two of them with the same call.
    grace
        Returns the seconds that questions in flight have to finish when the batch is stopped.
    proven
        Returns True once the model has answered.

    If ``answers`` are tolerant, a question that is refused before the model has answered any is asked again after the
    others; if the next one is refused too, the fault is in what they have in common.
    """

    def __init__(
        self,
        answers: Answers,
        use: Use[Question, Result],
        questions: Sequence[Question],
        *,
        grace: Callable[[], float],
        proven: Callable[[], bool],
    ) -> None:
        self._answers = answers
        self._use = use
        self._questions = {question.call: question for question in questions}
        self._queue = deque(questions)
        self._width = answers.concurrency
        self._grace = grace
        self._proven = proven
        self._may_wait = answers.tolerant
        self._results: dict[Call, Result] = {}
        self._missing: set[Call] = set()
        self._storing = 0
        self._workers: set[asyncio.Task[None]] = set()
        self._users: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._failure: Exception | None = None
        self._changed = asyncio.Event()

    def results_of(self, calls: Sequence[Call]) -> list[Result] | None:
        """Return the results of ``calls`` in order if they are complete already, or else None."""
        results = self._results
        return [results[call] for call in calls] if all(call in results for call in calls) else None

    async def wait_for(self, calls: Sequence[Call]) -> list[Result]:
        """Return the results of ``calls`` in order.

        After a failure nothing new is asked. If the results of ``calls`` are complete once the questions in flight have
        finished, they are returned all the same; otherwise the first failure of the batch is raised.
        """
        self._missing = {call for call in calls if call not in self._results}
        self._send()
        try:
            while self._missing:
                if self._failure is not None:
                    await self.drain()
                    if not self._missing:
                        break
                    raise self._failure
                self._changed.clear()
                await self._changed.wait()
        except BaseException:
            await self.drain()
            raise
        return [self._results[call] for call in calls]

    async def drain(self) -> None:
        """Ask nothing new, wait the seconds of ``grace`` for the questions in flight, then cancel them."""
        self._stop()
        end_waits(self._workers)
        try:
            async with asyncio.timeout(self._grace()):
                while self._workers or self._users or self._storing:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            late = self._workers | self._users
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def received(self, call: Call, completion: Completion, cached: bool) -> None:
        """Use the stored answer to a question; called by `Answers`."""
        self._storing -= 1
        try:
            result = self._use(self._questions[call], completion, cached)
        except Exception as error:  # wait_for raises it in the caller
            self._stop(error)
            return
        if isinstance(result, CoroutineType):
            self._users.add(asyncio.create_task(self._use_later(call, result)))
        else:
            self._finish(call, cast(Result, result))

    def failed(self, call: Call, error: Exception) -> None:
        """Stop, because an answer could not be stored; called by `Answers`."""
        self._storing -= 1
        self._stop(error)

    async def _use_later(self, call: Call, result: Coroutine[Any, Any, Result]) -> None:
        try:
            self._finish(call, await result)
        except Exception as error:
            self._stop(error)
        finally:
            self._end(self._users)

    def _finish(self, call: Call, result: Result) -> None:
        self._results[call] = result
        self._missing.discard(call)
        if self._stopped or not self._missing:
            self._changed.set()

    def _send(self) -> None:
        """Have as many questions in flight as there are places."""
        free = (self._width if self._proven() else 1) - len(self._workers)
        for _ in range(min(free, len(self._queue))):
            self._workers.add(asyncio.create_task(self._work()))

    async def _work(self) -> None:
        """Ask one question after the other, each as soon as the one before it is answered."""
        try:
            while self._queue:
                question = self._queue.popleft()
                try:
                    await self._answers.ask(question.call, question.request, self)
                    self._storing += 1
                except Exception as error:
                    self._refuse(question, error)
                if len(self._workers) < self._width:
                    self._send()
        finally:
            self._end(self._workers)

    def _refuse(self, question: Question, error: Exception) -> None:
        """Stop, unless the fault may be in this question: it is asked again after the others, once."""
        if self._may_wait and self._queue and isinstance(error, RefusedQuestion):
            self._may_wait = False
            self._queue.append(question)
        else:
            self._stop(error)

    def _stop(self, error: Exception | None = None) -> None:
        self._stopped = True
        self._failure = self._failure or error
        self._queue.clear()
        self._changed.set()

    def _end(self, tasks: set[asyncio.Task[None]]) -> None:
        """Note that the current task ends."""
        tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        self._changed.set()
