"""Requests for texts, and the moves of a writer that reads no requests; shared by the methods that search texts.

Notation: d intrinsic dimension of z.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from instructzero.types import Candidate, Proposal, Rewrite, Trial

ENVELOPE = "Write the instruction between <prompt> and </prompt>."
"""The last line of every request, so that the text can be separated from what a model says about it."""


def enveloped(request: str) -> str:
    """Return the request with the line that says where to write the answer."""
    return f"{request.strip()}\n\n{ENVELOPE}"


def guess(demonstrations: str) -> str:
    """Return a request for the instruction behind the demonstrations (the forward mode of Zhou et al., 2023)."""
    return enveloped(
        "Somebody followed one instruction for each of these inputs and gave these outputs.\n\n"
        f"{demonstrations}\n\n"
        "Work out what the instruction was, in words that also fit other inputs of this kind."
    )


def vary(instruction: str) -> str:
    """Return a request for the same instruction in other words (the resampling of Zhou et al., 2023)."""
    return enveloped(f"Say this instruction in other words, so that it still asks for the same.\n\n{instruction}")


def beginning(text: str, generator: np.random.Generator) -> str:
    """Return the first words of a text, cut before a random word: at least one and not all; "" for a single word."""
    words = text.split()
    return " ".join(words[: generator.integers(1, len(words))]) if len(words) > 1 else ""


def word_count(text: str) -> int:
    """Return the length of a text in words.

    >>> word_count("Write the opposite.")
    3
    """
    return len(text.split())


def random_point(generator: np.random.Generator, dimension: int) -> tuple[float, ...]:
    """Draw z ~ U(-1, 1)^d."""
    return tuple(generator.uniform(-1, 1, dimension).tolist())


def propose(prompt: str, start: str, z: tuple[float, ...], generator: np.random.Generator) -> Proposal:
    """Return a proposal of a text with both ways to make it: the request, and the beginning to continue at z.

    A random sample number distinguishes it from other samples of the same request.
    """
    return Proposal(z, Rewrite(prompt, start, int(generator.integers(2**31))))


def guesses(demonstrations: str, count: int, generator: np.random.Generator, dimension: int) -> list[Proposal]:
    """Return a first population: ``count`` guesses of the instruction; the writer makes them at random z."""
    prompt = guess(demonstrations)
    return [propose(prompt, "", random_point(generator, dimension), generator) for _ in range(count)]


def fresh(candidates: Sequence[Candidate], trials: Sequence[Trial]) -> list[int]:
    """Return the positions, in order, of the first candidate of every text that is not evaluated yet."""
    seen = {trial.instruction for trial in trials}
    first = {candidate.instruction: position for position, candidate in reversed(list(enumerate(candidates)))}
    return sorted(position for text, position in first.items() if text not in seen)


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials, best score first; among equal scores more scored examples first, then the earliest."""
    return sorted(trials, key=lambda trial: (-trial.score, -len(trial.evaluation.scores)))
