"""The estimate of the memory, and the refusal of a model that does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from instructzero.errors import ModelError
from instructzero.models import huggingface, memory, network
from instructzero.models.decoding import decode
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.memory import free_bytes, pass_bytes, row_bytes, rows_that_fit, weight_bytes
from instructzero.models.network import Network, bare_model, load_network
from instructzero.models.prefix import cache_argument
from instructzero.models.roomy import RoomyCache

CPU = torch.device("cpu")


def test_weight_bytes_equal_those_of_the_loaded_model(tiny_model: Path) -> None:
    loaded = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    bare = bare_model(AutoConfig.from_pretrained(tiny_model), trust_remote_code=False)
    assert weight_bytes(bare, torch.float32) == sum(weights.nbytes for weights in loaded.parameters())
    assert weight_bytes(bare, torch.bfloat16) == weight_bytes(bare, torch.float32) / 2


def test_weight_bytes_quantize_only_linear_layers(tiny_llama: Path) -> None:
    bare = bare_model(AutoConfig.from_pretrained(tiny_llama), trust_remote_code=False)
    layers = 2 * (32 * (32 + 2 * 16 + 32) + 3 * 32 * 64)
    whole = weight_bytes(bare, torch.bfloat16)
    assert weight_bytes(bare, torch.bfloat16, "int8") == whole - layers
    assert weight_bytes(bare, torch.bfloat16, "int4") == whole - 1.5 * layers


def test_row_bytes_cover_keys_values_and_logits(tiny_model: Path) -> None:
    loaded = load_network(str(tiny_model))
    model = loaded.model
    cache = RoomyCache(model, rows=1, room=30)
    embeddings = torch.zeros(1, 30, 32)
    logits = model(inputs_embeds=embeddings, **{cache_argument(loaded): cache}).logits[:, -1]
    held = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.roomy) + embeddings.nbytes + logits.nbytes
    assert held < row_bytes(model, 30) < 2 * held


def test_rows_that_fit_use_the_free_memory_and_are_at_least_one(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_network(str(tiny_llama)).model
    for free, rows in ((0, 1), (10 * row_bytes(model, 30) / 0.9 + pass_bytes(model, 64) / 0.9 + 100, 10)):
        monkeypatch.setattr(memory, "free_bytes", lambda device, free=free: free)
        assert rows_that_fit(model, CPU, 30, 64) == rows
    monkeypatch.setattr(memory, "free_bytes", lambda device: None)
    assert rows_that_fit(model, CPU, 30, 64) is None


def test_free_bytes_equal_those_that_the_system_reports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = tmp_path / "meminfo"
    said.write_text("MemTotal:  100 kB\nMemAvailable:   40 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", said)
    assert free_bytes(CPU) == 40 * 1024
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "none")
    assert free_bytes(CPU) is None


def test_batch_is_as_large_as_the_memory_allows(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(network: Network, embeddings: torch.Tensor, *rest: object) -> list[list[int]]:
        sizes.append(len(embeddings))
        return decode(network, embeddings, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(huggingface, "decode", counted)
    soft = torch.randn(40, 2, 32, generator=torch.Generator().manual_seed(1))

    def written(model: HuggingFaceModel) -> list[str]:
        sizes.clear()
        return model.generate(soft, "", "a", max_new_tokens=3, special_tokens=True)

    expected = written(HuggingFaceModel(str(tiny_llama)))
    assert sizes == [32, 8]
    model = HuggingFaceModel(str(tiny_llama))
    room = int((15.5 * row_bytes(model._network.model, 2 + 1 + 3) + pass_bytes(model._network.model, 1024)) / 0.9)
    monkeypatch.setattr(memory, "free_bytes", lambda device: room)
    assert written(model) == expected
    assert sizes == [15, 15, 10]
    assert written(HuggingFaceModel(str(tiny_llama), batch_size=20)) == expected
    assert sizes == [20, 20]


def test_weights_that_do_not_fit_raise_model_error_with_the_sizes(
    tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "free_bytes", lambda device: 20e6)
    monkeypatch.setattr(network, "weight_bytes", lambda *arguments: 26e9)
    with pytest.raises(
        ModelError, match=r"26\.0 GB of free memory on cpu for the weights of llama in float32, got 0\.0"
    ):
        load_network(str(tiny_llama), revision="not loaded before")
