"""The speed of the embedded pair: loading, one query of 20 examples, 25 instructions; `python -m benchmarks.pair`.

All numbers are medians. Loading is timed in separate processes, without the imports.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from benchmarks.machine import describe
from instructzero.calls.store import CallStore
from instructzero.models.registry import load_blackbox, load_writer
from instructzero.prompts import DEFAULT, renderer, writer_prompt
from instructzero.scoring.evaluator import Evaluator
from instructzero.tasks import load_task_data, split_task
from instructzero.types import Proposal
from instructzero.writing.projection import Projection
from instructzero.writing.writer import Writer

LOADING = """
import time
from instructzero.models.registry import load_blackbox, load_writer
import instructzero.models.huggingface
from transformers import AutoTokenizer, LlamaForCausalLM, SeedOssForCausalLM
began = time.perf_counter()
load_writer("embedded:writer"), load_blackbox("embedded:blackbox")
print(time.perf_counter() - began)
"""


def loading_seconds() -> float:
    """Return the seconds to load both models in a new process."""
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=True)
    return float(done.stdout)


def seconds(work: Callable[[], object]) -> float:
    """Run ``work`` and return the seconds that it took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="*", default=["antonyms", "sum", "negation", "word_in_context", "sentiment"])
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print(describe())
    print(f"loading both models: {median(loading_seconds() for _ in range(3)):.2f} s")
    for name in arguments.tasks:
        task = split_task(load_task_data(name))
        model = load_writer("embedded:writer")
        projection = Projection.draw("uniform", dimension=10, soft_tokens=5, hidden_size=model.hidden_size, seed=0)
        prompt = writer_prompt(model, task.exemplars, template="auto", placement="front")
        writer = Writer(model, prompt, projection, max_new_tokens=64)
        points = [tuple(((17 * row + 5 * column) % 41) / 20 - 1 for column in range(10)) for row in range(25)]
        proposals = [Proposal(point) for point in points]
        writing = median(seconds(lambda: writer.write(proposals)) for _ in range(arguments.repeats))  # noqa: B023
        instructions = list(dict.fromkeys(writing.instruction for writing in writer.write(proposals)[0]))
        blackbox = load_blackbox("embedded:blackbox")
        with (
            CallStore(":memory:") as store,
            Evaluator.of(blackbox, store, task.metric, render=renderer(DEFAULT), max_tokens=64) as evaluator,
        ):
            queries = [
                seconds(lambda: list(evaluator.evaluate([instruction], task.validation)))  # noqa: B023
                for instruction in instructions[: arguments.repeats]
            ]
        print(f"{name}: 25 instructions {writing:.2f} s, one query of {len(task.validation)} {median(queries):.2f} s")


if __name__ == "__main__":
    main()
