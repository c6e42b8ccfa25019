"""A tiny Llama and adapters of it, made with peft and far from zero."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from tests.models.conftest import byte_tokenizer

CONFIG = "adapter_config.json"
OPTIONS: dict[str, dict[str, Any]] = {
    "IA3": {"target_modules": ["k_proj", "down_proj"], "feedforward_modules": ["down_proj"]},
    "ADALORA": {"target_modules": ["q_proj", "down_proj"], "total_step": 10},
    "OFT": {"target_modules": ["q_proj"], "oft_block_size": 8, "r": 0},
}
"""The options of the kinds of adapters for which the usual ones do not fit."""


def save_base(folder: Path, *, chat: bool = False, **changes: Any) -> Path:
    """Save a tiny Llama with random weights; ``changes`` are those of its configuration."""
    torch.manual_seed(0)
    usual: dict[str, Any] = {
        "vocab_size": 259,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "initializer_range": 0.4,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
        "tie_word_embeddings": False,
    }
    LlamaForCausalLM(LlamaConfig(**(usual | changes))).save_pretrained(folder)
    byte_tokenizer(chat).save_pretrained(folder)
    return folder


def save_adapter(
    folder: Path, base: Path, *, kind: str = "LORA", seed: int = 0, named: str | None = None, **options: Any
) -> Path:
    """Make an adapter of a model and save it.

    Parameters
    ----------
    folder, base
        The new folder, and that of the model.
    kind
        The method of peft.
    seed
        That of the weights, all of which are random.
    named
        The base model's path or id in the adapter's configuration, if not that of the folder.
    options
        Further options of the configuration.
    """
    usual = OPTIONS.get(kind, {"target_modules": ["q_proj", "v_proj", "down_proj"]})
    model = AutoModelForCausalLM.from_pretrained(base)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as that shared embeddings are a part of it
        config = PEFT_TYPE_TO_CONFIG_MAPPING[kind](**{"task_type": "CAUSAL_LM", **usual, **options})
        adapted: Any = get_peft_model(model, config)
        generator = torch.Generator().manual_seed(seed)
        for weights in adapted.parameters():
            if weights.requires_grad:
                weights.data += 0.2 * torch.randn(weights.shape, generator=generator)
        adapted.save_pretrained(folder)
    restate(folder, {"base_model_name_or_path": named or str(base)})
    return folder


def restate(folder: Path, changes: Mapping[str, Any]) -> Path:
    """Change the configuration of an adapter."""
    said = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(said | changes))
    return folder


def unmerged(folder: Path, base: Path) -> Any:
    """Return peft's own model, whose layers compute with the adapter beside the base model's weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as that peft asks transformers by a deprecated name
        return PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), folder).eval()
