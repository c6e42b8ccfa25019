"""A causal LM with its tokenizer, loaded once and shared, and batched generation with it.

Notation: n rows, s sequence length, h hidden size.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any
from weakref import WeakValueDictionary

import torch
import transformers
from huggingface_hub.utils import logging as hub_logging
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria

from instructzero.errors import ModelError
from instructzero.models.codec import Codec, first_line
from instructzero.models.gguf import GgufFile, find_gguf, load_gguf, read_gguf
from instructzero.models.memory import free_bytes, weight_bytes
from instructzero.models.placement import MAP, QUANTIZED, Placement, place

_SAMPLE_BYTES = 65536
_MODEL_FILES = frozenset({".json", ".safetensors", ".bin", ".model", ".jinja", ".txt"})
_loaded: WeakValueDictionary[tuple[object, ...], Network] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class Network(Codec):
    """A loaded model. ``revision`` is the hub's commit, or a fingerprint of the files here.

    ``eos`` holds the token ids that end a text. ``context`` is the number of positions, None if unbounded.
    ``quantized`` is the form of weights with less than 16 bits, such as ``int8``.
    """

    name: str
    revision: str
    model: Any
    tokenizer: Any
    eos: tuple[int, ...]
    pad: int
    context: int | None
    quantized: str | None = None

    @property
    def device(self) -> torch.device:
        """The device of the model's input: of several, the first that computes and does not only store weights."""
        places = getattr(self.model, "hf_device_map", {"": self.model.device}).values()
        return torch.device(next((place for place in places if place not in ("cpu", "disk")), "cpu"))

    @property
    def dtype(self) -> str:
        """The precision of the weights."""
        return self.quantized or _name(self.model.dtype)


@dataclass(frozen=True)
class Sampling:
    """The temperature, and one seed per row, so that a sample does not depend on the rest of the batch."""

    temperature: float
    seeds: tuple[int, ...]


class _GumbelNoise(LogitsProcessor):
    """The largest of logits + temperature * Gumbel noise is a sample ~ softmax(logits / temperature)."""

    def __init__(self, sampling: Sampling) -> None:
        self._temperature = sampling.temperature
        self._generators = [torch.Generator().manual_seed(seed) for seed in sampling.seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        size = scores.shape[-1]
        uniform = torch.stack([torch.rand(size, generator=generator) for generator in self._generators])
        gumbel = -torch.log(-torch.log(uniform.clamp(1e-20, 1 - 1e-7)))  # ~ Gumbel(0, 1)
        return scores + self._temperature * gumbel.to(scores.device)


class _StopWhen(StoppingCriteria):
    """Ends a batch when ``event`` is set, because its answers are no longer needed."""

    def __init__(self, event: Event) -> None:
        self._event = event

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        return torch.full((len(input_ids),), self._event.is_set(), dtype=torch.bool, device=input_ids.device)


def generate(
    network: Network,
    inputs: dict[str, Any],
    max_new_tokens: int,
    *,
    sampling: Sampling | None = None,
    stop: Event | None = None,
) -> list[list[int]]:
    """Generate, and return the new ids of all rows, including the one that ends the text.

    Parameters
    ----------
    network
        The model.
    inputs
        ``input_ids`` (n, s) or ``inputs_embeds`` (n, s, h), padded on the left, with ``attention_mask`` (n, s).
    max_new_tokens
        The maximum number of new ids of a row.
    sampling
        Temperature and seeds; None is greedy.
    stop
        Ends the generation when it is set.
    """
    options = {
        "logits_processor": LogitsProcessorList([_GumbelNoise(sampling)]) if sampling else None,
        "stopping_criteria": [_StopWhen(stop)] if stop else None,
    }
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False,
        num_beams=1,
        max_new_tokens=max_new_tokens,
        eos_token_id=list(network.eos) or None,
        pad_token_id=network.pad,
    )
    width = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
    with torch.inference_mode():
        ids = network.model.generate(**inputs, **options, generation_config=config)
    return [_until_end(row, network.eos) for row in ids[:, width:].tolist()]


def _until_end(row: list[int], eos: tuple[int, ...]) -> list[int]:
    end = next((index for index, token in enumerate(row) if token in eos), len(row) - 1)
    return row[: end + 1]


def pad_left(rows: Sequence[Sequence[int]], pad: int, device: torch.device) -> dict[str, Tensor]:
    """Return ``input_ids`` and ``attention_mask``, both (n, s), padded on the left because texts grow on the right."""
    width = max(map(len, rows))
    ids = [[pad] * (width - len(row)) + list(row) for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return {
        "input_ids": torch.tensor(ids, device=device),
        "attention_mask": torch.tensor(mask, device=device),
    }


def positions(mask: Tensor) -> Tensor:
    """Return the position of each token in its own text, (n, s), without the padding on the left."""
    return (mask.cumsum(dim=1) - 1).clamp(min=0)


def load_network(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> Network:
    """Load a local folder, a GGUF file or a hub id.

    The same arguments return the same object, as long as there is a reference to it. The parameters are those of
    `HuggingFaceModel`.

    Raises
    ------
    ModelError
        If the model does not load, or does not fit into the memory.
    """
    folder, gguf = Path(name).expanduser(), find_gguf(name)
    local = gguf or (folder.resolve() if folder.is_dir() else None)
    source = _Source(str(local) if local else name, fingerprint(local) if local else None)
    placement = _place_gguf(gguf, device, dtype) if gguf else place(device, dtype)
    key = (source, str(placement.device), placement.spread, dtype, revision, trust_remote_code)
    network = _loaded.get(key)
    if network is None:
        options = {"revision": revision, "trust_remote_code": trust_remote_code}
        network = _load(source, read_gguf(gguf) if gguf else None, placement, options)
        _loaded[key] = network
    return network


@dataclass(frozen=True)
class _Source:
    """The absolute path of a folder or GGUF file and its fingerprint, or a hub id and None."""

    name: str
    contents: str | None

    @property
    def label(self) -> str:
        return self.name if self.contents is None else Path(self.name).name


def _place_gguf(path: Path, device: str, dtype: str) -> Placement:
    """Return the placement of the dequantized weights; ``auto`` is bfloat16 on a GPU, because no file states it."""
    if dtype in QUANTIZED:
        raise ModelError(
            f"expected the dtype auto, float32, bfloat16 or float16 for the GGUF file {path.name}, whose weights are "
            f"dequantized, got {dtype}; use --dtype bfloat16"
        )
    placement = place(device, dtype)
    if isinstance(placement.options["dtype"], torch.dtype):
        return placement
    return replace(placement, options={**placement.options, "dtype": torch.bfloat16})


def _load(source: _Source, gguf: GgufFile | None, placement: Placement, options: dict[str, Any]) -> Network:
    if gguf:
        dtype = placement.options["dtype"]
        _check_memory(source.label, gguf.weights * dtype.itemsize, _name(dtype), placement)
        with loading(source.name, gguf.explain):
            model, tokenizer, report = load_gguf(gguf, placement.options)
            model = _placed(model, placement)
    else:
        model, tokenizer, report = _load_checkpoint(source, placement, options)
    _check_complete(source.label, report)
    eos = end_tokens(model, tokenizer)
    # generate() takes its defaults from here, so the checkpoint's sampling settings must go.
    model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else next(iter(eos), 0)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    revision = source.contents or _commit(model, options)
    return Network(source.label, revision, model, tokenizer, eos, pad, context, placement.quantized)


def _load_checkpoint(source: _Source, placement: Placement, options: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Return model, tokenizer, and the report of transformers about missing weights."""
    auto: Any = transformers.AutoModelForCausalLM
    with loading(source.name):
        tokenizer = transformers.AutoTokenizer.from_pretrained(source.name, **options)
        config = transformers.AutoConfig.from_pretrained(source.name, **options)
        bare = bare_model(config, options["trust_remote_code"])
    asked = placement.options["dtype"]
    dtype = asked if isinstance(asked, torch.dtype) else (bare.config.dtype or torch.float32)
    needed = weight_bytes(bare, dtype, placement.quantized)
    _check_memory(source.label, needed, placement.quantized or _name(dtype), placement)
    with loading(source.name):
        model, report = auto.from_pretrained(source.name, output_loading_info=True, **placement.options, **options)
        return _placed(model, placement), tokenizer, report


def _placed(model: Any, placement: Placement) -> Any:
    return (model.to(placement.device) if placement.moves else model).eval()


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def bare_model(config: Any, trust_remote_code: bool) -> Any:
    """Return the model of a configuration without memory for its weights, which have names and shapes only."""
    auto: Any = transformers.AutoModelForCausalLM
    with torch.device("meta"):
        return auto.from_config(config, trust_remote_code=trust_remote_code)


def _check_memory(label: str, needed: int, form: str, placement: Placement) -> None:
    """Raise `ModelError` if all weights, ``needed`` bytes, go to one device and do not fit there."""
    free = free_bytes(placement.device)
    if not placement.spread and free is not None and needed > free:
        raise ModelError(
            f"expected {needed / 1e9:.1f} GB of free memory on {placement.device} for the weights of {label} in "
            f"{form}, got {free / 1e9:.1f} GB; use a smaller model, a smaller --dtype, or --device {MAP} to spread it "
            "over all devices"
        )


def end_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Return the ids that end a text: those of the model's generation settings, or else the tokenizer's."""
    ids = model.generation_config.eos_token_id
    ids = ids if ids is not None else tokenizer.eos_token_id
    if ids is None:
        return ()
    return (ids,) if isinstance(ids, int) else tuple(ids)


def _commit(model: Any, options: dict[str, Any]) -> str:
    return str(getattr(model.config, "_commit_hash", None) or options["revision"] or "main")


def fingerprint(path: Path) -> str:
    """Return a digest of a checkpoint: the names, sizes, first and last bytes of all model files.

    Training changes all parts of the weights, so a sample is enough.

    Parameters
    ----------
    path
        A folder, or a file that is a whole model.
    """
    digest = hashlib.sha256()
    files = [path] if path.is_file() else [file for file in path.iterdir() if _belongs_to_model(file)]
    for file in sorted(files, key=lambda file: file.name):
        size = file.stat().st_size
        digest.update(f"{file.name}\0{size}\0".encode())
        with file.open("rb") as content:
            digest.update(content.read(_SAMPLE_BYTES))
            content.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(content.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:16]


def _belongs_to_model(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".") and file.suffix in _MODEL_FILES


@contextlib.contextmanager
def loading(source: str, explain: Callable[[Exception], str] | None = None) -> Iterator[None]:
    """Load from a folder or hub id without progress bars and log messages; every error becomes a `ModelError`.

    Parameters
    ----------
    source
        The folder or hub id.
    explain
        Makes the sentence for an error; None is the one for checkpoints.
    """
    logging: Any = transformers.utils.logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    hub: Any = hub_logging
    hub_verbosity = hub.get_verbosity()
    logging.set_verbosity_error()
    hub.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except Exception as error:  # checkpoints fail in as many ways as there are libraries under transformers
        raise ModelError(explain(error) if explain else _explain(source, error)) from None
    finally:
        logging.set_verbosity(verbosity)
        hub.set_verbosity(hub_verbosity)
        if bars:
            logging.enable_progress_bar()


def _explain(source: str, error: Exception) -> str:
    folder = Path(source)
    if not folder.exists() and isinstance(error, OSError | ValueError) and "configuration class" not in str(error):
        return (
            f"expected a folder or a model of the Hugging Face hub, got {source!r}, which is neither a "
            "folder here nor reachable on the hub; check the spelling, the network, or log in for a gated "
            "model"
        )
    if folder.is_dir() and not (folder / "config.json").exists():
        return f"expected a saved model in the folder {source}, got one without config.json; check the path"
    return (
        f"expected a causal language model in {source}, but it does not load ({type(error).__name__}: "
        f"{first_line(error)}); check that the files are complete and that the model writes text"
    )


def _check_complete(label: str, report: dict[str, Any]) -> None:
    """Refuse an incomplete checkpoint: transformers fills missing weights with random numbers."""
    missing = sorted(str(key) for key in [*report.get("missing_keys", ()), *report.get("mismatched_keys", ())])
    if missing:
        raise ModelError(
            f"expected all weights of a causal language model in {label}, got none that fit for "
            f"{len(missing)} of them (first {missing[0]}); check that the files are complete and that the "
            "model writes text"
        )
