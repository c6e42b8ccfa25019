"""One search step, as published and ours, on the same data; `python -m benchmarks.search_step`.

A step is the fit of the surrogate and 25 proposals: CMA-ES from the 25 best points, 10 generations of 50. The reference
is `published_step`. The package is measured first, for every n, so that the peak memory does not include the
reference. Seconds are medians.

The step of the default method follows, on texts of a small grammar: which texts are continued, which 5 of 40 candidates
are evaluated, and who goes on after every sixth of the examples; without the writer and the black box.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
import torch
from torch.quasirandom import SobolEngine

from benchmarks.drawing import drawing
from benchmarks.machine import describe, peak_memory_gb
from instructzero.bo.acquisition import Improvement, expected_improvement, log_expected_improvement
from instructzero.bo.search import Points, evolve_from_starts
from instructzero.bo.surrogate import CoupledGP, Observations, SurrogateOptions, fit_surrogate
from instructzero.optimizers import PAPER
from instructzero.optimizers.bayesian import BOX
from instructzero.optimizers.reading import ReadingInstructZero
from instructzero.optimizers.sources import SoftPrompts
from instructzero.search.racing import sixths
from instructzero.types import Candidate, Evaluation, Proposal, Trial, Writing

SIZES = (25, 50, 100, 150, 300, 600, 1200, 2400)
DIMENSION, EXAMPLES, SEED = 10, 20, 0
ONCE_BEYOND, COMPARED_UP_TO, READ_UP_TO = 300, 150, 600
CANDIDATES, CHOSEN, PLACES = 40, 5, 3
GRAMMAR = (
    ("write", "give", "return", "print", "output", "find", "say", "name"),
    ("the", "a", "only the", "any"),
    ("opposite", "antonym", "plural", "sum", "sentiment", "first letter", "larger one"),
    ("of the", "for the", "in the"),
    ("word", "input", "text", "review", "given word", "sentence"),
    ("", "or so", "in most cases", "if that seems right", "more or less", "in lower case"),
)
CORRECTED = SurrogateOptions(kernel="corrected", noise="binomial", lengthscale="loo")
HEADER = """\
| n | as published: fit | proposals | ours: fit | proposals | ratio | ours, corrected: total | peak memory |
|---|---|---|---|---|---|---|---|"""

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """Seconds of one search step."""

    fit: float
    proposals: float

    @property
    def total(self) -> float:
        """Seconds of the complete step."""
        return self.fit + self.proposals


def observations(count: int) -> Observations:
    """Return the first ``count`` points of one sequence in the box, with scores on easier and harder examples."""
    sobol = SobolEngine(DIMENSION, scramble=True, seed=SEED)
    points = BOX[0] + (BOX[1] - BOX[0]) * sobol.draw(count, dtype=torch.float64)
    difficulty = np.random.default_rng([SEED, 0]).normal(size=EXAMPLES)
    # The rows of a larger draw begin with those of a smaller one.
    uniform = np.random.default_rng([SEED, 1]).random((count, EXAMPLES))
    ability = 2 * torch.sin(2 * points[:, :3]).sum(1).numpy()
    scores = (uniform < 1 / (1 + np.exp(difficulty - ability[:, None]))).astype(np.float64)
    predictions = [[str(score) for score in row] for row in scores]
    return Observations(points, torch.arange(count), torch.from_numpy(scores), predictions)


def best_points(observed: Observations) -> Points:
    """Return the starts of CMA-ES: the points with the highest scores."""
    order = observed.scores.mean(1).argsort(descending=True, stable=True)
    return observed.points[order[: PAPER.batch]].numpy()


def timed(work: Callable[[], T], repeats: int) -> tuple[float, T]:
    """Return the median seconds of ``work``, and its last result."""
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return median(seconds), result


def propose(surrogate: CoupledGP, improvement: Improvement, starts: Points) -> Points:
    """Return one point from each start, as `InstructZero` proposes them."""
    best = float(surrogate.targets.max())
    points, _ = evolve_from_starts(
        lambda z: improvement(*surrogate.posterior(z), best),
        starts,
        box=BOX,
        sigma=PAPER.sigma,
        population=PAPER.population,
        generations=PAPER.generations,
        seed=SEED,
    )
    return points


def ours(observed: Observations, options: SurrogateOptions, improvement: Improvement, repeats: int) -> Step:
    """Measure the package's step."""
    starts = best_points(observed)
    fit, surrogate = timed(lambda: fit_surrogate(observed, options), repeats)
    proposals, _ = timed(lambda: propose(surrogate, improvement, starts), repeats)
    return Step(fit, proposals)


def published(observed: Observations, repeats: int) -> tuple[Step, float]:
    """Measure the reference's step; also return the largest difference of posterior means near the observed points."""
    from benchmarks import published_step  # imported late, so that BoTorch's memory is not counted

    starts = best_points(observed)
    fit, model = timed(lambda: published_step.fit(observed), repeats)
    proposals, _ = timed(lambda: published_step.propose(model, starts, SEED), repeats)
    generator = torch.Generator().manual_seed(SEED)
    nearby = observed.points + 0.1 * torch.randn(observed.points.shape, generator=generator, dtype=torch.float64)
    return Step(fit, proposals), published_step.largest_difference(model, observed, nearby)


@dataclass(frozen=True)
class Row:
    """The cost of a step for one number of observed instructions; ``memory`` is the peak in GB up to this row."""

    count: int
    paper: Step
    corrected: Step
    memory: float
    reference: Step | None = None

    def __str__(self) -> str:
        slow = self.reference
        cells = [
            f"{self.count:,}",
            f"{slow.fit:.3g} s" if slow else "—",
            f"{slow.proposals:.3g} s" if slow else "—",
            f"{self.paper.fit:.3g} s",
            f"{self.paper.proposals:.3g} s",
            f"{slow.total / self.paper.total:.1f}" if slow else "—",
            f"{self.corrected.total:.3g} s",
            f"{self.memory:.2f} GB",
        ]
        return f"| {' | '.join(cells)} |"


def measure_ours(count: int, repeats: int) -> Row:
    """Measure the package with the paper's and with the corrected surrogate."""
    observed = observations(count)
    paper = ours(observed, SurrogateOptions(), expected_improvement, repeats)
    corrected = ours(observed, CORRECTED, log_expected_improvement, repeats)
    return Row(count, paper, corrected, peak_memory_gb())


def random_text(generator: np.random.Generator) -> str:
    """Return an instruction of about ten words."""
    return f"{' '.join(generator.choice(words) for words in GRAMMAR)}."


def _as_written(text: str) -> Writing:
    return Writing(text, text)


def trials(count: int, generator: np.random.Generator) -> list[Trial]:
    """Return evaluated texts: a third of them scored on all examples, the others on the first few."""
    made = []
    for number in range(count):
        text = random_text(generator)
        scored = EXAMPLES if number % 3 == 0 else EXAMPLES // 6
        scores = (generator.random(scored) < len(text) % 7 / 7).astype(float).tolist()
        z = tuple(generator.uniform(-1, 1, DIMENSION).tolist())
        evaluation = Evaluation(tuple(scores), ("",) * scored)
        made.append(Trial(number, 0, Proposal(z), _as_written(text), evaluation))
    return made


def reading_step(count: int, repeats: int) -> float:
    """Return the median seconds of a step of the default method after ``count`` evaluations."""
    generator = np.random.default_rng([SEED, 2])
    told = trials(count, generator)

    def step() -> None:
        source = SoftPrompts(dimension=DIMENSION, seed=SEED, batch=CHOSEN, candidates=CANDIDATES // CHOSEN)
        optimizer = ReadingInstructZero(source, seed=SEED, batch=CHOSEN)
        optimizer.tell(told)
        texts = [random_text(generator) for _ in range(CANDIDATES)]
        proposals = optimizer.ask(CHOSEN)[:CANDIDATES]
        candidates = [Candidate(*pair) for pair in zip(proposals, map(_as_written, texts), strict=False)]
        chosen = optimizer.choose(candidates, CHOSEN)
        for looked in sixths(EXAMPLES)[:-1]:
            partial = Evaluation((1.0,) * looked, ("",) * looked)
            optimizer.promising({candidates[position].instruction: partial for position in chosen}, PLACES)

    return timed(step, repeats)[0]


def draw(rows: list[Row], path: Path) -> None:
    """Draw the seconds of a step against the number of observed instructions."""
    with drawing(path, (9, 4.2)) as (figure, axes):
        compared = [row for row in rows if row.reference]
        lines = [
            ("as published", "tab:red", compared, [row.reference.total for row in compared]),
            ("ours, the paper's surrogate", "tab:blue", rows, [row.paper.total for row in rows]),
            ("ours, corrected surrogate", "tab:green", rows, [row.corrected.total for row in rows]),
        ]
        for label, color, drawn, seconds in lines:
            axes.loglog([row.count for row in drawn], seconds, marker="o", color=color, label=label)
        axes.set_xticks([row.count for row in rows], [f"{row.count:,}" for row in rows], minor=False)
        axes.minorticks_off()
        axes.set(xlabel="observed instructions", ylabel="seconds a search step")
        axes.set_title("One search step: fit of the surrogate and 25 proposals", fontsize=10)
        axes.grid(alpha=0.3)
        figure.legend(loc="outside lower center", ncols=3, fontsize=8)


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="numbers of observed instructions")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--reference-up-to", type=int, default=600, metavar="N", help="largest size of the reference")
    parser.add_argument("--plot", type=Path, help="where to draw the seconds (.png, .svg or .pdf)")
    arguments = parser.parse_args()
    print(f"{describe()}; {torch.get_num_threads()} threads; n observed instructions\n")
    rows = [measure_ours(count, arguments.repeats) for count in sorted(arguments.sizes)]
    print(HEADER)
    differences = {}
    for position, row in enumerate(rows):
        if row.count <= arguments.reference_up_to:
            repeats = arguments.repeats if row.count <= ONCE_BEYOND else 1
            reference, differences[row.count] = published(observations(row.count), repeats)
            rows[position] = Row(row.count, row.paper, row.corrected, row.memory, reference)
        print(rows[position], flush=True)
    for count, difference in differences.items():
        if count <= COMPARED_UP_TO:
            print(f"\nn = {count}: posterior means with the same hyperparameters differ by at most {difference:.1e}")
    for count in sorted(size for size in arguments.sizes if size <= READ_UP_TO):
        seconds = reading_step(count, arguments.repeats)
        print(f"\ndefault method, n = {count}, {CHOSEN} of {CANDIDATES} candidates: {seconds:.3g} s")
    if arguments.plot:
        draw(rows, arguments.plot)


if __name__ == "__main__":
    main()
