"""The batches that were sent and whose answers may not be in the call store yet, in a file beside the store.

The answers stay on record after they were read: a process that ends between the reading and the storing of an answer
reads it again. A question that has an answer in the call store is not looked up here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from instructzero.calls.call import Call
from instructzero.calls.database import Database
from instructzero.calls.paid import OnWait, ignore_wait
from instructzero.calls.store import BLACK_BOX, JUDGE, CallStore
from instructzero.models.batches.black_box import Batchable, BatchedBlackBox
from instructzero.models.batches.wire import Plan
from instructzero.models.patience import Patience
from instructzero.protocols import BlackBox
from instructzero.types import Request

FORMAT = 1
"""The format of the file, SQLite's ``user_version``."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS batches (mark TEXT PRIMARY KEY, batch TEXT, at REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS questions (key TEXT PRIMARY KEY, mark TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS questions_by_mark ON questions (mark)",
)


class StoredBatches:
    """The batches of the runs that use one call store; see `OpenBatches`. The file is made for the first batch.

    Parameters
    ----------
    path
        The file, or ":memory:".

    >>> batches = StoredBatches(":memory:")
    >>> batches.add(Plan("mark", 0.0, ("key",)))
    >>> batches.sent("mark", "batch_1")
    >>> batches.find(["key", "other"])["key"].batch
    'batch_1'
    """

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._opened: Database | None = None

    @classmethod
    def beside(cls, store: Path) -> StoredBatches:
        """Return the batches whose answers belong into a call store."""
        return cls(Path(f"{store}-batches"))

    def add(self, plan: Plan) -> None:
        """Add a batch that is about to be sent; its questions belong to no other batch any more."""
        with self._database().transaction() as connection:
            connection.execute("INSERT INTO batches VALUES (?, ?, ?)", (plan.mark, plan.batch, plan.at))
            rows = [(key, plan.mark) for key in plan.keys]
            connection.executemany("INSERT OR REPLACE INTO questions VALUES (?, ?)", rows)

    def sent(self, mark: str, batch: str) -> None:
        """Note the service's name of a batch."""
        with self._database().transaction() as connection:
            connection.execute("UPDATE batches SET batch = ? WHERE mark = ?", (batch, mark))

    def find(self, keys: Sequence[str]) -> dict[str, Plan]:
        """Return the batch of every question that was sent in one."""
        if not self._exists():
            return {}
        marks = dict(self._database().rows_of("SELECT key, mark FROM questions WHERE key", keys))
        plans = {mark: self._plan(mark) for mark in set(marks.values())}
        return {key: plans[mark] for key, mark in marks.items()}

    def forget(self, plan: Plan, keys: Sequence[str]) -> None:
        """Remove questions of a batch, which has no answer to them."""
        with self._database().transaction() as connection:
            rows = [(key, plan.mark) for key in keys]
            connection.executemany("DELETE FROM questions WHERE key = ? AND mark = ?", rows)

    def names(self) -> set[str]:
        """Return the service's names of all batches."""
        rows = self._database().rows("SELECT batch FROM batches WHERE batch IS NOT NULL") if self._exists() else []
        return {batch for (batch,) in rows}

    def keys(self) -> list[str]:
        """Return the questions on record."""
        rows = self._database().rows("SELECT key FROM questions") if self._exists() else []
        return [key for (key,) in rows]

    def close(self) -> None:
        """Close the file."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _exists(self) -> bool:
        return self._opened is not None or Path(self._path).exists()

    def _database(self) -> Database:
        if self._opened is None:
            self._opened = Database(self._path, version=FORMAT, schema=_SCHEMA)
        return self._opened

    def _plan(self, mark: str) -> Plan:
        ((batch, at),) = self._database().rows("SELECT batch, at FROM batches WHERE mark = ?", (mark,))
        keys = self._database().rows("SELECT key FROM questions WHERE mark = ? ORDER BY rowid", (mark,))
        return Plan(mark, at, tuple(key for (key,) in keys), batch)


OnBatch = Callable[[str, int, int, float], None]
"""Receives the role, the questions in unfinished batches, those that are answered, and the seconds since then."""


def in_batches(
    models: Mapping[str, BlackBox],
    store: Path,
    on_batch: OnBatch,
    warn: Callable[[str], None],
    *,
    max_wait: float = math.inf,
    on_wait: OnWait = ignore_wait,
    time_left: Callable[[], float] = lambda: math.inf,
) -> dict[str, BlackBox]:
    """Return the models by role, with the black box and the judge asked in batches if their services take them.

    Parameters
    ----------
    models
        The models by role.
    store
        The file of the call store.
    on_batch
        Receives the progress of the batches.
    warn
        Receives a sentence at the end, if batches are not finished.
    max_wait, on_wait
        The longest wait that a service may ask for, in seconds, and the receiver of the role, seconds and reason of
        long ones; see `Patience`.
    time_left
        Returns the seconds until the run has to end.
    """
    batched = {role: model for role, model in models.items() if role in (BLACK_BOX, JUDGE) and _takes_batches(model)}
    return {
        **models,
        **{
            role: BatchedBlackBox(
                cast(Batchable, model),
                partial(_key, model),
                StoredBatches.beside(store),
                on_progress=partial(on_batch, role),
                warn=warn,
                patience=Patience(max_wait, partial(on_wait, role), time_left),
            )
            for role, model in batched.items()
        },
    }


def unread_answers(path: Path, store: CallStore) -> int:
    """Return the number of questions in batches that have no answer in the call store at ``path``."""
    batches = StoredBatches.beside(path)
    try:
        keys = batches.keys()
        return len(keys) - len(store.known(keys))
    finally:
        batches.close()


def _takes_batches(model: BlackBox) -> bool:
    return hasattr(model, "batch_api")


def _key(model: BlackBox, request: Request) -> str:
    """Return the key of a request in the call store, 64 hexadecimal digits."""
    return Call.of(model.identity, request).key
