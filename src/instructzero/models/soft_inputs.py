"""Read embeddings in place of token ids, with any causal LM of transformers that can.

A model may do more with an id than look up its embedding: multiply it, or add an input to every layer. Whether a model
reads the embeddings of tokens as it reads the tokens is found out by trying it, once, when the model is loaded.

Notation: n rows, s sequence length, h hidden size, V vocabulary size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from instructzero.errors import ModelError
from instructzero.models.codec import first_line
from instructzero.models.decoding import has_plain_cache
from instructzero.models.llama import is_plain_llama
from instructzero.models.network import Network
from instructzero.models.stepping import Steps

_SAMPLE = "The quick brown fox jumps over the lazy dog."
_READ, _STEPPED = 6, 3
"""Tokens of the sample that are read at once, and one at a time after them."""

_ROUNDING = {torch.float32: 0.02, torch.float64: 0.02}
_ROUNDING_ELSEWHERE = 0.25
"""The root mean square, in standard deviations of the logits, up to which a difference is rounding, by precision."""


@dataclass(frozen=True, eq=False)
class SoftInputs:
    """The input side of a writer.

    Parameters
    ----------
    network
        The model.
    scale
        What the model multiplies the embeddings of ids by, if it does not do so with embeddings that it is given.
    per_layer
        Returns for ids (1, s) what the model adds in every layer, (1, s, ...); None if it adds nothing.
    """

    network: Network
    scale: float = 1.0
    per_layer: Callable[[Tensor], Tensor] | None = None

    def embed(self, ids: Tensor) -> Tensor:
        """Return the embeddings (s, h) of ids (s,), as the first layer receives them."""
        embeddings: Tensor = _input_embeddings(self.network)(ids)
        return embeddings if self.scale == 1 else embeddings * self.scale

    def arguments(self, ids: Tensor) -> dict[str, Tensor] | None:
        """Return the model's further arguments for a prompt of ids (s,), for one row; None if its embeddings suffice.

        Soft tokens have the id of padding, as the models themselves give it to the embeddings of an image.
        """
        if self.per_layer is None:
            return None if self.scale == 1 else {}
        return {"per_layer_inputs": self.per_layer(ids[None])}


def soft_inputs(network: Network) -> SoftInputs:
    """Return the input side of a writer.

    Raises
    ------
    ModelError
        If the model cannot read embeddings, or continue from them, as it does from tokens.
    """
    if is_plain_llama(network.model):
        return SoftInputs(network)
    _input_embeddings(network)
    try:
        with torch.inference_mode():
            found = _try(network)
    except Exception as error:  # each architecture fails in its own way
        raise ModelError(
            f"expected a writer that continues from embeddings, got {_label(network)}, which fails to "
            f"({type(error).__name__}: {first_line(error)}); choose another writer"
        ) from None
    if found is None:
        raise ModelError(
            f"expected a writer that reads the embeddings of tokens as it reads the tokens, got {_label(network)}, "
            "which predicts something else after them; choose another writer"
        )
    return found


def _try(network: Network) -> SoftInputs | None:
    """Return the input side with which the model reads embeddings as it reads ids, or None if there is none."""
    ids = _sample(network)
    expected = _logits(network, input_ids=ids[None])
    for inputs in _candidates(network):
        embeddings = inputs.embed(ids)
        arguments = inputs.arguments(ids) or {}
        if _agree(_logits(network, inputs_embeds=embeddings[None], **arguments), expected, _rounding(network)):
            plain = inputs.arguments(ids) is None and has_plain_cache(network)
            return inputs if plain or _continues(inputs, ids) else None
    return None


def _candidates(network: Network) -> Iterator[SoftInputs]:
    """Yield the input sides that the model may have, the one to prefer first."""
    config = network.model.config.get_text_config()
    if getattr(config, "hidden_size_per_layer_input", None):
        yield SoftInputs(network, per_layer=_per_layer(network.model))
    yield SoftInputs(network)
    scale = getattr(config, "embedding_multiplier", None)
    if isinstance(scale, int | float) and scale != 1:
        yield SoftInputs(network, float(scale))


def _per_layer(model: Any) -> Callable[[Tensor], Tensor] | None:
    """Return the function that makes the inputs of the layers from ids, or None if the model has none."""
    found = (getattr(module, "get_per_layer_inputs", None) for module in model.modules())
    return next((function for function in found if function is not None), None)


def _continues(inputs: SoftInputs, ids: Tensor) -> bool:
    """Return True if the model, token by token after a soft prompt, predicts as in a single pass."""
    network = inputs.network
    soft = inputs.embed(ids).clone()
    soft[1] = soft[:_READ].mean(dim=0)  # which is no token's embedding
    ids = torch.cat([ids[:1], ids.new_full((1,), network.pad), ids[2:]])
    expected = _logits(network, inputs_embeds=soft[None], **(inputs.arguments(ids) or {}))
    steps = Steps(network.model, soft[None, :_READ], inputs.arguments(ids[:_READ]) or {})
    got = [steps.logits, *(steps.next(token[None]) for token in ids[_READ:])]
    return _agree(torch.cat(got).float(), expected[_READ - 1 :], _rounding(network))


def _sample(network: Network) -> Tensor:
    """Return some ids (s,)."""
    ids = network.encode(_SAMPLE, special_tokens=True) or [network.pad]
    size = _READ + _STEPPED
    return torch.tensor((ids * size)[:size], dtype=torch.long, device=network.device)


def _logits(network: Network, **inputs: Tensor) -> Tensor:
    """Return the logits (s, V) of one row, read in a single pass."""
    logits: Tensor = network.model(**inputs, use_cache=False).logits[0]
    return logits.float()


def _agree(got: Tensor, expected: Tensor, tolerance: float) -> bool:
    """Return True if logits (s, V) differ by rounding only; nothing can be said of logits that are no numbers."""
    if not expected.isfinite().all():
        return True
    return bool((got - expected).square().mean().sqrt() <= tolerance * expected.std())


def _rounding(network: Network) -> float:
    return _ROUNDING.get(network.model.dtype, _ROUNDING_ELSEWHERE)


def _label(network: Network) -> str:
    return f"{network.name} ({type(network.model).__name__})"


def _input_embeddings(network: Network) -> Any:
    """Return the module that embeds ids (s,) as (s, h); its weight alone may lack a scale."""
    try:
        embed = network.model.get_input_embeddings()
    except NotImplementedError:
        embed = None
    if embed is None:
        raise ModelError(
            f"expected a writer with open input embeddings, got {network.name} without; choose another writer"
        )
    return embed
