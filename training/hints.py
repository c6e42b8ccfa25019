"""What a soft prompt means to the writer: the map from a direction in embedding space to a wording.

A soft prompt at search time is a random direction, so the writer is trained on random directions, and each of them
means something. The tokens are averaged and normalised; the direction's dot products with fixed random concept
vectors decide everything: how clear the instruction is (`quality`, the highest of a few peaks), which pattern it
follows and which alternative fills each slot (the arg max over as many vectors as there are choices). Neighbouring
directions therefore mostly mean the same text, quality rises step by step towards the peaks, and clear phrasings are
rare: a landscape that can be climbed. The vectors are stored nowhere; the writer learns them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import torch

from training.corpus import grammar
from training.corpus.registry import FAMILIES_OF, TASKS
from training.corpus.types import TaskSpec
from training.corpus.vague import FAMILIES

PEAKS, CHOICES, SLOTS = 3, 6, 4
# Upper bounds of the quality's quantiles: what random directions mean. Above the vague half, a hill of ever lighter and
# ever rarer hedges leads up to one clear wording in a hundred. The lightest hedge is left out: on easy tasks it scores
# as much as a clear wording.
_TAILS = tuple(reversed(grammar.HEDGES))[:-1]
QUANTILES: dict[str, float] = {
    "misleading": 0.20,
    "vague": 0.56,
    **dict(zip(_TAILS, (0.70, 0.80, 0.88, 0.94, 0.99), strict=True)),
}
LEANING_SHARE = 0.3


@dataclass(frozen=True)
class Concepts:
    """Fixed random vectors: quality peaks [PEAKS, h], choices of pattern, ending, slots [2 + SLOTS, CHOICES, h]."""

    peaks: torch.Tensor
    choices: torch.Tensor
    bounds: dict[str, float]

    def vectors(self) -> torch.Tensor:
        """[PEAKS + (2 + SLOTS) · CHOICES, h]: all vectors below each other."""
        return torch.cat([self.peaks, self.choices.flatten(0, 1)])

    @classmethod
    def make(cls, hidden_size: int, seed: int = 11) -> "Concepts":
        """Draws the vectors and measures the quality's quantiles on random directions."""
        generator = torch.Generator().manual_seed(seed)
        peaks = torch.randn(PEAKS, hidden_size, generator=generator)
        choices = torch.randn(2 + SLOTS, CHOICES, hidden_size, generator=generator)
        directions = _direction(torch.randn(20_000, 1, hidden_size, generator=generator))
        quality = (directions @ peaks.T).amax(1)
        bounds = {kind: float(quality.quantile(share)) for kind, share in QUANTILES.items()}
        return cls(peaks, choices, bounds)


def _direction(soft_prompts: torch.Tensor) -> torch.Tensor:
    """[n, t, h] → [n, h]: the mean of the tokens' unit vectors, scaled to unit length."""
    units = torch.nn.functional.normalize(soft_prompts, dim=-1)
    return torch.nn.functional.normalize(units.mean(1), dim=-1)


@dataclass(frozen=True)
class Leaning:
    """What one direction asks for: a kind of instruction, and a score per choice [2 + SLOTS, CHOICES].

    The kind is "misleading", "vague", a hedge's tail, or "clear".
    """

    kind: str
    scores: Sequence[Sequence[float]]

    def pick(self, part: int, count: int) -> int:
        """The best-scored of the first `count` choices; more alternatives than vectors share them."""
        row = self.scores[part][: min(count, CHOICES)]
        return max(range(len(row)), key=row.__getitem__)

    def slot(self, number: int, count: int) -> int:
        """The alternative for a slot of a pattern."""
        return self.pick(2 + number % SLOTS, count)


def leanings(soft_prompts: torch.Tensor, concepts: Concepts) -> list[Leaning]:
    """[n, t, h] → what each soft prompt asks for."""
    directions = _direction(soft_prompts)
    quality = (directions @ concepts.peaks.T).amax(1).tolist()
    scores = torch.einsum("nh,pch->npc", directions, concepts.choices).tolist()
    return [Leaning(_kind(value, concepts.bounds), row) for value, row in zip(quality, scores, strict=True)]


def meanings(soft_prompts: torch.Tensor, concepts: Concepts) -> torch.Tensor:
    """[n, t, h] → [n, PEAKS + (2 + SLOTS) · CHOICES]: every dot product, of about unit variance.

    The writer is taught to know these numbers, from which each of its words follows.
    """
    return _direction(soft_prompts) @ concepts.vectors().T


def _kind(quality: float, bounds: dict[str, float]) -> str:
    return next((kind for kind, bound in bounds.items() if quality < bound), "clear")


def _worded(patterns: Sequence[str], leaning: Leaning) -> str:
    return grammar.realise(patterns[leaning.pick(0, len(patterns))], leaning.slot)


def wording(task: TaskSpec, leaning: Leaning) -> str:
    """The instruction the direction asks for, for the task the exemplars show."""
    if leaning.kind == "misleading":
        sibling = TASKS[task.siblings[leaning.pick(1, len(task.siblings))]]
        return _worded(sibling.good, leaning)
    if leaning.kind == "vague":
        names = FAMILIES_OF[task.name]
        return _worded(FAMILIES[names[leaning.pick(1, len(names))]].patterns, leaning)
    text = _worded(task.good, leaning)
    return text if leaning.kind == "clear" else grammar.hedge(text, leaning.kind)


def plain_wording(task: TaskSpec) -> str:
    """The middling instruction written without a soft prompt."""
    return grammar.expand(FAMILIES[task.plain_family].patterns[0])[0]


def random_leaning(kind: str, rng: Random) -> Leaning:
    """A leaning that belongs to no soft prompt, for learning a vocabulary."""
    return Leaning(kind, [[rng.random() for _ in range(CHOICES)] for _ in range(2 + SLOTS)])


def phrasings(task: TaskSpec, rng: Random) -> Iterator[str]:
    """One phrasing of each kind."""
    for kind in (*QUANTILES, "clear"):
        yield wording(task, random_leaning(kind, rng))


def draw_soft_prompt(concepts: Concepts, generator: torch.Generator, rng: Random) -> torch.Tensor:
    """[t, h]: a random soft prompt; a share of them leans towards a peak, because clear wordings are rare."""
    tokens, hidden_size = rng.choice((3, 5, 5, 10)), concepts.peaks.shape[1]
    soft = torch.randn(tokens, hidden_size, generator=generator)
    if rng.random() < LEANING_SHARE:
        peak = torch.nn.functional.normalize(concepts.peaks[rng.randrange(PEAKS)], dim=0)
        soft = soft + peak * (rng.uniform(0.5, 3.0) / tokens**0.5)  # raises the quality by that many deviations
    return soft * _draw_scale(rng)


def _draw_scale(rng: Random) -> float:
    """Spread of the soft prompt's entries: mostly about the projection's, else down to that of embeddings."""
    low, high = (0.3, 1.6) if rng.random() < 0.7 else (0.02, 0.3)
    return float(low * (high / low) ** rng.random())
