"""The paid models of a run and everything that lives as long as they do, with one owner that closes it all."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, TypeVar

from instructzero.calls.answers import Answers
from instructzero.calls.asker import Asker, throttle_of
from instructzero.calls.budget import Budget
from instructzero.calls.fan_out import Question, QuestionBatch, Result, Use
from instructzero.calls.store import BLACK_BOX, REWRITER, WRITER, CallStore
from instructzero.models.event_loop import EventLoop
from instructzero.models.garbage import rare_collections
from instructzero.models.patience import Patience
from instructzero.protocols import BlackBox, capabilities_of

Value = TypeVar("Value")
OnWait = Callable[[str, float, str], None]
"""A receiver of long waits: the role whose model does not answer, the seconds until the next attempt, the reason."""


def ignore_wait(role: str, seconds: float, reason: str) -> None:
    """Do nothing about a wait."""


class PaidRole:
    """One role's answers, with synchronous access to them. Made, and closed, by `PaidModels`."""

    def __init__(self, answers: Answers, loop: EventLoop, grace: Callable[[], float], *, batched: bool = False) -> None:
        self.answers = answers
        self._loop = loop
        self._grace = grace
        self._batched = batched
        self._batch: QuestionBatch[Any, Any] | None = None

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine in the event loop of the paid models, and return its result."""
        return self._loop.run(coroutine)

    def batch(self, use: Use[Question, Result], questions: Sequence[Question]) -> QuestionBatch[Question, Result]:
        """Return a batch of distinct questions to ask concurrently; the role's last batch is stopped first."""
        self.stop()
        proven = (lambda: True) if self._batched else (lambda: self.answers.proven)
        batch = self._batch = QuestionBatch(self.answers, use, questions, grace=self._grace, proven=proven)
        return batch

    def stop(self, batch: QuestionBatch[Any, Any] | None = None) -> None:
        """Stop the role's last batch, if it is ``batch`` or ``batch`` is None; questions in flight may finish."""
        last = self._batch
        if last is not None and batch in (None, last):
            self._batch = None
            self._loop.finish(last.drain())

    async def close(self) -> None:
        """Stop the last batch and finish writing."""
        last, self._batch = self._batch, None
        if last is not None:
            await last.drain()
        await self.answers.close()


class PaidModels:
    """Owns the paid models of a run: their event loop, and the answers and account of every role.

    A context manager. At the end of the block it stops what is in flight, finishes writing the answers of each role,
    closes the models, and then the event loop. The store stays open: it belongs to the caller.

    The rewriter is the black box with an account of its own. Both share one throttle, because one service limits both;
    so does a writer that is the same model at the same address.
    The event loop lives as long as the models, so that their connections stay open from round to round.

    Parameters
    ----------
    models
        The models by role.
    store
        Holds the answers of all roles.
    run
        The name of the run that is charged.
    budget
        Grants every try; None for no limit.
    retries, seed
        The further tries of a request, and the seed of the waits between them; see `Asker`.
    shared
        True if other processes use the store at the same time.
    requests_per_minute, tokens_per_minute
        The rate limits of the black box; None for no limit.
    max_wait
        The longest wait for a service that refuses, in seconds; see `Patience`.
    on_wait
        Receives every wait of more than a minute.
    time_left
        Returns the seconds until the run has to end; a longer wait ends it at once.
    grace_s
        Seconds that questions in flight have to finish when a batch is stopped; by default what the model of the role
        declares in its `Capabilities`.
    tolerant
        True if a question that the black box or the writer refuses for its own sake has a completion that is
        `Finish.FAILED`; if False, it raises an error, as it does for the judge and the rewriter.
    warn
        Receives a sentence about something that deserves a look.

    >>> from instructzero.models.scripted import ScriptedBlackBox, echo
    >>> from instructzero.types import Message, Request
    >>> request = Request((Message("user", "ping"),))
    >>> with CallStore(":memory:") as store, PaidModels({BLACK_BOX: ScriptedBlackBox(echo)}, store) as paid:
    ...     role = paid.role(BLACK_BOX)
    ...     completion, cached = role.run(role.answers.get(role.answers.call(request), request))
    >>> completion.text, cached
    ('ping', False)
    """

    def __init__(
        self,
        models: Mapping[str, BlackBox],
        store: CallStore,
        *,
        run: str = "",
        budget: Budget | None = None,
        retries: int = 0,
        seed: int = 0,
        shared: bool = False,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        max_wait: float = math.inf,
        on_wait: OnWait = ignore_wait,
        time_left: Callable[[], float] = lambda: math.inf,
        grace_s: float | None = None,
        tolerant: bool = False,
        warn: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.models = dict(models)
        self._store = store
        self._warn = warn
        self._run, self._budget, self._shared = run, budget, shared
        self._retries, self._seed, self._tolerant = retries, seed, tolerant
        self._grace_s, self._time_left = grace_s, time_left
        limits = {"requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute}
        self._access = {
            name: (
                throttle_of(model, **(limits if name == BLACK_BOX else {})),
                Patience(max_wait, partial(on_wait, name), time_left),
            )
            for name, model in self.models.items()
        }
        if WRITER in self.models and _share_limits(self.models[WRITER], self.models[BLACK_BOX]):
            self._access[WRITER] = self._access[BLACK_BOX]
        self._roles: dict[str, PaidRole] = {}
        self._loop = EventLoop()

    def role(self, name: str) -> PaidRole:
        """Return the role ``name``, the same object every time."""
        if name not in self._roles:
            can = capabilities_of(self.models[_model_of(name)])
            answers = Answers(
                self._asker(name),
                self._store,
                run=self._run,
                role=name,
                shared=self._shared,
                books=self._budget is not None,
                limited=self._budget is not None and not can.batched,  # batches in flight have a record of their own
                warn=self._warn,
                hurries=lambda: self._loop.hurries,
            )
            grace = partial(self._grace, can.grace_s if self._grace_s is None else self._grace_s)
            self._roles[name] = PaidRole(answers, self._loop, grace, batched=can.batched)
        return self._roles[name]

    def _grace(self, seconds: float) -> float:
        """Return the seconds that questions in flight may take now, of at most ``seconds``."""
        return 0.0 if self._loop.hurries else max(0.0, min(seconds, self._time_left()))

    def _asker(self, name: str) -> Asker:
        model = _model_of(name)
        throttle, patience = self._access[model]
        tolerant = self._tolerant and name in (BLACK_BOX, WRITER)
        return Asker(
            self.models[model],
            retries=self._retries,
            throttle=throttle,
            patience=patience,
            reserve=None if self._budget is None else self._budget.reserve_for(name),
            seed=self._seed,
            has_answered=partial(self._store.has_answers, self._run, name) if tolerant else None,
        )

    def __enter__(self) -> PaidModels:
        self._collections = rare_collections()
        self._collections.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._loop.finish(self._close())
        finally:
            self._loop.close()
            self._collections.__exit__(kind, error, traceback)

    async def _close(self) -> None:
        """Close the roles, then the models. A failure to close one does not keep the others open."""
        async with AsyncExitStack() as stack:  # runs the callbacks in reverse order
            for model in self.models.values():
                stack.push_async_callback(model.close)
            for role in self._roles.values():
                stack.push_async_callback(role.close)


def _share_limits(writer: BlackBox, blackbox: BlackBox) -> bool:
    """Return True if both are the same model, and asked in the same way."""
    return writer.identity == blackbox.identity and not capabilities_of(blackbox).batched


def _model_of(role: str) -> str:
    """Return the role whose model a role uses: the rewriter is the black box."""
    return BLACK_BOX if role == REWRITER else role
