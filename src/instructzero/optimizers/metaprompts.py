"""What the methods that search texts share: the requests for a text, and the moves of a writer that reads none.

Notation: d intrinsic dimension of z.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instructzero.types import Candidate, Proposal, Rewrite, Trial

ENVELOPE = "Write the instruction between <prompt> and </prompt>."
"""How every request ends, so that the text can be told from what a model says about it."""


def enveloped(request: str) -> str:
    """The request, and where the answer belongs."""
    return f"{request.strip()}\n\n{ENVELOPE}"


def guess(demonstrations: str) -> str:
    """Asks for the instruction that leads from the inputs to the outputs (the forward mode of Zhou et al., 2023)."""
    return enveloped(
        "Somebody followed one instruction for each of these inputs and gave these outputs.\n\n"
        f"{demonstrations}\n\n"
        "Work out what the instruction was, in words that also fit other inputs of this kind."
    )


def vary(instruction: str) -> str:
    """Asks for the same instruction in other words (the resampling of Zhou et al., 2023)."""
    return enveloped(f"Say this instruction in other words, so that it still asks for the same.\n\n{instruction}")


def beginning(text: str, generator: np.random.Generator) -> str:
    """The first words of a text, cut before a random one: at least one word and not all; none of a single word."""
    words = text.split()
    return " ".join(words[: generator.integers(1, len(words))]) if len(words) > 1 else ""


def random_point(generator: np.random.Generator, dimension: int) -> tuple[float, ...]:
    """z ~ U(-1, 1)^d."""
    return tuple(generator.uniform(-1, 1, dimension).tolist())


def propose(prompt: str, start: str, z: tuple[float, ...], generator: np.random.Generator) -> Proposal:
    """A proposal of a text in both ways that it may be made, its sample told apart by a random number."""
    return Proposal(z, Rewrite(prompt, start, int(generator.integers(2**31))))


def guesses(demonstrations: str, count: int, generator: np.random.Generator, dimension: int) -> list[Proposal]:
    """A first population: the instruction guessed ``count`` times, by the writer at random z."""
    prompt = guess(demonstrations)
    return [propose(prompt, "", random_point(generator, dimension), generator) for _ in range(count)]


def fresh(candidates: Sequence[Candidate], trials: Sequence[Trial]) -> list[int]:
    """The positions, in order, of the first candidate of every text that was not evaluated yet."""
    seen = {trial.instruction for trial in trials}
    first = {each.instruction: position for position, each in reversed(list(enumerate(candidates)))}
    return sorted(position for text, position in first.items() if text not in seen)


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """The best score first; among equals one that was scored on more examples, then the earliest."""
    return sorted(trials, key=lambda trial: (-trial.score, -len(trial.evaluation.scores)))
