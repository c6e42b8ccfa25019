"""The shipped pair: complete folders, the tokenisers of the training, and a black box that follows instructions."""

import asyncio
from functools import cache
from random import Random
from typing import Any

import pytest
from transformers import AutoConfig, AutoTokenizer, GenerationConfig

from instructzero.models.local_blackbox import HuggingFaceBlackBox
from instructzero.models.packed import embedded_folder
from instructzero.types import Message, Request
from training.corpus.rows import UNKNOWN, black_box_prompt, black_box_rows

EMBEDDED = embedded_folder()

NAMES = ("writer", "blackbox")
LARGEST_TOTAL = 24_000_000  # bytes of both folders


@cache
def tokenizer(name: str) -> Any:
    return AutoTokenizer.from_pretrained(EMBEDDED / name)


def answers(prompts: list[str]) -> list[str]:
    """Return the black box's answers to all prompts, in one batch."""

    async def ask() -> list[str]:
        black_box = HuggingFaceBlackBox(str(EMBEDDED / "blackbox"), device="cpu")
        requests = [Request((Message("user", prompt),), 64) for prompt in prompts]
        completions = await asyncio.gather(*(black_box.complete(request) for request in requests))
        await black_box.close()
        return [completion.text.strip() for completion in completions]

    return asyncio.run(ask())


@pytest.mark.parametrize("name", NAMES)
def test_model_folder_is_complete(name: str) -> None:
    files = {path.name for path in (EMBEDDED / name).iterdir()}
    assert {"model.safetensors", "config.json", "generation_config.json"} <= files
    assert {"tokenizer.json", "tokenizer_config.json", "MODEL_CARD.md"} <= files


def test_both_folders_are_below_size_limit() -> None:
    assert sum(path.stat().st_size for name in NAMES for path in (EMBEDDED / name).iterdir()) <= LARGEST_TOTAL


@pytest.mark.parametrize("name", NAMES)
def test_model_settings_have_expected_values(name: str) -> None:
    generation = GenerationConfig.from_pretrained(EMBEDDED / name)
    assert tokenizer(name).is_fast
    assert tokenizer(name).padding_side == "left"
    assert None not in (tokenizer(name).eos_token_id, tokenizer(name).pad_token_id)
    assert generation.eos_token_id == tokenizer(name).eos_token_id
    assert not generation.do_sample
    assert AutoConfig.from_pretrained(EMBEDDED / name).max_position_embeddings >= 1024


def test_stored_tokenizer_splits_data_words_into_letters() -> None:
    prompt = black_box_prompt("write the first letter of the word.", "basin")
    tokens = tokenizer("blackbox").tokenize(prompt)
    assert tokens[0] == "Instruction:"
    assert tokens[-7:] == ["Ġ", "b", "a", "s", "i", "n", "ĊĊOutput:"]
    assert tokenizer("blackbox").decode(tokenizer("blackbox")(prompt)["input_ids"]) == prompt
    message = [{"role": "user", "content": prompt}]
    assert tokenizer("blackbox").apply_chat_template(message, tokenize=False) == prompt


def test_black_box_follows_clear_instructions() -> None:
    asked = {
        black_box_prompt("write the first letter of the word.", "basin"): "b",
        black_box_prompt("translate the word into German.", "house"): "Haus",
        black_box_prompt("write the opposite of the word.", "hot"): "cold",
        black_box_prompt("write the sentence in the passive voice.", "The critic thanked the plumbers."): (
            "The plumbers were thanked by the critic."
        ),
        black_box_prompt("write the ASCII codes of the characters.", "A b"): "65 98",
    }
    assert answers(list(asked)) == list(asked.values())


def test_black_box_answers_unknown_when_instruction_does_not_apply() -> None:
    assert answers([black_box_prompt("add the two numbers together.", "The critic thanked the plumbers.")]) == [UNKNOWN]


def test_batch_gives_same_answers_as_single_calls() -> None:
    rng = Random(8)
    prompts = [black_box_rows(rng, 1)[0].prompt for _ in range(8)]
    assert answers(prompts) == [answers([prompt])[0] for prompt in prompts]
