"""The shipped pair: loads with plain transformers, keeps its tokenisers, answers and writes."""

from random import Random

import pytest
import torch

from instructzero.models.registry import EMBEDDED_FOLDER as EMBEDDED
from training.corpus.rows import black_box_prompt, black_box_row, writer_prompt
from training.measure import Model, soft_prompts


@pytest.fixture(scope="module")
def black_box() -> Model:
    return Model.load(EMBEDDED / "blackbox")


@pytest.fixture(scope="module")
def writer() -> Model:
    return Model.load(EMBEDDED / "writer")


@pytest.mark.parametrize("name", ["writer", "blackbox"])
def test_folder_is_complete(name: str) -> None:
    files = {path.name for path in (EMBEDDED / name).iterdir()}
    assert {"model.safetensors", "config.json", "generation_config.json"} <= files
    assert {"tokenizer.json", "tokenizer_config.json", "MODEL_CARD.md"} <= files
    assert sum(path.stat().st_size for path in (EMBEDDED / name).iterdir()) < 10_000_000


def test_settings(black_box: Model, writer: Model) -> None:
    for model in (black_box, writer):
        assert model.tokenizer.is_fast
        assert model.tokenizer.padding_side == "left"
        assert None not in (model.tokenizer.eos_token_id, model.tokenizer.pad_token_id)
        assert model.network.generation_config.eos_token_id == model.tokenizer.eos_token_id
        assert not model.network.generation_config.do_sample
        assert model.network.config.max_position_embeddings >= 1024
    assert writer.network.config.model_type != black_box.network.config.model_type


def test_stored_tokenizer_sees_letters(black_box: Model) -> None:
    prompt = black_box_prompt("write the first letter of the word.", "basin")
    tokens = black_box.tokenizer.tokenize(prompt)
    assert tokens[0] == "Instruction:"
    assert tokens[-7:] == ["Ġ", "b", "a", "s", "i", "n", "ĊĊOutput:"]
    assert black_box.tokenizer.decode(black_box.tokenizer(prompt)["input_ids"]) == prompt
    message = [{"role": "user", "content": prompt}]
    assert black_box.tokenizer.apply_chat_template(message, tokenize=False) == prompt


def test_black_box_follows_instructions(black_box: Model) -> None:
    asked = {
        ("write the first letter of the word.", "basin"): "b",
        ("translate the word into German.", "house"): "Haus",
        ("write the opposite of the word.", "hot"): "cold",
        ("write the sentence in the passive voice.", "The critic thanked the plumbers."): (
            "The plumbers were thanked by the critic."
        ),
    }
    prompts = [black_box_prompt(*pair) for pair in asked]
    assert black_box.complete(prompts) == list(asked.values())


def test_a_batch_answers_like_single_calls(black_box: Model) -> None:
    rng = Random(8)
    prompts = [black_box_row(rng).prompt for _ in range(8)]
    assert black_box.complete(prompts) == [black_box.complete([prompt])[0] for prompt in prompts]


def test_writer_varies_with_its_soft_prompt(writer: Model) -> None:
    shown = [("hot", "cold"), ("early", "late"), ("rich", "poor"), ("wide", "narrow"), ("near", "far")]
    prompt = writer_prompt(shown)
    plain = writer.write(prompt, None)[0]
    assert plain.endswith(".")
    z = torch.rand(20, 10, generator=torch.Generator().manual_seed(1)) * 2 - 1
    texts = writer.write(prompt, soft_prompts(z, writer.network.config.hidden_size, seed=1))
    assert all(text.endswith(".") for text in texts)
    assert len(set(texts)) >= 8
