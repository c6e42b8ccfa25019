"""Every answer that was paid for, kept for ever: a table in one SQLite file.

An answer is found again by what was asked: the SHA-256 of the canonical JSON of {identity, request}. Identity
is the black box's, so another model or endpoint never sees this one's answers. Several processes may share
the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from instructzero.errors import RunDirectoryError
from instructzero.types import Completion, Message, Request

FORMAT = 1
_PATIENCE_S = 30.0
_TABLE = "CREATE TABLE IF NOT EXISTS calls (key TEXT PRIMARY KEY, call TEXT NOT NULL, answer TEXT NOT NULL)"


@dataclass(frozen=True, slots=True)
class Call:
    """One question to one black box."""

    document: str

    @classmethod
    def of(cls, identity: Mapping[str, str], request: Request) -> Call:
        """The canonical JSON: sorted keys, no spaces, so equal calls are equal bytes."""
        content = {"identity": dict(identity), "request": asdict(request)}
        return cls(json.dumps(content, sort_keys=True, separators=(",", ":")))

    @property
    def key(self) -> str:
        return hashlib.sha256(self.document.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A row of the store, as `CallStore.export` gives it."""

    key: str
    identity: Mapping[str, str]
    request: Request
    completion: Completion


class CallStore:
    """Answers by key; one that was put survives a kill of the process and a power cut from then on.

    >>> store = CallStore(":memory:")
    >>> call = Call.of({"model": "m"}, Request((Message("user", "ping"),)))
    >>> store.put(call, Completion("pong"))
    Completion(text='pong', prompt_tokens=0, completion_tokens=0)
    >>> store.get(call).text
    'pong'
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        with self._errors():
            # One thread at a time uses the store, though not always the thread that opened it.
            self._database = sqlite3.connect(
                str(path), timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def get(self, call: Call) -> Completion | None:
        """The stored answer, or None."""
        with self._errors():
            row = self._database.execute("SELECT answer FROM calls WHERE key = ?", (call.key,)).fetchone()
            return None if row is None else Completion(**json.loads(row[0]))

    def put(self, call: Call, completion: Completion) -> Completion:
        """Store one answer; see `put_many`."""
        return self.put_many([(call, completion)])[0]

    def put_many(self, answers: Iterable[tuple[Call, Completion]]) -> list[Completion]:
        """Store answers in one transaction, on the disk when this returns.

        Returns the answers as they stand in the store: where another process was first, its answer holds.
        """
        pairs = list(answers)
        rows = [(call.key, call.document, json.dumps(asdict(answer))) for call, answer in pairs]
        with self._errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany("INSERT INTO calls VALUES (?, ?, ?) ON CONFLICT DO NOTHING", rows)
                self._database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # some failures have rolled back by themselves
                    self._database.execute("ROLLBACK")
                raise
        return [self.get(call) or answer for call, answer in pairs]

    def export(self) -> Iterator[StoredCall]:
        """All calls in the order in which they were stored."""
        with self._errors():
            for key, call, answer in self._database.execute("SELECT key, call, answer FROM calls ORDER BY rowid"):
                content = json.loads(call)
                yield StoredCall(
                    key, content["identity"], _request(content["request"]), Completion(**json.loads(answer))
                )

    def __len__(self) -> int:
        with self._errors():
            return int(self._database.execute("SELECT count(*) FROM calls").fetchone()[0])

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> CallStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _prepare(self) -> None:
        with self._errors():
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")  # each commit reaches the disk, not only the kernel
            version = int(self._database.execute("PRAGMA user_version").fetchone()[0])
            if version > FORMAT:
                raise RunDirectoryError(
                    f"expected a call store of format {FORMAT} or older in {self._path}, got format "
                    f"{version}; update instructzero"
                )
            if version < FORMAT:
                self._database.execute("BEGIN IMMEDIATE")
                self._database.execute(_TABLE)
                self._database.execute(f"PRAGMA user_version = {FORMAT}")
                self._database.execute("COMMIT")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns SQLite's errors, and damage that only shows in the contents, into one sentence."""
        try:
            yield
        except sqlite3.Error as error:
            raise RunDirectoryError(_explain(self._path, error)) from None
        except (ValueError, KeyError, TypeError, UnicodeError):
            raise RunDirectoryError(_damaged(self._path)) from None


def _request(content: dict[str, object]) -> Request:
    messages = tuple(Message(**message) for message in content.pop("messages"))  # type: ignore[attr-defined]
    return Request(messages, **content)  # type: ignore[arg-type]


def _explain(path: Path | str, error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
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
