"""The effect of the surrogate's repairs away from the data; `python -m benchmarks.repairs`.

On the data of `search_step`, at increasing distances from 25 observed points: the posterior standard deviation of the
score and the expected improvement, with the published and with the corrected kernel.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch

from benchmarks.drawing import drawing
from benchmarks.machine import describe
from benchmarks.search_step import CORRECTED, SEED, best_points, observations
from instructzero.bo.acquisition import log_expected_improvement
from instructzero.bo.surrogate import CoupledGP, SurrogateOptions, fit_surrogate

COUNT = 100
DISTANCES = (0.0, 0.1, 0.2, 0.4, 0.8, 1.2, 1.6, 2.4)
KERNELS = {
    "coupled, as published": SurrogateOptions(),
    "corrected": SurrogateOptions(kernel="corrected", lengthscale="loo"),
    "corrected, each score's own noise": CORRECTED,
}
LOWEST = -60.0
"""The lower limit of the plot of log10 EI, whose values reach a number of thirteen digits."""

HEADER = """\
| kernel | at a distance of | median standard deviation | median log10 EI | EI below 1e-12 |
|---|---|---|---|---|"""


def away(surrogate: CoupledGP, starts: torch.Tensor, distance: float) -> tuple[float, float, float]:
    """Return median standard deviation and log10 EI at ``distance`` from ``starts``, and the share of EI < 1e-12."""
    generator = torch.Generator().manual_seed(SEED)
    steps = torch.randn((40, *starts.shape), generator=generator, dtype=torch.float64)
    points = (starts + distance * steps / steps.norm(dim=-1, keepdim=True)).flatten(0, 1)
    mean, variance = surrogate.posterior(points)
    logs = log_expected_improvement(mean, variance, float(surrogate.targets.max())) / math.log(10)
    return float(variance.sqrt().median()), float(logs.median()), float((logs < -12).double().mean())


def draw(rows: dict[str, list[tuple[float, float, float]]], path: Path) -> None:
    """Draw standard deviation and log10 EI against distance."""
    with drawing(path, (9, 3.6), columns=2) as (figure, (left, right)):
        for name, values in rows.items():
            left.plot(DISTANCES, [value[0] for value in values], marker="o", label=name)
            right.plot(DISTANCES, [value[1] for value in values], marker="o")
        left.set(ylabel="posterior standard deviation of the score", yscale="log")
        right.set(ylabel="log10 of expected improvement", ylim=(LOWEST, 2))
        for axes in (left, right):
            axes.set(xlabel="distance from the 25 best points, in z")
            axes.grid(alpha=0.3)
        figure.legend(loc="outside lower center", ncols=3, fontsize=8)


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plot", type=Path, help="where to draw it (.png, .svg or .pdf)")
    arguments = parser.parse_args()
    observed = observations(COUNT)
    starts = torch.from_numpy(np.asarray(best_points(observed)))
    print(f"{describe()}; n = {COUNT}, d = {starts.shape[1]}\n\n{HEADER}")
    rows = {}
    for name, options in KERNELS.items():
        surrogate = fit_surrogate(observed, options)
        rows[name] = [away(surrogate, starts, distance) for distance in DISTANCES]
        for distance, (deviation, improvement, dead) in zip(DISTANCES, rows[name], strict=True):
            print(f"| {name} | {distance:.1f} | {deviation:.3g} | {improvement:.3g} | {dead:.0%} |")
    if arguments.plot:
        draw(rows, arguments.plot)


if __name__ == "__main__":
    main()
