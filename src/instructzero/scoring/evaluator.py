"""Instructions become aligned scores: a question is asked once, and an answer is kept before it is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from instructzero.calls.answers import Answers
from instructzero.calls.asker import Asker
from instructzero.calls.fan_out import Arrived, Session
from instructzero.calls.store import Call, CallStore
from instructzero.models.event_loop import EventLoop
from instructzero.protocols import BlackBox
from instructzero.scoring.scorers import Metric, MetricScorer, Scorer
from instructzero.types import Completion, Evaluation, Example, Message, Request, Usage

Render = Callable[[str, str], tuple[Message, ...]]
OnAnswer = Callable[[Request, Completion, bool], None]


@dataclass(frozen=True, slots=True)
class _Question:
    call: Call
    request: Request
    example: Example


@dataclass(frozen=True, slots=True)
class _Graded:
    completion: Completion
    score: float


class Evaluator:
    """Scores instructions on examples. Closing it closes the models, the store and the event loop that they live in.

    ``render(instruction, input)`` makes the messages. ``on_answer(request, completion, cached)`` is heard once for each
    pair of instruction and example; ``cached`` is False only for an answer that was paid just now. ``grace_s``: after a
    failure or an interrupt nothing new is asked, and questions that are on their way get so many seconds to come back,
    because they are paid for. ``likelihood``: ask how likely a local model finds the accepted answers.

    >>> from instructzero.models.scripted import ScriptedBlackBox, echo
    >>> evaluator = Evaluator.of(
    ...     ScriptedBlackBox(echo),
    ...     CallStore(":memory:"),
    ...     lambda prediction, answers: float(prediction in answers),
    ...     render=lambda instruction, text: (Message("user", f"{instruction} Input: {text}"),),
    ... )
    >>> examples = [Example("cat", ("cat",)), Example("dog", ("hound",))]
    >>> [evaluation.scores for evaluation in evaluator.evaluate(["Repeat."], examples)]
    [(1.0, 0.0)]
    >>> evaluator.close()
    """

    def __init__(
        self,
        answers: Answers,
        store: CallStore,
        scorer: Scorer,
        *,
        render: Render,
        max_tokens: int = 256,
        temperature: float = 0.0,
        likelihood: bool = False,
        on_answer: OnAnswer | None = None,
        grace_s: float = 5.0,
        loop: EventLoop | None = None,
    ) -> None:
        self._answers = answers
        self._store = store
        self._scorer = scorer
        self._render = render
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._likelihood = likelihood
        self._on_answer = on_answer
        self._grace_s = grace_s
        self._session: Session[_Question, _Graded] | None = None
        # One event loop for life, so that the models' connections stay open from round to round.
        self._loop = EventLoop() if loop is None else loop

    @classmethod
    def of(cls, blackbox: BlackBox, store: CallStore, metric: Metric, *, render: Render, **options: Any) -> Evaluator:
        """A black box asked without retries or a budget, and a metric."""
        return cls(Answers(Asker.of(blackbox), store), store, MetricScorer(metric), render=render, **options)

    def evaluate(self, instructions: Sequence[str], examples: Sequence[Example]) -> Iterator[Evaluation]:
        """One evaluation for each instruction, in order, each as soon as it is complete.

        ``scores[i]`` and ``predictions[i]`` belong to ``examples[i]``. ``usage`` counts the distinct
        questions of an instruction that no earlier instruction of this call has asked, whether or not the
        store knew the answer, so that a resumed run counts like an uninterrupted one. Questions of all
        instructions are in flight together.
        """
        table = [[self._question(instruction, example) for example in examples] for instruction in instructions]
        seen: set[Call] = set()
        for questions, graded in zip(table, self._graded(table), strict=True):
            usage = _usage(questions, [each.completion for each in graded], seen)
            predictions = tuple(each.completion.text for each in graded)
            yield Evaluation(tuple(each.score for each in graded), predictions, usage)

    def close(self) -> None:
        """Wait briefly for what is on its way, then free the models and the store."""
        try:
            self._end_session()
            self._loop.run(self._answers.close())
            self._loop.run(self._scorer.close())
        finally:
            self._loop.close()
            self._store.close()

    def _question(self, instruction: str, example: Example) -> _Question:
        request = Request(
            self._render(instruction, example.input),
            self._max_tokens,
            self._temperature,
            example.outputs if self._likelihood else (),
        )
        return _Question(self._answers.call(request), request, example)

    def _graded(self, table: Sequence[Sequence[_Question]]) -> Iterator[list[_Graded]]:
        """The answers to each row of questions with their scores, once they are all there; all rows go together."""
        self._end_session()
        questions = [question for row in table for question in row]
        counts = Counter(question.call for question in questions)
        distinct = list({question.call: question for question in questions}.values())
        self._answers.look_up([question.call for question in distinct])

        async def ask(question: _Question, arrived: Arrived) -> _Graded:
            return await self._ask(question, counts[question.call], arrived)

        self._session = session = Session(
            ask, distinct, self._answers.concurrency, self._grace_s, lambda: self._answers.proven
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

    async def _ask(self, question: _Question, times: int, arrived: Arrived) -> _Graded:
        """The answer and its score; whoever listens hears of it once for each of the ``times`` it is needed."""
        completion, cached = await self._answers.get(question.call, question.request, arrived)
        if self._on_answer is not None:
            for time in range(times):
                self._on_answer(question.request, completion, cached or time > 0)
        return _Graded(completion, await self._scorer.score(question.example, completion.text))


def _usage(questions: Sequence[_Question], answers: Sequence[Completion], seen: set[Call]) -> Usage:
    """Usage of the questions that are not in ``seen`` yet; adds them to it."""
    usage = Usage()
    for question, answer in zip(questions, answers, strict=True):
        if question.call not in seen:
            seen.add(question.call)
            usage += Usage(1, answer.prompt_tokens, answer.completion_tokens)
    return usage
