"""The texts of the default method from requests, for a writer that takes no soft prompts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle, islice

import numpy as np

from instructzero.optimizers.reflection import drawn_answers
from instructzero.optimizers.sources import Evaluated, Source
from instructzero.optimizers.wording import TEXTS, Wording
from instructzero.types import Example, Proposal, Rewrite

DRAWN = 3
"""The number of texts among which one with failures is sought."""

Kind = Callable[[Evaluated, np.random.Generator], str]
"""Makes one kind of request from the evaluated texts."""


def requested(prompt: str, count: int, generator: np.random.Generator) -> list[Proposal]:
    """Return proposals for the ``count`` texts of one request; a random number distinguishes it from equal ones."""
    seed = int(generator.integers(2**31))
    return [Proposal(None, Rewrite(prompt, "", seed, part, count)) for part in range(count)]


class Requested(Source):
    r"""Requests to a model that follows instructions: each is a paid call, and asks for `TEXTS` texts.

    The first ones are from exemplars, and every second one is for improvements of the user's own instructions, if
    there are any. A later round asks for improvements of a text given its failures, for better texts than the best
    ones, and for the combination of two texts, in turn; and again from exemplars. The texts that are improved and
    combined are drawn by Thompson sampling.

    Parameters
    ----------
    demonstrations
        The exemplars as text.
    description
        The task in the user's words, or "".
    examples
        The validation examples, in the order of the scores.
    batch
        The number of evaluations in a later round.
    candidates
        The number of texts requested for one evaluation of a later round.
    continued
        The share of requests that are made from evaluated texts. The others are from exemplars.

    >>> source = Requested(demonstrations="Input: hot\nOutput: cold", description="", examples=())
    >>> nothing = Evaluated((), 0, list, lambda count, generator: [])
    >>> [proposal.rewrite.part for proposal in source.first(nothing, 8, 10, np.random.default_rng(0))]
    [0, 1, 2, 3, 0, 1, 2, 3]
    """

    def __init__(
        self,
        *,
        demonstrations: str,
        description: str,
        examples: Sequence[Example],
        batch: int = 8,
        candidates: int = 2,
        continued: float = 0.75,
    ) -> None:
        self._wording = Wording(demonstrations, description)
        self._examples = examples
        self._batch = batch
        self._candidates = candidates
        self._continued = continued

    def missing(self, initial: int, evaluated: int, written: int) -> int:
        """Return the number of texts that are missing: equal ones are not replaced, because the next may be equal too.

        Without one text that was worth evaluating, the first round is repeated.
        """
        return initial - written if evaluated else initial

    def first(self, known: Evaluated, missing: int, limit: int, generator: np.random.Generator) -> list[Proposal]:
        """Return requests from exemplars and for improvements of the user's instructions, as few as are needed."""
        kinds = (self._guessed, self._improved) if known.trials else (self._guessed,)
        count = math.ceil(min(missing, limit) / TEXTS)
        return self._asked(islice(cycle(kinds), count), known, generator)

    def later(self, known: Evaluated, limit: int, generator: np.random.Generator) -> list[Proposal]:
        """Return requests of the four kinds, as many as ``limit`` evaluations need."""
        count = math.ceil(min(limit, self._batch) * self._candidates / TEXTS)
        made = round(count * self._continued)
        kinds = islice(cycle((self._improved, self._better, self._combined)), made)
        return self._asked([*kinds, *[self._guessed] * (count - made)], known, generator)

    def _asked(self, kinds: Iterable[Kind], known: Evaluated, generator: np.random.Generator) -> list[Proposal]:
        return [proposal for kind in kinds for proposal in requested(kind(known, generator), TEXTS, generator)]

    def _guessed(self, known: Evaluated, generator: np.random.Generator) -> str:
        return self._wording.from_exemplars(TEXTS)

    def _improved(self, known: Evaluated, generator: np.random.Generator) -> str:
        """Return a request for improvements of the first drawn text that has failures."""
        for position in known.draw(DRAWN, generator):
            trial = known.trials[position]
            wrong, right = drawn_answers(trial.evaluation, self._examples, generator)
            if wrong:
                return self._wording.from_failures(trial.instruction, wrong, right, TEXTS)
        return self._better(known, generator)

    def _better(self, known: Evaluated, generator: np.random.Generator) -> str:
        texts = [trial.instruction for trial in known.trials]
        return self._wording.from_scores(list(zip(texts, known.means(), strict=True)), TEXTS)

    def _combined(self, known: Evaluated, generator: np.random.Generator) -> str:
        drawn = [known.trials[position].instruction for position in known.draw(2, generator)]
        return self._wording.from_two(drawn[0], drawn[1], TEXTS) if len(drawn) > 1 else self._better(known, generator)
