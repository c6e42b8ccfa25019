"""The SQLite file of a call store: shared by several processes, durable after each commit, intact after any kill."""

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
_KEYS = 500  # SQLite before 3.32 takes 999 values in one query


class Database:
    """One process's connection to the file.

    Parameters
    ----------
    path
        The file, or ":memory:".
    version
        The format of the file, kept as SQLite's ``user_version``.
    schema
        The statements that create the tables of a new file. They may run again on a file that has them.

    Raises
    ------
    RunDirectoryError
        If the file cannot be opened, is damaged, has another format, or belongs to another program.

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
            # One thread at a time uses the connection, but not always the thread that opened it.
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
                yield self._connection
                self._connection.execute("COMMIT")
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
            raise RunDirectoryError(_explain(self._path, error)) from None
        except (ValueError, KeyError, TypeError, UnicodeError):
            raise RunDirectoryError(_damaged(self._path)) from None

    def close(self) -> None:
        """Close the connection; the last connection to the file writes the log back into it."""
        self._connection.close()

    def _prepare(self) -> None:
        with self.reporting():
            found = self._read_version()
            self._use_log()
            self._connection.execute("PRAGMA synchronous = FULL")  # each commit reaches the disk, not only the kernel
            self._connection.execute("PRAGMA wal_autocheckpoint = 0")  # see _fold_log
        if not found:
            with self.transaction() as connection:
                if not self._read_version():  # no other process has created the tables meanwhile
                    for statement in self._schema:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {self._version}")

    def _read_version(self) -> int:
        """Return the format of the file, 0 for a new file; refuse every other format than ours."""
        query = "SELECT user_version, (SELECT count(*) FROM sqlite_master) FROM pragma_user_version"
        found, tables = self._connection.execute(query).fetchone()
        if found not in (0, self._version):
            raise RunDirectoryError(
                f"expected a call store of format {self._version} in {self._path}, got format {found}; "
                "update instructzero, or use another store"
            )
        if found == 0 and tables:
            raise RunDirectoryError(_damaged(self._path))
        return int(found)

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
        self._connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_S * 1000:.0f}")
        self._fold_at = self._log_size() + _LONG_LOG  # another process may have prevented it; try again later

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
        return f"the call store {path} is locked by another process (waited {_PATIENCE_S:.0f} s); stop that process"
    if name.startswith("SQLITE_FULL"):
        return f"the disk that holds the call store {path} is full; free some space and resume"
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")):
        return f"the call store {path} cannot be read or written ({error}); check the folder and its permissions"
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR")):
        return _damaged(path)
    return f"the call store {path} failed ({error}); check the file and resume"


def _damaged(path: Path | str) -> str:
    return f"the call store {path} is damaged or is not a call store; restore a copy, or move it away and resume"
