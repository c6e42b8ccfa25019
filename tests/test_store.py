from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from instructzero.errors import RunDirectoryError
from instructzero.store import Call, CallStore
from instructzero.types import Completion, Message, Request

IDENTITY = {"backend": "test", "model": "m"}


def request(text: str) -> Request:
    return Request((Message("user", text),), max_tokens=5)


def call(text: str) -> Call:
    return Call.of(IDENTITY, request(text))


def test_an_answer_is_found_again(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.get(call("a")) is None
        store.put(call("a"), Completion("ü \ud800 \0 \n", 3, 4))
    with CallStore(tmp_path / "calls.sqlite") as store:
        assert store.get(call("a")) == Completion("ü \ud800 \0 \n", 3, 4)
        assert len(store) == 1


def test_a_call_is_what_was_asked_of_whom() -> None:
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


def test_the_first_answer_holds(tmp_path: Path) -> None:
    store = CallStore(tmp_path / "calls.sqlite")
    assert store.put(call("a"), Completion("first")).text == "first"
    assert store.put(call("a"), Completion("second")).text == "first"
    store.close()


def test_the_file_is_readable_without_us(tmp_path: Path) -> None:
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


def test_it_can_live_in_memory() -> None:
    with CallStore(":memory:") as store:
        store.put(call("a"), Completion("A"))
        assert store.get(call("a")) == Completion("A")


WRITER = """
import sys
from instructzero.store import Call, CallStore
from instructzero.types import Completion, Message, Request
store, start = CallStore(sys.argv[1]), int(sys.argv[2])
for number in range(start, start + 10**6):
    calls = [Call.of({}, Request((Message("user", f"{number}-{k}"),))) for k in range(3)]
    store.put_many((call, Completion(str(number))) for call in calls)
    print(number, flush=True)
"""


def test_a_kill_at_any_moment_loses_no_acknowledged_answer(tmp_path: Path) -> None:
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
        assert len(store) % 3 == 0  # a group is there as a whole or not at all
    assert len(acknowledged) > 5
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()


def _put_hundred(path: Path, name: str) -> None:
    with CallStore(path) as store:
        for number in range(100):
            store.put(call(f"{name}{number}"), Completion(name))
            store.put(call(f"common{number}"), Completion(name))


def test_several_processes_share_one_file(tmp_path: Path) -> None:
    path, context = tmp_path / "calls.sqlite", multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put_hundred, args=(path, name)) for name in ("a", "b", "c")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with CallStore(path) as store:
        assert len(store) == 400


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    path.write_text("this is no database, and long enough to be looked at closely " * 20)
    with pytest.raises(RunDirectoryError, match=r"calls.sqlite is damaged or is no call store"):
        CallStore(path)


def test_damage_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with CallStore(path) as store:
        store.put_many([(call(str(number)), Completion("x" * 100)) for number in range(200)])
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    with CallStore(path) as store, pytest.raises(RunDirectoryError, match="damaged"):
        [store.get(call(str(number))) for number in range(200)]


def test_a_damaged_answer(tmp_path: Path) -> None:
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


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="cannot be read or written"):
        CallStore(tmp_path / "absent" / "calls.sqlite")


def test_a_store_of_a_later_version(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "calls.sqlite") as plain:
        plain.execute("PRAGMA user_version = 99")
    plain.close()
    with pytest.raises(RunDirectoryError, match="update instructzero"):
        CallStore(tmp_path / "calls.sqlite")


def test_a_store_that_another_process_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("instructzero.store._PATIENCE_S", 0.05)
    store = CallStore(tmp_path / "calls.sqlite")
    other = sqlite3.connect(tmp_path / "calls.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RunDirectoryError, match="locked by another process"):
        store.put(call("a"), Completion("A"))
    other.execute("ROLLBACK")
    other.close()
    assert store.put(call("a"), Completion("A")).text == "A"
    store.close()


def test_a_full_disk(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        store._database.execute("PRAGMA max_page_count = 8")
        store.put(call("a"), Completion("A"))
        with pytest.raises(RunDirectoryError, match="is full; free some space"):
            store.put(call("b"), Completion("x" * 40_000))
        assert store.get(call("a")) == Completion("A")
        assert store.get(call("b")) is None
