"""Writing answers and what is set aside: on the disk before a question is sent, and through a store that is stuck."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from instructzero.calls import database, saver
from instructzero.calls.bounds import bound_of
from instructzero.calls.budget import Budget
from instructzero.calls.limits import Limits
from instructzero.calls.paid import PaidModels, PaidRole
from instructzero.calls.prices import FREE
from instructzero.calls.store import BLACK_BOX, CallStore
from instructzero.errors import EndpointError, RunDirectoryError, TransientError
from instructzero.models.scripted import ScriptedBlackBox
from instructzero.types import Completion, Message, Request, Usage

RUN = "run"


def request(text: str) -> Request:
    return Request((Message("user", text),))


def on_disk(path: Path) -> Usage:
    """Return what is set aside, by a connection of its own."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            rows = connection.execute("SELECT calls, prompt_tokens, completion_tokens FROM set_aside").fetchall()
        except sqlite3.OperationalError:  # no such table yet
            rows = []
    return sum((Usage(*row) for row in rows), Usage())


class Watched(ScriptedBlackBox):
    """Notes for every question what is in flight and what is set aside for it."""

    def __init__(self, path: Path, **options: float) -> None:
        super().__init__(str.upper, concurrency=8, **options)  # type: ignore[arg-type]
        self._path = path
        self.flying = 0
        self.seen: list[tuple[int, int]] = []

    async def complete(self, request: Request) -> Completion:
        self.flying += 1
        self.seen.append((self.flying, on_disk(self._path).calls))
        try:
            return await super().complete(request)
        finally:
            self.flying -= 1


class Desk:
    """Paid models over a store on the disk, with a budget."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "calls.sqlite"
        self.store = CallStore(self.path)
        self.warnings: list[str] = []

    def models(self, box: ScriptedBlackBox, *, calls: int = 1000) -> PaidModels:
        budget = Budget(Limits(calls=calls), prices={BLACK_BOX: FREE})
        return PaidModels({BLACK_BOX: box}, self.store, run=RUN, budget=budget, warn=self.warnings.append)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


async def ask(paid: PaidModels, *texts: str) -> list[str]:
    answers = paid.role(BLACK_BOX).answers
    requests = [request(text) for text in texts]
    found = await asyncio.gather(*(answers.get(answers.call(one), one) for one in requests))
    return [completion.text for completion, _ in found]


def full_disk(role: PaidRole) -> sqlite3.Connection:
    """Fill the disk for the connection that writes the answers, by SQLite's own limit, and return it."""
    connection = role.answers._saver._written._database._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    return connection


def test_question_is_sent_after_it_is_set_aside_on_disk(desk: Desk) -> None:
    box = Watched(desk.path, delay=0.002)
    with desk.models(box) as paid:
        paid.role(BLACK_BOX).run(ask(paid, *map(str, range(60))))
    assert len(box.seen) == 60
    assert all(flying <= kept for flying, kept in box.seen)


def test_nothing_stays_set_aside_after_the_last_answer(desk: Desk) -> None:
    with desk.models(Watched(desk.path)) as paid:
        paid.role(BLACK_BOX).run(ask(paid, "a", "b"))
        assert on_disk(desk.path) == Usage()


def test_nothing_stays_set_aside_after_a_failure(desk: Desk) -> None:
    with desk.models(ScriptedBlackBox(str.upper, fail_after=0)) as paid, pytest.raises(EndpointError):
        paid.role(BLACK_BOX).run(ask(paid, "a"))
    assert on_disk(desk.path) == Usage()
    desk.store.book_set_aside(RUN)
    assert desk.store.spent(RUN) == {}


def test_lost_answer_is_booked_once(desk: Desk) -> None:
    class Losing(ScriptedBlackBox):
        async def complete(self, request: Request) -> Completion:
            raise TransientError("broke", maybe_paid=True)

    with desk.models(Losing(str.upper)) as paid, pytest.raises(EndpointError):
        paid.role(BLACK_BOX).run(ask(paid, "a"))
    desk.store.book_set_aside(RUN)
    assert desk.store.lost(RUN) == {BLACK_BOX: 1}


def test_questions_in_flight_at_a_kill_are_booked_as_lost_once(desk: Desk) -> None:
    """Nothing is closed before the store is opened as after a kill."""
    box = Watched(desk.path, delay=60)
    paid = desk.models(box)
    with paid:
        role = paid.role(BLACK_BOX)

        async def killed() -> dict[str, int]:
            asked = asyncio.create_task(ask(paid, "a", "b", "c"))
            while box.flying < 3:
                await asyncio.sleep(0.001)
            with CallStore(desk.path) as opened:
                opened.book_set_aside(RUN)
                opened.book_set_aside(RUN)
                lost = opened.lost(RUN)
                spent = opened.spent(RUN)[BLACK_BOX]
            assert spent.tokens >= 3 * bound_of(request("a")).tokens
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            return lost

        assert role.run(killed()) == {BLACK_BOX: 4}  # with the slack of one


def test_other_runs_keep_what_they_set_aside(desk: Desk) -> None:
    desk.store.put_many([], run="one", role=BLACK_BOX, set_aside=Usage(2, 20, 30))
    desk.store.put_many([], run="two", role=BLACK_BOX, set_aside=Usage(3, 30, 40))
    desk.store.book_set_aside("one")
    assert desk.store.spent("one") == {BLACK_BOX: Usage(2, 20, 30)}
    assert desk.store.spent("two") == {}
    assert on_disk(desk.path) == Usage(3, 30, 40)


class TestStuckStore:
    """A store that cannot be written for a while."""

    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "_PATIENCE_S", 0.02)
        monkeypatch.setattr(saver, "_PAUSE_S", 0.01)

    def test_locked_store_is_waited_for_and_no_answer_is_lost(self, desk: Desk) -> None:
        box = Watched(desk.path, delay=0.01)
        with desk.models(box) as paid, closing(sqlite3.connect(desk.path, isolation_level=None)) as other:

            async def lock_meanwhile() -> list[str]:
                first = await ask(paid, "a")
                asked = asyncio.create_task(ask(paid, *"bcd"))
                while len(box.seen) < 4:
                    await asyncio.sleep(0.001)
                other.execute("BEGIN IMMEDIATE")
                while not desk.warnings:
                    await asyncio.sleep(0.001)
                late = asyncio.create_task(ask(paid, "e"))
                await asyncio.sleep(0.1)
                assert len(box.seen) == 4  # nothing new is asked meanwhile
                other.execute("ROLLBACK")
                return [*first, *await asked, *await late]

            assert paid.role(BLACK_BOX).run(lock_meanwhile()) == ["A", "B", "C", "D", "E"]
        assert len(desk.store) == desk.store.spent(RUN)[BLACK_BOX].calls == 5
        assert len(desk.warnings) == 1
        assert "locked by another process" in desk.warnings[0]

    def test_full_disk_ends_the_run_after_a_while_and_books_what_was_paid(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(saver, "_PATIENCE_S", 0.05)
        box = Watched(desk.path, delay=0.01)
        with desk.models(box) as paid:
            role = paid.role(BLACK_BOX)
            role.run(ask(paid, "a"))
            full_disk(role)
            with pytest.raises(RunDirectoryError, match="is full"):
                role.run(ask(paid, *(f"{number} {'long ' * 2000}" for number in range(8))))
        assert "is full" in desk.warnings[0]
        asked = len(box.seen)
        desk.store.book_set_aside(RUN)
        assert desk.store.spent(RUN)[BLACK_BOX].calls >= asked

    def test_disk_that_gets_space_again_keeps_all_answers(self, desk: Desk) -> None:
        box = Watched(desk.path, delay=0.01)
        with desk.models(box) as paid:
            role = paid.role(BLACK_BOX)
            role.run(ask(paid, "a"))
            connection = full_disk(role)

            async def free_space() -> list[str]:
                asked = asyncio.create_task(ask(paid, *(f"{number} {'long ' * 2000}" for number in range(8))))
                while not desk.warnings:
                    await asyncio.sleep(0.001)
                connection.execute("PRAGMA max_page_count = 1000000")
                return await asked

            assert len(role.run(free_space())) == 8
        assert len(desk.store) == 9
        assert desk.store.spent(RUN)[BLACK_BOX].calls == 9

    def test_lost_try_on_locked_store_stays_set_aside(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(saver, "_PATIENCE_S", 0.05)
        box = Watched(desk.path, delay=60)
        with closing(sqlite3.connect(desk.path, isolation_level=None)) as other:
            with desk.models(box) as paid:

                async def cancelled() -> None:
                    asked = asyncio.create_task(ask(paid, "a"))
                    while not box.seen:
                        await asyncio.sleep(0.001)
                    other.execute("BEGIN IMMEDIATE")
                    asked.cancel()
                    await asyncio.gather(asked, return_exceptions=True)

                paid.role(BLACK_BOX).run(cancelled())
            other.execute("ROLLBACK")
        desk.store.book_set_aside(RUN)
        assert desk.store.lost(RUN) == {BLACK_BOX: 2}  # with the slack of one

    def test_receiver_of_warnings_that_fails_loses_no_answer(self, desk: Desk) -> None:
        def fail(message: str) -> None:
            desk.warnings.append(message)
            raise RuntimeError("an observer of the user")

        budget = Budget(Limits(calls=10), prices={BLACK_BOX: FREE})
        box = Watched(desk.path, delay=0.01)
        paid = PaidModels({BLACK_BOX: box}, desk.store, run=RUN, budget=budget, warn=fail)
        with paid, closing(sqlite3.connect(desk.path, isolation_level=None)) as other:

            async def lock_meanwhile() -> list[str]:
                asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
                asked = asyncio.create_task(ask(paid, "a"))
                while not box.seen:
                    await asyncio.sleep(0.001)
                other.execute("BEGIN IMMEDIATE")
                while not desk.warnings:
                    await asyncio.sleep(0.001)
                other.execute("ROLLBACK")
                return await asked

            assert paid.role(BLACK_BOX).run(lock_meanwhile()) == ["A"]
        assert desk.store.spent(RUN)[BLACK_BOX].calls == 1
