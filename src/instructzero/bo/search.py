"""CMA-ES on an acquisition function, from many starts in lock-step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Points in the rows, shape (q, d)."""


def maximise_from_starts(
    acquisition: Callable[[Points], NDArray[np.float64]],
    starts: Points,
    *,
    box: tuple[float, float],
    sigma: float,
    population: int,
    generations: int,
    seed: int,
) -> tuple[Points, NDArray[np.float64]]:
    """The best point that CMA-ES sees from each start, with its value; shapes (s, d) and (s,) for s starts.

    All starts advance together, so that ``acquisition`` (values of shape (q,) for points (q, d)) is called once a
    generation. Each start has a generator of its own: a start's path does not depend on the other starts.
    """
    bounds = np.tile(np.array(box), (starts.shape[1], 1))
    # A wide sigma leaves the box nearly always: samples are clipped into it after one retry, not redrawn for ever.
    strategies = [
        CMA(
            mean=start,
            sigma=sigma,
            bounds=bounds,
            population_size=population,
            n_max_resampling=1,
            seed=(seed + index) % 2**32,
        )
        for index, start in enumerate(np.clip(starts, *box))
    ]
    best_points, best_values = starts.copy(), np.full(len(starts), -np.inf)
    for _ in range(generations):
        asked = [[strategy.ask() for _ in range(population)] for strategy in strategies]
        values = acquisition(np.concatenate(asked)).reshape(len(strategies), population)
        for index, strategy in enumerate(strategies):
            strategy.tell(list(zip(asked[index], -values[index], strict=True)))
            top = int(values[index].argmax())
            if values[index, top] > best_values[index]:
                best_points[index], best_values[index] = asked[index][top], values[index, top]
    return best_points, best_values
