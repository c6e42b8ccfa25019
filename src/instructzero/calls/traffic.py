"""The paid models of a run: each role with its own answers and account, all in one event loop under one budget."""

from __future__ import annotations

from collections.abc import Mapping

from instructzero.calls.answers import Answers
from instructzero.calls.asker import Asker
from instructzero.calls.budget import Budget
from instructzero.calls.store import BLACK_BOX, REWRITER, CallStore
from instructzero.config import Settings
from instructzero.models.event_loop import EventLoop
from instructzero.models.throttle import Throttle
from instructzero.protocols import BlackBox
from instructzero.types import Completion, Request


class Traffic:
    """Makes the answers of a role. ``models`` are by role; the black box is the rewriter too.

    Both share one throttle, because they are one service's to refuse.
    """

    def __init__(
        self, settings: Settings, models: Mapping[str, BlackBox], store: CallStore, budget: Budget, run: str
    ) -> None:
        self.models = models
        self.store = store
        self.loop = EventLoop()
        self._settings = settings
        self._budget = budget
        self._run = run
        self._throttles = {role: Throttle(model.concurrency, **self._limits(role)) for role, model in models.items()}

    @property
    def grace_s(self) -> float:
        """Seconds that a question of the black box which is on its way is worth waiting for."""
        return 0.0 if is_free(self.models[BLACK_BOX]) else 5.0

    def answers(self, role: str) -> Answers:
        """The answers booked to ``role``; closing them frees its model, the rewriter's aside."""
        model = _Borrowed(self.models[BLACK_BOX]) if role == REWRITER else self.models[role]
        asker = Asker(
            model,
            retries=self._settings.retries,
            throttle=self._throttles[BLACK_BOX if role == REWRITER else role],
            reserve=self._budget.reserve_for(role),
            seed=self._settings.seed,
        )
        return Answers(asker, self.store, run=self._run, role=role, shared=self._settings.store is not None)

    def _limits(self, role: str) -> dict[str, int | None]:
        if role != BLACK_BOX:
            return {}
        return {
            "requests_per_minute": self._settings.requests_per_minute,
            "tokens_per_minute": self._settings.tokens_per_minute,
        }


def is_free(blackbox: BlackBox) -> bool:
    """Whether nothing is lost when an answer that is on its way is dropped."""
    return blackbox.identity.get("backend") == "huggingface"


class _Borrowed:
    """A black box that somebody else frees."""

    def __init__(self, blackbox: BlackBox) -> None:
        self._blackbox = blackbox

    @property
    def identity(self) -> Mapping[str, str]:
        return self._blackbox.identity

    @property
    def concurrency(self) -> int:
        return self._blackbox.concurrency

    async def complete(self, request: Request) -> Completion:
        return await self._blackbox.complete(request)

    async def close(self) -> None:
        """Not its own to close."""
