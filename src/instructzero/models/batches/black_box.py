"""A black box that is asked through the batch API of its service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

from instructzero.errors import TransientError
from instructzero.models.batches.rounds import OnProgress, OpenBatches, Pace, Rounds
from instructzero.models.batches.wire import BatchApi
from instructzero.models.patience import Patience
from instructzero.models.service import Reply
from instructzero.protocols import BlackBox, Capabilities, Learning
from instructzero.types import Completion, Request

Post = Callable[[Mapping[str, Any]], Awaitable[Reply]]
"""Sends the body of a request, and returns the reply to it."""

MOST = 100_000
"""The questions that may wait for their batches at the same time."""

_GRACE_S = 0.5  # for answers that were read and are not stored yet; the batch goes on by itself
_ENVELOPE_BYTES, _BYTES_PER_TOKEN = 4096, 8


class Batchable(BlackBox, Learning, Protocol):
    """A black box behind a service with a batch API."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    async def answered_by(self, request: Request, post: Post) -> Completion:
        """Answer a request as `complete` does, but send the bodies with ``post``."""
        ...

    def batch_api(self) -> BatchApi:
        """Return the batch API of the service."""
        ...


class BatchedBlackBox:
    """Asks ``model`` in batches: the requests of a round are sent together and answered within a day.

    Bodies, answers, refusals and what the service teaches about its parameters go the way of ``model``. Its identity is
    that of ``model``, because the answers are. A cancelled request is not lost: its batch is on record.

    Parameters
    ----------
    model
        The black box.
    key
        Returns the name of a request, at most 64 letters and digits, the same one in every process.
    records
        The batches on record. They are closed with the black box.
    on_progress
        Receives the progress of the batches.
    warn
        Receives a sentence at the end, if batches are not finished.
    pace
        The times of a batch.
    patience
        Decides about the waits that the service asks for; None waits as long as it asks.
    """

    def __init__(
        self,
        model: Batchable,
        key: Callable[[Request], str],
        records: OpenBatches,
        *,
        on_progress: OnProgress = lambda questions, done, seconds: None,
        warn: Callable[[str], None] = lambda message: None,
        pace: Pace | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._model = model
        self._key = key
        self._warn = warn
        self._api = model.batch_api()
        self._rounds = Rounds(self._api, records, pace or Pace(), on_progress, patience or Patience())

    @property
    def identity(self) -> Mapping[str, str]:
        """The identity of the model."""
        return self._model.identity

    @property
    def concurrency(self) -> int:
        """The maximum number of questions that wait for batches."""
        return MOST

    @property
    def capabilities(self) -> Capabilities:
        """Those of the model, and batches."""
        return replace(self._model.capabilities, batched=True, grace_s=_GRACE_S)

    def on_learned(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` for every parameter that the service refuses."""
        self._model.on_learned(listener)

    async def complete(self, request: Request) -> Completion:
        """Answer ``request`` with the next batch; see `BlackBox.complete`."""
        room = _ENVELOPE_BYTES + _BYTES_PER_TOKEN * request.max_tokens
        try:
            return await self._model.answered_by(request, partial(self._rounds.reply, self._key(request), room))
        except TransientError as error:  # what the service said hours ago is no reason to slow down now
            failure = TransientError(str(error), maybe_paid=error.maybe_paid)
        raise failure

    async def close(self) -> None:
        """Follow the batches no longer, and close the model."""
        left = await self._rounds.close()
        await self._model.close()
        if left:
            self._warn(
                f"a batch of {left:,} questions goes on at {self._api.service.endpoint}; "
                "continue this run to read the answers, which are not paid again"
            )
