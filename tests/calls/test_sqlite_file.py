"""Files of other programs stay as they are, older files of ours stay usable, and readers change nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instructzero.calls.call import Call
from instructzero.calls.database import ReadOnly
from instructzero.calls.open_batches import StoredBatches
from instructzero.calls.sqlite_file import APPLICATION, MAGIC, is_open
from instructzero.calls.store import CallStore
from instructzero.errors import RunDirectoryError
from instructzero.models.batches.wire import Plan
from instructzero.types import Completion, Message, Request

ENDINGS = ("", "-wal", "-shm", "-journal")
OLDER = (
    "CREATE TABLE calls (key TEXT PRIMARY KEY, call TEXT NOT NULL, answer TEXT NOT NULL)",
    "CREATE TABLE ledger (run TEXT NOT NULL, role TEXT NOT NULL, key TEXT, calls INTEGER NOT NULL, "
    "prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, at INTEGER NOT NULL)",
    "CREATE INDEX ledger_by_run ON ledger (run)",
    "PRAGMA user_version = 2",
)
KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA wal_autocheckpoint = 0")
for statement in sys.argv[2:]:
    connection.execute(statement)
os._exit(0)
"""
USER = """
import sys
from instructzero.calls.call import Call
from instructzero.calls.store import CallStore
from instructzero.types import Completion, Message, Request
store = CallStore(sys.argv[1])
for line in sys.stdin:
    store.put(Call.of({"model": "m"}, Request((Message("user", line.strip()),))), Completion(line.strip()))
    print("stored", flush=True)
"""
EXCLUSIVE = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
"""


def call(text: str) -> Call:
    return Call.of({"model": "m"}, Request((Message("user", text),)))


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for path in (folder, *folder.iterdir())
        if path.is_file()
    }


def make(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def kill_while_open(path: Path, *statements: str) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(path), *statements], check=True)


def application_of(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[68:72], "big")


def open_to_write(path: Path) -> None:
    with CallStore(path) as store:
        store.put(call("a"), Completion("A"))


def open_to_read(path: Path) -> None:
    CallStore(ReadOnly(path)).close()


def open_as_batches(path: Path) -> None:
    with closing(StoredBatches(path)) as batches:
        batches.names()


WAYS = pytest.mark.parametrize("use", [open_to_write, open_to_read, open_as_batches])

FOREIGN = {
    "table": ("CREATE TABLE bookmarks (address TEXT)",),
    "table beside ours": (*OLDER, "CREATE TABLE bookmarks (address TEXT)"),
    "view": ("CREATE VIEW one AS SELECT 1 AS number",),
    "our name, other columns": ("CREATE TABLE calls (number INTEGER)", "PRAGMA user_version = 2"),
    "our tables, no version": OLDER[:-1],
    "application id": ("PRAGMA application_id = 252006675",),
    "application id and our tables": (*OLDER, "PRAGMA application_id = 252006675"),
    "log": ("PRAGMA journal_mode = WAL", "CREATE TABLE bookmarks (address TEXT)"),
}


@WAYS
@pytest.mark.parametrize("name", FOREIGN)
def test_database_of_other_program_is_refused_and_unchanged(
    tmp_path: Path, name: str, use: Callable[[Path], None]
) -> None:
    path = tmp_path / "theirs.db"
    make(path, *FOREIGN[name])
    before = snapshot(tmp_path)
    with pytest.raises(RunDirectoryError, match="belongs to another program"):
        use(path)
    assert snapshot(tmp_path) == before


@WAYS
@pytest.mark.parametrize("endings", [(), ("-shm",)])
def test_database_of_other_program_that_was_killed_is_refused_and_unchanged(
    tmp_path: Path, endings: tuple[str, ...], use: Callable[[Path], None]
) -> None:
    path = tmp_path / "theirs.db"
    kill_while_open(path, "CREATE TABLE bookmarks (address TEXT)", "INSERT INTO bookmarks VALUES ('a')")
    for ending in endings:
        Path(f"{path}{ending}").unlink()
    before = snapshot(tmp_path)
    with pytest.raises(RunDirectoryError, match="belongs to another program"):
        use(path)
    assert snapshot(tmp_path) == before


@WAYS
@settings(deadline=None, max_examples=60)
@given(
    content=st.binary(min_size=1, max_size=200) | st.binary(max_size=200).map(lambda rest: MAGIC + rest),
    ending=st.sampled_from(ENDINGS),
    beside=st.booleans(),
)
def test_foreign_content_at_any_of_our_names_is_refused_and_unchanged(
    use: Callable[[Path], None], content: bytes, ending: str, beside: bool
) -> None:
    """The names are those of the store and of SQLite's files beside it; what begins with zeros may be SQLite's."""
    content = b"x" + content if ending and not content[:8].strip(b"\0") else content
    with TemporaryDirectory() as folder:
        path = Path(folder) / "calls.sqlite"
        if ending and beside:
            make(path, *OLDER)
        Path(f"{path}{ending}").write_bytes(content)
        before = snapshot(Path(folder))
        with suppress(RunDirectoryError) if use is open_as_batches else pytest.raises(RunDirectoryError):
            use(path)  # batches are only looked for where there is a file
        assert snapshot(Path(folder)) == before


@pytest.mark.parametrize("make_it", [os.mkfifo, os.mkdir])
def test_pipe_or_folder_is_refused_and_not_opened(tmp_path: Path, make_it: Callable[[Path], None]) -> None:
    make_it(tmp_path / "calls.sqlite")
    for use in (open_to_write, open_to_read):
        with pytest.raises(RunDirectoryError, match=r"another program|cannot be read or written"):
            use(tmp_path / "calls.sqlite")


def test_log_without_its_database_is_not_discarded(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    kill_while_open(path, *OLDER)
    path.unlink()
    before = snapshot(tmp_path)
    with pytest.raises(RunDirectoryError, match="without its database, which may hold answers"):
        open_to_write(path)
    assert snapshot(tmp_path) == before


def test_new_files_have_the_application_id_from_their_first_bytes_on(tmp_path: Path) -> None:
    CallStore(tmp_path / "calls.sqlite").close()
    batches = StoredBatches.beside(tmp_path / "calls.sqlite")
    batches.add(Plan("mark", 0.0, ("key",)))
    batches.close()
    assert [application_of(path) for path in sorted(tmp_path.iterdir())] == [APPLICATION] * 2
    with pytest.raises(RunDirectoryError, match=r"of format 2 in .*, got format 1"):
        CallStore(tmp_path / "calls.sqlite-batches")


@pytest.mark.parametrize("killed", [False, True])
def test_file_of_older_version_gets_the_id_when_it_is_written_and_not_before(tmp_path: Path, killed: bool) -> None:
    path = tmp_path / "calls.sqlite"
    kill_while_open(path, *OLDER) if killed else make(path, "PRAGMA journal_mode = WAL", *OLDER)
    before = snapshot(tmp_path)
    with CallStore(ReadOnly(path)) as store:
        assert (len(store), store.accounts()) == (0, [])
    assert snapshot(tmp_path) == before
    with CallStore(path) as store:
        assert len(store) == 0
    assert application_of(path) == 0
    open_to_write(path)
    assert application_of(path) == APPLICATION
    with CallStore(path) as store:
        assert store.get(call("a")) == Completion("A")


def test_older_file_of_batches_gets_the_id_when_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "batches"
    make(
        path,
        "CREATE TABLE batches (mark TEXT PRIMARY KEY, batch TEXT, at REAL NOT NULL)",
        "CREATE TABLE questions (key TEXT PRIMARY KEY, mark TEXT NOT NULL)",
        "PRAGMA user_version = 1",
    )
    with closing(StoredBatches(path)) as batches:
        assert batches.keys() == []
        assert application_of(path) == 0
        batches.add(Plan("mark", 0.0, ("key",)))
    assert application_of(path) == APPLICATION


def test_process_that_was_killed_before_it_made_tables_leaves_a_usable_file(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    kill_while_open(path)  # as versions without the id did
    open_to_read(path)
    open_to_write(path)
    assert application_of(path) == APPLICATION


@pytest.mark.parametrize("missing", [(), ("-shm",), ("-wal", "-shm")])
def test_reader_of_store_whose_process_was_killed_changes_nothing(tmp_path: Path, missing: tuple[str, ...]) -> None:
    path = tmp_path / "calls.sqlite"
    with subprocess.Popen([sys.executable, "-c", USER, str(path)], stdin=-1, stdout=-1, text=True) as user:
        assert user.stdin is not None
        assert user.stdout is not None
        print("a", file=user.stdin, flush=True)
        user.stdout.readline()
        user.kill()
    for ending in missing:
        Path(f"{path}{ending}").unlink()
    before = snapshot(tmp_path)
    with CallStore(ReadOnly(path)) as store:
        assert [each.completion.text for each in store.export()] == ([] if "-wal" in missing else ["A".lower()])
    assert snapshot(tmp_path) == before


def test_reader_of_store_whose_process_was_killed_when_it_began_a_log_reads_it(tmp_path: Path) -> None:
    """The log is only a header, with another salt than its index."""
    path = tmp_path / "calls.sqlite"
    with CallStore(path) as store:
        store.put(Call.of({"model": "m"}, Request((Message("user", "a"),))), Completion("A"))
    subprocess.run([sys.executable, "-c", KILLED, path, "PRAGMA wal_checkpoint(TRUNCATE)"], check=True)
    header = b"\x37\x7f\x06\x82" + b"\0\x2d\xe2\x18\0\0\x10\0" + bytes(4) + b"new salt" + bytes(8)
    path.with_name("calls.sqlite-wal").write_bytes(header)
    before = snapshot(tmp_path)
    with CallStore(ReadOnly(path)) as store:
        assert len(store) == 1
    assert snapshot(tmp_path) == before


def test_reader_follows_a_store_that_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with subprocess.Popen([sys.executable, "-c", USER, str(path)], stdin=-1, stdout=-1, text=True) as user:
        assert user.stdin is not None
        assert user.stdout is not None
        for number in range(1, 4):
            print(number, file=user.stdin, flush=True)
            user.stdout.readline()
            before = snapshot(tmp_path)
            with CallStore(ReadOnly(path)) as store:
                assert len(store) == number
            assert snapshot(tmp_path) == before
        user.stdin.close()
        user.wait()
    assert [each.name for each in tmp_path.iterdir() if "claims" not in each.name] == ["calls.sqlite"]


def test_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    CallStore(path).close()
    before = snapshot(tmp_path)
    with CallStore(ReadOnly(path)) as store, pytest.raises(RunDirectoryError, match="cannot be read or written"):
        store.put(call("a"), Completion("A"))
    assert snapshot(tmp_path) == before


def test_second_connection_of_reader_reads_too(tmp_path: Path) -> None:
    open_to_write(tmp_path / "calls.sqlite")
    before = snapshot(tmp_path)
    with CallStore(ReadOnly(tmp_path / "calls.sqlite")) as store, store.another() as other:
        assert other.get(call("a")) == Completion("A")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("first", ["reader", "writer"])
def test_reader_in_the_same_process_leaves_the_writer_its_locks(tmp_path: Path, first: str) -> None:
    path = tmp_path / "calls.sqlite"
    open_to_write(path)
    reader = CallStore(ReadOnly(path)) if first == "reader" else None
    with CallStore(path) as writer:
        reader = reader or CallStore(ReadOnly(path))
        assert len(reader) == 1
        writer.put(call("b"), Completion("B"))
        reader.close()
        with suppress(RunDirectoryError):
            CallStore(path).close()
        taken = subprocess.run([sys.executable, "-c", EXCLUSIVE, str(path)], capture_output=True, text=True)
        assert "BlockingIOError" in taken.stderr
    assert not is_open(str(path))
    assert subprocess.run([sys.executable, "-c", EXCLUSIVE, str(path)]).returncode == 0
    with CallStore(path) as store:
        assert len(store) == 2


def test_log_of_store_behind_a_link_is_folded_as_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("instructzero.calls.database._LONG_LOG", 50_000)
    (tmp_path / "link").symlink_to(tmp_path / "calls.sqlite")
    with CallStore(tmp_path / "link") as store:
        for number in range(40):
            store.put(call(str(number)), Completion("x" * 2000))
            assert (tmp_path / "calls.sqlite-wal").stat().st_size < 150_000
