"""The tokenisers: lossless, with visible letters and labels of one token."""

from random import Random

import pytest
from transformers import PreTrainedTokenizerFast

from training.corpus import lexicon
from training.corpus.registry import instruction_words
from training.corpus.rows import black_box_prompt, black_box_rows, writer_exemplars
from training.vocabulary import build_black_box_tokenizer, build_writer_tokenizer


@pytest.fixture(scope="module")
def black_box() -> PreTrainedTokenizerFast:
    return build_black_box_tokenizer()


@pytest.fixture(scope="module")
def writer() -> PreTrainedTokenizerFast:
    return build_writer_tokenizer()


STRANGE = "Grüße, naïve “quotes” – 数字 12.5\n\n\ttab  two spaces"


def test_black_box_tokenizer_round_trip_keeps_text(black_box: PreTrainedTokenizerFast) -> None:
    rng = Random(1)
    for row in (row for _ in range(50) for row in black_box_rows(rng, 4)):
        assert black_box.decode(black_box(row.prompt)["input_ids"]) == row.prompt
        assert black_box.decode(black_box(row.completion)["input_ids"]) == row.completion
    assert black_box.decode(black_box(STRANGE)["input_ids"]) == STRANGE


def test_writer_tokenizer_round_trip_keeps_text(writer: PreTrainedTokenizerFast) -> None:
    rng = Random(2)
    for _ in range(100):
        prompt = writer_exemplars(rng)[1]
        assert writer.decode(writer(prompt)["input_ids"]) == prompt
    assert writer.decode(writer(STRANGE)["input_ids"]) == STRANGE


def test_tokens_of_prompt_and_completion_concatenate(black_box: PreTrainedTokenizerFast) -> None:
    rng = Random(3)
    for row in (row for _ in range(50) for row in black_box_rows(rng, 4)):
        joined = black_box(row.prompt + row.completion)["input_ids"]
        assert joined == black_box(row.prompt)["input_ids"] + black_box(row.completion)["input_ids"]


def test_single_words_are_tokenized_by_letter(black_box: PreTrainedTokenizerFast) -> None:
    for word in set(lexicon.single_words()) - instruction_words():
        assert len(black_box(f" {word}")["input_ids"]) == 1 + len(word), word


def test_instruction_words_are_single_tokens(black_box: PreTrainedTokenizerFast) -> None:
    assert black_box.tokenize("Instruction: write the first letter of the word.") == [
        "Instruction:", "Ġwrite", "Ġthe", "Ġfirst", "Ġletter", "Ġof", "Ġthe", "Ġword", ".",
    ]  # fmt: skip


def test_special_tokens_are_end_and_pad(black_box: PreTrainedTokenizerFast, writer: PreTrainedTokenizerFast) -> None:
    for tokenizer in (black_box, writer):
        assert tokenizer.eos_token_id != tokenizer.pad_token_id
        assert tokenizer.padding_side == "left"
        assert not set(tokenizer("a b")["input_ids"]) & set(tokenizer.all_special_ids)


def test_chat_template_adds_no_text(black_box: PreTrainedTokenizerFast) -> None:
    prompt = black_box_prompt("add the numbers.", "1 2")
    rendered = black_box.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False)
    assert rendered == prompt
