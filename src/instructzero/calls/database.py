"""The SQLite file of a call store: shared by several processes, durable at each commit, whole after any kill."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from instructzero.errors import RunDirectoryError

_PATIENCE_S = 30.0
_PAUSE_S = 0.03
_LONG_LOG = 4 * 2**20


class Database:
    """One process's connection to the file.

    ``schema`` makes what an older format than ``version`` lacks; it may run again on a file that has it. Raises
    `RunDirectoryError` for a file that cannot be opened, is damaged, of a later format, or another program's.

    >>> database = Database(":memory:", version=1, schema=("CREATE TABLE IF NOT EXISTS words (word TEXT)",))
    >>> with database.transaction() as connection:
    ...     _ = connection.execute("INSERT INTO words VALUES ('cat')")
    >>> database.rows("SELECT word FROM words")
    [('cat',)]
    """

    def __init__(self, path: Path | str, *, version: int, schema: Sequence[str]) -> None:
        self._path = path
        self._version = version
        self._schema = schema
        self._fold_at = _LONG_LOG
        with self.reporting():
            # One thread at a time uses the store, though not always the thread that opened it.
            self._connection = sqlite3.connect(
                str(path), timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    @property
    def on_disk(self) -> bool:
        return str(self._path) != ":memory:"

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query finds."""
        with self.reporting():
            return self._connection.execute(query, parameters).fetchall()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block is on the disk when it ends, or nothing of it."""
        with self.reporting():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # some failures have rolled back by themselves
                    self._connection.execute("ROLLBACK")
                raise
            self._fold_log()

    @contextlib.contextmanager
    def reporting(self) -> Iterator[None]:
        """Turns SQLite's errors, and damage that only shows in the contents, into one sentence."""
        try:
            yield
        except sqlite3.Error as error:
            raise RunDirectoryError(_explain(self._path, error)) from None
        except (ValueError, KeyError, TypeError, UnicodeError):
            raise RunDirectoryError(_damaged(self._path)) from None

    def close(self) -> None:
        """The last of all who have the file open folds the log into it."""
        self._connection.close()

    def _prepare(self) -> None:
        with self.reporting():
            found = self._read_version()
            self._use_log()
            self._connection.execute("PRAGMA synchronous = FULL")  # each commit reaches the disk, not only the kernel
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")  # see _fold_log
        if found < self._version:
            with self.transaction() as connection:
                if self._read_version() < self._version:  # no other process has been here meanwhile
                    for statement in self._schema:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {self._version}")

    def _read_version(self) -> int:
        """The file's format, 0 for a new file."""
        query = "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version"
        found, tables = self._connection.execute(query).fetchone()
        if found > self._version:
            raise RunDirectoryError(
                f"expected a call store of format {self._version} or older in {self._path}, got format "
                f"{found}; update instructzero"
            )
        if found == 0 and tables:
            raise RunDirectoryError(_damaged(self._path))
        return int(found)

    def _use_log(self) -> None:
        """Switch to a write-ahead log; where another process does so too, SQLite fails instead of waiting."""
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
        """Write the log back into the file once it is long.

        SQLite would do so by itself. But before 3.51.3 a process that folds the log and one that begins it anew could
        damage the file when they met (https://sqlite.org/wal.html#walresetbug); with TRUNCATE nobody writes meanwhile.
        """
        if self._log_size() < self._fold_at:
            return
        with contextlib.suppress(sqlite3.Error):  # what is stored is as safe in the log
            self._connection.execute(f"PRAGMA busy_timeout = {_PAUSE_S * 1000:.0f}")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_S * 1000:.0f}")
        self._fold_at = self._log_size() + _LONG_LOG  # somebody may have been in the way; later, then

    def _log_size(self) -> int:
        try:
            return os.stat(f"{self._path}-wal").st_size if self.on_disk else 0
        except FileNotFoundError:
            return 0


def _is_busy(error: sqlite3.Error) -> bool:
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"))


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", "") or ""


def _explain(path: Path | str, error: sqlite3.Error) -> str:
    name = _name(error)
    if _is_busy(error):
        return f"the call store {path} is locked by another process (waited {_PATIENCE_S:.0f} s); end it"
    if name.startswith("SQLITE_FULL"):
        return f"the disk that holds the call store {path} is full; free some space and resume"
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")):
        return f"the call store {path} cannot be read or written ({error}); check the folder and its permissions"
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR")):
        return _damaged(path)
    return f"the call store {path} failed ({error}); check the file and resume"


def _damaged(path: Path | str) -> str:
    return f"the call store {path} is damaged or is no call store; restore a copy, or move it away and resume"
