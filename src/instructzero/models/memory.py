"""How much memory a model takes, and how many rows fit into what is free."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

_USED = 0.9
"""The share of the free memory that is counted on: the rest is lost between blocks, and to others."""

_QUANTIZED_BYTES = {"int8": 1.0, "int4": 0.5}
_MEMINFO = Path("/proc/meminfo")


def free_bytes(device: torch.device) -> int | None:
    """What may still be taken of a GPU or of the machine, at this moment; None where nobody says."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type != "cpu" or not _MEMINFO.exists():
        return None
    lines = dict(line.split(":", 1) for line in _MEMINFO.read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def weight_bytes(skeleton: Any, dtype: torch.dtype, quantized: str | None = None) -> int:
    """What the weights of a model take in ``dtype``; ``quantized``, its linear layers take less.

    The model may be a skeleton, made on torch's device "meta".
    """
    whole = sum(int(each.numel()) for each in skeleton.parameters())
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
    """What a row of so many positions takes while it is decoded: keys and values, embeddings and two rows of logits."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    # One layer is copied when rows are dropped.
    cache = 2 * (config.num_hidden_layers + 1) * heads * size * positions
    return int(model.dtype.itemsize * (cache + 2 * positions * config.hidden_size + 2 * config.vocab_size))


def pass_bytes(model: Any, positions: int) -> int:
    """What the states of so many positions take on their way through a layer."""
    config = model.config.get_text_config()
    wide = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    return int(model.dtype.itemsize * positions * (6 * config.hidden_size + 3 * wide))


def rows_that_fit(model: Any, device: torch.device, positions: int, read_at_once: int) -> int | None:
    """How many rows of so many positions fit into the free memory, at least one; None where nobody says what is free.

    ``read_at_once`` is how many positions go through the model together.
    """
    free = free_bytes(device)
    if free is None:
        return None
    left = _USED * free - pass_bytes(model, max(positions, read_at_once))
    return max(1, int(left // row_bytes(model, positions)))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the memory did not suffice, of the GPU or of the machine, for which torch has no error of its own."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def give_back(device: torch.device) -> None:
    """Give back what torch keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
