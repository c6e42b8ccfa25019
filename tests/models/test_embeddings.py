from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma2ForCausalLM

from instructzero.errors import ModelError
from instructzero.models.embeddings import load_embeddings
from instructzero.models.huggingface import HuggingFaceModel
from tests.models.conftest import byte_tokenizer


def test_load_embeddings_returns_the_table_of_the_model(tiny_model: Path) -> None:
    embeddings = load_embeddings(str(tiny_model))
    embed = AutoModelForCausalLM.from_pretrained(tiny_model).get_input_embeddings()
    assert torch.equal(embeddings.embed([7, 1, 258]), embed(torch.tensor([7, 1, 258])))
    assert embeddings.embed([]).shape == (0, embeddings.hidden_size)


def test_load_embeddings_matches_the_local_model(tiny_model: Path) -> None:
    embeddings, local = load_embeddings(str(tiny_model)), HuggingFaceModel(str(tiny_model))
    assert embeddings.statistics() == local.embedding_statistics()
    assert embeddings.hidden_size == local.hidden_size
    assert embeddings.has_chat_template == local.has_chat_template
    assert {"model": embeddings.name, "revision": embeddings.revision}.items() <= local.identity.items()
    assert (embeddings.eos, embeddings.context) == ((2,), 256)


def test_embed_returns_the_requested_dtype(tiny_llama: Path) -> None:
    exact, rounded = (load_embeddings(str(tiny_llama), dtype=dtype).embed([5]) for dtype in ("auto", "bfloat16"))
    assert (exact.dtype, rounded.dtype) == (torch.float32, torch.bfloat16)
    assert torch.equal(exact.bfloat16(), rounded)
    with pytest.raises(ModelError, match="dtypes"):
        load_embeddings(str(tiny_llama), dtype="int3")


def test_eos_comes_from_the_generation_settings(tiny_llama: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "llama")
    (copy / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 9]}))
    assert load_embeddings(str(copy)).eos == (2, 9)
    (copy / "generation_config.json").unlink()
    assert load_embeddings(str(copy)).eos == (2,)


def test_model_that_scales_its_embeddings_raises_model_error(tmp_path: Path) -> None:
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "head_dim": 8}
    Gemma2ForCausalLM(Gemma2Config(vocab_size=259, num_key_value_heads=1, **size)).save_pretrained(tmp_path)
    byte_tokenizer(chat=False).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"plain table, got .*, which scales or computes them.*hf:"):
        load_embeddings(str(tmp_path))


def test_table_of_another_vocabulary_size_raises_model_error(tiny_llama: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llama, tmp_path / "llama")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "vocab_size": 300}))
    with pytest.raises(ModelError, match=r"expected input embeddings of shape \(300, 32\) in llama"):
        load_embeddings(str(copy))


def test_unknown_model_raises_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="neither a folder here nor reachable on the hub"):
        load_embeddings("nobody/nothing-of-this-name")
