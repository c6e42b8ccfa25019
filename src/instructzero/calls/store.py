"""The call store: every paid answer, and the `Ledger` of what was paid, in one SQLite file.

The key of an answer is the SHA-256 of the canonical JSON of {identity, request}. The identity is the black box's, so
that the answers of one model or endpoint are never given as another's. Several processes may share the file.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any

from instructzero.calls.call import Call, canonical
from instructzero.calls.claims import Claims
from instructzero.calls.database import Database, insert
from instructzero.calls.ledger import LEDGER_SCHEMA, Ledger, pay, put_aside
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
_SCHEMA = "CREATE TABLE IF NOT EXISTS calls (key TEXT PRIMARY KEY, call TEXT NOT NULL, answer TEXT NOT NULL)"

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


class CallStore(Ledger):
    """Answers by key, and the payments for them. A stored answer survives a kill of the process and a power cut.

    >>> store = CallStore(":memory:")
    >>> call = Call.of({"model": "m"}, Request((Message("user", "ping"),)))
    >>> store.put(call, Completion("pong")).text, store.get(call).text
    ('pong', 'pong')
    """

    def __init__(self, path: Path | str, *, patience_s: float | None = None) -> None:
        self._path = path
        super().__init__(Database(path, version=FORMAT, schema=(_SCHEMA, *LEDGER_SCHEMA), patience_s=patience_s))
        self._claims: Claims | None = None

    def another(self, *, patience_s: float | None = None) -> CallStore:
        """Return a second connection to the file, for another thread; this object if the store is in memory.

        ``patience_s`` is that of `Database`.
        """
        return CallStore(self._path, patience_s=patience_s) if self._database.on_disk else self

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
        lost: Iterable[Usage] = (),
        set_aside: Usage | None = None,
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
        lost
            The usage of further tries that may have been billed without an answer.
        set_aside
            What the account's questions in flight may cost from now on; None changes nothing. See `book_set_aside`.

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
        payments = [*zip(keys, paid, strict=True), *((None, usage) for usage in lost)]
        with self._database.transaction() as connection:
            new = insert(connection, "calls", rows)
            pay(connection, run, role, payments)
            if set_aside is not None:
                put_aside(connection, run, role, set_aside)
        if new == len(pairs):
            return [answer for _, answer in pairs]
        return [self._find(key) or answer for key, (_, answer) in zip(keys, pairs, strict=True)]

    def add_answers_of(self, other: CallStore) -> None:
        """Store the answers of another store that are missing here; nobody is charged for them."""
        rows = other._calls()
        while page := list(islice(rows, _PAGE)):
            with self._database.transaction() as connection:
                insert(connection, "calls", page)

    def has_answers(self, run: str, role: str) -> bool:
        """Return True if the model has answered a question that ``role`` of ``run`` paid for."""
        query = "SELECT answer FROM ledger JOIN calls USING (key) WHERE run = ? AND role = ? LIMIT ?"
        rows = self._database.rows(query, (run, role, _PAGE))
        with self._database.reporting():
            return any(_completion(answer).finish is not Finish.FAILED for (answer,) in rows)

    def export(self, *, run: str | None = None) -> Iterator[StoredCall]:
        """Yield all calls, or those that ``run`` paid for, in the order in which they were stored."""
        roles = self._roles(run)
        with self._database.reporting():
            for key, call, answer in self._calls():
                if run is None or key in roles:
                    content = json.loads(call)
                    request, completion = _request(content["request"]), _completion(answer)
                    yield StoredCall(key, content["identity"], request, completion, roles.get(key, ""))

    async def claim_soon(self, call: Call, *, patience_s: float = 600.0) -> bool:
        """Claim ``call``, so that no other process asks it until `release`.

        Waits while another process holds the claim, and continues as soon as that process is done or dead. Its answer
        may be in the store then: look there again before paying.

            claimed = await store.claim_soon(call)
            if (answer := store.get(call)) is None:
                answer = store.put(call, await ask(call))
            if claimed:
                store.release(call)

        To avoid a deadlock, claim before acquiring anything that the holder of another claim may wait for.

        Returns
        -------
        bool
            False after ``patience_s`` seconds: the other process may have hung, and the question is asked all the same.
        """
        import asyncio  # imported here, because readers and writers of the store do not need it

        deadline = time.monotonic() + patience_s
        while not (held := self.claim(call)) and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)
        return held

    def claim(self, call: Call) -> bool:
        """Claim ``call`` and return True, or return False if another user holds the claim. Never waits."""
        try:
            if self._claims is None:
                # One file for all names of the store: SQLite's own files also lie beside the file that a link names.
                claims = Path(f"{os.path.realpath(self._path)}-claims")
                self._claims = Claims(claims if self._database.on_disk else None)
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


def _request(content: dict[str, Any]) -> Request:
    messages = tuple(Message(**message) for message in content.pop("messages"))
    rest: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
    return Request(messages, **rest)
