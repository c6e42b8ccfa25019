"""The complete budget of the paper, as shipped and one at a time; `python -m benchmarks.run`.

The reference works in the order of the published procedure, with the same models and otherwise the same code. On the
embedded pair, one instruction is written and one question answered at a time. With a random writer of 6.8 million
weights, whose instructions always reach the maximum of 128 tokens, transformers' `generate` decodes them one after the
other, and an endpoint on loopback answers at once. Both runs of a pair must find the same instructions with the same
scores; raw texts may be shorter, where no continuation can change the instruction.
"""

from __future__ import annotations

import argparse
import os
import time
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import describe, peak_memory_gb
from benchmarks.random_writer import OneAtATime, save_random_writer
from instructzero import Result, optimize
from instructzero.models.huggingface import HuggingFaceModel
from instructzero.tasks import load_task_data
from instructzero.testing import Endpoint


def timed_run(task: str, directory: Path, **settings: Any) -> tuple[float, Result]:
    """Return the seconds of a complete run, including loading the models, and its result."""
    began = time.perf_counter()
    result = optimize(task, directory=directory, method="paper", **settings)
    return time.perf_counter() - began, result


def compare(task: str, folder: Path, ours: dict[str, Any], reference: dict[str, Any] | None) -> None:
    """Print a line for a run, and one for its reference."""
    seconds, result = timed_run(task, folder / "ours", **ours)
    print(
        f"{task}: {len(result.trials)} evaluations, {result.distinct_instructions} distinct, {result.usage.calls:,} "
        f"calls in {seconds:.1f} s, peak memory {peak_memory_gb():.2f} GB, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    if reference is None:
        return
    slow, other = timed_run(task, folder / "reference", **reference)
    found = [
        [(trial.proposal, trial.instruction, trial.evaluation.scores) for trial in run.trials]
        for run in (result, other)
    ]
    print(
        f"one at a time: {slow:.1f} s, {slow / seconds:.1f} times as long, load {os.getloadavg()[0]:.1f}; "
        f"same search: {found[0] == found[1]}",
        flush=True,
    )


def embedded(task: str, folder: Path, evaluations: int, with_reference: bool) -> None:
    """Run the benchmark on the embedded pair."""
    print("embedded pair")
    ours: dict[str, Any] = {"evaluations": evaluations}
    compare(task, folder, ours, {**ours, "batch_size": 1} if with_reference else None)


def random(task: str, folder: Path, evaluations: int, with_reference: bool) -> None:
    """Run the benchmark with a random writer and an endpoint that answers every other question correctly."""
    print("random writer of 6.8 M, instant endpoint")
    data = load_task_data(task)
    answers = {example.input: example.outputs[0] for example in (*data.search, *(data.test or ()))}

    def answer(prompt: str) -> str:
        asked = prompt.rpartition("Input:")[2].partition("Output:")[0].strip()
        return answers[asked] if zlib.crc32(prompt.encode()) % 2 else ""

    weights = str(save_random_writer(folder / "writer"))
    with Endpoint(answer) as endpoint:
        ours: dict[str, Any] = {
            "evaluations": evaluations,
            "blackbox": "openai:any",
            "base_url": endpoint.base_url,
            "device": "cpu",
        }
        reference = {**ours, "writer": OneAtATime(weights, device="cpu")} if with_reference else None
        compare(task, folder, {**ours, "writer": HuggingFaceModel(weights, device="cpu")}, reference)


PAIRS = {"embedded": embedded, "random": random}


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="antonyms")
    parser.add_argument("--evaluations", type=int, default=150)
    parser.add_argument("--writers", nargs="*", default=list(PAIRS), choices=list(PAIRS))
    parser.add_argument("--no-reference", action="store_true", help="leave out the slow references")
    arguments = parser.parse_args()
    print(describe())
    for name in arguments.writers:
        with TemporaryDirectory() as folder:
            PAIRS[name](arguments.task, Path(folder), arguments.evaluations, not arguments.no_reference)


if __name__ == "__main__":
    main()
