"""The file of the store, used by several processes and other programs."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from instructzero.calls.database import Database
from instructzero.errors import RunDirectoryError

SCHEMA = ("CREATE TABLE IF NOT EXISTS words (word TEXT)",)


def opened(path: Path, *, version: int = 1, schema: tuple[str, ...] = SCHEMA) -> Database:
    return Database(path, version=version, schema=schema)


def add(database: Database, *words: str) -> None:
    with database.transaction() as connection:
        connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])


def add_and_fail(database: Database, word: str) -> None:
    with database.transaction() as connection:
        connection.execute("INSERT INTO words VALUES (?)", (word,))
        raise ZeroDivisionError


def words(database: Database) -> list[str]:
    return [word for (word,) in database.rows("SELECT word FROM words ORDER BY rowid")]


def log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def test_failed_transaction_leaves_no_change(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "file")) as database:
        add(database, "cat")
        with pytest.raises(ZeroDivisionError):
            add_and_fail(database, "dog")
        assert words(database) == ["cat"]
        add(database, "bird")  # the failed transaction is over
        assert words(database) == ["cat", "bird"]


def test_last_close_writes_log_back_into_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    first, second = opened(path), opened(path)
    add(first, "cat")
    first.close()
    assert log(path).exists()
    second.close()
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("SELECT word FROM words").fetchall() == [("cat",)]


def test_long_log_is_written_back_while_file_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("instructzero.calls.database._LONG_LOG", 50_000)
    path = tmp_path / "file"
    with closing(opened(path)) as database, closing(opened(path)) as other:
        for number in range(60):
            add(database if number % 2 else other, str(number), "x" * 1000)
            assert log(path).stat().st_size < 100_000
        assert words(database)[::2] == [str(number) for number in range(60)]
        assert path.stat().st_size > 50_000


def test_open_reader_does_not_block_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("instructzero.calls.database._LONG_LOG", 50_000)
    path = tmp_path / "file"
    with closing(opened(path)) as database, closing(sqlite3.connect(path, isolation_level=None)) as reader:
        add(database, "cat")
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM words").fetchone() == (1,)
        for _ in range(60):
            add(database, "x" * 2000)
        assert reader.execute("SELECT count(*) FROM words").fetchone() == (1,)
        assert log(path).stat().st_size > 100_000  # kept for the reader
        reader.execute("COMMIT")
        while log(path).stat().st_size > 100_000:
            add(database, "x" * 2000)
        assert words(database)[0] == "cat"


OPENER = """
import sys
from instructzero.calls.database import Database
schema = ("CREATE TABLE IF NOT EXISTS words (word TEXT)", "CREATE TABLE IF NOT EXISTS more (word TEXT)")
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    database = Database(f"{sys.argv[1]}/{number}", version=2, schema=schema)
    with database.transaction() as connection:
        connection.execute("INSERT INTO more VALUES ('new')")
    database.close()
"""


def test_concurrent_open_of_new_file_creates_it_once(tmp_path: Path) -> None:
    files = 12
    command = [sys.executable, "-c", OPENER, str(tmp_path), str(files)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == ["", "", ""]
    for number in range(files):
        with closing(sqlite3.connect(tmp_path / str(number))) as plain:
            assert plain.execute("SELECT count(*) FROM more").fetchone() == (3,)
            assert plain.execute("PRAGMA user_version").fetchone() == (2,)
            assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_open_waits_for_process_that_creates_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE words (word TEXT)")
        other.execute("PRAGMA user_version = 1")
        other.execute("BEGIN IMMEDIATE")
        done = threading.Timer(0.2, other.execute, ["ROLLBACK"])
        done.start()
        with closing(opened(path)) as database:
            assert words(database) == []
        done.join()


def test_open_of_other_programs_file_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("CREATE TABLE bookmarks (address TEXT)")
    before = path.read_bytes()
    with pytest.raises(RunDirectoryError, match="is not a call store"):
        opened(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["other.sqlite"]


def test_failed_creation_of_tables_leaves_no_table(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(RunDirectoryError):
        opened(path, schema=("CREATE TABLE more (word TEXT)", "this is no statement"))
    with closing(opened(path)) as database:
        assert database.rows("SELECT name FROM sqlite_master") == [("words",)]
