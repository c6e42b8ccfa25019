"""The forward pass of Llama-like models in few operations, most of them in place.

The pass of transformers allocates tensors and runs checks in every layer, which takes much of a small model's time. The
result is the same, up to rounding.

Notation: n rows, p prefix length, s new positions, h hidden size, k heads, g key-value heads, r = k/g, d head size,
V vocabulary size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import rms_norm, scaled_dot_product_attention, silu

from instructzero.models.roomy import RoomyCache, RoomyLayer

KeysAndValues = tuple[Tensor, Tensor]

_SHAPED = ("transformers.models.llama.modeling_llama", "transformers.models.qwen2.modeling_qwen2")
_STEADY = ("default", "linear", "llama3")
"""Kinds of rotary positions that do not depend on the length of the text."""


def is_plain_llama(model: Any) -> bool:
    """Return True if `LlamaPass` computes the same as the model: a plain Llama or Qwen2, unquantized, on one device."""
    config = model.config
    return (
        type(model).__module__ in _SHAPED
        and config.hidden_act == "silu"
        and config.rope_parameters.get("rope_type") in _STEADY
        and config._attn_implementation in ("sdpa", "eager")
        and not hasattr(model, "_hf_hook")  # accelerate moves tensors between devices
        and not getattr(model, "is_quantized", False)
    )


class LlamaPass:
    """Computes the logits of the next token.

    Parameters
    ----------
    model
        A model for which `is_plain_llama` is True.
    room
        The maximum number of positions of a text after the prefix.
    prefix
        The keys and values of a prefix that all rows share, for all layers, (1, g, p, d). The attention reads them once
        for all rows; no row's cache holds them.
    """

    def __init__(self, model: Any, room: int, prefix: Sequence[KeysAndValues] = ()) -> None:
        self._model = model
        self._prefix: Sequence[KeysAndValues | None] = prefix or [None] * len(model.model.layers)
        self._begun = prefix[0][0].shape[2] if prefix else 0
        positions = torch.arange(room, device=model.device)[None]
        cos, sin = model.model.rotary_emb(torch.empty(0, dtype=model.dtype, device=model.device), positions)
        self._cos, self._sin = cos[0, :, None], sin[0, :, None]  # (room, 1, d)

    def make_cache(self, rows: int, room: int) -> RoomyCache:
        """Return an empty cache for ``room`` positions after the prefix."""
        return RoomyCache(self._model, rows, room)

    def __call__(self, embeddings: Tensor, cache: RoomyCache) -> Tensor:
        """Return logits (n, V) after embeddings (n, s, h), which follow the prefix and the cached positions."""
        start = self._begun + cache.get_seq_length()
        end = start + embeddings.shape[1]
        positions = cache.next_positions(*embeddings.shape[:2])
        at: Tensor | slice = slice(start, end) if positions is None else positions
        rotation = self._cos[at], self._sin[at]
        # A new position attends to the old ones and to no later one.
        mask = None
        if start and end > start + 1:
            mask = torch.ones(end - start, end, dtype=torch.bool, device=embeddings.device).tril(start)
        shown = cache.next_shown(*embeddings.shape[:2])
        if shown is not None:
            mask = _mask_with_gaps(shown, start)
        states = embeddings
        for block, layer, prefix in zip(self._model.model.layers, cache.roomy, self._prefix, strict=True):
            normed = _norm(block.input_layernorm, states)
            states = states + _attention(block.self_attn, normed, layer, prefix, rotation, mask)
            states += _feed_forward(block.mlp, _norm(block.post_attention_layernorm, states))
        logits: Tensor = self._model.lm_head(_norm(self._model.model.norm, states[:, -1]))
        return logits


def _attention(
    module: Any,
    states: Tensor,
    layer: RoomyLayer,
    prefix: KeysAndValues | None,
    rotation: tuple[Tensor, Tensor],
    mask: Tensor | None,
) -> Tensor:
    """Return the attention of states (n, s, h) over the prefix, the cached positions, and themselves."""
    rows, length, _ = states.shape
    shape = (rows, length, -1, module.head_dim)
    queries = _rotated(module.q_proj(states).view(shape), *rotation)
    new_keys = _rotated(module.k_proj(states).view(shape), *rotation)
    keys, values = layer.update(new_keys.transpose(1, 2), module.v_proj(states).view(shape).transpose(1, 2))
    if length == 1:  # the heads that share keys take the place of positions
        queries = queries.view(rows, keys.shape[1], -1, module.head_dim)
        if prefix is None:
            seen = scaled_dot_product_attention(queries, keys, values, attn_mask=mask, scale=module.scaling)
        else:
            seen = _seen_with_prefix(queries * module.scaling, keys, values, *prefix)
    else:
        if prefix is not None:
            keys, values = (
                torch.cat([begun.expand(rows, -1, -1, -1), own], dim=2)
                for begun, own in zip(prefix, (keys, values), strict=True)
            )
        seen = scaled_dot_product_attention(
            queries.transpose(1, 2),
            keys,
            values,
            attn_mask=mask,
            is_causal=mask is None,
            scale=module.scaling,
            enable_gqa=queries.shape[2] != keys.shape[1],
        ).transpose(1, 2)
    attended: Tensor = module.o_proj(seen.reshape(rows, length, -1))
    return attended


def _mask_with_gaps(shown: Tensor, start: int) -> Tensor:
    """Return what the columns from ``start`` on attend to, (n, 1, s, c): the tokens up to their own, and themselves.

    A column without a token needs itself, because the weights of a row that attends to nothing are not numbers.
    """
    columns = shown.shape[1]
    ones = torch.ones(columns - start, columns, dtype=torch.bool, device=shown.device)
    own = ones.tril(start).triu(start)
    return (shown[:, None, None] & ones.tril(start)) | own


def _seen_with_prefix(
    queries: Tensor, keys: Tensor, values: Tensor, prefix_keys: Tensor, prefix_values: Tensor
) -> Tensor:
    """Return the attention of queries (n, g, r, d) over the prefix, read once for all rows, and over their own keys."""
    rows, heads, sharing, size = queries.shape
    length = prefix_keys.shape[2]
    together = queries.transpose(0, 1).reshape(heads, rows * sharing, size)
    begun = (together @ prefix_keys[0].transpose(1, 2)).view(heads, rows, sharing, length).transpose(0, 1)
    weights = torch.cat([begun, queries @ keys.transpose(2, 3)], dim=3).softmax(dim=3, dtype=torch.float32).to(keys)
    begun = weights[..., :length].transpose(0, 1).reshape(heads, rows * sharing, length) @ prefix_values[0]
    return weights[..., length:] @ values + begun.view(heads, rows, sharing, size).transpose(0, 1)


def _rotated(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return states (n, s, k, d) with the rotary positions applied; ``cos`` and ``sin`` are ([n,] s, 1, d)."""
    half = states.shape[-1] // 2
    turned = states * cos
    turned[..., :half].addcmul_(states[..., half:], sin[..., :half], value=-1)
    turned[..., half:].addcmul_(states[..., :half], sin[..., half:])
    return turned


def _feed_forward(module: Any, states: Tensor) -> Tensor:
    gate = silu(module.gate_proj(states), inplace=True)
    result: Tensor = module.down_proj(gate.mul_(module.up_proj(states)))
    return result


def _norm(module: Any, states: Tensor) -> Tensor:
    return rms_norm(states, (states.shape[-1],), module.weight, module.variance_epsilon)
