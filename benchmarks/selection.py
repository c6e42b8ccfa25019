"""The instruction that is returned, chosen by its mean score or by the posterior mean of the surrogate that reads.

    python -m benchmarks.selection runs/bench        # the runs of the default method below this folder

The journals of recorded runs are read; nothing is asked. The scores of every run on its validation examples are divided
in two halves. The best complete instruction is chosen by one half in two ways, and its mean score on the other half
says how good the choice was; then the halves change places. The surrogate is fitted to all scores of the half, those of
the instructions that dropped out of a race too.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

import torch

from benchmarks.machine import describe
from instructzero.bench.comparisons import bootstrap_interval
from instructzero.optimizers.reading import Scores, fit_texts
from instructzero.records.journal import Journal

METHOD = "instructzero"


def recorded_scores(journal: Path) -> dict[str, Sequence[float]]:
    """Return the scores on the validation examples by instruction; of equal instructions, those of the first trial."""
    history = Journal(journal).history
    return {trial.instruction: trial.evaluation.scores for trial in reversed(history.trials)}


def halves(scores: Scores) -> Iterator[tuple[Scores, Scores]]:
    """Yield the scores on every second example and those on the others, and then the other way round."""
    parts = [{text: row[start::2] for text, row in scores.items() if len(row) > start} for start in (0, 1)]
    yield parts[0], parts[1]
    yield parts[1], parts[0]


def by_mean(scores: Scores, complete: Sequence[str]) -> str:
    """Return the complete instruction with the greatest mean; of equals the first."""
    return max(complete, key=lambda text: fmean(scores[text]))


def by_posterior(scores: Scores, complete: Sequence[str]) -> str:
    """Return the complete instruction with the greatest posterior mean."""
    _, surrogate = fit_texts(scores)
    means = dict(zip(scores, surrogate.scored_mean.tolist(), strict=True))
    return max(complete, key=lambda text: means[text])


def judged(scores: Scores) -> tuple[float, float]:
    """Return the mean scores of the instructions chosen by mean and by posterior, on the examples that did not choose.

    Averaged over both halves of the examples.
    """
    longest = max(len(row) for row in scores.values())
    complete = [text for text, row in scores.items() if len(row) == longest]
    values = [
        [fmean(other[choose(half, complete)]) for choose in (by_mean, by_posterior)] for half, other in halves(scores)
    ]
    first, second = (fmean(column) for column in zip(*values, strict=True))
    return first, second


def main() -> None:
    """Print one line a task, and the difference over the tasks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="folder of a bench")
    torch.set_num_threads(1)
    results: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for journal in sorted(parser.parse_args().folder.glob(f"*/{METHOD}/*/journal.jsonl")):
        results[journal.parent.name.rpartition("-")[0]].append(judged(recorded_scores(journal)))
    print(describe())
    means = {task: [fmean(column) for column in zip(*runs, strict=True)] for task, runs in results.items()}
    for task, (raw, posterior) in means.items():
        print(f"{task:<28}{len(results[task])} runs   by mean {raw:.3f}   by posterior {posterior:.3f}")
    raw, posterior = ([values[column] for values in means.values()] for column in (0, 1))
    differences = [second - first for first, second in zip(raw, posterior, strict=True)]
    low, high = bootstrap_interval(differences)
    print(
        f"{len(means)} tasks: by mean {fmean(raw):.3f}, by posterior {fmean(posterior):.3f}, "
        f"difference {fmean(differences):+.3f} [{low:+.3f}, {high:+.3f}]"
    )


if __name__ == "__main__":
    main()
