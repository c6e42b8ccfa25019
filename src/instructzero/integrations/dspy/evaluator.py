"""Scores instructions by running the program with them: every call of its models is a paid answer of the run."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from instructzero.calls.call import Call
from instructzero.calls.paid import PaidRole
from instructzero.integrations.dspy.lm import ProgramModels
from instructzero.integrations.dspy.program import Candidates, Outcome
from instructzero.models.dspy import LMCall
from instructzero.scoring.evaluator import OnAnswer, Scores
from instructzero.scoring.failures import Failures
from instructzero.types import Completion, Evaluation, Example, Finish, Incomplete, Usage

GRACE_S = 5.0
"""Seconds that calls in flight have to finish when a run is interrupted."""


class ProgramEvaluator(Scores):
    """Scores instructions by the runs of a program on examples, several at a time in threads.

    Parameters
    ----------
    role
        The models of the program, with their stored answers.
    models
        The same models, which make the requests.
    candidates
        Runs the program.
    examples
        DSPy's examples by the inputs of those of the task.
    on_answer
        Receives the answers.
    failures
        Counts the examples on which the program fails.
    """

    def __init__(
        self,
        role: PaidRole,
        models: ProgramModels,
        candidates: Candidates,
        examples: Mapping[str, Any],
        *,
        on_answer: OnAnswer,
        failures: Failures,
    ) -> None:
        self._role = role
        self._models = models
        self._candidates = candidates
        self._examples = examples
        self._on_answer = on_answer
        self._failures = failures

    def evaluate(self, instructions: Sequence[str], examples: Sequence[Example]) -> Iterator[Evaluation]:
        """Yield one evaluation per instruction, in order.

        ``usage`` counts the distinct calls of an instruction, also those that another instruction has made as well: it
        must not depend on where a run was interrupted.

        Raises
        ------
        InstructZeroError
            If a call fails for a reason that is none of the example's, whatever the program makes of it.
        """
        for instruction in instructions:
            desk = Desk(self._role, self._models, self._on_answer)
            program = self._candidates.with_instruction(instruction)
            runs = self._role.run(self._runs(desk, program, examples))
            evaluation = _evaluation(runs)
            self._count_failures(examples, evaluation)
            yield evaluation

    def _count_failures(self, examples: Sequence[Example], evaluation: Evaluation) -> None:
        for one in evaluation.incomplete:
            self._failures.add(examples[one.position], one.reason)
        self._failures.check(examples)

    async def _runs(self, desk: Desk, program: Any, examples: Sequence[Example]) -> list[_Run]:
        """Return a run of the program for each example; the first one alone until a model has answered."""
        given = [self._examples[example.input] for example in examples]
        alone = 0 if self._role.answers.proven else 1
        pool = ThreadPoolExecutor(self._role.answers.concurrency, thread_name_prefix="instructzero-program")
        try:
            parts = filter(None, (given[:alone], given[alone:]))
            return [run for part in parts for run in await self._part(desk, pool, program, part)]
        finally:
            pool.shutdown(wait=False)  # a program that was interrupted may go on for a while

    async def _part(self, desk: Desk, pool: ThreadPoolExecutor, program: Any, examples: Sequence[Any]) -> list[_Run]:
        desk.open()
        runs = [_Run(desk, self._candidates, program, example) for example in examples]
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        threads = [loop.run_in_executor(pool, context.copy().run, run.make) for run in runs]
        try:
            await asyncio.wait(threads)
        except BaseException:
            await desk.close(threads)
            raise
        if desk.error is not None:
            raise desk.error
        return runs


class Desk:
    """Takes the calls of programs in threads to the event loop of the paid models.

    Attributes
    ----------
    error
        The first error of a call that ends the run, or of the metric; after it, no call is asked any more.
    """

    def __init__(self, role: PaidRole, models: ProgramModels, on_answer: OnAnswer) -> None:
        self.error: Exception | None = None
        self._answers = role.answers
        self._models = models
        self._on_answer = on_answer
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def open(self) -> None:
        """Take calls to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def ask(self, call: LMCall, note: Callable[[Call, Completion], None]) -> Future[Completion]:
        """Return the future answer to a call; ``note`` receives it with its key in the store."""
        if self.error is not None or self._loop is None:
            raise self.error or RuntimeError("expected a call during the run of a program, got one after it")
        return asyncio.run_coroutine_threadsafe(self._answer(call, note), self._loop)

    def stop(self, error: Exception) -> None:
        """Ask nothing more, because of an error."""
        self.error = self.error or error

    async def close(self, threads: Sequence[asyncio.Future[Any]]) -> None:
        """Stop for an interrupt: calls in flight have a few seconds, and the ``threads`` end then."""
        self.stop(InterruptedError("the run was interrupted"))
        _, running = await asyncio.wait(threads, timeout=GRACE_S)
        for task in self._tasks:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=GRACE_S)

    async def _answer(self, lm_call: LMCall, note: Callable[[Call, Completion], None]) -> Completion:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        request = self._models.request(lm_call)
        call = self._answers.call(request)
        try:
            completion, cached = await self._answers.get(call, request)
        except Exception as error:
            self.stop(error)
            raise
        finally:
            self._tasks.discard(task)
        self._models.forget(request)
        note(call, completion)
        self._on_answer(request, completion, cached)
        return completion


class _Run:
    """One run of a program on one example, in a thread; it is the account of the program's calls."""

    def __init__(self, desk: Desk, candidates: Candidates, program: Any, example: Any) -> None:
        self.outcome = Outcome()
        self.calls: dict[Call, Completion] = {}
        self._desk = desk
        self._candidates = candidates
        self._program = program
        self._example = example

    def make(self) -> None:
        """Run the program; an error that ends everything is kept by the desk."""
        if self._desk.error is not None:
            return
        try:
            self.outcome = self._candidates.run(self._program, self._example, self)
        except Exception as error:  # nobody else sees it
            self._desk.stop(error)

    def ask(self, call: LMCall) -> Future[Completion]:
        """Ask a call of the program."""
        return self._desk.ask(call, self.calls.__setitem__)


def _evaluation(runs: Sequence[_Run]) -> Evaluation:
    calls = {call: completion for run in runs for call, completion in run.calls.items()}
    outcomes = [run.outcome for run in runs]
    failed = [(position, one) for position, one in enumerate(outcomes) if one.failure]
    return Evaluation(
        scores=tuple(one.grade.score for one in outcomes),
        predictions=tuple(one.text for one in outcomes),
        usage=sum((completion.usage for completion in calls.values()), Usage()),
        incomplete=tuple(Incomplete(position, Finish.FAILED, one.failure) for position, one in failed),
        remarks=tuple(one.grade.remark for one in outcomes),
    )
