"""The call store: every paid answer, and the run that paid for it, in two tables of one SQLite file.

The key of an answer is the SHA-256 of the canonical JSON of {identity, request}. The identity is the black box's, so
that the answers of one model or endpoint are never given as another's. The ledger has one row for every answer that a
run paid for, and one for every try that may have been billed without an answer. Several processes may share the file.

A third table holds the parts of payments that have prices of their own: prompts from a cache, and thoughts. It is made
for the first of them. So a file without it is an older version's too, and an older version that shares the file pays
the full price for all tokens, which is rather too much than too little.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any

from instructzero.calls.call import Call, canonical
from instructzero.calls.claims import Claims
from instructzero.calls.database import Database
from instructzero.errors import RunDirectoryError
from instructzero.types import Completion, Finish, Message, Request, Usage
from instructzero.types.answers import PARTS

FORMAT = 2
"""The format of the file, SQLite's ``user_version``."""

BLACK_BOX = "black box"
"""The role of the model that follows the instructions."""

JUDGE = "judge"
"""The role of the model that grades the answers of the black box."""

REWRITER = "rewriter"
"""The role of the model that rewrites instructions: the black box, with an account of its own."""

WRITER = "writer"
"""The role of a writer behind an API, which is asked for instructions."""

_POLL_S = 0.03
_PAGE = 1000
_ROWS = 100
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS calls (key TEXT PRIMARY KEY, call TEXT NOT NULL, answer TEXT NOT NULL)",
    # A row without a key is a try that may have been billed without an answer; "at" is in Unix seconds.
    "CREATE TABLE IF NOT EXISTS ledger (run TEXT NOT NULL, role TEXT NOT NULL, key TEXT, calls INTEGER NOT NULL, "
    "prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, at INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS ledger_by_run ON ledger (run)",
)
_PARTS_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS parts (run TEXT NOT NULL, role TEXT NOT NULL, key TEXT, "
    "cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS parts_by_run ON parts (run)",
)
_AMOUNTS = "sum(calls), sum(prompt_tokens), sum(completion_tokens)"

_ANSWER = {each.name: each.default for each in fields(Completion) if each.name not in PARTS}
_ALWAYS_STORED = ("text", "prompt_tokens", "completion_tokens")


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A stored answer as `CallStore.export` yields it; ``role`` is the role that paid for it, "" if unknown."""

    key: str
    identity: Mapping[str, str]
    request: Request
    completion: Completion
    role: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The payments of one role of one run.

    ``usage`` includes the ``lost`` tries, which may have been billed without an answer. The times of the ``first`` and
    the ``last`` payment are in Unix seconds.
    """

    run: str
    role: str
    usage: Usage
    lost: int
    first: int
    last: int


class CallStore:
    """Answers by key. A stored answer survives a kill of the process and a power cut.

    >>> store = CallStore(":memory:")
    >>> call = Call.of({"model": "m"}, Request((Message("user", "ping"),)))
    >>> store.put(call, Completion("pong")).text, store.get(call).text
    ('pong', 'pong')
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._database = Database(path, version=FORMAT, schema=_SCHEMA)
        self._claims: Claims | None = None

    def another(self) -> CallStore:
        """Return a second connection to the file, for another thread; this object if the store is in memory."""
        return CallStore(self._path) if self._database.on_disk else self

    def get(self, call: Call) -> Completion | None:
        """Return the stored answer, or None."""
        return self._find(call.key)

    def known(self, keys: Sequence[str]) -> set[str]:
        """Return those of the keys whose calls have an answer."""
        return {key for (key,) in self._database.rows_of("SELECT key FROM calls WHERE key", keys)}

    def get_many(self, calls: Sequence[Call]) -> dict[Call, Completion]:
        """Return the stored answers of the calls that have one."""
        by_key = {call.key: call for call in calls}
        found: dict[Call, Completion] = {}
        for key, answer in self._database.rows_of("SELECT key, answer FROM calls WHERE key", list(by_key)):
            with self._database.reporting():
                found[by_key[key]] = _completion(answer)
        return found

    def put(self, call: Call, completion: Completion, *, run: str = "", role: str = BLACK_BOX) -> Completion:
        """Store one answer; see `put_many`."""
        return self.put_many([(call, completion)], run=run, role=role)[0]

    def put_many(
        self,
        answers: Iterable[tuple[Call, Completion]],
        *,
        run: str = "",
        role: str = BLACK_BOX,
        charges: Iterable[Usage] | None = None,
    ) -> list[Completion]:
        """Store answers that ``role`` of ``run`` paid for in one transaction; they are on the disk on return.

        Parameters
        ----------
        answers
            Pairs of a call and its answer.
        run, role
            The account that paid.
        charges
            The usage that is booked for each answer; by default one call and the tokens that the answer reports.

        Returns
        -------
        list
            The answers as stored, in order. Where another process stored an answer first, that answer is kept, and the
            payment for this one is booked all the same.
        """
        pairs = list(answers)
        paid = [answer.billed for _, answer in pairs] if charges is None else list(charges)
        keys = [call.key for call, _ in pairs]
        rows = [(key, call.document, _document(answer)) for key, (call, answer) in zip(keys, pairs, strict=True)]
        payments = list(zip(keys, paid, strict=True))
        with self._database.transaction() as connection:
            new = _insert(connection, "calls", rows)
            _pay(connection, run, role, payments)
        if new == len(pairs):
            return [answer for _, answer in pairs]
        return [self._find(key) or answer for key, (_, answer) in zip(keys, pairs, strict=True)]

    def record_lost(self, run: str, role: str, usage: Usage) -> None:
        """Record that ``role`` of ``run`` may have been billed ``usage`` without an answer."""
        with self._database.transaction() as connection:
            _pay(connection, run, role, [(None, usage)])

    def spent(self, run: str) -> dict[str, Usage]:
        """Return the usage that a run has paid so far, by role, with its lost tries."""
        rows = self._database.rows(f"SELECT role, {_AMOUNTS} FROM ledger WHERE run = ? GROUP BY role", (run,))
        parts = self._parts(run)
        return {role: Usage(*amounts, *parts.get((run, role), ())) for role, *amounts in rows}

    def lost(self, run: str) -> dict[str, int]:
        """Return the tries of a run that may have been billed without an answer, by role; no role without any."""
        query = "SELECT role, sum(calls) FROM ledger WHERE run = ? AND key IS NULL GROUP BY role"
        return dict(self._database.rows(query, (run,)))

    def has_answers(self, run: str, role: str) -> bool:
        """Return True if the model has answered a question that ``role`` of ``run`` paid for."""
        query = "SELECT answer FROM ledger JOIN calls USING (key) WHERE run = ? AND role = ? LIMIT ?"
        rows = self._database.rows(query, (run, role, _PAGE))
        with self._database.reporting():
            return any(_completion(answer).finish is not Finish.FAILED for (answer,) in rows)

    def accounts(self) -> list[Account]:
        """Return the ledger summed by run and role, in the order of the first payment."""
        rows = self._database.rows(
            f"SELECT run, role, {_AMOUNTS}, sum(CASE WHEN key IS NULL THEN calls ELSE 0 END), min(at), max(at) "
            "FROM ledger GROUP BY run, role ORDER BY min(rowid)"
        )
        parts = self._parts()
        return [
            Account(run, role, Usage(*rest[:3], *parts.get((run, role), ())), *rest[3:]) for run, role, *rest in rows
        ]

    def export(self, *, run: str | None = None) -> Iterator[StoredCall]:
        """Yield all calls, or those that ``run`` paid for, in the order in which they were stored."""
        roles = self._roles(run)
        with self._database.reporting():
            for key, call, answer in self._calls():
                if run is None or key in roles:
                    content = json.loads(call)
                    request, completion = _request(content["request"]), _completion(answer)
                    yield StoredCall(key, content["identity"], request, completion, roles.get(key, ""))

    @contextlib.asynccontextmanager
    async def claimed(self, call: Call, *, patience_s: float = 600.0) -> AsyncIterator[None]:
        """Hold the claim on ``call`` until the block ends, so that no other process asks it meanwhile.

        Waits while another process holds the claim, and continues as soon as that process is done or dead. Its answer
        may be in the store then: look there again before paying. After ``patience_s`` seconds the block runs without
        the claim, because the other process may have hung.

            if (answer := store.get(call)) is None:
                async with store.claimed(call):
                    answer = store.get(call) or store.put(call, await ask(call))

        To avoid a deadlock, claim before acquiring anything that the holder of another claim may wait for.
        """
        import asyncio  # imported here, because readers and writers of the store do not need it

        deadline = time.monotonic() + patience_s
        while not (held := self.claim(call)) and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)
        try:
            yield
        finally:
            if held:
                self.release(call)

    def claim(self, call: Call) -> bool:
        """Claim ``call`` and return True, or return False if another user holds the claim. Never waits."""
        try:
            if self._claims is None:
                self._claims = Claims(Path(f"{self._path}-claims") if self._database.on_disk else None)
            return self._claims.take(call.key)
        except OSError as error:
            raise RunDirectoryError(
                f"cannot lock {self._path}-claims: {error.strerror}; check the folder and its permissions"
            ) from None

    def release(self, call: Call) -> None:
        """Release a claim, once the answer is stored or will not come."""
        if self._claims is not None:
            self._claims.give_back(call.key)

    def __len__(self) -> int:
        return int(self._database.rows("SELECT count(*) FROM calls")[0][0])

    def close(self) -> None:
        """Close the file and release all claims."""
        self._database.close()
        if self._claims is not None:
            self._claims.close()

    def __enter__(self) -> CallStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _find(self, key: str) -> Completion | None:
        rows = self._database.rows("SELECT answer FROM calls WHERE key = ?", (key,))
        with self._database.reporting():
            return _completion(rows[0][0]) if rows else None

    def _calls(self) -> Iterator[tuple[str, str, str]]:
        """Yield key, call and answer of every row, read page by page, so that a slow reader does not block writers."""
        query = "SELECT rowid, key, call, answer FROM calls WHERE rowid > ? ORDER BY rowid LIMIT ?"
        page = self._database.rows(query, (-1, _PAGE))
        while page:
            for _, key, call, answer in page:
                yield key, call, answer
            page = self._database.rows(query, (page[-1][0], _PAGE))

    def _parts(self, run: str | None = None) -> dict[tuple[str, str], tuple[int, int]]:
        """Return the cached tokens and the thoughts of all payments, or those of one run, by run and role."""
        if not self._database.rows("SELECT 1 FROM sqlite_master WHERE name = 'parts'"):
            return {}
        where, values = ("", ()) if run is None else ("WHERE run = ?", (run,))
        query = f"SELECT run, role, sum(cached_tokens), sum(reasoning_tokens) FROM parts {where} GROUP BY run, role"
        return {(name, role): (cached, thoughts) for name, role, cached, thoughts in self._database.rows(query, values)}

    def _roles(self, run: str | None) -> dict[str, str]:
        """Return the role that paid for each call, or for each call of one run, by key."""
        query = "SELECT key, role FROM ledger WHERE key IS NOT NULL"
        return dict(self._database.rows(query) if run is None else self._database.rows(f"{query} AND run = ?", (run,)))


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> int:
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


def _document(answer: Completion) -> str:
    """Return the answer as JSON; other fields than the first three only where they differ from their default."""
    if answer.finish is Finish.COMPLETE and not answer.reason:  # put together by hand, in half of the time
        text = encode_basestring_ascii(answer.text)
        tokens = f'"completion_tokens":{answer.completion_tokens},"prompt_tokens":{answer.prompt_tokens}'
        return f'{{{tokens},"text":{text}}}'
    values = {name: getattr(answer, name) for name in _ANSWER}
    kept = {name: value for name, value in values.items() if name in _ALWAYS_STORED or value != _ANSWER[name]}
    return canonical(kept)


def _completion(document: str) -> Completion:
    """Return a stored answer. Older versions stored no more than its text and its tokens."""
    content = json.loads(document)
    return Completion(**{**content, "finish": Finish(content.get("finish", Finish.COMPLETE))})


def _pay(connection: sqlite3.Connection, run: str, role: str, payments: Sequence[tuple[str | None, Usage]]) -> None:
    """Book payments, pairs of the key of an answer and its usage; a lost try has no key."""
    now = int(time.time())
    rows = [(run, role, key, usage.calls, usage.prompt_tokens, usage.completion_tokens, now) for key, usage in payments]
    _insert(connection, "ledger", rows)
    parts = [
        (run, role, key, usage.cached_tokens, usage.reasoning_tokens)
        for key, usage in payments
        if usage.cached_tokens or usage.reasoning_tokens
    ]
    if parts:
        for statement in _PARTS_SCHEMA:
            connection.execute(statement)
        _insert(connection, "parts", parts)


def _request(content: dict[str, Any]) -> Request:
    messages = tuple(Message(**message) for message in content.pop("messages"))
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
    return Request(messages, **rest)
