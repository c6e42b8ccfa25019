"""The two architectures and how a model is saved."""

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
    """Llama, 4 layers of width 256."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=256, intermediate_size=640, num_hidden_layers=4,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=MAX_POSITIONS,
            tie_word_embeddings=True, **_tokens(tokenizer),
        )
    )  # fmt: skip


def make_black_box(tokenizer: PreTrainedTokenizerFast) -> SeedOssForCausalLM:
    """Seed-OSS, 6 layers of width 192: reading letters and carrying digits needs depth more than width.

    Seed-OSS is Qwen2's block (biases on queries, keys and values only). Qwen2 itself will not do: transformers 5
    loads every `qwen2` folder with Qwen2's own pre-tokeniser and ignores the one stored in tokenizer.json.
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
    """Stored in bf16, the weights are meant for float32: batched and single answers agree there, on any server."""
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "dtype": "float32"}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes bf16 weights, configuration and tokeniser, each file renamed into place once complete."""
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
