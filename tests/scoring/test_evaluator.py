"""Evaluations: aligned results, usage, stored answers, and what is kept after failures and interrupts."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from instructzero.calls.store import CallStore
from instructzero.errors import EndpointError, ModelError, RunDirectoryError, TaskError
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.protocols import BlackBox
from instructzero.scoring.evaluator import Evaluator
from instructzero.types import Completion, Evaluation, Example, Message, Request, Usage

EXAMPLES = [Example(f"word{number}", (f"WORD{number}",)) for number in range(6)]
Make = Callable[..., Evaluator]


def render(instruction: str, example: Example) -> tuple[Message, ...]:
    return (Message("user", f"{instruction}|{example.input}"),)


def upper_if_told(prompt: str) -> str:
    instruction, _, text = prompt.partition("|")
    return text.upper() if instruction.startswith("upper") else text


def exact(prediction: str, answers: Sequence[str]) -> float:
    return float(prediction in answers)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def build(box: BlackBox | None = None, **options: Any) -> Evaluator:
            store = stack.enter_context(CallStore(tmp_path / "calls.sqlite"))
            box, metric = box or ScriptedBlackBox(upper_if_told), options.pop("metric", exact)
            return stack.enter_context(Evaluator.of(box, store, metric, render=render, **options))

        yield build


def stored(tmp_path: Path) -> int:
    with CallStore(tmp_path / "calls.sqlite") as store:
        return len(store)


class Uneven(ScriptedBlackBox):
    """Answer early questions last, so that answers arrive in reverse order."""

    async def complete(self, request: Request) -> Completion:
        await asyncio.sleep(0.02 / (1 + self.calls.total()))
        return await super().complete(request)


def test_evaluate_aligns_scores_and_predictions_with_examples(make: Make) -> None:
    upper, plain = make(Uneven(upper_if_told)).evaluate(["upper", "plain"], EXAMPLES)
    assert upper.predictions == tuple(example.outputs[0] for example in EXAMPLES)
    assert upper.scores == (1.0,) * 6
    assert plain.predictions == tuple(example.input for example in EXAMPLES)
    assert plain.scores == (0.0,) * 6


class Gated(ScriptedBlackBox):
    """A black box that answers only the first instruction before the gate opens."""

    def __init__(self) -> None:
        super().__init__(upper_if_told)
        self.gate = asyncio.Event()

    async def complete(self, request: Request) -> Completion:
        if not request.messages[0].content.startswith("upper"):
            await self.gate.wait()
        return await super().complete(request)


def test_evaluate_yields_in_order_as_soon_as_complete(make: Make, tmp_path: Path) -> None:
    box = Gated()
    results = make(box).evaluate(["upper", "b", "c"], EXAMPLES)
    assert next(results).mean == 1.0
    assert stored(tmp_path) == 6
    box.gate.set()
    assert [result.mean for result in results] == [0.0, 0.0]


def test_evaluate_asks_same_question_once(make: Make) -> None:
    box = ScriptedBlackBox(upper_if_told, delay=0.001)
    twice = [*EXAMPLES, EXAMPLES[0]]
    first, second = make(box).evaluate(["upper", "upper"], twice)
    assert set(box.calls.values()) == {1}
    assert first.usage == Usage(6, 6, 6)
    assert second.usage == Usage()
    assert first.scores == second.scores == (1.0,) * 7


def test_usage_does_not_depend_on_cached_answers(make: Make) -> None:
    fresh = list(make().evaluate(["upper", "plain"], EXAMPLES))
    box = ScriptedBlackBox(upper_if_told)
    again = list(make(box).evaluate(["upper", "plain"], EXAMPLES))
    assert again == fresh
    assert box.calls.total() == 0


def test_on_answer_receives_every_answer_with_its_origin(make: Make) -> None:
    received: list[tuple[str, bool]] = []
    listen = {"on_answer": lambda request, completion, cached: received.append((completion.text, cached))}
    evaluator = make(**listen)
    list(evaluator.evaluate(["upper"], EXAMPLES[:2]))
    list(evaluator.evaluate(["upper"], [*EXAMPLES[:3], EXAMPLES[2]]))
    assert sorted(received[:2]) == [("WORD0", False), ("WORD1", False)]
    assert sorted(received[2:]) == [("WORD0", True), ("WORD1", True), ("WORD2", False), ("WORD2", True)]


def test_answer_is_on_disk_before_on_answer_is_called(make: Make, tmp_path: Path) -> None:
    counts: list[int] = []
    evaluator = make(
        ScriptedBlackBox(upper_if_told, concurrency=1), on_answer=lambda *_: counts.append(stored(tmp_path))
    )
    list(evaluator.evaluate(["upper"], EXAMPLES))
    assert [count >= received for received, count in enumerate(counts, start=1)] == [True] * 6


def test_evaluate_reaches_concurrency_across_instructions(make: Make) -> None:
    box = ScriptedBlackBox(upper_if_told, delay=0.01, concurrency=10)
    list(make(box).evaluate([f"upper{number}" for number in range(10)], EXAMPLES))
    assert box.most_in_flight == 10


def test_resume_after_endpoint_failure_repeats_no_call(make: Make, tmp_path: Path) -> None:
    box = ScriptedBlackBox(upper_if_told, fail_after=8, concurrency=3, delay=0.001)
    results = make(box).evaluate(["upper", "plain"], EXAMPLES)
    assert next(results).mean == 1.0
    with pytest.raises(EndpointError, match="resume later"):
        next(results)
    assert stored(tmp_path) == 8
    repaired = ScriptedBlackBox(upper_if_told)
    assert [result.mean for result in make(repaired).evaluate(["upper", "plain"], EXAMPLES)] == [1.0, 0.0]
    assert repaired.calls.total() == 4


class FirstFails(ScriptedBlackBox):
    """Fail the first question soon, answer the last at once and the others after ``delay`` seconds."""

    async def complete(self, request: Request) -> Completion:
        if request.messages[0].content.endswith("word0"):
            await asyncio.sleep(0.01)
            raise ModelError("no such model")
        if request.messages[0].content.endswith("word5"):
            return Completion("WORD5")
        return await super().complete(request)


def proven(evaluator: Evaluator) -> Evaluator:
    """Return the evaluator after its black box has answered the last question."""
    list(evaluator.evaluate(["upper"], EXAMPLES[-1:]))
    return evaluator


def test_first_question_is_asked_alone(make: Make, tmp_path: Path) -> None:
    box = FirstFails(upper_if_told, delay=0.05, concurrency=4)
    with pytest.raises(ModelError, match="no such model"):
        list(make(box).evaluate(["upper"], EXAMPLES))
    assert box.calls.total() == stored(tmp_path) == 0


def test_failure_keeps_answers_in_flight(make: Make, tmp_path: Path) -> None:
    box = FirstFails(upper_if_told, delay=0.05, concurrency=4)
    with pytest.raises(ModelError, match="no such model"):
        list(proven(make(box)).evaluate(["upper"], EXAMPLES))
    assert box.calls.total() == 3
    assert stored(tmp_path) == 4


def test_wait_for_answers_in_flight_is_bounded(make: Make, tmp_path: Path) -> None:
    box = FirstFails(upper_if_told, delay=30, concurrency=4)
    evaluator = proven(make(box, grace_s=0.05))
    start = time.monotonic()
    with pytest.raises(ModelError):
        list(evaluator.evaluate(["upper"], EXAMPLES))
    assert time.monotonic() - start < 5
    assert box.calls.total() == 3
    assert stored(tmp_path) == 1


@pytest.mark.usefixtures("ctrl_c")
def test_interrupt_keeps_answers_in_flight(make: Make, tmp_path: Path) -> None:
    box = ScriptedBlackBox(upper_if_told, delay=0.3, concurrency=4)
    evaluator = proven(make(box))
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        list(evaluator.evaluate(["upper"], EXAMPLES))
    timer.join()
    assert box.calls.total() == stored(tmp_path) == 5


def test_unread_results_do_not_block_next_evaluation(make: Make, tmp_path: Path) -> None:
    box = ScriptedBlackBox(upper_if_told, concurrency=2, delay=0.001)
    evaluator = make(box)
    results = evaluator.evaluate(["upper", "b", "c"], EXAMPLES)
    next(results)
    assert next(evaluator.evaluate(["plain"], EXAMPLES)).mean == 0.0
    assert box.calls.total() == stored(tmp_path)


def test_broken_store_raises(make: Make) -> None:
    evaluator = make()
    evaluator._answers._saver._written._database._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(RunDirectoryError):
        list(evaluator.evaluate(["upper"], EXAMPLES))


@pytest.mark.parametrize("score", [None, float("nan"), 1.5, -0.1, "1"])
def test_metric_without_score_raises(make: Make, score: object) -> None:
    with pytest.raises(TaskError, match=r"expected a score in \[0, 1\]"):
        list(make(metric=lambda *_: score).evaluate(["upper"], EXAMPLES))


def test_max_tokens_and_temperature_reach_black_box(make: Make) -> None:
    received: list[Request] = []
    evaluator = make(max_tokens=9, temperature=0.5, on_answer=lambda request, *_: received.append(request))
    list(evaluator.evaluate(["upper"], EXAMPLES[:1]))
    assert received == [Request(render("upper", EXAMPLES[0]), 9, 0.5)]


def test_evaluate_without_instructions_yields_nothing(make: Make) -> None:
    assert list(make().evaluate([], EXAMPLES)) == []


def test_evaluate_works_inside_running_loop(make: Make) -> None:
    async def notebook() -> list[Evaluation]:
        evaluator = make()
        return [*evaluator.evaluate(["upper"], EXAMPLES), *evaluator.evaluate(["plain"], EXAMPLES)]

    assert [result.mean for result in asyncio.run(notebook())] == [1.0, 0.0]


def test_all_rounds_share_one_event_loop(make: Make) -> None:
    loops: set[int] = set()

    class Watched(ScriptedBlackBox):
        async def complete(self, request: Request) -> Completion:
            loops.add(id(asyncio.get_running_loop()))
            return await super().complete(request)

    evaluator = make(Watched(upper_if_told))
    for instruction in ("upper", "b", "c"):
        list(evaluator.evaluate([instruction], EXAMPLES))
    assert len(loops) == 1
