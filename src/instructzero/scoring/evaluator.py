"""Scores instructions on examples: every question is asked once, and its answer is stored before it is used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, Protocol

from instructzero.calls.call import Call
from instructzero.calls.paid import PaidModels, PaidRole
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.protocols import BlackBox
from instructzero.scoring.failures import Failures
from instructzero.scoring.scorers import MetricScorer, Scorer
from instructzero.tasks.answers.forms import without_thoughts
from instructzero.tasks.metric import Grade, ScoreFunction
from instructzero.types import Completion, Evaluation, Example, Finish, Incomplete, Message, Request, Usage

Render = Callable[[str, Example], tuple[Message, ...]]
"""A function (instruction, example) -> messages for the black box."""

OnAnswer = Callable[[Request, Completion, bool], None]
"""A function (request, completion, cached) that receives the answers."""


class Scores(Protocol):
    """Scores instructions on examples. `Evaluator` asks the black box one question for each example."""

    def evaluate(self, instructions: Sequence[str], examples: Sequence[Example]) -> Iterator[Evaluation]:
        """Yield one evaluation per instruction, in order, as soon as it is complete; see `Evaluator.evaluate`."""
        ...


class _Question(NamedTuple):
    call: Call
    request: Request
    example: Example


class _Graded(NamedTuple):
    completion: Completion
    grade: Grade


class Evaluator(Scores):
    """Scores instructions on examples with the black box. Closes nothing: its model belongs to `PaidModels`.

    Parameters
    ----------
    role
        The black box, with its stored answers.
    scorer
        Scores one answer against the accepted answers.
    render
        ``render(instruction, example)`` returns the messages of a question.
    max_tokens, temperature
        The maximum length of an answer in tokens, and the sampling temperature.
    likelihood
        Ask a local model for the likelihood of the accepted answers instead of a text.
    on_answer
        ``on_answer(request, completion, cached)`` is called once for every pair of instruction and example; ``cached``
        is False only for an answer that was just paid for.
    failures
        Counts the examples that get no answer and limits their number; None is no limit. Such an example scores 0.

    >>> from instructzero.models.scripted import ScriptedBlackBox, echo
    >>> examples = [Example("cat", ("cat",)), Example("dog", ("hound",))]
    >>> with CallStore(":memory:") as store, Evaluator.of(
    ...     ScriptedBlackBox(echo),
    ...     store,
    ...     lambda prediction, answers: float(prediction in answers),
    ...     render=lambda instruction, example: (Message("user", f"{instruction} Input: {example.input}"),),
    ... ) as evaluator:
    ...     [evaluation.scores for evaluation in evaluator.evaluate(["Repeat."], examples)]
    [(1.0, 0.0)]
    """

    def __init__(
        self,
        role: PaidRole,
        scorer: Scorer,
        *,
        render: Render,
        max_tokens: int = 256,
        temperature: float = 0.0,
        likelihood: bool = False,
        on_answer: OnAnswer | None = None,
        failures: Failures | None = None,
    ) -> None:
        self._role = role
        self._answers = role.answers
        self._scorer = scorer
        self._render = render
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._likelihood = likelihood
        self._on_answer = on_answer
        self._failures = failures or Failures(1.0, (), ())

    @classmethod
    @contextmanager
    def of(
        cls,
        blackbox: BlackBox,
        store: CallStore,
        metric: ScoreFunction,
        *,
        render: Render,
        grace_s: float | None = None,
        **options: Any,
    ) -> Iterator[Evaluator]:
        """Yield an evaluator of a black box and a metric, without retries or a budget; close the black box at the end.

        ``grace_s`` is that of `PaidModels`; ``options`` are those of the constructor. The store stays open.
        """
        with PaidModels({BLACK_BOX: blackbox}, store, grace_s=grace_s) as paid:
            yield cls(paid.role(BLACK_BOX), MetricScorer(metric), render=render, **options)

    def evaluate(self, instructions: Sequence[str], examples: Sequence[Example]) -> Iterator[Evaluation]:
        """Yield one evaluation per instruction, in order, as soon as it is complete.

        ``scores[i]`` and ``predictions[i]`` belong to ``examples[i]``. ``usage`` counts the distinct questions of an
        instruction that no earlier instruction of this call has asked. Cached answers count too, so that a resumed run
        has the same usage as an uninterrupted one. The questions of all instructions are asked concurrently.

        Raises
        ------
        TooManyFailures
            If more examples get no answer than ``failures`` accepts.
        """
        table = [[self._question(instruction, example) for example in examples] for instruction in instructions]
        seen: set[Call] = set()
        for questions, graded in zip(table, self._graded(table), strict=True):
            usage = _usage(questions, [result.completion for result in graded], seen)
            predictions = tuple(result.completion.text for result in graded)
            self._failures.check(examples)
            yield Evaluation(
                scores=tuple(result.grade.score for result in graded),
                predictions=predictions,
                usage=usage,
                incomplete=_incomplete(graded),
                outcomes=self._scorer.outcomes(predictions, examples),
                remarks=tuple(result.grade.remark for result in graded),
            )

    def _question(self, instruction: str, example: Example) -> _Question:
        request = Request(
            self._render(instruction, example),
            self._max_tokens,
            self._temperature,
            example.outputs if self._likelihood else (),
        )
        return _Question(self._answers.call(request), request, example)

    def _graded(self, table: Sequence[Sequence[_Question]]) -> Iterator[list[_Graded]]:
        """Yield the answers to each row of questions with their scores; the rows are asked concurrently."""
        self._role.stop()
        questions = [question for row in table for question in row]
        counts = Counter(question.call for question in questions)
        distinct = list({question.call: question for question in questions}.values())
        self._answers.look_up([question.call for question in distinct])

        batch = self._role.batch(partial(self._grade, counts), distinct)
        try:
            for row in table:
                calls = [question.call for question in row]
                yield batch.results_of(calls) or self._role.run(batch.wait_for(calls))
        finally:
            self._role.stop(batch)

    def _grade(
        self, counts: Mapping[Call, int], question: _Question, stored: Completion, cached: bool
    ) -> _Graded | Coroutine[Any, Any, _Graded]:
        """Return the answer and its score; report the answer as often as it is needed."""
        completion = _beyond_thoughts(stored)
        if self._on_answer is not None:
            for time in range(counts[question.call]):
                self._on_answer(question.request, completion, cached or time > 0)
        if completion.finish is Finish.FAILED:
            self._failures.add(question.example, completion.reason)
        if completion.reason:
            return _Graded(completion, Grade(0.0))
        grade = self._scorer.grade(question.example, completion)
        return _Graded(completion, grade) if isinstance(grade, Grade) else _graded(completion, grade)


async def _graded(completion: Completion, grade: Awaitable[Grade]) -> _Graded:
    return _Graded(completion, await grade)


def _beyond_thoughts(completion: Completion) -> Completion:
    """Return the same answer; if it ended within or after its thoughts, it is an empty one, whatever its text."""
    if without_thoughts(completion.text).strip():
        return completion
    return replace(completion, finish=replace(completion, text="").finish)


def _incomplete(graded: Sequence[_Graded]) -> tuple[Incomplete, ...]:
    answers = enumerate(result.completion for result in graded)
    return tuple(
        Incomplete(position, answer.finish, answer.reason)
        for position, answer in answers
        if answer.finish is not Finish.COMPLETE
    )


def _usage(questions: Sequence[_Question], answers: Sequence[Completion], seen: set[Call]) -> Usage:
    """Return the usage of the questions that are not in ``seen`` yet, and add them to it."""
    calls = prompt = completion = 0
    for question, answer in zip(questions, answers, strict=True):
        if question.call not in seen:
            seen.add(question.call)
            calls += 1
            prompt += answer.prompt_tokens
            completion += answer.completion_tokens
    return Usage(calls, prompt, completion)
