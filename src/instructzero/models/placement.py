"""The device and the precision of a local model's weights, from the settings ``device`` and ``dtype``."""

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
"""The precision in which bitsandbytes multiplies, and of the weights that are not quantized."""


@dataclass(frozen=True)
class Placement:
    """The place and form of a model's weights.

    Parameters
    ----------
    device
        The device, or the first of several.
    options
        The options for `from_pretrained` of transformers.
    quantized
        The form of the weights, such as ``int8``; None if they are not quantized.
    spread
        True if the weights are spread over several devices.
    """

    device: torch.device
    options: Mapping[str, Any]
    quantized: str | None = None
    spread: bool = False

    @property
    def moves(self) -> bool:
        """True if the model has to be moved to its device after loading."""
        return "device_map" not in self.options


def place(device: str, dtype: str) -> Placement:
    """Return the placement for a device and a dtype; raise `ModelError` if this machine cannot provide it."""
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
    elif where.type == "cuda" and find_spec("accelerate"):  # loads without a copy in the CPU's memory
        options["device_map"] = {"": where}
    if quantized:
        options["quantization_config"] = quantization(dtype)
    return Placement(where, options, quantized, spread)


def quantization(dtype: str) -> Any:
    """Return the configuration of bitsandbytes: LLM.int8() for ``int8``, NormalFloat (NF4) for ``int4``."""
    from transformers import BitsAndBytesConfig

    make: Any = BitsAndBytesConfig
    if dtype == "int8":
        return make(load_in_8bit=True)
    return make(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=_COMPUTES_IN[dtype])


def find_device(device: str) -> torch.device:
    """Return a device that torch finds; ``auto`` is the GPU if there is one. Raise `ModelError` for any other."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError):  # torch raises AssertionError if it was built without CUDA
        raise ModelError(f"expected a device that torch finds here, got {device!r}; use auto or cpu") from None
    return where


def _require(what: str, libraries: Sequence[str], instead: str) -> None:
    """Raise `ModelError` if there is no GPU, or one of the libraries is missing."""
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
