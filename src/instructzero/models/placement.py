"""Where the weights of a local model go, and in what form: what ``device`` and ``dtype`` ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch

from instructzero.errors import ModelError

DTYPES = ("auto", "float32", "bfloat16", "float16")
QUANTIZED = ("int8", "int4")
MAP = "map"
_COMPUTES_IN = {"int8": torch.float16, "int4": torch.bfloat16}
"""What bitsandbytes multiplies in, and what the weights that stay whole are held in."""


@dataclass(frozen=True)
class Placement:
    """``options`` for transformers' `from_pretrained`; where they say nothing of devices, the model is then moved to
    ``device``. ``quantized`` is the form of the weights, None if they are whole. ``spread`` over several devices, the
    first is ``device``."""

    device: torch.device
    options: Mapping[str, Any]
    quantized: str | None = None
    spread: bool = False

    @property
    def moves(self) -> bool:
        """Whether the model is moved to its device once it is loaded."""
        return "device_map" not in self.options


def place(device: str, dtype: str) -> Placement:
    """The placement that ``device`` and ``dtype`` name; raises `ModelError` for what cannot be had here."""
    if dtype not in (*DTYPES, *QUANTIZED):
        raise ModelError(
            f"expected one of the dtypes {', '.join((*DTYPES, *QUANTIZED))}, got {dtype!r}; choose one of them"
        )
    spread, quantized = device == MAP, dtype if dtype in QUANTIZED else None
    if spread:
        _require(f"--device {MAP}", ("accelerate",), "--device cpu")
    if quantized:
        _require(f"--dtype {dtype}", ("accelerate", "bitsandbytes"), "--dtype bfloat16")
    where = torch.device("cuda", 0) if spread else find_device(device)
    if quantized and where.type != "cuda":
        raise ModelError(f"expected a GPU for --dtype {dtype}, got the device {where}; use --dtype bfloat16")
    options: dict[str, Any] = {"dtype": _torch_dtype(dtype, where)}
    if spread:
        options["device_map"] = "auto"
    elif where.type == "cuda" and find_spec("accelerate"):  # no copy on the processor's side
        options["device_map"] = {"": where}
    if quantized:
        options["quantization_config"] = quantization(dtype)
    return Placement(where, options, quantized, spread)


def quantization(dtype: str) -> Any:
    """How bitsandbytes holds the weights: LLM.int8() or NormalFloat of 4 bits."""
    from transformers import BitsAndBytesConfig

    make: Any = BitsAndBytesConfig
    if dtype == "int8":
        return make(load_in_8bit=True)
    return make(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=_COMPUTES_IN[dtype])


def find_device(device: str) -> torch.device:
    """A device that torch finds here; ``auto`` is the GPU, if there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError):  # torch asserts when it was built without CUDA
        raise ModelError(f"expected a device that torch finds here, got {device!r}; use auto or cpu") from None
    return where


def _require(what: str, libraries: Sequence[str], instead: str) -> None:
    """Refuse what takes a GPU and these libraries where they are not."""
    missing = [library for library in libraries if find_spec(library) is None]
    if missing:
        raise ModelError(
            f"expected {' and '.join(libraries)} for {what}, got an environment without {' and '.join(missing)}; "
            f"pip install 'instructzero[quantized]', or use {instead}"
        )
    if not torch.cuda.is_available():
        raise ModelError(f"expected a GPU for {what}, got a machine without one; use {instead}")


def _torch_dtype(dtype: str, device: torch.device) -> torch.dtype | str:
    if dtype == "auto":
        return torch.float32 if device.type == "cpu" else "auto"
    if dtype in _COMPUTES_IN:
        return _COMPUTES_IN[dtype]
    return getattr(torch, dtype)  # type: ignore[no-any-return]
