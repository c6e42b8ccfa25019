"""How far a run is, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

from instructzero.calls.store import BLACK_BOX
from instructzero.progress import share_used
from instructzero.report.course import course_of
from instructzero.report.source import Source


@dataclass(frozen=True, slots=True)
class Progress:
    """A run as it stands. ``share`` of the nearer limit of the search is used up, in [0, 1].

    ``plain`` is the score of the plain instruction, ``best`` the best instruction so far and its score, both on the
    validation examples. ``calls`` are what the run asked of the black box, ``usd`` their list price where it is known.
    ``steps`` are the calls after which the best value so far rose, and that value.
    """

    task: str
    method: str
    seed: int
    stage: str
    done: int
    planned: int
    rounds: int
    share: float
    plain: float | None
    best: tuple[str, float] | None
    calls: int
    usd: float | None
    steps: tuple[tuple[int, float], ...]

    @property
    def has_ended(self) -> bool:
        return self.stage == "ended"


def progress_of(source: Source) -> Progress:
    """How far the run of ``source`` is; its accounts are not asked."""
    history, settings = source.history, source.settings
    usage, best, price = history.usage(), source.best, source.prices.get(BLACK_BOX)
    course = course_of(source, dict.fromkeys(source.known, 0))
    return Progress(
        task=str(source.header.get("task", settings.task)),
        method=settings.method,
        seed=settings.seed,
        stage=_stage(source),
        done=len(history.trials),
        planned=settings.evaluations,
        rounds=len(history.rounds),
        share=_share(source),
        plain=history.plain[1].mean if history.plain else None,
        best=None if best is None else (best, source.known[best].mean),
        calls=usage.calls,
        usd=price.cost(usage) if price else None,
        steps=tuple((step["calls"], step["value"]) for step in course["steps"]),
    )


def _stage(source: Source) -> str:
    history = source.history
    if source.result is not None:
        return "ended"
    if history.confirmations or history.tests:
        return "testing"
    return "searching" if history.rounds else "beginning"


def _share(source: Source) -> float:
    if source.result is not None:
        return 1.0
    history, settings = source.history, source.settings
    calls = history.search_usage().calls
    return share_used(len(history.trials), settings.evaluations, calls, settings.search_calls)
