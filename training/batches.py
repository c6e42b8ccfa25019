"""Rows to padded tensors, grouped by length so that little is wasted on padding."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import torch
from transformers import PreTrainedTokenizerFast

from training.corpus.rows import Row, black_box_row, writer_exemplars
from training.hints import Concepts, draw_scale, leanings, meanings, plain_wording, wording

POOL_BATCHES = 16  # batches drawn at once, then sorted by length
WITHOUT_SOFT_PROMPT = 0.12


@dataclass(frozen=True)
class Item:
    """Token ids of a prompt and its completion, with the soft prompt [t, h] that stands before them."""

    prompt: list[int]
    completion: list[int]
    soft_prompt: torch.Tensor | None = None
    meaning: torch.Tensor | None = None  # what the soft prompt says, see `hints.meanings`

    @property
    def length(self) -> int:
        """Positions taken, soft prompt included."""
        soft = 0 if self.soft_prompt is None else len(self.soft_prompt)
        return soft + len(self.prompt) + len(self.completion)


@dataclass(frozen=True)
class Batch:
    """Right-padded rows: ids [n, l], labels [n, l] (−100 where nothing is learned), soft prompts at the front."""

    ids: torch.Tensor
    labels: torch.Tensor
    soft_prompts: list[torch.Tensor | None]
    heard: torch.Tensor  # [n, l], True behind a soft prompt
    meanings: torch.Tensor  # [heard positions, m], what each of them shall know


def collate(items: list[Item], pad: int) -> Batch:
    """Right padding needs no attention mask: a causal model never looks ahead."""
    width = max(item.length for item in items)
    ids = torch.full((len(items), width), pad)
    labels = torch.full((len(items), width), -100)
    heard = torch.zeros(len(items), width, dtype=torch.bool)
    said = []
    for row, item in enumerate(items):
        soft = 0 if item.soft_prompt is None else len(item.soft_prompt)
        start, end = soft + len(item.prompt), item.length
        ids[row, soft:end] = torch.tensor(item.prompt + item.completion)
        labels[row, start:end] = torch.tensor(item.completion)
        if item.meaning is not None:
            heard[row, soft:end] = True
            said.append(item.meaning.expand(end - soft, -1))
    meanings = torch.cat(said) if said else torch.zeros(0, 0)
    return Batch(ids, labels, [item.soft_prompt for item in items], heard, meanings)


def _encode(tokenizer: PreTrainedTokenizerFast, rows: list[Row]) -> list[tuple[list[int], list[int]]]:
    prompts = tokenizer([row.prompt for row in rows])["input_ids"]
    completions = tokenizer([row.completion for row in rows])["input_ids"]
    end = [tokenizer.eos_token_id]
    return [(prompt, completion + end) for prompt, completion in zip(prompts, completions, strict=True)]


def black_box_items(tokenizer: PreTrainedTokenizerFast, rng: Random, count: int) -> list[Item]:
    """Rows of the black box."""
    rows = [black_box_row(rng) for _ in range(count)]
    return [Item(prompt, completion) for prompt, completion in _encode(tokenizer, rows)]


def writer_items(
    tokenizer: PreTrainedTokenizerFast,
    concepts: Concepts,
    rng: Random,
    count: int,
    without: float = WITHOUT_SOFT_PROMPT,
) -> list[Item]:
    """Rows of the writer, each with the soft prompt that its wording follows from."""
    generator = torch.Generator().manual_seed(rng.getrandbits(60))
    hidden_size = concepts.peaks.shape[1]
    rows: list[Row] = []
    softs: list[torch.Tensor | None] = []
    for _ in range(count):
        task, prompt = writer_exemplars(rng)
        soft = torch.randn(rng.choice((3, 5, 5, 10)), hidden_size, generator=generator) * draw_scale(rng)
        if rng.random() < without:
            softs.append(None)
            rows.append(Row(prompt, f" {plain_wording(task)}"))
        else:
            softs.append(soft)
            rows.append(Row(prompt, f" {wording(task, leanings(soft[None], concepts)[0])}"))
    encoded = _encode(tokenizer, rows)
    said = [None if soft is None else meanings(soft[None], concepts)[0] for soft in softs]
    return [Item(*pair, soft, meaning) for pair, soft, meaning in zip(encoded, softs, said, strict=True)]


def stream(
    draw: Callable[[Random, int], list[Item]], pad: int, tokens: int, mean_length: float, seed: int, start: int
) -> Iterator[Batch]:
    """Endless batches of about `tokens` positions; pool `start` and what follows depend on the seed alone."""
    pool = start // POOL_BATCHES
    while True:
        rng = Random(f"{seed}/{pool}")
        items = sorted(draw(rng, round(tokens * POOL_BATCHES / mean_length)), key=lambda item: item.length)
        batches: list[list[Item]] = [[]]
        for item in items:
            if batches[-1] and item.length * (len(batches[-1]) + 1) > tokens:
                batches.append([])
            batches[-1].append(item)
        rng.shuffle(batches)
        yield from (collate(batch, pad) for batch in batches)
        pool += 1
