"""Turning rows into padded tensors, grouped by length so that little is wasted on padding."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from random import Random

import torch
from transformers import PreTrainedTokenizerFast

from training.corpus.rows import Row, black_box_rows, writer_exemplars
from training.hints import Concepts, draw_soft_prompt, meanings, plain_wording, preferences, wording

POOL_BATCHES = 16  # batches drawn at once, then sorted by length
WITHOUT_SOFT_PROMPT = 0.12
INPUTS_PER_INSTRUCTION = 4


@dataclass(frozen=True)
class Item:
    """The token ids of a prompt and its continuations, with an optional soft prompt [t, h] in front.

    A branch is the rest of one prompt and its completion. Branches do not attend to each other, so that several inputs
    share the computation for one instruction.
    """

    prompt: list[int]
    branches: list[tuple[list[int], list[int]]]
    soft_prompt: torch.Tensor | None = None
    meaning: torch.Tensor | None = None  # the meaning of the soft prompt, see `hints.meanings`

    @property
    def length(self) -> int:
        """The number of positions, including the soft prompt."""
        soft = 0 if self.soft_prompt is None else len(self.soft_prompt)
        return soft + len(self.prompt) + sum(len(rest) + len(completion) for rest, completion in self.branches)


@dataclass(frozen=True)
class Batch:
    """Right-padded rows: ids [n, l], labels [n, l] (−100 at positions without a target), soft prompts at the front."""

    ids: torch.Tensor
    labels: torch.Tensor
    positions: torch.Tensor  # [n, l]
    mask: torch.Tensor | None  # [n, 1, l, l], added to attention; None if plain causal attention is enough
    soft_prompts: list[torch.Tensor | None]
    conditioned: torch.Tensor  # [n, l], True after a soft prompt
    meanings: torch.Tensor  # [conditioned positions, m]; the targets of the probe


def collate(items: list[Item], pad: int) -> Batch:
    """Build a batch; ``pad`` is the id of the padding token.

    Right padding needs no attention mask, because a causal model never attends to later positions. Several branches
    in an item need one.
    """
    width = max(item.length for item in items)
    ids = torch.full((len(items), width), pad)
    labels = torch.full((len(items), width), -100)
    positions = torch.arange(width).repeat(len(items), 1)
    branch = torch.zeros(len(items), width, dtype=torch.long)  # 0: the shared part
    conditioned = torch.zeros(len(items), width, dtype=torch.bool)
    known = []
    for row, item in enumerate(items):
        soft = 0 if item.soft_prompt is None else len(item.soft_prompt)
        shared = end = soft + len(item.prompt)
        ids[row, soft:shared] = torch.tensor(item.prompt)
        for number, (rest, completion) in enumerate(item.branches, start=1):
            start, learned, end = end, end + len(rest), end + len(rest) + len(completion)
            ids[row, start:end] = torch.tensor(rest + completion)
            labels[row, learned:end] = torch.tensor(completion)
            positions[row, start:end] = torch.arange(shared, shared + end - start)
            branch[row, start:end] = number
        if item.meaning is not None:
            conditioned[row, soft:end] = True
            known.append(item.meaning.expand(end - soft, -1))
    meanings = torch.cat(known) if known else torch.zeros(0, 0)
    mask = _mask(branch) if any(len(item.branches) > 1 for item in items) else None
    return Batch(ids, labels, positions, mask, [item.soft_prompt for item in items], conditioned, meanings)


def _mask(branch: torch.Tensor) -> torch.Tensor:
    """Map branches [n, l] to [n, 1, l, l]: 0 where a position may attend to another, else the lowest number."""
    own = (branch[:, :, None] == branch[:, None, :]) | (branch[:, None, :] == 0)
    seen = own & torch.ones(branch.shape[1], branch.shape[1], dtype=torch.bool).tril()
    return torch.where(seen, 0.0, torch.finfo(torch.float32).min)[:, None]


def _encode(tokenizer: PreTrainedTokenizerFast, rows: list[Row]) -> list[tuple[list[int], list[int]]]:
    prompts = tokenizer([row.prompt for row in rows])["input_ids"]
    completions = tokenizer([row.completion for row in rows])["input_ids"]
    end = [tokenizer.eos_token_id]
    return [(prompt, completion + end) for prompt, completion in zip(prompts, completions, strict=True)]


def black_box_items(tokenizer: PreTrainedTokenizerFast, rng: Random, count: int) -> list[Item]:
    """Draw ``count`` items for the black box; an item has one instruction and several inputs."""
    rows = [row for _ in range(count) for row in black_box_rows(rng, INPUTS_PER_INSTRUCTION)]
    encoded = _encode(tokenizer, rows)
    starts = range(0, len(encoded), INPUTS_PER_INSTRUCTION)
    return [_grouped(encoded[start : start + INPUTS_PER_INSTRUCTION]) for start in starts]


def _grouped(encoded: list[tuple[list[int], list[int]]]) -> Item:
    """Split prompts into their longest common prefix and the rests."""
    prompts = [prompt for prompt, _ in encoded]
    columns = zip(*prompts, strict=False)
    shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    shared = min(shared, *(len(prompt) - 1 for prompt in prompts))
    return Item(prompts[0][:shared], [(prompt[shared:], completion) for prompt, completion in encoded])


def writer_items(
    tokenizer: PreTrainedTokenizerFast,
    concepts: Concepts,
    rng: Random,
    count: int,
    without: float = WITHOUT_SOFT_PROMPT,
) -> list[Item]:
    """Draw ``count`` items for the writer; the soft prompt of an item determines its wording.

    A share ``without`` of them has no soft prompt and the plain wording.
    """
    generator = torch.Generator().manual_seed(rng.getrandbits(60))
    rows: list[Row] = []
    softs: list[torch.Tensor | None] = []
    for _ in range(count):
        task, prompt = writer_exemplars(rng)
        soft = draw_soft_prompt(concepts, generator, rng)
        if rng.random() < without:
            softs.append(None)
            rows.append(Row(prompt, f" {plain_wording(task)}"))
        else:
            softs.append(soft)
            rows.append(Row(prompt, f" {wording(task, preferences(soft[None], concepts)[0])}"))
    encoded = _encode(tokenizer, rows)
    known = [None if soft is None else meanings(soft[None], concepts)[0] for soft in softs]
    return [
        Item(prompt, [([], completion)], soft, meaning)
        for (prompt, completion), soft, meaning in zip(encoded, softs, known, strict=True)
    ]


@dataclass
class Stream:
    """Endless batches of about `tokens` positions, determined by the seed; `pool` and `taken` are the position."""

    draw: Callable[[Random, int], list[Item]]
    pad: int
    tokens: int
    mean_length: float  # of an item, in positions; determines the number drawn at once
    seed: int
    pool: int = 0
    taken: int = 0  # batches of this pool

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches from the one after the last batch taken."""
        while True:
            for batch in self._batches()[self.taken :]:
                self.taken += 1
                yield collate(batch, self.pad)
            self.pool, self.taken = self.pool + 1, 0

    def _batches(self) -> list[list[Item]]:
        """Return the pool's batches, in random order."""
        rng = Random(f"{self.seed}/{self.pool}")
        items = sorted(
            self.draw(rng, round(self.tokens * POOL_BATCHES / self.mean_length)), key=lambda item: item.length
        )
        batches: list[list[Item]] = [[]]
        for item in items:
            if batches[-1] and item.length * (len(batches[-1]) + 1) > self.tokens:
                batches.append([])
            batches[-1].append(item)
        rng.shuffle(batches)
        return batches
