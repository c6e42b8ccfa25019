"""The search space in two dimensions: which points were tried, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from instructzero.optimizers.registry import pays_for_texts
from instructzero.report.course import evenly
from instructzero.report.source import Record, Source
from instructzero.report.tsne import tsne

MOST_POINTS = 500
"""Points that are drawn, besides the best one of each round."""

LEAST_FOR_TSNE = 10

Array = NDArray[np.float64]


def space_of(source: Source, numbers: Mapping[str, int]) -> Record:
    """The evaluated points by principal components and by t-SNE; ``leader`` marks the best one of its round.

    A search of points is shown without its instructions that continue others, whose points say half of them only.
    ``explained`` is the share of the points' variance along each component. ``note`` says why there is no map.
    """
    alone = [trial for trial in source.history.trials if trial.proposal.point is not None]
    if not alone and pays_for_texts(source.settings):
        return {"note": "The black box wrote the instructions in words: the points had no effect on them."}
    trials = alone or [trial for trial in source.history.trials if trial.proposal.z is not None]
    if len(trials) < 2:
        return {"note": "There are fewer than two points to show."}
    points = np.array([trial.proposal.z for trial in trials], dtype=np.float64)
    places, explained = principal_components(points)
    leaders = _leaders([trial.round for trial in trials], [source.value(trial.instruction) for trial in trials])
    chosen = set(evenly(range(len(trials)), MOST_POINTS)) | (leaders if len(leaders) <= MOST_POINTS else set())
    shown: list[Record] = [
        {
            "row": numbers[trials[number].instruction],
            "evaluation": trials[number].number + 1,
            "round": trials[number].round,
            "leader": number in leaders,
            "pca": places[number].round(4).tolist(),
        }
        for number in sorted(chosen)
    ]
    if len(shown) >= LEAST_FOR_TSNE:
        clustered = tsne(points[sorted(chosen)], places[sorted(chosen)])
        for record, place in zip(shown, clustered.round(3).tolist(), strict=True):
            record["tsne"] = place
    return {"points": shown, "explained": explained, "evaluated": len(trials), "dimension": points.shape[1]}


def principal_components(points: Array) -> tuple[Array, list[float]]:
    """The points (n, d) along their two widest directions, shape (n, 2), and the share of the variance of each.

    Each direction is turned so that its largest coordinate is positive, or equal points would not give equal maps.
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
    """The position of the first best value of each round."""
    best: dict[int, int] = {}
    for position, number in enumerate(rounds):
        if number not in best or values[position] > values[best[number]]:
            best[number] = position
    return set(best.values())
