"""Merge an adapter into its base model with peft, so that the model is read and continued as any other.

Notation: s sequence length, V vocabulary size.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch
import transformers
from torch import Tensor

from instructzero.errors import ModelError, ignoring_warnings
from instructzero.models.adapters import CONFIG, Adapter, read_config
from instructzero.models.codec import first_line

_NAME = "default"
_READ = 8
"""The number of tokens on which the merged model is compared with the unmerged one."""

_ROUNDING = {torch.float32: 0.01, torch.float64: 0.01}
_ROUNDING_ELSEWHERE = 0.25
"""The root mean square, in standard deviations of the logits, up to which a difference is rounding, by precision."""


def merge(adapter: Adapter, model: Any) -> Any:
    """Merge an adapter into its base model, in place; every error of peft is passed on.

    Parameters
    ----------
    adapter
        The adapter.
    model
        The base model, which nobody else may use.

    Returns
    -------
    Any
        The model.

    Raises
    ------
    ModelError
        If the adapter needs a newer peft, has weights for other layers, or predicts otherwise when it is merged.
    """
    from peft import PeftConfig, PeftModel

    folder, shared = str(adapter.folder), _shared_embeddings(model)
    with ignoring_warnings():  # all that they warn of is checked here
        config = PeftConfig.from_pretrained(folder)
        _check_settings(adapter, config)
        adapted: Any = PeftModel(model, config, _NAME)
        mapping = getattr(model, "_checkpoint_conversion_mapping", {})
        report = adapted.load_adapter(folder, _NAME, torch_device=str(model.device), key_mapping=mapping)
        _check_keys(adapter, [*report.missing_keys, *report.unexpected_keys])
        if shared is not None:
            _check_not_shared(adapter, adapted, shared)
        expected = _logits(adapted)
        merged = adapted.merge_and_unload(safe_merge=True)
    _check_agreement(adapter, merged, expected)
    return merged


def _check_settings(adapter: Adapter, config: Any) -> None:
    """Refuse settings that this peft does not know, which it would ignore."""
    said = read_config(adapter.folder / CONFIG)
    unknown = sorted(name for name, value in said.items() if value and name not in vars(config))
    if unknown:
        raise ModelError(
            f"expected settings that the installed peft knows in {adapter.folder / CONFIG}, got {', '.join(unknown)}; "
            "pip install --upgrade peft"
        )


def _check_keys(adapter: Adapter, keys: list[str]) -> None:
    """Refuse weights that peft would leave out or fill with random numbers."""
    if keys:
        raise ModelError(
            f"expected weights in {adapter.folder} for those layers of its base model {adapter.base} that {CONFIG} "
            f"names, got missing or other ones for {len(keys)} tensors (first {keys[0]}); check that the files are "
            "complete and that this is the model on which the adapter was trained"
        )


def _shared_embeddings(model: Any) -> Any:
    """Return the weights that are input embeddings and output layer at once, or None."""
    with contextlib.suppress(NotImplementedError):
        first, last = (
            getattr(layer, "weight", None) for layer in (model.get_input_embeddings(), model.get_output_embeddings())
        )
        return first if first is last else None
    return None


def _check_not_shared(adapter: Adapter, adapted: Any, shared: Any) -> None:
    """Refuse to merge into shared embeddings: peft would change the input and the output layer for an adapter of one.

    Single trained tokens (``trainable_token_indices``) are merged into both.
    """
    from peft.tuners.trainable_tokens.layer import TrainableTokensLayer
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, layer in adapted.named_modules():
        if not isinstance(layer, BaseTunerLayer) or isinstance(layer, TrainableTokensLayer):
            continue
        if getattr(layer.get_base_layer(), "weight", None) is shared:
            raise ModelError(
                f"expected an adapter that leaves the embeddings alone, because {adapter.base} uses the same weights "
                f"for input and output, got {adapter.folder} with weights for {name.rpartition('.')[2]}; untie them "
                "in a copy of the base model (tie_word_embeddings) and name that copy"
            )


def _logits(model: Any) -> Tensor:
    """Return the logits (s, V) after a few tokens."""
    ids = torch.arange(1, _READ + 1, device=model.device)[None]
    with torch.inference_mode():
        logits: Tensor = model(input_ids=ids, use_cache=False).logits[0]
    return logits.float()


def _check_agreement(adapter: Adapter, merged: Any, expected: Tensor) -> None:
    """Refuse a merged model whose logits differ by more than rounding from those of the unmerged one, (s, V)."""
    difference = (_logits(merged) - expected).square().mean().sqrt()
    if difference > _ROUNDING.get(merged.dtype, _ROUNDING_ELSEWHERE) * expected.std():  # False if they are no numbers
        raise ModelError(
            f"expected an adapter whose merged model predicts as the unmerged one, got {adapter.folder} of the kind "
            f"{adapter.kind}, after which the model predicts something else; use another adapter, or a whole model"
        )


def load_tokenizer(adapter: Adapter, model: Any, trust_remote_code: bool) -> Any:
    """Return the tokenizer that lies beside an adapter, for the base model ``model``.

    Raises
    ------
    ModelError
        If it has more tokens than the model has embeddings.
    """
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
        adapter.folder, config=model.config, trust_remote_code=trust_remote_code
    )
    embedded = model.config.get_text_config().vocab_size
    if len(tokenizer) > embedded:
        raise ModelError(
            f"expected a tokenizer in {adapter.folder} with at most {embedded} tokens, for which its base model "
            f"{adapter.base} has embeddings, got {len(tokenizer)}; remove the tokenizer's files there to use that of "
            "the base model"
        )
    return tokenizer


def explain_merging(adapter: Adapter, error: Exception) -> str:
    """Return the sentence for an error of peft or transformers while an adapter is loaded and merged."""
    return (
        f"expected an adapter that fits and can be merged into its base model {adapter.base}, got {adapter.folder} of "
        f"the kind {adapter.kind} ({type(error).__name__}: {_reason(error)}); check that the files are complete and "
        f"that base_model_name_or_path in {CONFIG} is the model on which the adapter was trained"
    )


def _reason(error: Exception) -> str:
    """Return the first line of an error's text, or the second one after a headline."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    return lines[1] if lines[0].endswith(":") and len(lines) > 1 else first_line(error)
