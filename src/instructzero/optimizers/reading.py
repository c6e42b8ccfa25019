"""InstructZero with a surrogate that reads the instructions: the default method.

A text costs nothing, or little, and its scores are paid for, so that more texts are written for a round than are
scored in it. The paper's surrogate predicts the score at a point z; this one predicts it from the words of the text,
whichever way the text was made. One posterior makes all decisions: from which texts new ones are made, which are
scored, and which of these are scored further.

Notation: n evaluated texts, q candidates.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from torch import Tensor

from instructzero.bo.acquisition import log_expected_improvement
from instructzero.bo.batch import choose_thompson
from instructzero.bo.feature_gp import FeatureGP, chance_of_exceeding, separated
from instructzero.optimizers.base import Points, Predictor, aligned_scores, generator_for, proposed, torch_generator
from instructzero.optimizers.metaprompts import fresh
from instructzero.optimizers.sources import Evaluated, Source
from instructzero.optimizers.word_features import Vocabulary
from instructzero.types import Candidate, Evaluation, Proposal, Trial

REMEMBERED = 10
"""The number of texts of earlier rounds, written but not scored, that are candidates again."""

MAXIMUM_CHANCE = 0.3
"""An instruction that is better than the best with at least this probability is scored further in any case.

Higher values decide on fewer examples. Chosen on development tasks.
"""

Scores = Mapping[str, Sequence[float]]
"""Scores by text, on the first examples; one text may have more of them than another."""


class ReadingInstructZero(Predictor):
    """Rounds of Thompson sampling from a Gaussian process over the words of the texts.

    >>> from instructzero.optimizers.sources import SoftPrompts
    >>> optimizer = ReadingInstructZero(SoftPrompts(dimension=10, seed=0), seed=0)
    >>> len(optimizer.ask(limit=20)) > 20
    True

    Parameters
    ----------
    source
        Proposes the texts that are written.
    seed
        The seed of all random draws.
    initial
        The number of texts that are evaluated before the surrogate is first used.
    batch
        The number of evaluations in a later round.
    thrifty
        While no instruction has any example right, only one of a round is scored further. Without it, all of them are,
        because none of them is worse than the best.
    """

    def __init__(self, source: Source, *, seed: int, initial: int = 16, batch: int = 8, thrifty: bool = False) -> None:
        self._source = source
        self._seed = seed
        self._initial = initial
        self._batch = batch
        self._thrifty = thrifty
        self._trials: list[Trial] = []
        self._unpaid: dict[str, Candidate] = {}
        self._written = 0  # the number of texts, evaluated or not
        self._fitted: tuple[Vocabulary, FeatureGP] | None = None

    def ask(self, limit: int) -> list[Proposal]:
        """Return proposals of the source; later also the texts that were not paid for (lines 3 to 5)."""
        missing, known, generator = self._missing(), self._evaluated(), self._generator(0)
        if missing > 0:
            return self._source.first(known, missing, limit, generator)
        return [*self._source.later(known, limit, generator), *self._remembered()]

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        """Return the positions of new texts, by Thompson sampling: each is the best under a draw of the posterior."""
        new = fresh(candidates, self._trials)
        missing = self._missing()
        if missing > 0 or not new:
            return new[: max(0, min(limit, missing))]
        texts = [candidates[position].instruction for position in new]
        return [new[position] for position in self._pick(texts, min(limit, self._batch))]

    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """Add the trials, and the texts that were not paid for; the surrogate is fitted when it is needed (line 8)."""
        self._fitted = None
        self._trials.extend(trials)
        self._written += len(proposed(trials)) + len(unpaid)
        for candidate in unpaid:
            if candidate.instruction:
                self._unpaid.setdefault(candidate.instruction, candidate)
        for trial in self._trials:
            self._unpaid.pop(trial.instruction, None)

    def promising(self, results: Mapping[str, Evaluation], places: int) -> Collection[str]:
        """Return the instructions of this round that are a better bet than a new one, or lead by their posterior means.

        An example for an instruction that may be the best costs as much as one for a new instruction.
        """
        scores = {**self._scores(), **{text: evaluation.scores for text, evaluation in results.items()}}
        if self._thrifty and not any(score > 0 for row in scores.values() for score in row):
            return list(results)[:1]
        scales = self._surrogate()[1].scales if self._trials else None
        mean, covariance = fit_texts(scores, scales)[1].posterior_of_scored()
        chances = chance_of_exceeding(mean, covariance, int(mean.argmax()))
        chances[mean.argsort(descending=True, stable=True)[:places]] = 1.0
        least = min(MAXIMUM_CHANCE, self._chance_of_new(list(results)))
        return {text for text, chance in zip(scores, chances.tolist(), strict=True) if chance >= least} & results.keys()

    def _chance_of_new(self, texts: Sequence[str]) -> float:
        """Return the mean probability of texts to be better than the best evaluated one, before they were scored."""
        if not self._trials:
            return 1.0
        vocabulary, gp = self._surrogate()
        chances = chance_of_exceeding(*gp.posterior_beside_best(vocabulary.features(texts)), 0)
        return float(chances[1:].mean())

    def belief(self, candidates: Sequence[Candidate]) -> tuple[Points, Points]:
        """Return the posterior means and standard deviations of the scores of new texts, each (q,)."""
        mean, variance = self._marginals([candidate.instruction for candidate in candidates])
        return mean.numpy(), variance.sqrt().numpy()

    def outcome(self, trial: Trial) -> float:
        """Return the mean score."""
        return trial.score

    def _pick(self, texts: Sequence[str], count: int) -> list[int]:
        """Return the positions of at most ``count`` of the new ``texts``."""
        return choose_thompson(*self._posterior(texts), count, torch_generator(self._generator(1)))

    def _generator(self, purpose: int) -> np.random.Generator:
        """Return the random generator of this round for a purpose: 0 for `ask`, 1 for `choose`."""
        return generator_for(self._seed, self._written).spawn(2)[purpose]

    def _missing(self) -> int:
        """Return the number of texts that the first evaluations lack."""
        return self._source.missing(self._initial, len(proposed(self._trials)), self._written)

    def _evaluated(self) -> Evaluated:
        first = {trial.instruction: trial for trial in reversed(self._trials)}  # in the order of `_scores`
        return Evaluated(list(first.values()), self._written, self._means, self._draw)

    def _means(self) -> list[float]:
        return self._surrogate()[1].scored_mean.tolist()

    def _draw(self, count: int, generator: np.random.Generator) -> list[int]:
        """Return the positions of at most ``count`` evaluated texts, by Thompson sampling."""
        posterior = self._surrogate()[1].posterior_of_scored()
        return choose_thompson(*posterior, count, torch_generator(generator))

    def _remembered(self) -> list[Proposal]:
        """Return the proposals of the texts not paid for that have the greatest expected improvement."""
        texts = list(self._unpaid)
        if not texts:
            return []
        improvement = log_expected_improvement(*self._marginals(texts), self._best())
        order = improvement.argsort(descending=True, stable=True)
        return [self._unpaid[texts[position]].proposal for position in order[:REMEMBERED].tolist()]

    def _best(self) -> float:
        """Return the greatest posterior mean of the evaluated texts."""
        return float(self._surrogate()[1].scored_mean.max())

    def _posterior(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the posterior mean (q,) and covariance (q, q) of the scores of new texts."""
        vocabulary, gp = self._surrogate()
        return gp.posterior(vocabulary.features(texts))

    def _marginals(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the posterior mean (q,) and variance (q,) of the scores of new texts."""
        vocabulary, gp = self._surrogate()
        return gp.marginal_posterior(vocabulary.features(texts))

    def _surrogate(self) -> tuple[Vocabulary, FeatureGP]:
        if self._fitted is None:
            self._fitted = fit_texts(self._scores())
        return self._fitted

    def _scores(self) -> dict[str, Sequence[float]]:
        """Return the scores of the evaluated texts; of equal texts, those of the first trial."""
        return {trial.instruction: trial.evaluation.scores for trial in reversed(self._trials)}


def fit_texts(scores: Scores, scales: tuple[float, float] | None = None) -> tuple[Vocabulary, FeatureGP]:
    """Return the surrogate of all texts with ``scores``, and the vocabulary of its features.

    Without ``scales``, they are fitted too.
    """
    values, noise = separated(aligned_scores(scores.values()))
    vocabulary = Vocabulary(scores)
    return vocabulary, FeatureGP(vocabulary.features(list(scores)), values, noise, scales)
