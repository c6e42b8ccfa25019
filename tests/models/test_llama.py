"""`LlamaPass` computes the same as transformers for all models that it accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

from instructzero.models.llama import LlamaPass, is_plain_llama
from instructzero.models.network import load_network
from instructzero.models.roomy import RoomyCache

SHAPE = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "initializer_range": 0.3,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8,
}
MODELS: dict[str, Any] = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
    "shared heads": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, num_key_value_heads=2)),
    "one head for all": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, num_key_value_heads=1, head_dim=10)),
    "biases": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, attention_bias=True, mlp_bias=True)),
    "scaled positions": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE, rope_parameters=LLAMA3)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE, num_key_value_heads=2, tie_word_embeddings=True)),
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(1)
    made = MODELS[request.param]().eval()
    for parameter in made.parameters():  # norms and biases are initialised with ones and zeros
        parameter.data += 0.1 * torch.randn_like(parameter)
    return made


@torch.inference_mode()
def test_logits_equal_the_models_after_prompt_and_steps(model: Any) -> None:
    assert is_plain_llama(model)
    embeddings = torch.randn(4, 9, 32)
    step = LlamaPass(model, room=9)
    cache = step.make_cache(4, 9)
    assert type(cache) is RoomyCache
    for start, end in ((0, 4), (4, 5), (5, 8), (8, 9)):
        logits = step(embeddings[:, start:end], cache)
        own = model(inputs_embeds=embeddings[:, :end]).logits[:, -1]
        torch.testing.assert_close(logits, own, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_prefix_is_read_by_all_rows_and_cached_in_none(model: Any) -> None:
    prefix, embeddings = torch.randn(1, 6, 32), torch.randn(4, 5, 32)
    whole = torch.cat([prefix.expand(4, -1, -1), embeddings], dim=1)
    reading = LlamaPass(model, room=6)
    cache = reading.make_cache(1, 6)
    reading(prefix, cache)
    step = LlamaPass(model, room=11, prefix=[(layer.keys, layer.values) for layer in cache.roomy])
    cache = step.make_cache(4, 5)
    for start, end in ((0, 3), (3, 4), (4, 5)):
        logits = step(embeddings[:, start:end], cache)
        own = model(inputs_embeds=whole[:, : 6 + end]).logits[:, -1]
        torch.testing.assert_close(logits, own, rtol=1e-4, atol=1e-4)
    assert cache.roomy[0].keys.shape[2] == 5


@torch.inference_mode()
def test_logits_of_one_row_with_one_position_equal_the_models(model: Any) -> None:
    embeddings = torch.randn(1, 1, 32)
    step = LlamaPass(model, room=1)
    logits = step(embeddings, step.make_cache(1, 1))
    torch.testing.assert_close(logits, model(inputs_embeds=embeddings).logits[:, -1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"hidden_act": "gelu"},
        {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0}},
    ],
)
def test_configurations_that_differ_are_not_plain_llamas(options: dict[str, Any]) -> None:
    assert not is_plain_llama(LlamaForCausalLM(LlamaConfig(**SHAPE, **options)))


def test_other_architectures_and_changed_models_are_not_plain_llamas(tiny_model: Path) -> None:
    model = load_network(str(tiny_model)).model
    assert is_plain_llama(model) == (model.config.model_type != "gpt2")

    class Changed(LlamaForCausalLM):
        pass

    assert not is_plain_llama(Changed(LlamaConfig(**SHAPE)))
