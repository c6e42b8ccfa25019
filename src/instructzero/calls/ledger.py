"""The payments in a call store.

The table ``ledger`` has one row for every answer that a run paid for, and one for every try that may have been billed
without an answer. Two more tables are made when they are needed first. So a file without them is an older version's
too, and an older version that shares the file ignores them:

- ``parts`` holds the parts of payments that have prices of their own: prompts from a cache, and thoughts. The older
  version pays the full price for all tokens, which is rather too much than too little.
- ``set_aside`` holds what the questions in flight of each run may cost. After a kill it is booked as lost.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from instructzero.calls.database import Database, insert
from instructzero.errors import UnwritableStore
from instructzero.types import Usage

_PATIENCE_S, _PAUSE_S = 60.0, 1.0
LEDGER_SCHEMA = (
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
_SET_ASIDE_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS set_aside (run TEXT NOT NULL, role TEXT NOT NULL, calls INTEGER NOT NULL, "
    "prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, "
    "reasoning_tokens INTEGER NOT NULL, PRIMARY KEY (run, role))"
)
_AMOUNTS = "sum(calls), sum(prompt_tokens), sum(completion_tokens)"


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


class Ledger:
    """The payments of all runs that share a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def book_set_aside(self, run: str) -> None:
        """Book what was set aside for the questions of ``run`` that were in flight when its last process was killed.

        Only for a run that no other process continues.
        """
        if not self._has_table("set_aside"):
            return
        columns = "role, calls, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens"
        kept = self._database.rows(f"SELECT {columns} FROM set_aside WHERE run = ?", (run,))
        if kept:
            with self._database.transaction() as connection:
                for role, *amounts in kept:
                    pay(connection, run, role, [(None, self._usage(amounts, ()))])
                connection.execute("DELETE FROM set_aside WHERE run = ?", (run,))

    def spent(self, run: str) -> dict[str, Usage]:
        """Return the usage that a run has paid so far, by role, with its lost tries."""
        rows = self._database.rows(f"SELECT role, {_AMOUNTS} FROM ledger WHERE run = ? GROUP BY role", (run,))
        parts = self._parts(run)
        return {self._named(role): self._usage(amounts, parts.get((run, role), ())) for role, *amounts in rows}

    def lost(self, run: str) -> dict[str, int]:
        """Return the tries of a run that may have been billed without an answer, by role; no role without any."""
        query = "SELECT role, sum(calls) FROM ledger WHERE run = ? AND key IS NULL GROUP BY role"
        return {self._named(role): calls for role, calls in self._database.rows(query, (run,)) if self._whole((calls,))}

    def accounts(self) -> list[Account]:
        """Return the ledger summed by run and role, in the order of the first payment."""
        rows = self._database.rows(
            f"SELECT run, role, {_AMOUNTS}, sum(CASE WHEN key IS NULL THEN calls ELSE 0 END), min(at), max(at) "
            "FROM ledger GROUP BY run, role ORDER BY min(rowid)"
        )
        parts = self._parts()
        return [
            Account(run, self._named(role), self._usage(rest[:3], parts.get((run, role), ())), *self._whole(rest[3:]))
            for run, role, *rest in rows
        ]

    def _parts(self, run: str | None = None) -> dict[tuple[str, str], tuple[int, int]]:
        """Return the cached tokens and the thoughts of all payments, or those of one run, by run and role."""
        if not self._has_table("parts"):
            return {}
        where, values = ("", ()) if run is None else ("WHERE run = ?", (run,))
        query = f"SELECT run, role, sum(cached_tokens), sum(reasoning_tokens) FROM parts {where} GROUP BY run, role"
        return {(name, role): (cached, thoughts) for name, role, cached, thoughts in self._database.rows(query, values)}

    def _named(self, role: Any) -> str:
        with self._database.reporting():
            if not isinstance(role, str):
                raise ValueError("expected a text")
        return role

    def _usage(self, amounts: Sequence[Any], parts: Sequence[Any]) -> Usage:
        return Usage(*self._whole(amounts), *self._whole(parts))

    def _whole(self, amounts: Sequence[Any]) -> Sequence[int]:
        """Return amounts that are whole numbers; SQLite keeps any value in any column."""
        with self._database.reporting():
            if not all(type(amount) is int and amount >= 0 for amount in amounts):
                raise ValueError("expected whole numbers")
        return amounts

    def _has_table(self, name: str) -> bool:
        return bool(self._database.rows("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)))

    def _roles(self, run: str | None) -> dict[str, str]:
        """Return the role that paid for each call, or for each call of one run, by key."""
        query = "SELECT key, role FROM ledger WHERE key IS NOT NULL"
        return dict(self._database.rows(query) if run is None else self._database.rows(f"{query} AND run = ?", (run,)))


def pay(connection: sqlite3.Connection, run: str, role: str, payments: Sequence[tuple[str | None, Usage]]) -> None:
    """Book payments, pairs of the key of an answer and its usage; a lost try has no key."""
    now = int(time.time())
    rows = [(run, role, key, usage.calls, usage.prompt_tokens, usage.completion_tokens, now) for key, usage in payments]
    insert(connection, "ledger", rows)
    parts = [
        (run, role, key, usage.cached_tokens, usage.reasoning_tokens)
        for key, usage in payments
        if usage.cached_tokens or usage.reasoning_tokens
    ]
    if parts:
        for statement in _PARTS_SCHEMA:
            connection.execute(statement)
        insert(connection, "parts", parts)


def put_aside(connection: sqlite3.Connection, run: str, role: str, usage: Usage) -> None:
    """Set ``usage`` aside for an account instead of what was set aside before."""
    connection.execute(_SET_ASIDE_SCHEMA)
    amounts = (usage.calls, usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens)
    if any(amounts):
        connection.execute("INSERT OR REPLACE INTO set_aside VALUES (?, ?, ?, ?, ?, ?, ?)", (run, role, *amounts))
    else:
        connection.execute("DELETE FROM set_aside WHERE run = ? AND role = ?", (run, role))


def waiting_for_store(write: Callable[[], None], warn: Callable[[str], None]) -> None:
    """Write, and try again for a while if another process holds the store, or the disk is full.

    Raises
    ------
    UnwritableStore
        If that does not change within a minute.
    """
    deadline = time.monotonic() + _PATIENCE_S
    has_warned = False
    while True:
        try:
            return write()
        except UnwritableStore as error:
            if time.monotonic() >= deadline:
                raise
            if not has_warned:
                has_warned = True
                warn(f"{error}; waiting for it")
            time.sleep(_PAUSE_S)
