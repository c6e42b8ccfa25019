"""The surrogate as a BoTorch `Model`, for BoTorch's own acquisition functions and optimisers.

It needs the extra ``botorch``. No other module imports it, because the search itself does not use BoTorch.
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
    """A `CoupledGP` with BoTorch's interface: one outcome, the standardised score, to be maximised.

    >>> from botorch.acquisition.analytic import LogExpectedImprovement  # doctest: +SKIP
    >>> best = float(surrogate.targets.max())  # doctest: +SKIP
    >>> acquisition = LogExpectedImprovement(SurrogateModel(surrogate), best_f=best)  # doctest: +SKIP
    """

    def __init__(self, surrogate: CoupledGP) -> None:
        super().__init__()
        self.surrogate = surrogate

    @property
    def num_outputs(self) -> int:
        """The number of outcomes, 1."""
        return 1

    @property
    def batch_shape(self) -> torch.Size:
        """The shape of the batch of models: empty, for a single model."""
        return torch.Size()

    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: PosteriorTransform | None = None,
        **kwargs: Any,
    ) -> Posterior:
        """Return the joint posterior of q points in each of the batches; ``X`` has shape (..., q, d).

        Raises:
            NotImplementedError: With ``observation_noise``. The noise of a score depends on the examples it is
                measured on, which are not known for an instruction that is not written yet.
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
