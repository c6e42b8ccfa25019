"""Writers of many architectures continue embeddings as they continue tokens, or are refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from instructzero.errors import ModelError
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.models.memory import pass_bytes, row_bytes
from instructzero.models.soft_inputs import SoftInputs, soft_inputs
from tests.models.conftest import byte_tokenizer

ENDS = {"vocab_size": 259, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
SHAPE = {**ENDS, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = {**SHAPE, "num_key_value_heads": 2, "max_position_embeddings": 256}
SLIDING = {**GROUPED, "num_hidden_layers": 4, "head_dim": 8, "sliding_window": 16}
IMAGES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
PER_LAYER = {"vocab_size_per_layer_input": 259, "hidden_size_per_layer_input": 8, "num_kv_shared_layers": 0}

ARCHITECTURES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "gemma3": (
        "Gemma3Config",
        lambda make: make(
            text_config={**SLIDING, "num_hidden_layers": 2},
            vision_config={**IMAGES, "image_size": 28, "patch_size": 14},
        ),
    ),
    "gemma3n": (
        "Gemma3nTextConfig",
        lambda make: make(
            **SLIDING,
            **PER_LAYER,
            laurel_rank=8,
            activation_sparsity_pattern=None,
            layer_types=["sliding_attention", "full_attention"] * 2,
        ),
    ),
    "gemma4": ("Gemma4TextConfig", lambda make: make(**SLIDING, **PER_LAYER)),
    "gemma4 with images": (
        "Gemma4Config",
        lambda make: make(
            text_config={**SLIDING, **PER_LAYER},
            vision_config={**IMAGES, "num_key_value_heads": 2, "head_dim": 16},
            audio_config=None,
            image_token_id=258,
            video_token_id=257,
            audio_token_id=256,
        ),
    ),
    "falcon_h1": (
        "FalconH1Config",
        lambda make: make(**GROUPED, embedding_multiplier=5.6, mamba_d_ssm=64, mamba_n_heads=8, mamba_d_state=8),
    ),
    "nemotron_h": (
        "NemotronHConfig",
        lambda make: make(
            **ENDS,
            hidden_size=32,
            intermediate_size=64,
            layers_block_type=["mamba", "attention", "mamba", "mlp"],
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            mamba_num_heads=8,
            mamba_head_dim=8,
            ssm_state_size=8,
            n_groups=1,
        ),
    ),
    "mamba": ("MambaConfig", lambda make: make(**ENDS, hidden_size=32, num_hidden_layers=2, state_size=8)),
    "gemma2": ("Gemma2Config", lambda make: make(**{**SLIDING, "num_hidden_layers": 2})),
}


def save(folder: Path, config: str, make: Callable[[Any], Any]) -> Path:
    """Save a random model with weights so large that texts differ; skip what this transformers does not know."""
    known = getattr(transformers, config, None)
    if known is None:
        pytest.skip(f"transformers {transformers.__version__} has no {config}")
    torch.manual_seed(1)
    auto: Any = transformers.AutoModelForCausalLM
    made = make(known)
    made.tie_word_embeddings = made.get_text_config().tie_word_embeddings = False  # or texts repeat one token
    model = auto.from_config(made).float()
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.copy_(torch.randn(weights.shape) * 0.3)
    model.save_pretrained(folder)
    byte_tokenizer(chat=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=ARCHITECTURES)
def writer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HuggingFaceModel:
    return HuggingFaceModel(str(save(tmp_path_factory.mktemp("models") / request.param, *ARCHITECTURES[request.param])))


def soft_prompts(writer: HuggingFaceModel, count: int) -> Tensor:
    deviation = writer.embedding_statistics()[1]
    return torch.randn(count, 3, writer.hidden_size, generator=torch.Generator().manual_seed(0)) * deviation


def uncached(writer: HuggingFaceModel, soft: Tensor, before: str, after: str, count: int) -> str:
    """Return the text from single passes over everything so far, without a cache."""
    network, inputs = writer._network, writer._inputs
    head, tail = (
        torch.tensor(network.encode(text, special_tokens=False), dtype=torch.long) for text in (before, after)
    )
    ids = torch.cat([head, torch.full((len(soft),), network.pad), tail])
    embeddings, new = torch.cat([inputs.embed(head), soft, inputs.embed(tail)]), []
    with torch.inference_mode():
        while len(new) < count and not set(new) & set(network.eos):
            arguments = inputs.arguments(ids) or {}
            logits = network.model(inputs_embeds=embeddings[None], use_cache=False, **arguments).logits
            new.append(int(logits[0, -1].argmax()))
            added = torch.tensor(new[-1:])
            ids, embeddings = torch.cat([ids, added]), torch.cat([embeddings, inputs.embed(added)])
    return network.decode(new)


def test_generate_of_a_batch_equals_single_texts_and_passes_without_a_cache(writer: HuggingFaceModel) -> None:
    soft, around = soft_prompts(writer, 5), ("Before the soft prompt, ", "and after.")
    texts = writer.generate(soft, *around, max_new_tokens=20, special_tokens=True)
    single = [writer.generate(row[None], *around, max_new_tokens=20, special_tokens=True)[0] for row in soft]
    assert texts == single
    assert texts[:2] == [uncached(writer, row, *around, 20) for row in soft[:2]]
    assert len(set(texts)) > 1


def test_generate_without_a_soft_prompt_equals_greedy_decoding_from_ids(writer: HuggingFaceModel) -> None:
    network = writer._network
    ids, new = network.encode("Say it.", special_tokens=True), []
    with torch.inference_mode():
        while len(new) < 12 and not set(new) & set(network.eos):
            logits = network.model(input_ids=torch.tensor([ids + new]), use_cache=False).logits
            new.append(int(logits[0, -1].argmax()))
    assert writer.generate(None, "Say ", "it.", max_new_tokens=12, special_tokens=True) == [network.decode(new)]


def test_generate_with_until_ends_texts_early(writer: HuggingFaceModel) -> None:
    soft = soft_prompts(writer, 4)
    whole = writer.generate(soft, "", "Go.", max_new_tokens=30, special_tokens=True)
    cut = writer.generate(soft, "", "Go.", max_new_tokens=30, special_tokens=True, until=lambda text: len(text) > 3)
    assert all(text.startswith(start) for text, start in zip(whole, cut, strict=True))
    assert sum(map(len, cut)) < sum(map(len, whole))


def test_represent_of_a_batch_equals_single_prompts(writer: HuggingFaceModel) -> None:
    soft = soft_prompts(writer, 3)
    states = writer.represent(soft, "Before", "after", special_tokens=True)
    single = torch.cat([writer.represent(row[None], "Before", "after", special_tokens=True) for row in soft])
    assert states.shape == (3, writer.hidden_size)
    assert torch.allclose(states, single, atol=1e-4)


def test_memory_is_reckoned_from_what_the_configuration_says(writer: HuggingFaceModel) -> None:
    model = writer._network.model
    row = row_bytes(model, 30)
    assert (row is None) == (model.config.model_type == "mamba")
    assert row is None or row > 30 * 4 * 2 * 2 * 16
    assert (pass_bytes(model, 30) or 0) > 0
    assert 1 <= writer._rows_at_once(30) <= 32


def test_a_factor_that_the_model_applies_to_ids_alone_is_applied_to_embeddings(tmp_path: Path) -> None:
    writer = HuggingFaceModel(str(save(tmp_path / "falcon", *ARCHITECTURES["falcon_h1"])))
    plain = writer._network.model.get_input_embeddings()
    ids = torch.tensor([5, 9])
    assert torch.allclose(writer._embed(ids), plain(ids) * 5.6)
    assert writer.embedding_statistics()[1] == pytest.approx(5.6 * float(plain.weight.detach().std()), rel=1e-3)


def test_a_writer_that_keeps_its_cache_to_itself_raises_model_error_when_loaded(tmp_path: Path) -> None:
    config = ("RecurrentGemmaConfig", lambda make: make(**{**GROUPED, "num_hidden_layers": 3}, lru_width=32))
    with pytest.raises(ModelError) as refused:
        HuggingFaceModel(str(save(tmp_path / "recurrent", *config)))
    message = str(refused.value)
    assert message.startswith(
        "expected a writer that continues from embeddings, got recurrent (RecurrentGemmaForCausalLM)"
    )
    assert message.endswith("choose another writer")
    assert "\n" not in message


def test_a_writer_that_reads_embeddings_differently_raises_model_error_when_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save(tmp_path / "gemma2", *ARCHITECTURES["gemma2"])
    embed = SoftInputs.embed
    monkeypatch.setattr(SoftInputs, "embed", lambda self, ids: embed(self, ids).flip(-1))
    with pytest.raises(ModelError, match="reads the embeddings of tokens as it reads the tokens, got gemma2"):
        HuggingFaceModel(str(folder))


def test_a_plain_llama_is_not_tried(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = HuggingFaceModel(str(tiny_llama))._network
    monkeypatch.setattr("instructzero.models.soft_inputs._try", lambda network: None)
    assert soft_inputs(network).arguments(torch.tensor([1])) is None
