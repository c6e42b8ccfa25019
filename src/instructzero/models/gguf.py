"""GGUF files as models: find the file that is meant, read its header, and load it with transformers, dequantized.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from instructzero.errors import ModelError
from instructzero.models.codec import first_line

GGUF_SUFFIX = ".gguf"

_CHECKPOINT = ("config.json", "*.safetensors", "pytorch_model*.bin")
"""The files of a folder that is loaded as a checkpoint of transformers, even if a GGUF file lies beside them."""

_PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_NEEDED = ("gguf", "accelerate")
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_ALIGNMENT = 32  # bytes, where the file names no other
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_ENDS = tuple(f"tokenizer.ggml.{name}_token_id" for name in ("eos", "eot", "eom"))
"""The keys of the tokens that end a text, a turn and a message."""


@dataclass(frozen=True)
class GgufFile:
    """The header of a GGUF file.

    Parameters
    ----------
    path
        The file.
    architecture
        The kind of model, such as ``llama``.
    weights
        The number of weights of all tensors.
    forms
        The forms of the tensors, such as ``F32`` and ``Q8_0``.
    ends
        The ids of the tokens that end a text.
    """

    path: Path
    architecture: str
    weights: int
    forms: tuple[str, ...]
    ends: tuple[int, ...]

    def explain(self, error: Exception) -> str:
        """Return the sentence for an error of transformers while it reads the file."""
        return (
            f"expected a GGUF file whose architecture and quantisation transformers can read, got {self.path} with "
            f"the architecture {self.architecture} in {', '.join(self.forms)} ({type(error).__name__}: "
            f"{first_line(error)}); use a file in another quantisation such as Q8_0, or the folder or hub id of the "
            "original model"
        )


def find_gguf(name: str) -> Path | None:
    """Return the GGUF file that a model's name means, or None if the name means something else.

    Parameters
    ----------
    name
        The path of a GGUF file, or of a folder with one such file and without another checkpoint.

    Raises
    ------
    ModelError
        If there is no such file, or there are several, or the file is a part of a model.
    """
    path = Path(name).expanduser()
    if os.path.isdir(path):
        other = any(next(path.glob(pattern), None) for pattern in _CHECKPOINT)
        files = [] if other else sorted(path.glob(f"*{GGUF_SUFFIX}"))
        return _single(path, files) if files else None
    if path.suffix != GGUF_SUFFIX:
        return None
    if not os.path.isfile(path):
        raise ModelError(f"expected a GGUF file, got {name!r}, which is no file on this machine; check the path")
    return _single(path, [path])


def _single(path: Path, files: list[Path]) -> Path:
    part = _PART.search(files[0].name)
    if part:
        raise ModelError(
            f"expected a model in one GGUF file, got {files[0]}, part {int(part[1])} of {int(part[2])}; join the parts "
            "with 'llama-gguf-split --merge' of llama.cpp"
        )
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise ModelError(
            f"expected a folder with one GGUF file, got {path} with {len(files)} ({names}); give the path of one of "
            f"them, such as {files[0]}"
        )
    return absolute_gguf(files[0])


def absolute_gguf(path: Path) -> Path:
    """Return the absolute path of a GGUF file. A link keeps its name: its target in a cache may have no suffix."""
    return path.parent.resolve() / path.name


def read_gguf(path: Path) -> GgufFile:
    """Read the header of a GGUF file.

    Raises
    ------
    ModelError
        If the packages for GGUF are missing, or the file is not a complete GGUF file.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"expected {' and '.join(_NEEDED)} to read {path.name}, got an environment without "
            f"{' and '.join(missing)}; pip install 'instructzero[gguf]'"
        )
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ModelError(
                f"expected a GGUF file, got {path}, which does not begin with {_MAGIC.decode()}; check the path and "
                "the download"
            )
        try:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _header(path, _Reader(data))
        except (struct.error, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise _cut(path, path.stat().st_size, f"header not readable, {first_line(error)}") from None


def _cut(path: Path, size: int, reason: str) -> ModelError:
    return ModelError(
        f"expected a complete GGUF file, got {path} with {size:,} bytes, which is cut or damaged ({reason}); download "
        "it again"
    )


class _Reader:
    """Reads the little-endian values of a header one after the other.

    Parameters
    ----------
    data
        The bytes of the file.
    """

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = len(_MAGIC)

    def number(self, form: str) -> Any:
        """Return the next number; ``form`` is a letter of the module `struct`."""
        (value,) = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return value

    def string(self) -> str:
        """Return the next string."""
        start = self.at + 8
        self.skip_string()
        return self.data[start : self.at].decode()

    def skip_string(self) -> None:
        """Pass over the next string."""
        length = self.number("Q")
        self.at += length
        if self.at > len(self.data):
            raise IndexError("in a string")

    def value(self) -> Any:
        """Return the next value of the metadata; arrays are passed over and give None."""
        kind = self.number("I")
        if kind == _STRING:
            return self.string()
        if kind != _ARRAY:
            return self.number(_form(kind))
        kind, count = self.number("I"), self.number("Q")
        if kind == _STRING:
            for _ in range(count):
                self.skip_string()
        else:
            self.at += count * struct.calcsize(f"<{_form(kind)}")
        return None


def _form(kind: int) -> str:
    if kind not in _NUMBERS:
        raise IndexError(f"at a value of the unknown type {kind}")
    return _NUMBERS[kind]


def _header(path: Path, reader: _Reader) -> GgufFile:
    version, tensors, pairs = reader.number("I"), reader.number("Q"), reader.number("Q")
    if version not in _VERSIONS:
        raise ModelError(
            f"expected a GGUF file of version {' or '.join(map(str, _VERSIONS))}, got {path} of version {version}; "
            "convert the model again with a current llama.cpp"
        )
    known: dict[str, Any] = {}
    for _ in range(pairs):
        key = reader.string()
        known[key] = reader.value()
    if known.get("split.count", 0) > 1:
        raise ModelError(
            f"expected a model in one GGUF file, got {path}, one of {known['split.count']} parts; join the parts with "
            "'llama-gguf-split --merge' of llama.cpp"
        )
    weights, forms = _tensors(path, reader, tensors, int(known.get("general.alignment", _ALIGNMENT)))
    ends = [int(known[key]) for key in _ENDS if key in known]
    return GgufFile(path, str(known.get("general.architecture")), weights, forms, tuple(dict.fromkeys(ends)))


def _tensors(path: Path, reader: _Reader, count: int, alignment: int) -> tuple[int, tuple[str, ...]]:
    """Return the number of weights and the forms of the tensors, after a check that the file holds all of them."""
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

    weights, end, forms = 0, 0, set()
    for _ in range(count):
        reader.skip_string()
        size = prod(reader.number("Q") for _ in range(reader.number("I")))
        kind, offset = reader.number("I"), reader.number("Q")
        if kind not in GGML_QUANT_SIZES:
            raise ModelError(
                f"expected a GGUF file in a quantisation that the package gguf knows, got {path} with tensors of type "
                f"{kind}; use a file in another one such as Q8_0, or upgrade gguf"
            )
        block, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
        weights, end = weights + size, max(end, offset + size // block * block_bytes)
        forms.add(GGMLQuantizationType(kind).name)
    end += -(-reader.at // alignment) * alignment
    if end > len(reader.data):
        raise _cut(path, len(reader.data), f"its tensors need {end:,} bytes")
    return weights, tuple(sorted(forms))


def load_gguf(file: GgufFile, options: Mapping[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Load the model and the tokenizer of a GGUF file; every error of transformers is passed on.

    Parameters
    ----------
    file
        The header.
    options
        The options for `from_pretrained` of transformers, with the dtype of the dequantized weights.

    Returns
    -------
    tuple
        The model, the tokenizer, and the report of transformers about missing weights.
    """
    import transformers

    auto: Any = transformers
    own: dict[str, Any] = {"gguf_file": file.path.name}
    with _alone(file.path) as folder, _no_bars():
        tokenizer = auto.AutoTokenizer.from_pretrained(folder, **own)
        own["config"] = auto.AutoConfig.from_pretrained(folder, **own)  # otherwise the header is parsed once more
        if hasattr(transformers, "GgufConfig"):  # newer releases can also keep the weights quantized on a GPU
            own["quantization_config"] = auto.GgufConfig(dequantize=True)
        model, report = auto.AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, **own, **options)
    _make_plain(model)
    model.config.name_or_path = tokenizer.name_or_path = str(file.path)
    _set_ends(model, file.ends)
    return model, tokenizer, report


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[str]:
    """Yield a folder that holds nothing but the file: transformers prefers a tokenizer.json that lies beside it."""
    with TemporaryDirectory(prefix="instructzero-") as folder:
        (Path(folder) / path.name).symlink_to(path)
        yield folder


@contextlib.contextmanager
def _no_bars() -> Iterator[None]:
    """Switch off the progress bar of the dequantization, which ignores the settings of transformers."""
    name = "transformers.modeling_gguf_pytorch_utils"
    module: Any = import_module(name) if find_spec(name) else None
    bar = getattr(module, "tqdm", None)
    if bar is None:
        yield
        return
    module.tqdm = lambda rows, **_: rows
    try:
        yield
    finally:
        module.tqdm = bar


def _make_plain(model: Any) -> None:
    """Remove the marks of a quantized model, which could not be saved; the weights are dequantized."""
    if getattr(model, "hf_quantizer", None) is not None:
        model.hf_quantizer.remove_quantization_config(model)
    for owner, name in ((model.config, "quantization_config"), (model, "hf_quantizer")):
        if hasattr(owner, name):
            delattr(owner, name)
    model.is_quantized = False


def _set_ends(model: Any, ends: tuple[int, ...]) -> None:
    """Let the file say which tokens end a text: without such a key, transformers takes the architecture's default."""
    settings = model.generation_config
    read = settings.eos_token_id
    more = read if isinstance(read, list) else [] if read is None else [read]
    settings.eos_token_id = list(dict.fromkeys([*ends, *more])) if ends else None
