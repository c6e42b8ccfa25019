"""Settings: the parts of the search; where one is not set, the method decides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel

from instructzero.config.fields import Count, part


class PartSettings(BaseModel):
    """The parts of the search; where one is not set, the method decides."""

    initial: Annotated[Count | None, part("evaluations before the surrogate is first fitted")] = None
    batch: Annotated[Count | None, part("evaluations per round")] = None
    kernel: Annotated[
        Literal["coupled", "corrected", "standard"] | None,
        part(
            "kernel of the surrogate: instruction-coupled as in the paper, the same with its variance restored far "
            "from data, or Matérn over z"
        ),
    ] = None
    similarity: Annotated[
        Literal["scores", "exact_match", "f1"] | None,
        part("similarity of instructions: a kernel on their scores, or the agreement of their predictions"),
    ] = None
    noise: Annotated[
        Literal["fitted", "binomial"] | None,
        part("noise of a score: one fitted variance for all, or p(1 - p)/m for each instruction"),
    ] = None
    lengthscale: Annotated[
        Literal["prior", "loo"] | None,
        part("lengthscale of the kernel over z: the mode of its prior, or by leave-one-out"),
    ] = None
    acquisition: Annotated[
        Literal["ei", "log_ei"] | None, part("acquisition function: expected improvement, or its logarithm")
    ] = None
    maximiser: Annotated[
        Literal["cma", "gradient", "pool"] | None,
        part("maximiser of the acquisition function: CMA-ES, gradients, or the best of many random points"),
    ] = None
    candidates: Annotated[
        Count | None,
        part("instructions written for each one that is scored; with 1, paper and dro score all"),
    ] = None
    batch_choice: Annotated[
        Literal["best", "fantasised", "thompson"] | None,
        part("rule that chooses a batch among the written instructions"),
    ] = None
    preimages: Annotated[
        bool | None, part("share a score with every soft prompt that was written as the same text")
    ] = None
    geometry: Annotated[Literal["box", "sphere"] | None, part("search the whole box, or directions only")] = None
    continued: Annotated[
        float | None,
        part("share of the written texts that continue the first words of evaluated ones", ge=0, le=1),
    ] = None
