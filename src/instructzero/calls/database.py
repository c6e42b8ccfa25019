"""The SQLite file of a call store: shared by several processes, durable after each commit, intact after any kill."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from instructzero.calls.sqlite_file import (
    APPLICATION,
    Form,
    OpenFile,
    damaged,
    numbers_of,
    open_to_read,
    open_to_write,
    tables_of,
)
from instructzero.errors import RunDirectoryError, UnwritableStore

_PATIENCE_S = 30.0
_PAUSE_S = 0.03
_LONG_LOG = 4 * 2**20
_ROWS = 100
_KEYS = 500  # SQLite before 3.32 takes 999 values in one query


class ReadOnly(str):
    """The name of a file that a `Database`, or a call store, only reads: no byte in its folder changes.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     Database(f"{folder}/a", version=1, schema=("CREATE TABLE words (word TEXT)",)).close()
    ...     Database(ReadOnly(f"{folder}/a"), version=1, schema=()).rows("SELECT word FROM words")
    []
    """


class Database:
    """One process's connection to the file.

    Parameters
    ----------
    path
        The file, which may be `ReadOnly`, or ":memory:".
    version
        The format of the file, kept as SQLite's ``user_version``.
    schema
        The statements that create the tables of a new file. They may run again on a file that has them.
    patience_s
        How long a write waits for another process; None is half a minute.

    Raises
    ------
    RunDirectoryError
        If the file cannot be opened, is damaged, has another format, or belongs to another program. Then nothing was
        changed.

    >>> database = Database(":memory:", version=1, schema=("CREATE TABLE IF NOT EXISTS words (word TEXT)",))
    >>> with database.transaction() as connection:
    ...     _ = connection.execute("INSERT INTO words VALUES ('cat')")
    >>> database.rows("SELECT word FROM words")
    [('cat',)]
    """

    def __init__(
        self, path: Path | str, *, version: int, schema: Sequence[str], patience_s: float | None = None
    ) -> None:
        self._path = path
        self._patience_s = _PATIENCE_S if patience_s is None else patience_s
        self._file_name = os.path.realpath(path)  # SQLite puts the log beside the file that a link refers to
        self._form = Form(version, schema)
        self._fold_at = _LONG_LOG
        self._marked = False
        with self.reporting():
            self._file = self._open()
        self._connection = self._file.connection
        try:
            self._prepare()
            self._connection.execute(f"PRAGMA busy_timeout = {self._patience_s * 1000:.0f}")
        except BaseException:
            self._file.close()
            raise

    def _open(self) -> OpenFile:
        if not self.on_disk:
            return OpenFile(self._form.empty())
        opening = open_to_read if isinstance(self._path, ReadOnly) else open_to_write
        return opening(self._file_name, self._form, _PATIENCE_S)

    @property
    def on_disk(self) -> bool:
        """True unless the database is in memory."""
        return str(self._path) != ":memory:"

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self.reporting():
            return self._connection.execute(query, parameters).fetchall()

    def rows_of(self, query: str, keys: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of ``query IN (keys)``, which is asked in parts."""
        for start in range(0, len(keys), _KEYS):
            page = keys[start : start + _KEYS]
            yield from self.rows(f"{query} IN ({', '.join('?' * len(page))})", tuple(page))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction: when it ends, all of its changes are on the disk, or none."""
        with self.reporting():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                if not self._marked:
                    self._form.create(self._connection)  # a new file, or one of an older version
                yield self._connection
                self._connection.execute("COMMIT")
                self._marked = True
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # SQLite rolls back by itself after some failures
                    self._connection.execute("ROLLBACK")
                raise
            self._fold_log()

    @contextlib.contextmanager
    def reporting(self) -> Iterator[None]:
        """Turn SQLite's errors, and damage that shows only in the contents, into a `RunDirectoryError`."""
        try:
            yield
        except sqlite3.Error as error:
            kind = UnwritableStore if _may_pass(error) else RunDirectoryError
            raise kind(_explain(self._path, error)) from None
        except (ValueError, KeyError, TypeError, UnicodeError):
            raise RunDirectoryError(damaged(self._path)) from None

    def close(self) -> None:
        """Close the connection; the last connection to the file writes the log back into it."""
        self._file.close()

    def _prepare(self) -> None:
        with self.reporting():
            new = self._check()
            if isinstance(self._path, ReadOnly):
                return
            self._connection.execute("PRAGMA synchronous = FULL")  # each commit reaches the disk, not only the kernel
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")  # see _fold_log
        if new:
            with self.transaction():  # without a log, so that no file has tables without its mark
                pass
        with self.reporting():
            self._use_log()

    def _check(self) -> bool:
        """Return True if the file has no tables yet; refuse every other form than ours."""
        tables = tables_of(self._connection)  # first: another process may create them now, with the numbers
        application, version = numbers_of(self._connection)
        self._form.check(str(self._path), application, version, tables)
        self._marked = application == APPLICATION
        return not version

    def _use_log(self) -> None:
        """Switch to a write-ahead log. Tries again, because SQLite fails instead of waiting for another process."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)

    def _fold_log(self) -> None:
        """Write the log back into the file once the log is long.

        SQLite does this by itself. But before 3.51.3 a process that writes the log back and one that restarts it could
        damage the file (https://sqlite.org/wal.html#walresetbug); with TRUNCATE no other process writes meanwhile.
        """
        if self._log_size() < self._fold_at:
            return
        with contextlib.suppress(sqlite3.Error):  # what is stored is as durable in the log
            self._connection.execute(f"PRAGMA busy_timeout = {_PAUSE_S * 1000:.0f}")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._connection.execute(f"PRAGMA busy_timeout = {self._patience_s * 1000:.0f}")
        self._fold_at = self._log_size() + _LONG_LOG  # another process may have prevented it; try again later

    def _log_size(self) -> int:
        try:
            return os.stat(f"{self._file_name}-wal").st_size if self.on_disk else 0
        except FileNotFoundError:
            return 0


def _is_busy(error: sqlite3.Error) -> bool:
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"))


def _may_pass(error: sqlite3.Error) -> bool:
    """Return True if the same write may succeed later."""
    return _is_busy(error) or _name(error).startswith(("SQLITE_FULL", "SQLITE_IOERR"))  # a quota is an IOERR


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or ""


def _explain(path: Path | str, error: sqlite3.Error) -> str:
    name = _name(error)
    if _is_busy(error):
        return f"the call store {path} is locked by another process; stop that process"
    if name.startswith("SQLITE_FULL"):
        return f"the disk that holds the call store {path} is full; free some space and resume"
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")):
        return f"the call store {path} cannot be read or written ({error}); check the folder and its permissions"
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR")):
        return damaged(path)
    return f"the call store {path} failed ({error}); check the file and resume"


def insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Insert rows whose key is new, and return their number.

    Many rows are one statement, because Python's lock is given back and taken again for every statement.
    """
    return sum(
        connection.execute(*_statement(table, rows[start : start + _ROWS])).rowcount
        for start in range(0, len(rows), _ROWS)
    )


def _statement(table: str, rows: Sequence[tuple[Any, ...]]) -> tuple[str, list[Any]]:
    places = f"({', '.join('?' * len(rows[0]))})"
    return f"INSERT INTO {table} VALUES {', '.join([places] * len(rows))} ON CONFLICT DO NOTHING", [
        value for row in rows for value in row
    ]
