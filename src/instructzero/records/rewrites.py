"""Orders for new texts in the journal. A request for several texts is written once, and not once for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from instructzero.types import Rewrite

_SHARED = "as"


def encode_rewrites(rewrites: Sequence[Rewrite | None]) -> list[dict[str, Any] | None]:
    """Return the orders of a round as JSON.

    An order for a single text has no parts. One that differs from an earlier one only in its part is the place of that
    one and the part.

    >>> orders = [Rewrite("Write two.", "", 7, part, 2) for part in (0, 1)]
    >>> encode_rewrites(orders)[1]
    {'as': 0, 'part': 1}
    >>> decode_rewrites(encode_rewrites(orders)) == orders
    True
    """
    places: dict[Rewrite, int] = {}
    encoded: list[dict[str, Any] | None] = []
    for place, rewrite in enumerate(rewrites):
        if rewrite is None:
            encoded.append(None)
        elif rewrite.parts == 1:
            encoded.append({"prompt": rewrite.prompt, "start": rewrite.start, "seed": rewrite.seed})
        elif (first := places.setdefault(rewrite.request, place)) < place:
            encoded.append({_SHARED: first, "part": rewrite.part})
        else:
            encoded.append(asdict(rewrite))
    return encoded


def decode_rewrites(encoded: Sequence[dict[str, Any] | None]) -> list[Rewrite | None]:
    """Return the orders that `encode_rewrites` has encoded."""
    rewrites: list[Rewrite | None] = []
    for order in encoded:
        if order is None:
            rewrites.append(None)
        elif _SHARED in order:
            first = rewrites[order[_SHARED]]
            if first is None:
                raise ValueError(f"expected the order of a text at place {order[_SHARED]}, got none")
            rewrites.append(replace(first, part=order["part"]))
        else:
            rewrites.append(Rewrite(**order))
    return rewrites
