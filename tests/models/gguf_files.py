"""A tiny Llama, as a folder with safetensors and as GGUF files that are written here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize, quantize
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.models.conftest import CHAT_TEMPLATE, SPECIAL

F32, Q8_0 = GGMLQuantizationType.F32, GGMLQuantizationType.Q8_0
CONTROL, NORMAL = 3, 1
PARTS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def tiny_tokenizer(*, chat: bool = True) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer with a few merges."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(["write the word with the letters of the word in the reverse order"] * 3, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>"
    )
    if chat:
        tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def tiny_llama_model(vocabulary: int) -> LlamaForCausalLM:
    """Return random weights; the constants of the shape are exact in float32, in which GGUF files store them."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        rms_norm_eps=2.0**-20,
        initializer_range=0.4,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config).eval()


def write_gguf(
    path: Path,
    model: Any,
    tokenizer: Any,
    *,
    form: GGMLQuantizationType = F32,
    architecture: str = "llama",
    stated: GGMLQuantizationType | None = None,
    more: Mapping[str, int] | None = None,
) -> Path:
    """Write a Llama as a GGUF file.

    Parameters
    ----------
    path, model, tokenizer
        The file and what is written.
    form
        The form of the matrices; vectors stay in float32.
    architecture
        The architecture that the file states.
    stated
        A form that the file states for the matrices instead of ``form``.
    more
        Further entries of the metadata, numbers of 32 bits.
    """
    writer = GGUFWriter(path, architecture)
    _write_shape(writer, model.config)
    _write_tokenizer(writer, tokenizer)
    for key, value in (more or {}).items():
        writer.add_uint32(key, value)
    for name, weights in _tensors(model).items():
        if weights.ndim == 2 and form != F32:
            writer.add_tensor(name, quantize(weights, form), raw_dtype=form)
        else:
            writer.add_tensor(name, weights, raw_dtype=stated if weights.ndim == 2 else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def rounded(model: Any, form: GGMLQuantizationType) -> Any:
    """Return a model with the weights that a file in ``form`` has after dequantization."""
    copy = LlamaForCausalLM(model.config).eval()
    state = {
        name: torch.from_numpy(dequantize(quantize(weights.numpy(), form), form)) if weights.ndim == 2 else weights
        for name, weights in model.state_dict().items()
    }
    copy.load_state_dict(state)
    return copy


def save_checkpoint(folder: Path, model: Any, tokenizer: Any) -> Path:
    """Save a model and a tokenizer as a folder of transformers."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _write_shape(writer: GGUFWriter, config: LlamaConfig) -> None:
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)


def _write_tokenizer(writer: GGUFWriter, tokenizer: Any) -> None:
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    backend = tokenizer.backend_tokenizer
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary)
    writer.add_token_types([CONTROL if token in SPECIAL else NORMAL for token in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in _merges(backend)])
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(False)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def _merges(backend: Tokenizer) -> list[list[str]]:
    merges: list[list[str]] = json.loads(backend.to_str())["model"]["merges"]
    return merges


def _tensors(model: Any) -> dict[str, np.ndarray]:
    config = model.config
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    tensors = {}
    for name, weights in model.state_dict().items():
        stem = name.removesuffix(".weight")
        if stem in WHOLE:
            tensors[f"{WHOLE[stem]}.weight"] = weights.numpy()
            continue
        _, _, layer, part = stem.split(".", 3)
        value = weights.numpy()
        if PARTS[part] in heads:
            value = _interleaved(value, heads[PARTS[part]])
        tensors[f"blk.{layer}.{PARTS[part]}.weight"] = value
    return tensors


def _interleaved(weights: np.ndarray, heads: int) -> np.ndarray:
    """Return the rows in the order of llama.cpp, which rotates neighbours instead of halves."""
    halves = weights.reshape(heads, 2, len(weights) // heads // 2, -1)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weights.shape))
