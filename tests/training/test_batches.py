"""Batches: labels on completions only, soft prompts in front, a stream determined by its seed."""

from functools import partial
from itertools import islice, pairwise
from random import Random

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from training.batches import INPUTS_PER_INSTRUCTION, Item, Stream, black_box_items, collate, writer_items
from training.corpus.rows import black_box_rows
from training.hints import Concepts, meanings, preferences
from training.vocabulary import build_black_box_tokenizer

PAD = 0


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return build_black_box_tokenizer()


def test_collate_pads_right_and_labels_completions_only() -> None:
    batch = collate([Item([5, 6, 7], [([], [8, 9])]), Item([5], [([], [9])])], PAD)
    assert batch.ids.tolist() == [[5, 6, 7, 8, 9], [5, 9, 0, 0, 0]]
    assert batch.labels.tolist() == [[-100, -100, -100, 8, 9], [-100, 9, -100, -100, -100]]
    assert not batch.conditioned.any()
    assert batch.mask is None


def test_branches_attend_to_prompt_and_not_to_each_other() -> None:
    batch = collate([Item([5, 6], [([7], [8]), ([9], [4])]), Item([5], [([], [9])])], PAD)
    assert batch.ids.tolist() == [[5, 6, 7, 8, 9, 4], [5, 9, 0, 0, 0, 0]]
    assert batch.labels.tolist() == [[-100, -100, -100, 8, -100, 4], [-100, 9, -100, -100, -100, -100]]
    assert batch.positions[0].tolist() == [0, 1, 2, 3, 2, 3]
    assert batch.mask is not None
    assert (batch.mask[0, 0] == 0).int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 1, 1],
    ]


def test_collate_reserves_positions_for_soft_prompt() -> None:
    soft, meaning = torch.ones(2, 4), torch.tensor([0.5, -0.5])
    batch = collate([Item([5, 6], [([], [7])], soft, meaning), Item([5], [([], [7])])], PAD)
    assert batch.ids[0, 2:].tolist() == [5, 6, 7]
    assert batch.labels[0].tolist() == [-100, -100, -100, -100, 7]
    assert batch.conditioned[0].tolist() == [False, False, True, True, True]
    assert not batch.conditioned[1].any()
    assert batch.meanings.tolist() == [[0.5, -0.5]] * 3


def test_black_box_items_end_with_end_token(tokenizer: PreTrainedTokenizerFast) -> None:
    for item in black_box_items(tokenizer, Random(1), 50):
        for rest, completion in item.branches:
            assert completion[-1] == tokenizer.eos_token_id
            assert tokenizer.eos_token_id not in item.prompt + rest + completion[:-1]


def test_black_box_items_equal_rows_of_corpus(tokenizer: PreTrainedTokenizerFast) -> None:
    rng = Random(1)
    for item in black_box_items(tokenizer, Random(1), 30):
        rows = black_box_rows(rng, INPUTS_PER_INSTRUCTION)
        written = [tokenizer.decode(item.prompt + rest + completion[:-1]) for rest, completion in item.branches]
        assert written == [row.prompt + row.completion for row in rows]
        assert all(rest for rest, _ in item.branches)  # its last position predicts the completion's first token


def test_writer_items_have_the_wording_of_their_soft_prompt(tokenizer: PreTrainedTokenizerFast) -> None:
    concepts = Concepts.make(32)
    spoken = [item for item in writer_items(tokenizer, concepts, Random(2), 60) if item.soft_prompt is not None]
    assert 40 <= len(spoken) < 60
    for item in spoken:
        assert item.soft_prompt is not None
        assert item.meaning is not None
        assert torch.allclose(item.meaning, meanings(item.soft_prompt[None], concepts)[0])
        quality = float(item.meaning[: len(concepts.peaks)].max())
        assert (preferences(item.soft_prompt[None], concepts)[0].kind == "clear") == (
            quality >= max(concepts.bounds.values())
        )


def test_stream_depends_on_seed_and_continues_from_any_position(tokenizer: PreTrainedTokenizerFast) -> None:
    def make(seed: int, pool: int = 0, taken: int = 0) -> Stream:
        return Stream(partial(black_box_items, tokenizer), PAD, 400, 76.0, seed, pool, taken)

    unbroken = make(seed=3)
    batches, places = [], [(0, 0)]
    for batch in islice(unbroken, 45):
        batches.append(batch.ids)
        places.append((unbroken.pool, unbroken.taken))
    assert unbroken.pool >= 2
    for start in (0, *(number for number, (before, after) in enumerate(pairwise(places)) if before[0] != after[0]), 30):
        resumed = [batch.ids for batch in islice(make(3, *places[start]), 4)]
        assert all(map(torch.equal, resumed, batches[start:]))
    assert not torch.equal(next(iter(make(seed=4))).ids, batches[0])


def test_batches_stay_within_number_of_positions(tokenizer: PreTrainedTokenizerFast) -> None:
    items = Stream(partial(black_box_items, tokenizer), PAD, 400, 76.0, seed=3)
    for batch in islice(items, 40):
        assert batch.ids.numel() <= 400 or len(batch.ids) == 1
