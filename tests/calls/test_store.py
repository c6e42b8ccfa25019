from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from instructzero.calls.call import Call
from instructzero.calls.store import BLACK_BOX, JUDGE, CallStore
from instructzero.errors import RunDirectoryError
from instructzero.types import Completion, Finish, Message, Request, Usage

IDENTITY = {"backend": "test", "model": "m"}


def request(text: str) -> Request:
    return Request((Message("user", text),), max_tokens=5)


def call(text: str) -> Call:
    return Call.of(IDENTITY, request(text))


def test_put_then_get_returns_the_answer(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.get(call("a")) is None
        store.put(call("a"), Completion("ü \ud800 \0 \n", 3, 4))
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.get(call("a")) == Completion("ü \ud800 \0 \n", 3, 4)
        assert len(store) == 1


def test_get_many_returns_all_stored_answers() -> None:
    calls = [call(str(number)) for number in range(1200)]
    with CallStore(":memory:") as store:
        store.put_many([(each, Completion(str(number))) for number, each in enumerate(calls) if number % 2])
        found = store.get_many(calls)
    assert found == {each: Completion(str(number)) for number, each in enumerate(calls) if number % 2}


def test_call_key_depends_on_identity_and_request() -> None:
    calls = [
        call("a"),
        call("b"),
        Call.of({**IDENTITY, "model": "n"}, request("a")),
        Call.of(IDENTITY, Request(request("a").messages, max_tokens=6)),
        Call.of(IDENTITY, Request(request("a").messages, max_tokens=5, temperature=0.5)),
    ]
    assert len({each.key for each in calls}) == len(calls)
    assert Call.of(dict(reversed(IDENTITY.items())), request("a")) == call("a")
    assert call("a").key == "7297a3dcd3033b79594166810a19b7bcafeabee2412180ecbd5b86fad05334d4"


@pytest.mark.parametrize("later", [{"answers": ("yes", "no")}, {"seed": 0}, {"seed": 7}])
def test_optional_request_fields_change_only_keys_that_use_them(later: dict[str, Any]) -> None:
    asked = Request(request("a").messages, max_tokens=5, **later)
    assert Call.of(IDENTITY, asked) != call("a")
    with CallStore(":memory:") as store:
        store.put(Call.of(IDENTITY, asked), Completion("0.5"))
        store.put(call("a"), Completion("A"))
        assert [each.request for each in store.export()] == [asked, request("a")]


def test_put_of_second_answer_keeps_the_first(tmp_path: Path) -> None:
    store = CallStore(tmp_path / "calls.sqlite")
    assert store.put(call("a"), Completion("first")).text == "first"
    assert store.put(call("a"), Completion("second")).text == "first"
    store.close()


def test_file_is_readable_with_plain_sqlite(tmp_path: Path) -> None:
    store = CallStore(tmp_path / "calls.sqlite")
    store.put_many([(call("b"), Completion("B")), (call("a"), Completion("A"))])
    rows = list(store.export())
    assert [(row.request, row.completion.text) for row in rows] == [(request("b"), "B"), (request("a"), "A")]
    assert dict(rows[0].identity) == IDENTITY
    store.close()
    with sqlite3.connect(tmp_path / "calls.sqlite") as plain:
        documents = [json.loads(row[0]) for row in plain.execute("SELECT call FROM calls")]
    plain.close()
    assert documents[0]["identity"] == IDENTITY


def test_spent_returns_usage_by_role(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        store.put_many([(call("a"), Completion("A", 10, 1)), (call("b"), Completion("B", 20, 2))], run="r")
        store.put(call("c"), Completion("C", 30, 3), run="r", role=JUDGE)
        store.put(call("d"), Completion("D", 40, 4), run="s")
        store.put(call("e"), Completion("E", 50, 5))
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.spent("r") == {BLACK_BOX: Usage(2, 30, 3), JUDGE: Usage(1, 30, 3)}
        assert store.spent("s") == {BLACK_BOX: Usage(1, 40, 4)}
        assert store.spent("") == {BLACK_BOX: Usage(1, 50, 5)}
        assert store.spent("unknown") == {}


def test_put_of_known_answer_is_booked_all_the_same() -> None:
    with CallStore(":memory:") as store:
        store.put(call("a"), Completion("first", 10, 1), run="r")
        answers = [(call("a"), Completion("second", 10, 2)), (call("b"), Completion("B", 20, 2))]
        assert [each.text for each in store.put_many(answers, run="s")] == ["first", "B"]
        assert store.spent("r") == {BLACK_BOX: Usage(1, 10, 1)}
        assert store.spent("s") == {BLACK_BOX: Usage(2, 30, 4)}


def test_put_many_accepts_same_call_twice() -> None:
    with CallStore(":memory:") as store:
        answers = [(call("a"), Completion("first")), (call("a"), Completion("second"))]
        assert [each.text for each in store.put_many(answers, run="r")] == ["first", "first"]
        assert store.spent("r") == {BLACK_BOX: Usage(2)}
        assert store.put_many([]) == []


def test_put_many_books_given_charges() -> None:
    with CallStore(":memory:") as store:
        store.put_many([(call("a"), Completion("A"))], run="r", charges=[Usage(1, 150, 5)])
        assert store.spent("r") == {BLACK_BOX: Usage(1, 150, 5)}
        assert store.get(call("a")) == Completion("A")
        with pytest.raises(ValueError, match="zip"):
            store.put_many([(call("b"), Completion("B"))], run="r", charges=[])
        assert store.get(call("b")) is None


def test_lost_try_counts_as_spent() -> None:
    with CallStore(":memory:") as store:
        store.put(call("a"), Completion("A", 10, 1), run="r")
        store.put_many([], run="r", role=BLACK_BOX, lost=[Usage(1, 100, 5)])
        store.put_many([], run="s", role=JUDGE, lost=[Usage(1, 7, 7)])
        assert store.spent("r") == {BLACK_BOX: Usage(2, 110, 6)}
        accounts = store.accounts()
        assert [(each.run, each.role, each.usage, each.lost) for each in accounts] == [
            ("r", BLACK_BOX, Usage(2, 110, 6), 1),
            ("s", JUDGE, Usage(1, 7, 7), 1),
        ]
        assert all(0 < each.first <= each.last for each in accounts)
        assert [each.role for each in store.export()] == [BLACK_BOX]


def test_parts_of_payments_are_summed_by_run_and_role(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        store.put(call("a"), Completion("A", 10, 5, cached_tokens=8, reasoning_tokens=3), run="r")
        store.put(call("b"), Completion("B", 10, 5), run="r")
        store.put(call("c"), Completion("C", 10, 5, cached_tokens=1), run="r", role=JUDGE)
        store.put_many([], run="s", role=JUDGE, lost=[Usage(1, 100, 5, reasoning_tokens=5)])
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.spent("r") == {BLACK_BOX: Usage(2, 20, 10, 8, 3), JUDGE: Usage(1, 10, 5, 1)}
        assert [each.usage for each in store.accounts()] == [
            Usage(2, 20, 10, 8, 3), Usage(1, 10, 5, 1), Usage(1, 100, 5, 0, 5),
        ]  # fmt: skip


def test_answer_is_stored_without_parts_because_they_differ_from_day_to_day() -> None:
    with CallStore(":memory:") as store:
        stored = store.put(call("a"), Completion("A", 10, 5, cached_tokens=8))
        assert stored.cached_tokens == 8
        assert store.get(call("a")) == Completion("A", 10, 5)


OLD_LEDGER = "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?)"


def test_file_of_older_version_is_read_and_written(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("CREATE TABLE calls (key TEXT PRIMARY KEY, call TEXT NOT NULL, answer TEXT NOT NULL)")
        plain.execute(
            "CREATE TABLE ledger (run TEXT NOT NULL, role TEXT NOT NULL, key TEXT, calls INTEGER NOT NULL, "
            "prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, at INTEGER NOT NULL)"
        )
        plain.execute("CREATE INDEX ledger_by_run ON ledger (run)")
        plain.execute("PRAGMA user_version = 2")
        plain.execute(OLD_LEDGER, ("r", BLACK_BOX, None, 1, 100, 5, 7))
    with CallStore(path) as store:
        assert store.spent("r") == {BLACK_BOX: Usage(1, 100, 5)}
        store.put(call("a"), Completion("A", 10, 5), run="r")
    assert "parts" not in tables(path)
    with CallStore(path) as store:
        store.put(call("b"), Completion("B", 10, 5, cached_tokens=8), run="r")
        assert store.spent("r") == {BLACK_BOX: Usage(3, 120, 15, 8)}


def test_older_version_reads_and_writes_a_file_with_parts(tmp_path: Path) -> None:
    """The statements are those of the older version, which opens files of format 2."""
    path = tmp_path / "calls.sqlite"
    with CallStore(path) as store:
        store.put(call("a"), Completion("A", 10, 5, cached_tokens=8, reasoning_tokens=3), run="r")
        with closing(sqlite3.connect(path)) as plain, plain:
            assert plain.execute("PRAGMA user_version").fetchone() == (2,)
            plain.execute(OLD_LEDGER, ("r", BLACK_BOX, "key", 1, 10, 5, 7))
            ((answer,),) = plain.execute("SELECT answer FROM calls")
            assert set(json.loads(answer)) == {"text", "prompt_tokens", "completion_tokens"}
            sums = "SELECT sum(calls), sum(prompt_tokens), sum(completion_tokens) FROM ledger"
            assert plain.execute(sums).fetchone() == (2, 20, 10)
        assert store.spent("r") == {BLACK_BOX: Usage(2, 20, 10, 8, 3)}


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as plain:
        return {name for (name,) in plain.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _pay_with_parts(path: Path, name: str) -> None:
    with CallStore(path) as store:
        for number in range(50):
            store.put(call(f"{name}{number}"), Completion(name, 10, 5, cached_tokens=8), run="r")


def test_processes_make_the_table_of_parts_at_the_same_time(tmp_path: Path) -> None:
    path, context = tmp_path / "calls.sqlite", multiprocessing.get_context("spawn")
    CallStore(path).close()
    workers = [context.Process(target=_pay_with_parts, args=(path, name)) for name in ("a", "b", "c")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with CallStore(path) as store:
        assert store.spent("r") == {BLACK_BOX: Usage(150, 1500, 750, 1200)}


def test_lost_counts_tries_without_an_answer_by_role() -> None:
    with CallStore(":memory:") as store:
        store.put(call("a"), Completion("A", 10, 1), run="r")
        for role in (BLACK_BOX, JUDGE, BLACK_BOX):
            store.put_many([], run="r", role=role, lost=[Usage(1, 100, 5)])
        store.put_many([], run="s", role=JUDGE, lost=[Usage(1, 100, 5)])
        assert store.lost("r") == {BLACK_BOX: 2, JUDGE: 1}
        assert store.lost("unknown") == {}


def test_export_of_one_run_yields_its_calls() -> None:
    with CallStore(":memory:") as store:
        store.put_many([(call("b"), Completion("B")), (call("a"), Completion("A"))], run="r", role=JUDGE)
        store.put_many([(call("c"), Completion("C")), (call("a"), Completion("A"))], run="s")
        assert [each.completion.text for each in store.export(run="r")] == ["B", "A"]
        assert {each.role for each in store.export(run="r")} == {JUDGE}
        assert [each.completion.text for each in store.export(run="s")] == ["A", "C"]
        assert list(store.export(run="unknown")) == []


def test_export_in_pages_does_not_block_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("instructzero.calls.store._PAGE", 3)
    with CallStore(":memory:") as store:
        store.put_many([(call(str(number)), Completion(str(number))) for number in range(7)])
        exported = []
        for each in store.export():
            exported.append(each.completion.text)
            store.put(call("late"), Completion("late"))
        assert exported == [*map(str, range(7)), "late"]


def test_claim_is_held_until_released(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.claim(call("a"))
        assert not store.claim(call("a"))
        assert store.claim(call("b"))
        store.release(call("a"))
        assert store.claim(call("a"))
        store.release(call("never claimed"))


def test_claim_soon_waits_and_finds_the_answer_of_the_holder() -> None:
    async def ask(store: CallStore, paid: list[str], name: str) -> Completion:
        assert await store.claim_soon(call("a"))
        try:
            if known := store.get(call("a")):
                return known
            paid.append(name)
            await asyncio.sleep(0.01)
            return store.put(call("a"), Completion(name))
        finally:
            store.release(call("a"))

    async def play() -> None:
        paid: list[str] = []
        with CallStore(":memory:") as store:
            answers = await asyncio.gather(*(ask(store, paid, name) for name in "xyz"))
        assert [each.text for each in answers] == ["x", "x", "x"]
        assert paid == ["x"]

    asyncio.run(play())


def test_claim_soon_gives_up_after_patience() -> None:
    async def play() -> None:
        with CallStore(":memory:") as store:
            assert store.claim(call("a"))
            assert not await store.claim_soon(call("a"), patience_s=0.0)
            assert not store.claim(call("a"))  # the other process still holds it

    asyncio.run(play())


def test_claim_without_lock_file_raises_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "calls.sqlite-claims").mkdir()
    with (
        CallStore(tmp_path / "calls.sqlite") as store,
        pytest.raises(RunDirectoryError, match=r"cannot lock .*calls.sqlite-claims: Is a directory; check"),
    ):
        store.claim(call("a"))


def test_store_imports_no_heavy_library() -> None:
    heavy = "{'asyncio', 'numpy', 'openai', 'pydantic', 'rich', 'torch'}"
    script = f"import sys, instructzero.calls.store; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "set()\n"


def test_store_in_memory_returns_answers() -> None:
    with CallStore(":memory:") as store:
        store.put(call("a"), Completion("A"))
        assert store.get(call("a")) == Completion("A")


WRITER = """
import sys
from instructzero.calls.call import Call
from instructzero.calls.store import CallStore
from instructzero.types import Completion, Message, Request
store, start = CallStore(sys.argv[1]), int(sys.argv[2])
for number in range(start, start + 10**6):
    calls = [Call.of({}, Request((Message("user", f"{number}-{k}"),))) for k in range(3)]
    store.put_many((call, Completion(str(number))) for call in calls)
    print(number, flush=True)
"""


def test_kill_at_any_moment_loses_no_acknowledged_answer(tmp_path: Path) -> None:
    path, rng = tmp_path / "calls.sqlite", random.Random(0)
    acknowledged: list[int] = []
    for attempt in range(5):
        start = attempt * 10**6
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(start)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
        lines = [first, *process.stdout]
        process.stdout.close()
        process.wait()
        acknowledged += [int(line) for line in lines if line.endswith("\n")]
    with CallStore(path) as store:
        for number in acknowledged:
            for k in range(3):
                asked = Call.of({}, Request((Message("user", f"{number}-{k}"),)))
                assert store.get(asked) == Completion(str(number))
        assert len(store) % 3 == 0  # a group is stored as a whole or not at all
    assert len(acknowledged) > 5
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()


def _put_hundred(path: Path, name: str) -> None:
    with CallStore(path) as store:
        for number in range(100):
            store.put(call(f"{name}{number}"), Completion(name))
            store.put(call(f"common{number}"), Completion(name))


def test_concurrent_processes_store_all_answers(tmp_path: Path) -> None:
    path, context = tmp_path / "calls.sqlite", multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put_hundred, args=(path, name)) for name in ("a", "b", "c")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with CallStore(path) as store:
        assert len(store) == 400


def test_open_of_other_file_raises_damaged(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    path.write_text("this is no database, and long enough to be looked at closely " * 20)
    with pytest.raises(RunDirectoryError, match=r"calls.sqlite is damaged or is not a call store"):
        CallStore(path)


def test_read_of_damaged_pages_raises_damaged(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with CallStore(path) as store:
        store.put_many([(call(str(number)), Completion("x" * 100)) for number in range(200)])
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with CallStore(path) as store, pytest.raises(RunDirectoryError, match="damaged"):
        [store.get(call(str(number))) for number in range(200)]


def test_read_of_damaged_answer_raises_damaged(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with CallStore(path) as store:
        store.put(call("a"), Completion("A"))
    with sqlite3.connect(path) as plain:
        plain.execute("UPDATE calls SET answer = '{'")
    plain.close()
    with CallStore(path) as store:
        with pytest.raises(RunDirectoryError, match="damaged"):
            store.get(call("a"))
        with pytest.raises(RunDirectoryError, match="damaged"):
            list(store.export())


def test_open_in_missing_folder_raises(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="cannot be read or written"):
        CallStore(tmp_path / "absent" / "calls.sqlite")


@pytest.mark.parametrize("version", [1, 99])
def test_open_of_other_format_is_refused(tmp_path: Path, version: int) -> None:
    with sqlite3.connect(tmp_path / "calls.sqlite") as plain:
        plain.execute(f"PRAGMA user_version = {version}")
    plain.close()
    with pytest.raises(RunDirectoryError, match=f"of format 2 in .*, got format {version}; update instructzero"):
        CallStore(tmp_path / "calls.sqlite")


def test_put_in_locked_store_raises_and_works_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("instructzero.calls.database._PATIENCE_S", 0.05)
    store = CallStore(tmp_path / "calls.sqlite")
    other = sqlite3.connect(tmp_path / "calls.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RunDirectoryError, match="locked by another process"):
        store.put(call("a"), Completion("A"))
    other.execute("ROLLBACK")
    other.close()
    assert store.put(call("a"), Completion("A")).text == "A"
    store.close()


def test_put_on_full_disk_raises_and_stores_nothing(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        store._database._connection.execute("PRAGMA max_page_count = 9")
        store.put(call("a"), Completion("A"))
        with pytest.raises(RunDirectoryError, match="is full; free some space"):
            store.put(call("b"), Completion("x" * 40_000))
        assert store.get(call("a")) == Completion("A")
        assert store.get(call("b")) is None
        assert store.spent("") == {BLACK_BOX: Usage(1)}


def test_ending_and_reason_are_kept_and_complete_answers_are_stored_as_before(tmp_path: Path) -> None:
    answers = [Completion("A", 3, 4), Completion("B", finish=Finish.CUT), Completion.failed("status 400: too long")]
    with CallStore(tmp_path / "calls.sqlite") as store:
        store.put_many([(call(str(number)), answer) for number, answer in enumerate(answers)])
        assert [store.get(call(str(number))) for number in range(3)] == answers
    with sqlite3.connect(tmp_path / "calls.sqlite") as plain:
        documents = [row[0] for row in plain.execute("SELECT answer FROM calls")]
    plain.close()
    assert documents[0] == '{"completion_tokens":4,"prompt_tokens":3,"text":"A"}'


def test_answers_of_an_older_version_are_read(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        store.put_many([(call("a"), Completion("A")), (call("b"), Completion("B"))])
    with sqlite3.connect(tmp_path / "calls.sqlite") as plain:
        old = '{"completion_tokens":2,"prompt_tokens":1,"text":""}'
        plain.execute("UPDATE calls SET answer = ? WHERE key = ?", (old, call("b").key))
    plain.close()
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.get(call("a")) == Completion("A")
        assert store.get(call("b")) == Completion("", 1, 2, Finish.EMPTY)


def test_has_answers_counts_neither_failures_nor_other_payers() -> None:
    with CallStore(":memory:") as store:
        store.put(call("a"), Completion.failed("no"), run="r")
        store.put(call("b"), Completion("B"), run="r", role=JUDGE)
        store.put(call("c"), Completion("C"), run="s")
        assert not store.has_answers("r", BLACK_BOX)
        store.put(call("d"), Completion(""), run="r")
        assert store.has_answers("r", BLACK_BOX)


@pytest.mark.parametrize(
    "value", ["prompt_tokens = -9e999", "calls = 'many'", "calls = -1", "prompt_tokens = 0.5", "role = x'00'"]
)
def test_payment_of_wrong_type_is_reported_as_damage(tmp_path: Path, value: str) -> None:
    path = tmp_path / "calls.sqlite"
    with CallStore(path) as store:
        store.put(call("a"), Completion("x", 3, 4), run="run")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE ledger SET {value}")
    with CallStore(path) as store:
        for read in (store.accounts, lambda: store.spent("run")):
            with pytest.raises(RunDirectoryError, match="damaged"):
                read()
