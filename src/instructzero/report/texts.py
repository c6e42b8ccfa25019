"""A two-dimensional map of all evaluated texts by their wording: by the features that the default surrogate reads.

Notation: n texts with features Φ (n, f) of length 1, as in `instructzero.optimizers.word_features`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from instructzero.optimizers.word_features import terms
from instructzero.report.origins import origins_of
from instructzero.report.source import Record, Source
from instructzero.report.space import add_tsne
from instructzero.report.trajectory import evenly

MAX_TEXTS = 400
"""The maximum number of texts drawn, in addition to the best one and the references."""

READER = "instructzero"
"""The method whose surrogate has these features."""

_LONGEST = 20_000  # characters of a text whose words are compared

Array = NDArray[np.float64]


def texts_of(source: Source, numbers: Mapping[str, int], *, live: bool = False) -> Record:
    """Return the evaluated texts in two dimensions, so that texts of similar wording are near each other.

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
    ``points``: one record per text, with its ``origin``, one of `instructzero.report.origins`, and the round and the
    number of its first evaluation, None for a reference that the search did not evaluate. ``explained``: the share of
    the variance along each principal component. ``evaluated``: the number of texts before thinning. ``read``: True if
    the surrogate of the search reads these features. If there is no map, the only key is ``note``, which says why.
    """
    if len(source.known) < 3:
        return {"note": "There is no map of the wording, because fewer than three instructions have been evaluated."}
    chosen = _chosen(source)
    places, explained = components_of(similarities(chosen))
    origins, first = origins_of(source), {trial.instruction: trial for trial in reversed(source.history.trials)}
    points: list[Record] = [
        {
            "row": numbers[text],
            "evaluation": first[text].number + 1 if text in first else None,
            "round": first[text].round if text in first else None,
            "origin": origins[text],
            "pca": place,
        }
        for text, place in zip(chosen, places[:, :2].round(4).tolist(), strict=True)
    ]
    add_tsne(points, places, places[:, :2], live=live)
    return {
        "points": points,
        "explained": explained,
        "evaluated": len(source.known),
        "read": source.settings.method == READER,
    }


def _chosen(source: Source) -> list[str]:
    """Return the texts to draw, in the order of `Source.known`: evenly spread ones, the best and the references."""
    kept = {*evenly(list(source.known), MAX_TEXTS), *source.references.values(), source.best}
    return [text for text in source.known if text in kept]


def similarities(texts: Sequence[str]) -> Array:
    """Return Φ Φᵀ, shape (n, n): the number of common terms of two texts over the geometric mean of their numbers.

    >>> similarities(["sort them", "Sort words.", "Write it."]).round(2).tolist()[0]
    [1.0, 0.5, 0.0]
    """
    from scipy.sparse import csr_array

    rows = [terms(text[:_LONGEST]) for text in texts]
    columns: dict[str, int] = {}
    places = [columns.setdefault(term, len(columns)) for row in rows for term in row]
    weights = np.concatenate([np.full(len(row), max(len(row), 1) ** -0.5) for row in rows])
    ends = np.cumsum([0, *map(len, rows)])
    features = csr_array((weights, places, ends), shape=(len(rows), max(len(columns), 1)))
    return np.asarray((features @ features.T).todense(), dtype=np.float64)


def components_of(products: Array) -> tuple[Array, list[float]]:
    """Return the coordinates of points along their principal components, from the products of their features.

    The sign of a component is chosen so that the coordinate of the greatest size is positive.

    Parameters
    ----------
    products
        Φ Φᵀ, shape (n, n).

    Returns
    -------
    The coordinates, shape (n, n), and the share of the variance along the first two components.
    """
    centred = products - products.mean(axis=0) - products.mean(axis=1, keepdims=True) + products.mean()
    values, vectors = np.linalg.eigh(centred)
    values, vectors = values[::-1].clip(0), vectors[:, ::-1]
    signs = np.where(vectors[np.abs(vectors).argmax(axis=0), range(len(vectors))] < 0, -1, 1)
    shares = values / max(float(values.sum()), 1e-300)
    return vectors * signs * np.sqrt(values), shares[:2].tolist()
