"""Batches: only completions are learned, soft prompts stand in front, the stream follows from its seed."""

from random import Random

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from training.batches import Item, black_box_items, collate, stream, writer_items
from training.hints import Concepts, leanings, meanings
from training.vocabulary import build_black_box_tokenizer

PAD = 0


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return build_black_box_tokenizer()


def test_collate_pads_right_and_learns_completions_only() -> None:
    batch = collate([Item([5, 6, 7], [8, 9]), Item([5], [9])], PAD)
    assert batch.ids.tolist() == [[5, 6, 7, 8, 9], [5, 9, 0, 0, 0]]
    assert batch.labels.tolist() == [[-100, -100, -100, 8, 9], [-100, 9, -100, -100, -100]]
    assert not batch.heard.any()


def test_collate_leaves_room_for_a_soft_prompt() -> None:
    soft, meaning = torch.ones(2, 4), torch.tensor([0.5, -0.5])
    batch = collate([Item([5, 6], [7], soft, meaning), Item([5], [7])], PAD)
    assert batch.ids[0, 2:].tolist() == [5, 6, 7]
    assert batch.labels[0].tolist() == [-100, -100, -100, -100, 7]
    assert batch.heard[0].tolist() == [False, False, True, True, True]
    assert not batch.heard[1].any()
    assert batch.meanings.tolist() == [[0.5, -0.5]] * 3


def test_black_box_items_end_with_the_end_token(tokenizer: PreTrainedTokenizerFast) -> None:
    for item in black_box_items(tokenizer, Random(1), 50):
        assert item.completion[-1] == tokenizer.eos_token_id
        assert tokenizer.eos_token_id not in item.prompt + item.completion[:-1]


def test_writer_items_say_what_their_soft_prompt_means(tokenizer: PreTrainedTokenizerFast) -> None:
    concepts = Concepts.make(32)
    spoken = [item for item in writer_items(tokenizer, concepts, Random(2), 60) if item.soft_prompt is not None]
    assert 40 <= len(spoken) < 60
    for item in spoken:
        assert item.soft_prompt is not None
        assert item.meaning is not None
        assert torch.allclose(item.meaning, meanings(item.soft_prompt[None], concepts)[0])
        quality = float(item.meaning[: len(concepts.peaks)].max())
        assert (leanings(item.soft_prompt[None], concepts)[0].kind == "clear") == (quality >= concepts.bounds["light"])


def test_the_stream_follows_from_its_seed(tokenizer: PreTrainedTokenizerFast) -> None:
    def draw(rng: Random, count: int) -> list[Item]:
        return black_box_items(tokenizer, rng, count)

    first, second = (stream(draw, PAD, 400, 26.0, seed=3, start=0) for _ in range(2))
    for _ in range(20):
        one, other = next(first), next(second)
        assert torch.equal(one.ids, other.ids)
        assert one.ids.numel() <= 400
