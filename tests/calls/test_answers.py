"""Answers of one model: asked once, on the disk before they are returned, and booked to the payer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from instructzero.calls.answers import Answers
from instructzero.calls.asker import Asker
from instructzero.calls.bounds import bound_of
from instructzero.calls.store import CallStore
from instructzero.errors import EndpointError, RunDirectoryError
from instructzero.models.callable import CallableBlackBox
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.protocols import BlackBox
from instructzero.types import Completion, Message, Request, Usage

Value = TypeVar("Value")


def request(text: str) -> Request:
    return Request((Message("user", text),))


def shout(prompt: str) -> str:
    return prompt.upper()


class Desk:
    """Answers over a store on the disk; ``use`` runs a coroutine with them and closes them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "calls.sqlite"
        self.store = CallStore(self.path)

    def use(self, box: BlackBox, work: Callable[[Answers], Awaitable[Value]], **options: Any) -> Value:
        async def working() -> Value:
            answers = Answers(Asker.of(box), self.store, **options)
            try:
                return await work(answers)
            finally:
                await answers.close()

        return asyncio.run(working())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


async def get(answers: Answers, text: str) -> tuple[str, bool]:
    asked = request(text)
    completion, cached = await answers.get(answers.call(asked), asked)
    return completion.text, cached


async def get_all(answers: Answers, *texts: str) -> list[tuple[str, bool]]:
    return await asyncio.gather(*(get(answers, text) for text in texts))


def test_get_of_same_call_twice_asks_once(desk: Desk) -> None:
    box = ScriptedBlackBox(shout, delay=0.01)
    found = desk.use(box, lambda answers: get_all(answers, "a", "b", "a", "a"))
    assert found == [("A", False), ("B", False), ("A", True), ("A", True)]
    assert box.calls == {"a": 1, "b": 1}


def test_get_of_stored_answer_asks_nothing(desk: Desk) -> None:
    desk.use(ScriptedBlackBox(shout), lambda answers: get(answers, "a"))
    again = ScriptedBlackBox(shout)
    assert desk.use(again, lambda answers: get(answers, "a")) == ("A", True)
    assert again.calls.total() == 0


def test_get_with_other_model_does_not_reuse_answers(desk: Desk) -> None:
    desk.use(ScriptedBlackBox(shout), lambda answers: get(answers, "a"))
    other = ScriptedBlackBox(lambda prompt: "other", name="other")
    assert desk.use(other, lambda answers: get(answers, "a")) == ("other", False)


def test_failure_raises_in_all_waiters_and_next_get_asks_again(desk: Desk) -> None:
    class Once(ScriptedBlackBox):
        """Fails at the first question, while others wait for the same answer."""

        async def complete(self, request: Request) -> Completion:
            await asyncio.sleep(0.01)
            if not self.calls:
                self.calls["failed"] += 1
                raise EndpointError("broke down")
            return await super().complete(request)

    async def work(answers: Answers) -> list[object]:
        failed = await asyncio.gather(*(get(answers, "a") for _ in range(3)), return_exceptions=True)
        return [*failed, answers.proven, await get(answers, "a"), answers.proven]

    box = Once(shout)
    *failures, before, answer, after = desk.use(box, work)
    assert [type(each) for each in failures] == [EndpointError] * 3
    assert (before, answer, after) == (False, ("A", False), True)
    assert box.calls == {"failed": 1, "a": 1}
    assert len(desk.store) == 1


def test_cancelled_question_cancels_its_waiters(desk: Desk) -> None:
    async def work(answers: Answers) -> list[object]:
        first = asyncio.create_task(get(answers, "a"))
        second = asyncio.create_task(get(answers, "a"))
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 5)

    found = desk.use(ScriptedBlackBox(shout, delay=30), work)
    assert [type(each) for each in found] == [asyncio.CancelledError] * 2


def test_cancelled_waiter_does_not_disturb_other_waiters(desk: Desk) -> None:
    async def work(answers: Answers) -> list[object]:
        tasks = [asyncio.create_task(get(answers, "a")) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, left, third = desk.use(ScriptedBlackBox(shout, delay=0.01), work)
    assert (first, third) == (("A", False), ("A", True))
    assert isinstance(left, asyncio.CancelledError)


def test_get_returns_after_answer_is_on_disk(desk: Desk) -> None:
    async def work(answers: Answers) -> list[int]:
        counts = []
        for text in "abc":
            await get(answers, text)
            with CallStore(desk.path) as other:
                counts.append(len(other))
        return counts

    assert desk.use(ScriptedBlackBox(shout), work) == [1, 2, 3]


def test_roles_book_their_usage_to_their_run(desk: Desk) -> None:
    desk.use(ScriptedBlackBox(shout), lambda answers: get_all(answers, "a b", "c"), run="one")
    desk.use(ScriptedBlackBox(shout, name="grader"), lambda answers: get(answers, "d"), run="one", role="judge")
    desk.use(ScriptedBlackBox(shout), lambda answers: get_all(answers, "a b", "e"), run="two")
    assert desk.store.spent("one") == {"black box": Usage(2, 3, 3), "judge": Usage(1, 1, 1)}
    assert desk.store.spent("two") == {"black box": Usage(1, 1, 1)}
    assert desk.store.spent("three") == {}


def test_answer_without_token_counts_is_booked_at_its_bound(desk: Desk) -> None:
    desk.use(CallableBlackBox(shout, "shout"), lambda answers: get(answers, "a"), run="one")
    assert desk.store.spent("one") == {"black box": bound_of(request("a"))}


def test_failed_question_is_not_booked(desk: Desk) -> None:
    with pytest.raises(EndpointError):
        desk.use(ScriptedBlackBox(shout, fail_after=0), lambda answers: get(answers, "a"), run="one")
    assert desk.store.spent("one") == {}


def test_failed_write_raises_in_all_waiters(desk: Desk) -> None:
    connection = sqlite3.connect(desk.path)
    connection.execute("CREATE TRIGGER full BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'full'); END")
    connection.close()

    async def work(answers: Answers) -> list[object]:
        return await asyncio.gather(*(get(answers, text) for text in "aab"), return_exceptions=True)

    found = desk.use(ScriptedBlackBox(shout), work, run="one")
    assert [type(each) for each in found] == [RunDirectoryError] * 3
    assert desk.store.spent("one") == {}


def test_get_waits_for_other_process_and_pays_nothing(desk: Desk) -> None:
    """The test itself holds the claim of the other process."""
    asked = request("a")

    async def work(answers: Answers) -> tuple[str, bool]:
        call = answers.call(asked)
        assert desk.store.claim(call)
        mine = asyncio.create_task(get(answers, "a"))
        await asyncio.sleep(0.05)
        assert not mine.done()
        desk.store.put(call, Completion("from elsewhere"), run="other")
        desk.store.release(call)
        return await mine

    box = ScriptedBlackBox(shout)
    assert desk.use(box, work, run="one", shared=True) == ("from elsewhere", True)
    assert box.calls.total() == 0
    assert desk.store.spent("one") == {}


def test_claim_is_released_after_cancellation(desk: Desk) -> None:
    async def work(answers: Answers) -> bool:
        task = asyncio.create_task(get(answers, "a"))
        await asyncio.sleep(0)
        assert not desk.store.claim(answers.call(request("a")))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return desk.store.claim(answers.call(request("a")))

    assert desk.use(ScriptedBlackBox(shout, delay=30), work, shared=True)


def test_claim_is_held_until_the_answer_is_on_disk(desk: Desk) -> None:
    async def work(answers: Answers) -> tuple[str, bool]:
        task = asyncio.create_task(get(answers, "a"))
        call = answers.call(request("a"))
        await asyncio.sleep(0)
        while not task.done():
            if desk.store.claim(call):
                assert desk.store.get(call) is not None
                desk.store.release(call)
            await asyncio.sleep(0)
        return await task

    assert desk.use(ScriptedBlackBox(shout, delay=0.01), work, shared=True) == ("A", False)


def test_claim_is_released_after_failure(desk: Desk) -> None:
    async def work(answers: Answers) -> bool:
        with pytest.raises(EndpointError):
            await get(answers, "a")
        return desk.store.claim(answers.call(request("a")))

    assert desk.use(ScriptedBlackBox(shout, fail_after=0), work, shared=True)
