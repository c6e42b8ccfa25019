"""Opening SQLite files of this package, and leaving those of other programs as they are.

Our files have an application id in their header, so that a file can be recognised without SQLite, which may write
beside a file that it only reads. Versions before the id made files that are recognised by their tables.

A reader changes no byte in the folder: it needs no permission to write there, and does not disturb a run.

SQLite locks by POSIX locks, which a process loses on a file as soon as it closes any descriptor of it
(https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_). So `_users`
counts the connections of this process, and nothing else opens a file that one of them uses.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import struct
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock
from urllib.parse import quote

from instructzero.errors import RunDirectoryError
from instructzero.files import create_private

APPLICATION = int.from_bytes(b"IZca", "big")
"""SQLite's ``application_id`` of our files."""

MAGIC = b"SQLite format 3\0"
"""The first bytes of every SQLite file."""

_HEADER = struct.Struct(">60xI4xI28x")  # user_version and application_id, https://sqlite.org/fileformat.html
_SIDES: Mapping[str, tuple[bytes, ...]] = {
    "-wal": (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    "-shm": ((3_007_000).to_bytes(4, sys.byteorder),),
    "-journal": (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7",),
}
"""The files that SQLite writes beside a database, and how they begin, unless with zeros."""

_ADDED_LATER = frozenset({"parts", "set_aside"})  # not in the schema: a call store makes them when it needs them
_TRIES = 5
_PAUSE_S = 0.03

_Inode = tuple[int, int]
_lock = RLock()
_users: Counter[_Inode] = Counter()
_without_locks: defaultdict[_Inode, list[sqlite3.Connection]] = defaultdict(list)


@dataclass(frozen=True)
class Form:
    """The ``user_version`` and the schema of a kind of file."""

    version: int
    schema: Sequence[str]

    @cached_property
    def tables(self) -> Mapping[str, frozenset[str]]:
        """The columns by table."""
        with closing(self.empty()) as connection:
            return tables_of(connection)

    def empty(self) -> sqlite3.Connection:
        """Return an empty database in memory."""
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.create(connection)
        return connection

    def create(self, connection: sqlite3.Connection) -> None:
        """Create the tables that are missing, and mark the file as ours."""
        for statement in self.schema:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {self.version}")

    def check(self, path: str, application: int, version: int, tables: Mapping[str, frozenset[str]]) -> None:
        """Raise `RunDirectoryError` unless a file with these properties has this form, or is an empty database."""
        if application not in (0, APPLICATION) or not (application or self._fits(tables)):
            raise RunDirectoryError(foreign(path))
        if version not in (0, self.version):
            raise RunDirectoryError(
                f"expected a call store of format {self.version} in {path}, got format {version}; "
                "update instructzero, or use another store"
            )
        if not version and tables:
            raise RunDirectoryError(foreign(path))

    def _fits(self, tables: Mapping[str, frozenset[str]]) -> bool:
        return all(name in _ADDED_LATER or columns <= self.tables.get(name, set()) for name, columns in tables.items())


class OpenFile:
    """A connection to a file, which is counted until it is closed.

    Parameters
    ----------
    connection
        The connection.
    inode
        The file that it is counted for; None for a copy and for a database in memory.
    locks
        False if the connection takes no locks, because nobody writes the file.
    copy
        The folder to delete at the end.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        inode: _Inode | None = None,
        *,
        locks: bool = True,
        copy: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self.connection = connection
        self._inode = inode
        self._locks = locks
        self._copy = copy
        if inode is not None and locks:
            _users[inode] += 1

    def close(self) -> None:
        """Close the connection; one without locks stays open for as long as others of this process need theirs."""
        with _lock:
            inode, self._inode = self._inode, None
            if inode is not None and not self._locks and _users[inode]:
                _without_locks[inode].append(self.connection)
                return
            self.connection.close()
            if inode is not None and self._locks:
                _forget(inode)
            if self._copy is not None:
                self._copy.cleanup()


def open_to_write(path: str, form: Form, timeout_s: float) -> OpenFile:
    """Open or create the file ``path``, or raise `RunDirectoryError` and leave it as it is if it is not of this form.

    May raise `sqlite3.Error`. The tables of a new file are not there yet.
    """
    with _lock:
        if not is_open(path):
            _examine(path, form)
        create_private(Path(path))
        return OpenFile(_connect(path, timeout_s), _inode(path))


def open_to_read(path: str, form: Form, timeout_s: float) -> OpenFile:
    """Open the file ``path`` and change nothing, not even beside it; a file without tables is empty.

    Raises as `open_to_write` does.
    """
    for attempt in range(_TRIES):
        with _lock:
            file = _reader(path, form, timeout_s)
        try:
            if file.connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                file.close()
                return OpenFile(form.empty())
            return file
        except BaseException as error:
            file.close()
            name = getattr(error, "sqlite_errorname", "")
            if attempt == _TRIES - 1 or not name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
                raise
            time.sleep(_PAUSE_S)  # a writer has opened or closed the file between our look and our opening
    raise AssertionError("unreachable")


def is_open(path: str) -> bool:
    """Return True if this process has a connection to the file."""
    with _lock:
        inode = _inode(path)
        return inode is not None and _users[inode] > 0


def is_database(path: Path) -> bool:
    """Return True if the file ``path`` is an SQLite database, of whomever; False also if it cannot be read."""
    with _lock:
        if is_open(str(path)):
            return True
        try:
            return stat.S_ISREG(path.stat().st_mode) and _beginning(str(path), len(MAGIC)) == MAGIC
        except OSError:
            return False


def tables_of(connection: sqlite3.Connection) -> dict[str, frozenset[str]]:
    """Return the columns of all tables and views by name."""
    query = (
        "SELECT entry.name, info.name FROM sqlite_master AS entry, pragma_table_info(entry.name) AS info "
        "WHERE entry.type IN ('table', 'view') AND substr(entry.name, 1, 7) <> 'sqlite_'"
    )
    columns = defaultdict(set)
    for table, column in connection.execute(query):
        columns[table].add(column)
    return {table: frozenset(names) for table, names in columns.items()}


def numbers_of(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return application id and ``user_version``."""
    found = connection.execute("SELECT application_id, user_version FROM pragma_application_id, pragma_user_version")
    application, version = found.fetchone()
    return int(application), int(version)


def foreign(path: Path | str) -> str:
    """Return the message about a file of another program."""
    return f"the file {path} belongs to another program and is not a call store; choose another name for the store"


def damaged(path: Path | str) -> str:
    """Return the message about a file that cannot be read, whosever it is."""
    return (
        f"the call store {path} is damaged or is not a call store; restore a copy or choose another name for the store"
    )


def _connect(database: str, timeout_s: float, *, uri: bool = False) -> sqlite3.Connection:
    # One thread at a time uses the connection, but not always the thread that opened it.
    return sqlite3.connect(database, timeout=timeout_s, isolation_level=None, check_same_thread=False, uri=uri)


def _reader(path: str, form: Form, timeout_s: float) -> OpenFile:
    """Return a connection that changes nothing; nobody else in this process opens a file meanwhile."""
    uri = f"file:{quote(os.fsencode(path))}?mode=ro"
    if is_open(path):
        return OpenFile(_connect(uri, timeout_s, uri=True), _inode(path))
    _examine(path, form)
    if not _size(path) or _size(f"{path}-journal"):  # a new file, whose tables are not committed
        return OpenFile(form.empty())
    log, index = _size(f"{path}-wal"), _size(f"{path}-shm")
    if log is not None and index and _is_index_of_log(path):  # a process has the file open, or was killed
        return OpenFile(_connect(f"{uri}&readonly_shm=1", timeout_s, uri=True), _inode(path))
    if log:
        return _copied(path)
    return OpenFile(_connect(f"{uri}&immutable=1", timeout_s, uri=True), _inode(path), locks=False)


def _is_index_of_log(path: str) -> bool:
    """Return False if the index has another salt than the log: a process was killed just when it began the log anew.

    SQLite tries for ten seconds to read such a pair without writing, and fails (walBeginShmUnreliable in its wal.c).
    """
    log, index = _beginning(f"{path}-wal", 24), _beginning(f"{path}-shm", 40)
    return not log or log[16:24] == index[32:40]


def _copied(path: str) -> OpenFile:
    """Return a connection to a copy of a file with a log without its index: SQLite would write a new one."""
    folder = tempfile.TemporaryDirectory(prefix="instructzero-")
    try:
        copy = f"{folder.name}/copy"
        with contextlib.suppress(FileNotFoundError):  # first, and gone if its content is in the file by now
            shutil.copyfile(f"{path}-wal", f"{copy}-wal")
        shutil.copyfile(path, copy)
        return OpenFile(_connect(copy, 0.0), copy=folder)
    except OSError as error:
        folder.cleanup()
        raise RunDirectoryError(
            f"cannot copy the call store {path}: {error.strerror}; make room in {folder.name}"
        ) from None


def _examine(path: str, form: Form) -> None:
    """Raise `RunDirectoryError` unless ``path`` is free, or holds a file of this form; SQLite does not touch it."""
    try:
        sides = {ending: _beginning(f"{path}{ending}", 8) for ending in _SIDES}  # first: they are made after the file
        header = _beginning(path, _HEADER.size)
    except OSError as error:
        raise RunDirectoryError(
            f"the call store {path} cannot be read or written ({error.strerror}); check the folder and its permissions"
        ) from None
    for ending, content in sides.items():
        if content.strip(b"\0") and not content.startswith(_SIDES[ending]):
            raise RunDirectoryError(foreign(f"{path}{ending}"))
    if not header and sides["-wal"]:
        raise RunDirectoryError(
            f"found the log {path}-wal without its database, which may hold answers; restore the database, or move "
            "the log away"
        )
    if header:
        _examine_header(path, header, form)


def _examine_header(path: str, header: bytes, form: Form) -> None:
    if len(header) < _HEADER.size or not header.startswith(MAGIC):
        raise RunDirectoryError(damaged(path))
    version, application = _HEADER.unpack(header)
    if application:
        form.check(path, application, version, {})
        return
    for version, tables in _looks(path):
        form.check(path, 0, version, tables)


def _looks(path: str) -> Iterator[tuple[int, Mapping[str, frozenset[str]]]]:
    """Yield version and tables of a file without an application id, with its log if there are none without."""
    uri = f"file:{quote(os.fsencode(path))}?mode=ro&immutable=1"
    try:
        with closing(_connect(uri, 0.0, uri=True)) as connection:
            tables, version = tables_of(connection), numbers_of(connection)[1]
        yield version, tables
        if not tables and _size(f"{path}-wal"):
            with closing(_copied(path)) as copy:
                tables = tables_of(copy.connection)
                yield numbers_of(copy.connection)[1], tables
    except (sqlite3.Error, UnicodeError):
        raise RunDirectoryError(damaged(path)) from None


def _beginning(path: str, size: int) -> bytes:
    """Return the first bytes of a file, none if there is no file or a folder; anything else is another program's."""
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise RunDirectoryError(foreign(path))
        with open(path, "rb") as file:
            return file.read(size)
    except (FileNotFoundError, IsADirectoryError):  # another process may just have removed it
        return b""


def _size(path: str) -> int | None:
    """Return the size of a file, None if there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _inode(path: str) -> _Inode | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _forget(inode: _Inode) -> None:
    """Count one connection less; after the last, close those without locks that waited for it."""
    _users[inode] -= 1
    if not _users[inode]:
        del _users[inode]
        for connection in _without_locks.pop(inode, []):
            connection.close()
