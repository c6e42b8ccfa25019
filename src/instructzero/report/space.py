"""A two-dimensional map of the evaluated points of the search space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from instructzero.optimizers.registry import recorded_method
from instructzero.pricing import pays_for_texts
from instructzero.report.source import Record, Source
from instructzero.report.trajectory import evenly
from instructzero.report.tsne import tsne

MAX_POINTS = 500
"""The maximum number of points drawn, in addition to the best point of every round."""

MIN_POINTS_FOR_TSNE = 10
"""The fewest points for which t-SNE is shown."""

Array = NDArray[np.float64]


def space_of(source: Source, numbers: Mapping[str, int]) -> Record:
    """Return the evaluated points in two dimensions, by principal components and by t-SNE.

    An instruction that continues another is at the soft prompt under which it was continued. Instructions that the
    black box wrote from others have no point.

    Parameters
    ----------
    source
        The run.
    numbers
        The row of every instruction.

    Returns
    -------
    ``points``: one record per point; ``leader`` marks the best one of its round. ``explained``: the share of the
    variance along each component. ``evaluated``: the number of points before thinning, of which ``continued`` belong to
    continuations. If there is no map, the only key is ``note``, which says why.
    """
    paid = pays_for_texts(source.settings, recorded_method)
    of_trial = [trial.proposal.point if paid else trial.proposal.z for trial in source.history.trials]
    trials = [trial for trial, z in zip(source.history.trials, of_trial, strict=True) if z is not None]
    if paid and not trials:
        return {"note": "A model wrote the instructions on request, without soft prompts, so there is no map."}
    if len(trials) < 2:
        return {"note": "There is no map, because fewer than two points have been evaluated."}
    points = np.array([trial.proposal.z for trial in trials], dtype=np.float64)
    places, explained = principal_components(points)
    leaders = _leaders([trial.round for trial in trials], [source.value(trial.instruction) for trial in trials])
    chosen = set(evenly(range(len(trials)), MAX_POINTS)) | (leaders if len(leaders) <= MAX_POINTS else set())
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
    if len(shown) >= MIN_POINTS_FOR_TSNE:
        clustered = tsne(points[sorted(chosen)], places[sorted(chosen)])
        for record, place in zip(shown, clustered.round(3).tolist(), strict=True):
            record["tsne"] = place
    return {
        "points": shown,
        "explained": explained,
        "evaluated": len(trials),
        "continued": sum(trial.proposal.rewrite is not None for trial in trials),
        "dimension": points.shape[1],
    }


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
