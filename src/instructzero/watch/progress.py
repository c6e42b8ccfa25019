"""The progress of a run in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

from instructzero.calls.store import BLACK_BOX
from instructzero.progress import share_used
from instructzero.report.source import Source
from instructzero.report.trajectory import trajectory_of


@dataclass(frozen=True, slots=True)
class Progress:
    """The current state of a run.

    Attributes
    ----------
    stage
        "beginning", "searching", "testing" or "ended".
    done
        The number of evaluations made.
    planned
        The number of evaluations of the whole search.
    share
        The used share of the search limit that is nearest to being reached, in [0, 1].
    plain
        The validation score of the plain instruction, None before it is scored.
    best
        The best instruction so far and its validation score.
    calls
        The number of calls to the black box, paid or from the call store.
    usd
        The list price of the calls in dollars, None if the price is unknown.
    steps
        The number of calls after which the best value rose, and that value, for every improvement.
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
        """True if the run is finished."""
        return self.stage == "ended"


def progress_of(source: Source) -> Progress:
    """Return the progress of a run. The accounts of ``source`` are not used."""
    history, settings = source.history, source.settings
    usage, best, price = history.usage(), source.best, source.prices.get(BLACK_BOX)
    trajectory = trajectory_of(source, dict.fromkeys(source.known, 0))
    return Progress(
        task=str(source.header.get("task", settings.task)),
        method=settings.method,
        seed=settings.seed,
        stage=_stage(source),
        done=len(history.trials),
        planned=settings.evaluations,
        rounds=len(history.rounds),
        share=_share(source),
        plain=history.plain[1].score if history.plain else None,
        best=None if best is None else (best, source.known[best].score),
        calls=usage.calls,
        usd=price.cost(usage) if price else None,
        steps=tuple((step["calls"], step["value"]) for step in trajectory["steps"]),
    )


def _stage(source: Source) -> str:
    history = source.history
    if source.result is not None:
        return "ended"
    if (history.confirmations or history.tests) and not history.pending:
        return "testing"
    return "searching" if history.rounds else "beginning"


def _share(source: Source) -> float:
    if source.result is not None:
        return 1.0
    history, settings = source.history, source.settings
    calls = history.search_usage().calls
    return share_used(len(history.trials), settings.evaluations, calls, settings.search_calls)
