"""A causal LM with its tokenizer, loaded once and shared, and batched generation with it.

Notation: n rows, s sequence length, h hidden size.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any
from weakref import WeakValueDictionary

import torch
import transformers
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, StoppingCriteria

from instructzero.errors import ModelError
from instructzero.models.adapters import Adapter, find_adapter, naming_base, require_peft
from instructzero.models.codec import Codec
from instructzero.models.gguf import find_gguf, load_gguf, read_gguf
from instructzero.models.memory import free_bytes, weight_bytes
from instructzero.models.merging import explain_merging, load_tokenizer, merge
from instructzero.models.placement import MAP, QUANTIZED, Placement, place
from instructzero.models.sources import check_config, commit_of, fingerprint, loading

_SHOWN = 80  # characters of a value in a message
_loaded: WeakValueDictionary[tuple[object, ...], Network] = WeakValueDictionary()
_loading = Lock()  # while transformers loads a model, it changes settings of the whole process


@dataclass(frozen=True, eq=False)
class Network(Codec):
    """A loaded model. ``revision`` is the hub's commit, or a fingerprint of the files here.

    ``eos`` holds the token ids that end a text. ``context`` is the number of positions, None if unbounded.
    ``quantized`` is the form of weights with less than 16 bits, such as ``int8``. If the model is a base model with an
    adapter merged into it, ``name`` and ``revision`` are the adapter's, and ``base`` and ``base_revision`` the base's.
    """

    name: str
    revision: str
    model: Any
    tokenizer: Any
    eos: tuple[int, ...]
    pad: int
    context: int | None
    quantized: str | None = None
    base: str | None = None
    base_revision: str | None = None

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
        size, dtype = scores.shape[-1], torch.float32
        uniform = torch.stack([torch.rand(size, generator=each, dtype=dtype) for each in self._generators])
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
    """Load a local folder, a GGUF file or a hub id; an adapter is merged into its base model.

    The same arguments return the same object, as long as there is a reference to it. The parameters are those of
    `HuggingFaceModel`.

    Raises
    ------
    ModelError
        If the model does not load, or does not fit into the memory.
    """
    source = _find(name, revision)
    if source.adapter is not None:
        require_peft(source.adapter)
        _check_place(source.adapter, device, dtype)
    placement = _place_gguf(source.gguf, device, dtype) if source.gguf else place(device, dtype)
    key = (source, str(placement.device), placement.spread, dtype, trust_remote_code)
    with _loading:
        network = _loaded.get(key)
        if network is None:
            network = _loaded[key] = _load(source, placement, trust_remote_code)
    return network


@dataclass(frozen=True)
class _Source:
    """The place of a model, and of the adapter that is merged into it.

    Parameters
    ----------
    name
        The absolute path of a folder or GGUF file, or a hub id.
    contents
        The fingerprint of the folder or file, None for a hub id.
    revision
        The commit on the hub; None is the newest.
    gguf
        The file, if the model is a GGUF file.
    adapter, adapter_revision
        The adapter and its commit on the hub, or else its fingerprint; None and "" if there is none.
    """

    name: str
    contents: str | None
    revision: str | None
    gguf: Path | None
    adapter: Adapter | None = None
    adapter_revision: str = ""

    @property
    def label(self) -> str:
        return self.name if self.contents is None else Path(self.name).name


def _find(name: str, revision: str | None) -> _Source:
    with loading(name):
        adapter = find_adapter(name, revision)
    if adapter is None:
        return _find_whole(name, revision)
    with naming_base(adapter):
        base = _find_whole(adapter.base, adapter.base_revision)
    return replace(base, adapter=adapter, adapter_revision=adapter.commit or fingerprint(adapter.folder))


def _find_whole(name: str, revision: str | None) -> _Source:
    folder, gguf = Path(name).expanduser(), find_gguf(name)
    local = gguf or (folder.resolve() if os.path.isdir(folder) else None)
    return _Source(str(local) if local else name, fingerprint(local) if local else None, revision, gguf)


def _check_place(adapter: Adapter, device: str, dtype: str) -> None:
    """Refuse to merge into weights that are quantized, or lie on several devices."""
    if device == MAP or dtype in QUANTIZED:
        raise ModelError(
            f"expected one device and the dtype auto, float32, bfloat16 or float16 for the adapter {adapter.name}, "
            f"which is merged into its base model, got {device} and {dtype}; merge it with peft (merge_and_unload, "
            "save_pretrained) and give the merged folder"
        )


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


def _load(source: _Source, placement: Placement, trust_remote_code: bool) -> Network:
    options = {"revision": source.revision, "trust_remote_code": trust_remote_code}
    with naming_base(source.adapter):
        parts = _load_gguf(source.gguf, source, placement) if source.gguf else _load_whole(source, placement, options)
        model, tokenizer, report = parts
        _check_complete(source.label, report)
    if source.adapter:
        model, tokenizer = _merged(source.adapter, model, tokenizer, trust_remote_code)
    eos = _ends(source.adapter, model, tokenizer)
    # generate() takes its defaults from here, so the checkpoint's sampling settings must go.
    model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else next(iter(eos), 0)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    whole = source.label, source.contents or commit_of(source.name, source.revision)
    if source.adapter is None:
        return Network(*whole, model, tokenizer, eos, pad, context, placement.quantized)
    own = source.adapter.name, source.adapter_revision
    return Network(*own, model, tokenizer, eos, pad, context, placement.quantized, *whole)


def _load_gguf(path: Path, source: _Source, placement: Placement) -> tuple[Any, Any, dict[str, Any]]:
    file, dtype = read_gguf(path), placement.options["dtype"]
    _check_memory(source, file.weights * dtype.itemsize, _name(dtype), placement)
    with loading(source.name, file.explain):
        model, tokenizer, report = load_gguf(file, placement.options)
        return _placed(model, placement), tokenizer, report


def _load_whole(source: _Source, placement: Placement, options: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Return model, tokenizer, and the report of transformers about missing weights.

    The tokenizer is None if there is an adapter that has one.
    """
    auto: Any = transformers.AutoModelForCausalLM
    with loading(source.name):
        check_config(source.name, source.revision)
        config = transformers.AutoConfig.from_pretrained(source.name, **options)
        tokenizer = None
        if source.adapter is None or not source.adapter.has_tokenizer:
            tokenizer = transformers.AutoTokenizer.from_pretrained(source.name, **options)
        bare = bare_model(config, options["trust_remote_code"])
    if source.adapter and getattr(config, "quantization_config", None):
        raise ModelError(
            "expected a base model whose weights are not quantized, because an adapter is merged into them, got "
            f"{source.label}; name the model from which it was made"
        )
    asked = placement.options["dtype"]
    dtype = asked if isinstance(asked, torch.dtype) else (bare.config.dtype or torch.float32)
    needed = weight_bytes(bare, dtype, placement.quantized)
    _check_memory(source, needed, placement.quantized or _name(dtype), placement)
    with loading(source.name):
        model, report = auto.from_pretrained(source.name, output_loading_info=True, **placement.options, **options)
        return _placed(model, placement), tokenizer, report


def _merged(adapter: Adapter, model: Any, tokenizer: Any, trust_remote_code: bool) -> tuple[Any, Any]:
    """Return the model with the adapter merged into it, and the adapter's tokenizer, or else the base model's."""
    with loading(str(adapter.folder), partial(explain_merging, adapter)):
        if adapter.has_tokenizer:
            tokenizer = load_tokenizer(adapter, model, trust_remote_code)
        return merge(adapter, model), tokenizer


def _placed(model: Any, placement: Placement) -> Any:
    return (model.to(placement.device) if placement.moves else model).eval()


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def bare_model(config: Any, trust_remote_code: bool) -> Any:
    """Return the model of a configuration without memory for its weights, which have names and shapes only."""
    auto: Any = transformers.AutoModelForCausalLM
    with torch.device("meta"):
        return auto.from_config(config, trust_remote_code=trust_remote_code)


def _check_memory(source: _Source, needed: int, form: str, placement: Placement) -> None:
    """Raise `ModelError` if all weights, ``needed`` bytes, go to one device and do not fit there."""
    free = free_bytes(placement.device)
    if not placement.spread and free is not None and needed > free:
        smaller = "use a smaller model or a smaller --dtype"
        if source.adapter is None:
            smaller = f"use a smaller model, a smaller --dtype, or --device {MAP} to spread it over all devices"
        raise ModelError(
            f"expected {needed / 1e9:.1f} GB of free memory on {placement.device} for the weights of {source.label} in "
            f"{form}, got {free / 1e9:.1f} GB; {smaller}"
        )


def end_tokens(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Return the ids that end a text: those of the model's generation settings, or else the tokenizer's."""
    ids = model.generation_config.eos_token_id
    ids = ids if ids is not None else tokenizer.eos_token_id
    if ids is None:
        return ()
    ends = tuple(ids) if isinstance(ids, list | tuple) else (ids,)
    if not all(type(end) is int and end >= 0 for end in ends):
        raise ModelError(
            f"expected the ids of the tokens that end a text as eos_token_id, got {str(ids)[:_SHOWN]}; correct it in "
            "the model's generation_config.json or config.json"
        )
    return ends


def _ends(adapter: Adapter | None, model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Return the ids that end a text; an adapter's tokenizer adds its own, with which the adapter was trained."""
    ends = end_tokens(model, tokenizer)
    own = tokenizer.eos_token_id if adapter and adapter.has_tokenizer else None
    return ends if own is None else tuple(dict.fromkeys((*ends, own)))


def _check_complete(label: str, report: dict[str, Any]) -> None:
    """Refuse an incomplete checkpoint: transformers fills missing weights with random numbers."""
    missing = sorted(str(key) for key in [*report.get("missing_keys", ()), *report.get("mismatched_keys", ())])
    if missing:
        raise ModelError(
            f"expected all weights of a causal language model in {label}, got none that fit for "
            f"{len(missing)} of them (first {missing[0]}); check that the files are complete and that the "
            "model writes text"
        )
