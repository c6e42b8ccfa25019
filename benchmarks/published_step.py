"""One search step in the structure of the published code, written from its description: the reference of `search_step`.

A BoTorch model, whose kernel recomputes l(Z, Z) and S and inverts L at every call, is fitted by L-BFGS-B with autograd.
Then CMA-ES runs from one start after the other, with one posterior call for each generation.

It differs from the published code in three respects. The published kernel pairs every candidate of a batch with the
first one, which makes the variances wrong; here they are correct, at the same cost. The `cmaes` library replaces pycma,
and points outside the box are clipped, as in the search under comparison. No run stops early, so that both searches
evaluate the acquisition equally often.

Notation: n points Z (n, d) with m scores each.
"""

from __future__ import annotations

import warnings

import botorch
import numpy as np
import torch
from botorch.acquisition.analytic import ExpectedImprovement
from botorch.models import SingleTaskGP
from botorch.optim.fit import fit_gpytorch_mll_scipy
from cmaes import CMA
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import Kernel, MaternKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import GammaPrior
from torch import Tensor

from instructzero.bo.fitting import LENGTHSCALE_PRIOR, MINIMUM_NOISE, NOISE_PRIOR
from instructzero.bo.kernels import LATENT_JITTER
from instructzero.bo.search import Points
from instructzero.bo.surrogate import CoupledGP, Observations, standardise
from instructzero.optimizers import PAPER
from instructzero.optimizers.bayesian import BOX

# Away from the data the variance of the published kernel vanishes; rounding makes it negative, and GPyTorch warns.
warnings.filterwarnings("ignore", message="Negative variance values detected")
warnings.filterwarnings("ignore", message="(?s).*ExpectedImprovement has known numerical issues")


def matern(dimension: int) -> MaternKernel:
    """Return a Matérn-5/2 kernel with one lengthscale per dimension, initialised to the mode of its prior."""
    prior = GammaPrior(*LENGTHSCALE_PRIOR)
    kernel = MaternKernel(nu=2.5, ard_num_dims=dimension, lengthscale_prior=prior).double()
    kernel.lengthscale = prior.mode
    return kernel


class PublishedKernel(Kernel):
    """k(z, z') = l(z, Z) L⁻¹ S L⁻¹ l(Z, z') (Eq. 9), recomputed at every call."""

    def __init__(self, points: Tensor, scores: Tensor) -> None:
        super().__init__()
        self.points, self.scores = points, scores
        self.latent, self.instruction = matern(points.shape[1]), matern(scores.shape[1])

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **_: object) -> Tensor:
        """Return the covariance (..., q, p) of ``x1`` (..., q, d) and ``x2`` (..., p, d)."""
        first, second = (self._once(x) for x in (x1, x2))
        latent = self.latent(self.points).to_dense() + LATENT_JITTER * torch.eye(len(self.points), dtype=x1.dtype)
        inverse = torch.linalg.inv(latent)  # L⁻¹
        similarity = self.instruction(self.scores).to_dense()  # S
        left = self.latent(first, self.points).to_dense() @ inverse
        right = inverse @ self.latent(self.points, second).to_dense()
        covariance = left @ similarity @ right
        return covariance.diagonal(dim1=-2, dim2=-1) if diag else covariance

    def _once(self, x: Tensor) -> Tensor:
        """Undo GPyTorch's repetition of the observed points for every candidate of a batch, as published."""
        return x[(0,) * (x.ndim - 2)] if x.shape[-2] == len(self.points) else x


def fit(observations: Observations) -> SingleTaskGP:
    """Return the model with the hyperparameters of the highest marginal likelihood times priors."""
    targets = standardise(observations.scores.mean(1)).unsqueeze(-1)
    likelihood = GaussianLikelihood(
        noise_prior=GammaPrior(*NOISE_PRIOR), noise_constraint=GreaterThan(MINIMUM_NOISE)
    ).double()
    likelihood.noise = 0.1
    kernel = ScaleKernel(PublishedKernel(observations.points, observations.scores)).double()
    kernel.outputscale = 1.0
    with botorch.settings.validate_input_scaling(False):
        model = SingleTaskGP(
            observations.points, targets, likelihood=likelihood, covar_module=kernel, outcome_transform=None
        )
    fit_gpytorch_mll_scipy(ExactMarginalLogLikelihood(likelihood, model))
    return model.eval()


def propose(model: SingleTaskGP, starts: Points, seed: int) -> Points:
    """Return the best point that CMA-ES samples from each start, one start after the other; shape (s, d)."""
    acquisition = ExpectedImprovement(model, best_f=model.train_targets.max())
    return np.array([_evolve(acquisition, start, seed + number) for number, start in enumerate(starts)])


def _evolve(acquisition: ExpectedImprovement, start: Points, seed: int) -> Points:
    strategy = CMA(mean=start.copy(), sigma=PAPER.sigma, population_size=PAPER.population, seed=seed)
    best, found = -np.inf, start
    for _ in range(PAPER.generations):
        samples = np.clip([strategy.ask() for _ in range(PAPER.population)], *BOX)
        with torch.no_grad():
            values = acquisition(torch.from_numpy(samples).unsqueeze(1)).numpy()
        strategy.tell(list(zip(samples, -values, strict=True)))
        top = values.argmax()
        if values[top] > best:
            best, found = values[top], samples[top]
    return found


@torch.no_grad()
def largest_difference(model: SingleTaskGP, observations: Observations, points: Tensor) -> float:
    """Return the largest difference of the posterior means at ``points`` from those of the package's process."""
    kernel: PublishedKernel = model.covar_module.base_kernel
    count = len(observations.points)
    ours = CoupledGP(
        observations.points,
        torch.arange(count),
        model.covar_module.outputscale * kernel.instruction(observations.scores).to_dense(),
        model.train_targets,
        model.likelihood.noise.expand(count),
        lengthscale=kernel.latent.lengthscale.squeeze(0),
        mean=float(model.mean_module.constant),
    )
    published = model.posterior(points.unsqueeze(1)).mean.flatten()
    return float((published - ours.posterior(points)[0]).abs().max())
