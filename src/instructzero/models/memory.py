"""The memory that a model takes, and the number of rows that fit into the free memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

_USED = 0.9
"""The share of the free memory that can be used; the rest is lost to fragmentation and to other processes."""

_CAREFUL_ROWS = 8
"""The rows decoded at once by a model whose configuration does not tell what a row takes."""

_QUANTIZED_BYTES = {"int8": 1.0, "int4": 0.5}
_MEMINFO = Path("/proc/meminfo")


def free_bytes(device: torch.device) -> int | None:
    """Return the free bytes of a GPU or of the machine, or None if they are unknown."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type != "cpu" or not _MEMINFO.exists():
        return None
    lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def weight_bytes(skeleton: Any, dtype: torch.dtype, quantized: str | None = None) -> int:
    """Return the bytes of a model's weights.

    Parameters
    ----------
    skeleton
        The model, which may be on torch's device "meta".
    dtype
        The precision of the weights.
    quantized
        The form of the weights of linear layers, such as ``int8``; None is ``dtype``.
    """
    whole = sum(int(weights.numel()) for weights in skeleton.parameters())
    if quantized is None:
        return whole * dtype.itemsize
    head = skeleton.get_output_embeddings()
    linear = {
        id(module.weight): module.weight.numel()
        for module in skeleton.modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    }
    small = sum(linear.values())
    return int((whole - small) * dtype.itemsize + small * _QUANTIZED_BYTES[quantized])


def row_bytes(model: Any, positions: int) -> int | None:
    """Return the bytes of a row during decoding: keys and values, embeddings, and two rows of logits.

    None if the configuration does not tell the size of the keys and values.
    """
    config = model.config.get_text_config()
    heads = _largest(config, "num_key_value_heads") or _largest(config, "num_attention_heads")
    layers, hidden, vocabulary = (_largest(config, name) for name in ("num_hidden_layers", "hidden_size", "vocab_size"))
    if not (heads and layers and hidden and vocabulary):
        return None
    size = _largest(config, "head_dim") or hidden // (_largest(config, "num_attention_heads") or heads)
    # One layer is copied when rows are dropped.
    cache = 2 * (layers + 1) * heads * size * positions
    return int(model.dtype.itemsize * (cache + 2 * positions * hidden + 2 * vocabulary))


def pass_bytes(model: Any, positions: int) -> int | None:
    """Return the bytes of the states of ``positions`` positions inside a layer, or None if the sizes are unknown."""
    config = model.config.get_text_config()
    hidden = _largest(config, "hidden_size")
    if hidden is None:
        return None
    wide = _largest(config, "intermediate_size") or 4 * hidden
    return int(model.dtype.itemsize * positions * (6 * hidden + 3 * wide))


def _largest(config: Any, name: str) -> int | None:
    """Return the largest number that a field of a configuration has in any layer, or None if it has none."""
    try:
        value = getattr(config, name, None)
    except Exception:  # transformers refuses to read a field that differs between layers
        value = [getattr(layer, name, None) for layer in config.per_layer_config]
    values = value if isinstance(value, list | tuple) else [value]
    return max((number for number in values if isinstance(number, int)), default=None)


def rows_that_fit(model: Any, device: torch.device, positions: int, read_at_once: int) -> int | None:
    """Return the number of rows that fit into the free memory, at least 1, or None if the free memory is unknown.

    It is a small number if the model's configuration does not tell what a row takes.

    Parameters
    ----------
    model, device
        The model and the place of its weights.
    positions
        The positions of a row.
    read_at_once
        The number of positions in one forward pass.
    """
    free = free_bytes(device)
    if free is None:
        return None
    row, states = row_bytes(model, positions), pass_bytes(model, max(positions, read_at_once))
    if row is None or states is None:
        return _CAREFUL_ROWS
    return max(1, int((_USED * free - states) // row))


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if the GPU or the machine had too little memory; torch has no error class for the machine."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def give_back(device: torch.device) -> None:
    """Release the memory that torch caches on a GPU."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
