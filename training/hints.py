"""The meaning of a soft prompt to the writer: the map from a direction in embedding space to a wording.

During a search a soft prompt is a random direction, so the writer is trained on random directions, all of which have a
meaning. The tokens are averaged and normalised. The dot products of this direction with fixed random concept vectors
determine the wording: how clear the instruction is (`quality`, the highest of a few peaks), which pattern it follows
and which alternative fills each slot (the arg max over as many vectors as there are choices). Neighbouring directions
therefore mostly mean the same text, quality rises step by step towards the peaks, and clear phrasings are rare, which
gives a landscape that an optimiser can climb. The vectors are not stored; the writer learns them.
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
# Upper quantiles of the quality, by the kind of wording that random directions mean. Above the vague half follow
# lighter and rarer hedges, and one wording in a hundred is clear. The lightest hedge is omitted, because it scores as
# much as a clear wording on easy tasks.
_TAILS = tuple(reversed(grammar.HEDGES))[:-1]
QUANTILES: dict[str, float] = {
    "misleading": 0.20,
    "vague": 0.56,
    **dict(zip(_TAILS, (0.70, 0.80, 0.88, 0.94, 0.99), strict=True)),
}
PEAK_SHARE = 0.3


@dataclass(frozen=True)
class Concepts:
    """Fixed random vectors: quality peaks [PEAKS, h], choices of pattern, ending, slots [2 + SLOTS, CHOICES, h]."""

    peaks: torch.Tensor
    choices: torch.Tensor
    bounds: dict[str, float]

    def vectors(self) -> torch.Tensor:
        """Return all vectors in one matrix [PEAKS + (2 + SLOTS) · CHOICES, h]."""
        return torch.cat([self.peaks, self.choices.flatten(0, 1)])

    @classmethod
    def make(cls, hidden_size: int, seed: int = 11) -> "Concepts":
        """Draw the vectors and measure the quality's quantiles on random directions."""
        generator = torch.Generator().manual_seed(seed)
        peaks = torch.randn(PEAKS, hidden_size, generator=generator)
        choices = torch.randn(2 + SLOTS, CHOICES, hidden_size, generator=generator)
        directions = _direction(torch.randn(20_000, 1, hidden_size, generator=generator))
        quality = (directions @ peaks.T).amax(1)
        bounds = {kind: float(quality.quantile(share)) for kind, share in QUANTILES.items()}
        return cls(peaks, choices, bounds)


def _direction(soft_prompts: torch.Tensor) -> torch.Tensor:
    """Map [n, t, h] to [n, h]: the mean of the tokens' unit vectors, scaled to unit length."""
    units = torch.nn.functional.normalize(soft_prompts, dim=-1)
    return torch.nn.functional.normalize(units.mean(1), dim=-1)


@dataclass(frozen=True)
class Preference:
    """The wording that a direction determines: a kind of instruction, and a score per choice [2 + SLOTS, CHOICES].

    The kind is "misleading", "vague", a hedge's tail, or "clear".
    """

    kind: str
    scores: Sequence[Sequence[float]]

    def pick(self, part: int, count: int) -> int:
        """Return the best-scored of the first `count` choices; at most `CHOICES` alternatives can be chosen."""
        row = self.scores[part][: min(count, CHOICES)]
        return max(range(len(row)), key=row.__getitem__)

    def slot(self, number: int, count: int) -> int:
        """Return the alternative for a slot of a pattern."""
        return self.pick(2 + number % SLOTS, count)


def preferences(soft_prompts: torch.Tensor, concepts: Concepts) -> list[Preference]:
    """Return the preference of every soft prompt in [n, t, h]."""
    directions = _direction(soft_prompts)
    quality = (directions @ concepts.peaks.T).amax(1).tolist()
    scores = torch.einsum("nh,pch->npc", directions, concepts.choices).tolist()
    return [Preference(_kind(value, concepts.bounds), row) for value, row in zip(quality, scores, strict=True)]


def meanings(soft_prompts: torch.Tensor, concepts: Concepts) -> torch.Tensor:
    """Map [n, t, h] to all dot products [n, PEAKS + (2 + SLOTS) · CHOICES], of about unit variance.

    The probe trains the writer to represent these numbers, which determine every word of the wording.
    """
    return _direction(soft_prompts) @ concepts.vectors().T


def _kind(quality: float, bounds: dict[str, float]) -> str:
    return next((kind for kind, bound in bounds.items() if quality < bound), "clear")


def _worded(patterns: Sequence[str], preference: Preference) -> str:
    return grammar.realise(patterns[preference.pick(0, len(patterns))], preference.slot)


def wording(task: TaskSpec, preference: Preference) -> str:
    """Return the instruction for `task`, the task of the exemplars, that the preference determines."""
    if preference.kind == "misleading":
        sibling = TASKS[task.siblings[preference.pick(1, len(task.siblings))]]
        return _worded(sibling.good, preference)
    if preference.kind == "vague":
        names = FAMILIES_OF[task.name]
        return _worded(FAMILIES[names[preference.pick(1, len(names))]].patterns, preference)
    text = _worded(task.good, preference)
    return text if preference.kind == "clear" else grammar.hedge(text, preference.kind)


def plain_wording(task: TaskSpec) -> str:
    """Return the vague instruction that is written without a soft prompt."""
    return grammar.expand(FAMILIES[task.plain_family].patterns[0])[0]


def random_preference(kind: str, rng: Random) -> Preference:
    """Draw a preference without a soft prompt, for learning a vocabulary."""
    return Preference(kind, [[rng.random() for _ in range(CHOICES)] for _ in range(2 + SLOTS)])


def phrasings(task: TaskSpec, rng: Random) -> Iterator[str]:
    """Yield one phrasing of every kind."""
    for kind in (*QUANTILES, "clear"):
        yield wording(task, random_preference(kind, rng))


def draw_soft_prompt(concepts: Concepts, generator: torch.Generator, rng: Random) -> torch.Tensor:
    """Draw a random soft prompt [t, h]; a share of them is moved towards a peak, because clear wordings are rare."""
    tokens, hidden_size = rng.choice((3, 5, 5, 10)), concepts.peaks.shape[1]
    soft = torch.randn(tokens, hidden_size, generator=generator)
    if rng.random() < PEAK_SHARE:
        peak = torch.nn.functional.normalize(concepts.peaks[rng.randrange(PEAKS)], dim=0)
        soft = soft + peak * (rng.uniform(0.5, 3.0) / tokens**0.5)  # raises the quality by 0.5 to 3 standard deviations
    return soft * _draw_scale(rng)


def _draw_scale(rng: Random) -> float:
    """Draw the scale of the entries: mostly about that of a projection, else down to that of embeddings."""
    low, high = (0.3, 1.6) if rng.random() < 0.7 else (0.02, 0.3)
    return float(low * (high / low) ** rng.random())
