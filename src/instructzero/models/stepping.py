"""Token-by-token generation with the cache that a model makes itself, of any architecture.

The `generate` of transformers takes no embeddings from some models that can read them.

Notation: n rows, s sequence length, h hidden size, V vocabulary size.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

_CACHES = ("cache", "past_key_values", "cache_params", "state")
"""The names of what a model keeps of a text, among its outputs and its arguments."""


class Steps:
    """Reads prompts from embeddings (n, s, h), and then one id of each row at a time.

    Parameters
    ----------
    model
        The model of transformers.
    embeddings
        The prompts, without padding.
    arguments
        The model's further arguments for the prompt, for one row.

    Raises
    ------
    ValueError
        If the model returns nothing to continue from.
    """

    def __init__(self, model: Any, embeddings: Tensor, arguments: Mapping[str, Tensor]) -> None:
        self._model = model
        self._kept: tuple[str, Any] = ("", None)
        self.logits = self._read(inputs_embeds=embeddings, **for_rows(arguments, len(embeddings)))
        """The logits (n, V) of the tokens after the prompts."""

    def next(self, ids: Tensor) -> Tensor:
        """Add the ids (n,), and return the logits (n, V) of the tokens after them."""
        # Not their embeddings: a model may take more from an id.
        return self._read(input_ids=ids[:, None], **dict([self._kept]))

    def keep_rows(self, rows: Tensor) -> bool:
        """Drop all rows but those with these indices; return False if the cache cannot drop any."""
        select = getattr(self._kept[1], "reorder_cache", None)
        if select is not None:
            select(rows)
        return select is not None

    def _read(self, **inputs: Any) -> Tensor:
        if takes(self._model, "logits_to_keep"):
            inputs["logits_to_keep"] = 1
        output = self._model(**inputs, use_cache=True)
        self._kept = _kept(self._model, output)
        logits: Tensor = output.logits[:, -1]
        return logits


def _kept(model: Any, output: Any) -> tuple[str, Any]:
    """Return the name and the value of what the model keeps of the texts."""
    for name in _CACHES:
        value = getattr(output, name, None)
        if value is not None:
            return name, value
    raise ValueError(f"{type(model).__name__} returns no cache")


def for_rows(arguments: Mapping[str, Tensor], rows: int) -> dict[str, Tensor]:
    """Return arguments for one row, (1, s, ...), repeated for all rows, (n, s, ...)."""
    return {name: value.expand(rows, *value.shape[1:]) for name, value in arguments.items()}


def takes(model: Any, argument: str) -> bool:
    """Return True if the model's forward pass has an argument of this name."""
    return argument in _parameters(type(model).forward)


@functools.cache
def _parameters(forward: Callable[..., object]) -> frozenset[str]:
    """Return the parameters of a forward pass; cached, because it is called for every token."""
    return frozenset(inspect.signature(forward).parameters)
