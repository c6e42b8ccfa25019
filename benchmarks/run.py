"""The whole budget of the paper on the embedded pair, as shipped and one at a time; `python -m benchmarks.run`.

The reference is the published procedure's order of work with the same models and the same code: the writer writes one
instruction at a time, and the black box answers one question at a time. Both must end with the same journal.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import describe, peak_memory_gb
from instructzero import Result, optimize


def timed_run(task: str, directory: Path, **settings: object) -> tuple[float, Result]:
    """Seconds from nothing to the result, models loaded on the way."""
    began = time.perf_counter()
    result = optimize(task, directory=directory, method="paper", **settings)
    return time.perf_counter() - began, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="antonyms")
    parser.add_argument("--evaluations", type=int, default=150)
    parser.add_argument("--no-reference", action="store_true", help="leave out the slow reference")
    arguments = parser.parse_args()
    print(describe())
    with TemporaryDirectory() as folder:
        ours, reference = Path(folder) / "ours", Path(folder) / "reference"
        seconds, result = timed_run(arguments.task, ours, evaluations=arguments.evaluations)
        print(
            f"{arguments.task}: {len(result.trials)} evaluations, {result.distinct_instructions} distinct, "
            f"{result.usage.calls:,} calls in {seconds:.1f} s, peak memory {peak_memory_gb():.2f} GB"
        )
        if arguments.no_reference:
            return
        slow, _ = timed_run(arguments.task, reference, evaluations=arguments.evaluations, batch_size=1)
        same = (ours / "journal.jsonl").read_bytes() == (reference / "journal.jsonl").read_bytes()
        print(f"one at a time: {slow:.1f} s, {slow / seconds:.1f} times as long; same journal: {same}")


if __name__ == "__main__":
    main()
