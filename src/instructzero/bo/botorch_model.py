"""The surrogate as a BoTorch `Model`, for BoTorch's own acquisition functions and optimisers.

It needs the extra ``botorch`` and is imported by nobody else: the search itself does without it.
"""

from __future__ import annotations

from typing import Any

import torch
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from botorch.posteriors.posterior import Posterior
from gpytorch.distributions import MultivariateNormal
from torch import Tensor

from instructzero.bo.surrogate import CoupledGP


class SurrogateModel(Model):
    """A `CoupledGP` with the interface of BoTorch: one outcome, the standardised score, to be maximised.

    >>> from botorch.acquisition.analytic import LogExpectedImprovement  # doctest: +SKIP
    >>> best = float(surrogate.targets.max())  # doctest: +SKIP
    >>> acquisition = LogExpectedImprovement(SurrogateModel(surrogate), best_f=best)  # doctest: +SKIP
    """

    def __init__(self, surrogate: CoupledGP) -> None:
        super().__init__()
        self.surrogate = surrogate

    @property
    def num_outputs(self) -> int:
        return 1

    @property
    def batch_shape(self) -> torch.Size:
        return torch.Size()

    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: PosteriorTransform | None = None,
        **kwargs: Any,
    ) -> Posterior:
        """The joint posterior of q points in each of the batches; ``X`` is (..., q, d).

        Raises NotImplementedError for ``observation_noise``: what an instruction not yet written would be scored on is
        not known.
        """
        if observation_noise is not False:
            raise NotImplementedError("expected observation_noise=False: the surrogate predicts noise-free scores")
        if X.shape[-2] == 1:
            mean, variance = self.surrogate.posterior(X)
            covariance = variance.unsqueeze(-1)
        else:
            mean, covariance = self.surrogate.joint_posterior(X)
        posterior = GPyTorchPosterior(MultivariateNormal(mean, covariance))
        return posterior if posterior_transform is None else posterior_transform(posterior)
