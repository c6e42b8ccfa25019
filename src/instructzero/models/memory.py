"""The memory that a model takes, and the number of rows that fit into the free memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

_USED = 0.9
"""The share of the free memory that can be used; the rest is lost to fragmentation and to other processes."""

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


def row_bytes(model: Any, positions: int) -> int:
    """Return the bytes of a row during decoding: keys and values, embeddings, and two rows of logits."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    # One layer is copied when rows are dropped.
    cache = 2 * (config.num_hidden_layers + 1) * heads * size * positions
    return int(model.dtype.itemsize * (cache + 2 * positions * config.hidden_size + 2 * config.vocab_size))


def pass_bytes(model: Any, positions: int) -> int:
    """Return the bytes of the states of ``positions`` positions inside a layer."""
    config = model.config.get_text_config()
    wide = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    return int(model.dtype.itemsize * positions * (6 * config.hidden_size + 3 * wide))


def rows_that_fit(model: Any, device: torch.device, positions: int, read_at_once: int) -> int | None:
    """Return the number of rows that fit into the free memory, at least 1, or None if the free memory is unknown.

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
    left = _USED * free - pass_bytes(model, max(positions, read_at_once))
    return max(1, int(left // row_bytes(model, positions)))


def is_out_of_memory(error: BaseException) -> bool:
    """Return True if the GPU or the machine had too little memory; torch has no error class for the machine."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def give_back(device: torch.device) -> None:
    """Release the memory that torch caches on a GPU."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
