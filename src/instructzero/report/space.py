"""A two-dimensional map of the evaluated points of the search space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from instructzero.report.origins import origin_of, pays
from instructzero.report.source import Record, Source
from instructzero.report.trajectory import evenly
from instructzero.report.tsne import tsne
from instructzero.types import Trial

MAX_POINTS = 500
"""The maximum number of points drawn, in addition to the best points of the rounds and those of the best text."""

MIN_POINTS_FOR_TSNE = 10
"""The fewest points for which t-SNE is shown."""

MAX_LIVE_POINTS = 100
"""The most points for which t-SNE, which takes seconds for more, is computed at every update of a running search."""

Array = NDArray[np.float64]


def space_of(source: Source, numbers: Mapping[str, int], *, live: bool = False) -> Record:
    """Return the evaluated points in two dimensions, by principal components and by t-SNE.

    An instruction that continues another is at the soft prompt under which it was continued. Instructions that a model
    wrote on request, and those of the user, have no point; `instructzero.report.texts` has a map of all instructions.

    Parameters
    ----------
    source
        The run.
    numbers
        The row of every instruction.
    live
        True for a page that is updated while the search goes on.

    Returns
    -------
    ``points``: one record per point; ``leader`` marks the best one of its round, and ``origin`` is one of
    `instructzero.report.origins`. ``explained``: the share of the
    variance along each component. ``evaluated``: the number of points before thinning, of which ``continued`` belong to
    continuations. If there is no map, the only key is ``note``, which says why.
    """
    paid = pays(source)
    of_trial = [trial.proposal.point if paid else trial.proposal.z for trial in source.history.trials]
    trials = [trial for trial, z in zip(source.history.trials, of_trial, strict=True) if z is not None]
    if paid and not trials:
        return {"note": "A model wrote the instructions on request, so there is no map of soft prompts."}
    if len(trials) < 2:
        return {"note": "There is no map of soft prompts, because fewer than two have been evaluated."}
    points = np.array([trial.proposal.z for trial in trials], dtype=np.float64)
    places, explained = principal_components(points)
    leaders = _leaders([trial.round for trial in trials], [source.value(trial.instruction) for trial in trials])
    chosen = _chosen(source, trials, leaders)
    shown: list[Record] = [
        {
            "row": numbers[trials[number].instruction],
            "evaluation": trials[number].number + 1,
            "round": trials[number].round,
            "origin": origin_of(source, trials[number].proposal),
            "leader": number in leaders,
            "pca": places[number].round(4).tolist(),
        }
        for number in chosen
    ]
    add_tsne(shown, points[chosen], places[chosen], live=live)
    return {
        "points": shown,
        "explained": explained,
        "evaluated": len(trials),
        "continued": sum(trial.proposal.rewrite is not None for trial in trials),
        "dimension": points.shape[1],
    }


def add_tsne(records: Sequence[Record], points: Array, start: Array, *, live: bool) -> None:
    """Add the places by t-SNE to the records of at least `MIN_POINTS_FOR_TSNE` points, of few points for a live page.

    Parameters
    ----------
    records
        One record per point; the key "tsne" is added.
    points
        Shape (n, d).
    start
        The places by principal components, shape (n, 2).
    live
        True for a page that is updated while the search goes on.
    """
    if MIN_POINTS_FOR_TSNE <= len(records) <= (MAX_LIVE_POINTS if live else len(records)):
        for record, place in zip(records, tsne(points, start).round(3).tolist(), strict=True):
            record["tsne"] = place


def _chosen(source: Source, trials: Sequence[Trial], leaders: set[int]) -> list[int]:
    """Return the positions of the points to draw: evenly spread ones, the leaders, and those of the best text."""
    best = [position for position, trial in enumerate(trials) if trial.instruction == source.best]
    few = leaders if len(leaders) <= MAX_POINTS else set()
    return sorted({*evenly(range(len(trials)), MAX_POINTS), *few, *best[:MAX_POINTS]})


def principal_components(points: Array) -> tuple[Array, list[float]]:
    """Project points onto their first two principal components.

    The sign of a component is chosen so that its largest coordinate is positive. Otherwise equal points could give
    mirrored maps.

    Parameters
    ----------
    points
        Shape (n, d).

    Returns
    -------
    The projected points, shape (n, 2), and the share of the variance along both components.
    """
    centred = points - points.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    directions = directions[:2]
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.where(directions[np.arange(len(directions)), largest] < 0, -1, 1)[:, None]
    places = np.zeros((len(points), 2))
    places[:, : len(directions)] = centred @ directions.T
    shares = sizes**2 / max(float((sizes**2).sum()), 1e-300)
    return places, [*shares[:2].tolist(), 0.0][:2]


def _leaders(rounds: Sequence[int], values: Sequence[float]) -> set[int]:
    """Return the position of the best value of every round, the first one among equals."""
    best: dict[int, int] = {}
    for position, number in enumerate(rounds):
        if number not in best or values[position] > values[best[number]]:
            best[number] = position
    return set(best.values())
