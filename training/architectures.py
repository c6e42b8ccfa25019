"""The two architectures, and saving a model."""

import json
import os
import tempfile
from pathlib import Path

import torch
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    SeedOssConfig,
    SeedOssForCausalLM,
)

MAX_POSITIONS = 2048


def _tokens(tokenizer: PreTrainedTokenizerFast) -> dict[str, int | None]:
    return {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}


def make_writer(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """Return the writer: a Llama with 4 layers of width 256."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=256, intermediate_size=640, num_hidden_layers=4,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=MAX_POSITIONS,
            tie_word_embeddings=True, **_tokens(tokenizer),
        )
    )  # fmt: skip


def make_black_box(tokenizer: PreTrainedTokenizerFast) -> SeedOssForCausalLM:
    """Return the black box: a Seed-OSS with 6 layers of width 192. Letters and carries need depth more than width.

    Seed-OSS has the block of Qwen2 (biases on queries, keys and values only). Qwen2 itself cannot be used, because
    transformers 5 loads every `qwen2` folder with Qwen2's own pre-tokeniser and ignores the one in tokenizer.json.
    """
    return SeedOssForCausalLM(
        SeedOssConfig(
            vocab_size=len(tokenizer), hidden_size=192, intermediate_size=640, num_hidden_layers=6,
            num_attention_heads=4, num_key_value_heads=4, head_dim=48, max_position_embeddings=MAX_POSITIONS,
            attention_bias=True, attention_out_bias=False, attention_dropout=0.0, residual_dropout=0.0,
            tie_word_embeddings=True, rms_norm_eps=1e-6, **_tokens(tokenizer),
        )
    )  # fmt: skip


def _compute_in_float32(path: Path) -> None:
    """Set the dtype to float32, although weights are stored in bf16: there, batched and single answers are equal."""
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "dtype": "float32"}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write bf16 weights, configuration and tokeniser; every file is renamed into place once it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(do_sample=False, max_new_tokens=64, **_tokens(tokenizer))
    state = {name: value.to(torch.bfloat16) for name, value in model.state_dict().items()}
    copy = type(model)(model.config).to(torch.bfloat16)
    copy.load_state_dict(state)
    copy.generation_config = model.generation_config
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        copy.save_pretrained(partial)
        _compute_in_float32(Path(partial) / "config.json")
        tokenizer.save_pretrained(partial)
        for file in sorted(Path(partial).iterdir()):
            file.chmod(0o644)
            os.replace(file, folder / file.name)
