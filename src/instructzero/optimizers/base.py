"""The protocol of a search method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.quasirandom import SobolEngine

from instructzero.types import Candidate, Evaluation, Proposal, Trial

Represent = Callable[[Sequence[tuple[float, ...]]], Tensor]
"""Maps n points to the writer's states before it writes: the last layer at the last token, (n, h), float64."""

Points = NDArray[np.float64]
"""Points of the search space, shape (n, d), or one value for each of n points, shape (n,)."""


class Optimizer(ABC):
    """Proposes points and receives their scores. Its state is a function of its settings and of what `tell` received.

    >>> from instructzero.optimizers import Uniform
    >>> from instructzero.types import Candidate, Evaluation, Trial, Writing
    >>> optimizer = Uniform(dimension=2, seed=0, batch=3)
    >>> for number in range(2):
    ...     proposals = optimizer.ask(limit=10)
    ...     candidates = [Candidate(proposal, Writing("Sort.", "Sort.")) for proposal in proposals]
    ...     chosen = [candidates[position] for position in optimizer.choose(candidates, limit=10)]
    ...     scored = Evaluation((1.0, 0.0), ("a", "b"))
    ...     optimizer.tell([Trial(number, 0, candidate.proposal, candidate.writing, scored) for candidate in chosen])
    >>> len(chosen)
    3

    The contract, which `tests/optimizers/test_conformance.py` checks:

    - A round is ``ask``, then the writer writes the texts, then ``choose``, then the black box answers for the chosen
      candidates, then ``tell``.
    - ``ask`` and ``choose`` change no state: a second call returns the same.
    - The trials of instructions that the user gave (`Proposal.given`) come before the first ``ask``. They are none of
      the method's own proposals and have no z, but their texts are known, scored, and may be parents.
    - The same trials in the same order give the same next ``ask``, in one call of ``tell`` or in several, also in
      another process. This is how a resumed run continues exactly where the uninterrupted run would be: the journal is
      replayed, and no state is pickled.
    """

    @abstractmethod
    def ask(self, limit: int) -> list[Proposal]:
        """Return at least one proposal to be written.

        Parameters
        ----------
        limit
            The number of evaluations that may still be paid for. Writing a point is free, so that a method which
            chooses among written texts may return more proposals.
        """

    def choose(self, candidates: Sequence[Candidate], limit: int) -> list[int]:
        """Return the positions of the candidates to evaluate, at most ``limit``; none if none is worth paying for."""
        return list(range(min(limit, len(candidates))))

    @abstractmethod
    def tell(self, trials: Sequence[Trial], unpaid: Sequence[Candidate] = ()) -> None:
        """Receive new trials in the order of their numbers, and the candidates of their rounds that were not chosen."""

    def promising(self, results: Mapping[str, Evaluation], places: int) -> Collection[str] | None:
        """Return the instructions of the current round that are worth scoring on more examples.

        It is called while a round is evaluated in stages. None, the default, leaves the decision to the test of
        `instructzero.search.racing`. It changes no state.

        Parameters
        ----------
        results
            The results so far by instruction, each on the first validation examples.
        places
            The number of instructions that take part in the final selection.
        """
        return None


class Predictor(Optimizer):
    """An optimizer with a model of the score of a text, whose predictions a report can show."""

    @abstractmethod
    def belief(self, candidates: Sequence[Candidate]) -> tuple[Points, Points]:
        """Return the mean and the standard deviation of `outcome` that the model predicts for q texts, each (q,).

        They do not include the noise of an evaluation.
        """

    def predicts(self, candidate: Candidate) -> bool:
        """Return True if the model covers the candidate; by default it covers all of them."""
        return True

    @abstractmethod
    def outcome(self, trial: Trial) -> float:
        """Return the value of a trial that the search maximises, on the scale of `belief`."""


def proposed(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials of a method's own proposals: those of instructions that the user gave are left out."""
    return [trial for trial in trials if trial.proposal.given is None]


def generator_for(seed: int, trials: int) -> np.random.Generator:
    """Return the random generator for the ``ask`` after ``trials`` trials; never NumPy's global one."""
    return np.random.default_rng([seed, trials])


def torch_generator(generator: np.random.Generator) -> torch.Generator:
    """Return a random generator of PyTorch, seeded by a draw of ``generator``."""
    return torch.Generator().manual_seed(int(generator.integers(2**62)))


def sobol_points(seed: int, dimension: int, count: int, begin: int = 0) -> Points:
    """Return the points of the run's scrambled Sobol sequence in [0, 1]^d after the first ``begin``; (count, d)."""
    scramble = int(generator_for(seed, 0).integers(2**32))
    sobol = SobolEngine(dimension, scramble=True, seed=scramble)  # type: ignore[no-untyped-call]
    sobol.fast_forward(begin)  # type: ignore[no-untyped-call]
    points: Points = sobol.draw(count, dtype=torch.float64).numpy()
    if begin == 0 and count:  # SobolEngine rounds it to PyTorch's default, which a thread that loads a model changes
        points[0] = (sobol.shift.to(torch.float32) / 2**sobol.MAXBIT).numpy()
    return points


def aligned_scores(rows: Iterable[Sequence[float]]) -> Tensor:
    """Return scores on the first examples as one matrix (n, m), float64, with NaN where an example was not asked."""
    scores = [torch.tensor(row, dtype=torch.float64) for row in rows]
    return pad_sequence(scores, batch_first=True, padding_value=torch.nan)
