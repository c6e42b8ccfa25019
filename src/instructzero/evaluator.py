"""Instructions become aligned scores: a question is asked once, and an answer is kept before it is used."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from instructzero.errors import TaskError
from instructzero.models.base import BlackBox
from instructzero.store import Call, CallStore
from instructzero.types import Completion, Evaluation, Exemplar, Message, Request, Usage

Metric = Callable[[str, tuple[str, ...]], float]
Render = Callable[[str, str], tuple[Message, ...]]
OnAnswer = Callable[[Request, Completion, bool], None]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Question:
    call: Call
    request: Request


class Evaluator:
    """Scores instructions on examples with a black box, through a call store. Closing it closes both of them.

    ``render(instruction, input)`` makes the messages, ``metric(prediction, accepted answers)`` the score in
    [0, 1]. ``on_answer(request, completion, cached)`` is heard once for each pair of instruction and example;
    ``cached`` is False only for an answer that was paid just now. ``grace_s``: after a failure or an
    interrupt nothing new is asked, and questions that are on their way get so many seconds to come back,
    because they are paid for.

    >>> from instructzero.models.scripted import ScriptedBlackBox, echo
    >>> evaluator = Evaluator(
    ...     ScriptedBlackBox(echo),
    ...     CallStore(":memory:"),
    ...     lambda prediction, answers: float(prediction in answers),
    ...     render=lambda instruction, text: (Message("user", f"{instruction} Input: {text}"),),
    ... )
    >>> examples = [Exemplar("cat", ("cat",)), Exemplar("dog", ("hound",))]
    >>> [evaluation.scores for evaluation in evaluator.evaluate(["Repeat."], examples)]
    [(1.0, 0.0)]
    >>> evaluator.close()
    """

    def __init__(
        self,
        blackbox: BlackBox,
        store: CallStore,
        metric: Metric,
        *,
        render: Render,
        max_tokens: int = 256,
        temperature: float = 0.0,
        on_answer: OnAnswer | None = None,
        grace_s: float = 5.0,
    ) -> None:
        self._blackbox = blackbox
        self._identity = dict(blackbox.identity)
        self._store = store
        self._metric = metric
        self._render = render
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._on_answer = on_answer
        self._grace_s = grace_s
        self._proven = False
        self._unsaved: list[tuple[Call, Completion, asyncio.Future[Completion]]] = []
        self._session: _Session | None = None
        # One event loop for life, so that the black box's connections stay open from round to round.
        self._loop = _Loop()

    def evaluate(self, instructions: Sequence[str], examples: Sequence[Exemplar]) -> Iterator[Evaluation]:
        """One evaluation for each instruction, in order, each as soon as it is complete.

        ``scores[i]`` and ``predictions[i]`` belong to ``examples[i]``. ``usage`` counts the distinct
        questions of an instruction that no earlier instruction of this call has asked, whether or not the
        store knew the answer, so that a resumed run counts like an uninterrupted one. Questions of all
        instructions are in flight together.
        """
        table = [[self._question(instruction, example.input) for example in examples] for instruction in instructions]
        seen: set[Call] = set()
        for questions, answers in zip(table, self._answers(table), strict=True):
            usage = _usage(questions, answers, seen)
            predictions = tuple(answer.text for answer in answers)
            scores = tuple(map(self._score, predictions, examples))
            yield Evaluation(scores, predictions, usage)

    def close(self) -> None:
        """Wait briefly for what is on its way, then free the black box and the store."""
        try:
            self._end_session()
            self._loop.run(self._blackbox.close())
        finally:
            self._loop.close()
            self._store.close()

    def _question(self, instruction: str, text: str) -> _Question:
        request = Request(self._render(instruction, text), self._max_tokens, self._temperature)
        return _Question(Call.of(self._identity, request), request)

    def _answers(self, table: Sequence[Sequence[_Question]]) -> Iterator[list[Completion]]:
        """The answers to each row of questions, once they are all there; all rows are asked together."""
        self._end_session()
        questions = [question for row in table for question in row]
        counts = Counter(question.call for question in questions)
        distinct = list({question.call: question for question in questions}.values())

        async def ask(question: _Question) -> Completion:
            return await self._ask(question, counts[question.call])

        self._session = session = _Session(
            ask, distinct, self._blackbox.concurrency, self._grace_s, lambda: self._proven
        )
        try:
            for row in table:
                yield self._loop.run(session.wait_for([question.call for question in row]))
        finally:
            if self._session is session:
                self._end_session()

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            self._loop.run(session.drain())

    async def _ask(self, question: _Question, times: int) -> Completion:
        """The stored answer, or a new one that is stored before anyone hears of it."""
        completion = self._store.get(question.call)
        cached = completion is not None
        if completion is None:
            completion = await self._save(question.call, await self._blackbox.complete(question.request))
            self._proven = True
        if self._on_answer is not None:
            for time in range(times):
                self._on_answer(question.request, completion, cached or time > 0)
        return completion

    async def _save(self, call: Call, completion: Completion) -> Completion:
        """Store an answer; answers that arrive together share one write to the disk."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Completion] = loop.create_future()
        if not self._unsaved:
            loop.call_soon(self._flush)
        self._unsaved.append((call, completion, future))
        return await future

    def _flush(self) -> None:
        batch, self._unsaved = self._unsaved, []
        try:
            stored = self._store.put_many((call, completion) for call, completion, _ in batch)
        except Exception as error:  # whoever waits for the write hears of it
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, _, future), completion in zip(batch, stored, strict=True):
            if not future.done():
                future.set_result(completion)

    def _score(self, prediction: str, example: Exemplar) -> float:
        score = self._metric(prediction, example.outputs)
        if not isinstance(score, int | float) or math.isnan(score) or not 0 <= score <= 1:
            raise TaskError(
                f"expected a score in [0, 1] from the metric, got {score!r} for the input "
                f"{example.input!r}; mend the metric"
            )
        return float(score)


class _Session:
    """Asks distinct questions in order with ``width`` workers, and lets one wait for some of the answers.

    While the black box is not ``proven`` by an answer, one worker asks alone: a wrong key or address is refused once,
    not ``width`` times.
    """

    def __init__(
        self,
        ask: Callable[[_Question], Coroutine[Any, Any, Completion]],
        questions: Sequence[_Question],
        width: int,
        grace_s: float,
        proven: Callable[[], bool],
    ) -> None:
        self._ask = ask
        self._queue = deque(questions)
        self._width = min(width, len(questions))
        self._grace_s = grace_s
        self._proven = proven
        self._answers: dict[Call, Completion] = {}
        self._news = asyncio.Event()
        self._failure: Exception | None = None
        self._workers: list[asyncio.Task[None]] = []

    async def wait_for(self, calls: Sequence[Call]) -> list[Completion]:
        """The answers to ``calls``; raises the first failure of all questions once nothing is on its way."""
        self._hire()
        try:
            while not all(call in self._answers for call in calls):
                if self._failure is not None:
                    raise self._failure
                self._news.clear()
                await self._news.wait()
        except BaseException:
            await self.drain()
            raise
        return [self._answers[call] for call in calls]

    async def drain(self) -> None:
        """Ask nothing new; what is on its way has the time of grace to be stored, and is cancelled then."""
        self._queue.clear()
        under_way = [worker for worker in self._workers if not worker.done()]
        if not under_way:
            return
        _, late = await asyncio.wait(under_way, timeout=self._grace_s)
        for worker in late:
            worker.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _hire(self) -> None:
        """As many workers as may ask now, while there is something to ask."""
        wanted = self._width if self._proven() else 1
        while self._queue and len(self._workers) < wanted:
            self._workers.append(asyncio.create_task(self._work()))

    async def _work(self) -> None:
        try:
            while self._queue:
                question = self._queue.popleft()
                self._answers[question.call] = await self._ask(question)
                self._news.set()
                self._hire()
        except Exception as error:  # raised by wait_for, where the caller hears it
            self._failure = self._failure or error
            self._queue.clear()
        finally:
            self._news.set()


class _Loop:
    """An event loop for synchronous callers, even if another runs in their thread, as in a notebook."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._task: asyncio.Task[Any] | None = None

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        if not _is_loop_running():
            return self._runner.run(coroutine)
        with ThreadPoolExecutor(1) as thread:
            future = thread.submit(lambda: self._runner.run(self._tracked(coroutine)))
            try:
                return future.result()
            except KeyboardInterrupt:
                self._runner.get_loop().call_soon_threadsafe(self._cancel)
                raise

    def close(self) -> None:
        if not _is_loop_running():
            self._runner.close()
            return
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self._runner.close).result()

    async def _tracked(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        self._task = asyncio.current_task()
        return await coroutine

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _usage(questions: Sequence[_Question], answers: Sequence[Completion], seen: set[Call]) -> Usage:
    """Usage of the questions that are not in ``seen`` yet; adds them to it."""
    usage = Usage()
    for question, answer in zip(questions, answers, strict=True):
        if question.call not in seen:
            seen.add(question.call)
            usage += Usage(1, answer.prompt_tokens, answer.completion_tokens)
    return usage
