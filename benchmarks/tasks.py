"""The results and costs of all methods on every built-in task, with the embedded pair; `python -m benchmarks.tasks`.

The script prints a Markdown table. `found at` is the first evaluation with the best validation score.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from benchmarks.machine import describe
from instructzero import Result, optimize
from instructzero.tasks import builtin_names


def row(task: str, method: str, result: Result) -> str:
    """Return one row of the table."""
    scores = [trial.score for trial in result.trials]
    cells = [
        task,
        method,
        f"{result.plain.test.mean:.2f}",
        f"{result.test_score:.2f}",
        f"{result.validation_score:.2f}",
        str(scores.index(max(scores)) + 1),
        str(result.distinct_instructions),
        f"{result.usage.calls:,}",
        result.instruction,
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="*", default=builtin_names())
    parser.add_argument("--methods", nargs="*", default=("instructzero", "paper", "uniform"))
    parser.add_argument("--evaluations", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    results: dict[str, list[Result]] = {method: [] for method in arguments.methods}
    print(f"{describe()}; {arguments.evaluations} evaluations, seed {arguments.seed}\n")
    print(
        "| task | method | plain test | best test | best validation | found at | distinct | calls | best instruction |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for task in arguments.tasks:
            for method in arguments.methods:
                directory = Path(folder) / f"{task}-{method}"
                settings = {"evaluations": arguments.evaluations, "seed": arguments.seed, "method": method}
                results[method].append(optimize(task, directory=directory, **settings))
                print(row(task, method, results[method][-1]), flush=True)
    for method, found in results.items():
        plain, best = mean(result.plain.test.mean for result in found), mean(result.test_score for result in found)
        print(f"\n{method}: mean test score {best:.3f}, plain {plain:.3f}, over {len(found)} tasks")


if __name__ == "__main__":
    main()
