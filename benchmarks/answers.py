"""The speed of a local black box: `python -m benchmarks.answers FOLDER_OR_HUB_ID`.

The same questions, four instructions for 48 inputs of a built-in task, are answered greedily by transformers'
`generate`, in the order in which they come and in batches of 64 that are padded on the left, and by the package's black
box, which receives them all at once. The ways take turns, and medians are reported. In float32 all answers must be
equal.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Callable, Sequence
from statistics import median

import torch

from benchmarks.machine import describe
from instructzero.models.local_blackbox import HuggingFaceBlackBox
from instructzero.models.network import generate, load_network, pad_left
from instructzero.prompts import zero_shot
from instructzero.tasks import load_builtin
from instructzero.types import Message, Request

INSTRUCTIONS = (
    "Write the opposite of the word.",
    "Return a word with the opposite meaning.",
    "Give the antonym of the input and nothing else.",
    "Turn every word that you are given into one that says the contrary.",
)
BATCH = 64
HEADER = """\
| model | way | seconds | of the processor | answers/s | against `generate` | same answers |
|---|---|---|---|---|---|---|"""

Answers = list[str]


def questions(task: str, inputs: int, max_tokens: int) -> list[Request]:
    """Return the requests of all instructions for the first inputs of a task."""
    examples = load_builtin(task).search[:inputs]
    return [
        Request(zero_shot(instruction, example.input), max_tokens)
        for instruction in INSTRUCTIONS
        for example in examples
    ]


def by_generate(name: str, device: str, dtype: str, requests: Sequence[Request]) -> Answers:
    """Answer in batches by transformers' `generate`."""
    network = load_network(name, device=device, dtype=dtype)
    answers: Answers = []
    for start in range(0, len(requests), BATCH):
        rows = [
            network.encode(network.render_chat(turns(request.messages)), special_tokens=False)
            if network.has_chat_template
            else network.encode(request.messages[0].content, special_tokens=True)
            for request in requests[start : start + BATCH]
        ]
        inputs = pad_left(rows, network.pad, network.device)
        answers += [network.decode(ids) for ids in generate(network, inputs, requests[0].max_tokens)]
    return answers


def turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Return messages as a chat template takes them."""
    return [{"role": message.role, "content": message.content} for message in messages]


def by_blackbox(name: str, device: str, dtype: str, requests: Sequence[Request]) -> Answers:
    """Answer by the package's black box."""

    async def run() -> Answers:
        box = HuggingFaceBlackBox(name, device=device, dtype=dtype)
        completions = await asyncio.gather(*map(box.complete, requests))
        await box.close()
        return [completion.text for completion in completions]

    return asyncio.run(run())


WAYS: dict[str, Callable[[str, str, str, Sequence[Request]], Answers]] = {
    "`generate`": by_generate,
    "black box": by_blackbox,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", help="a folder or a hub id")
    parser.add_argument("--task", default="antonyms")
    parser.add_argument("--inputs", type=int, default=48)
    parser.add_argument("--tokens", type=int, default=20, help="maximum tokens of an answer")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of both ways in turn; medians are reported")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    chosen = parser.parse_args(arguments)
    network = load_network(chosen.model, device=chosen.device, dtype=chosen.dtype)  # which all rounds share
    requests = questions(chosen.task, chosen.inputs, chosen.tokens)
    where = f"{chosen.device}, {torch.get_num_threads()} threads, {chosen.dtype}"
    print(f"{describe()}; {where}; {len(requests)} questions; load {os.getloadavg()[0]:.1f}\n\n{HEADER}")
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    used: dict[str, list[float]] = {way: [] for way in WAYS}
    answers: dict[str, Answers] = {}
    for _ in range(chosen.rounds):
        for way, work in WAYS.items():
            began, busy = time.perf_counter(), time.process_time()
            answers[way] = work(chosen.model, chosen.device, chosen.dtype, requests)
            seconds[way].append(time.perf_counter() - began)
            used[way].append(time.process_time() - busy)
    reference = next(iter(WAYS))
    for way in WAYS:
        taken = median(seconds[way])
        ratio = median(slow / fast for slow, fast in zip(seconds[reference], seconds[way], strict=True))
        same = sum(map(str.__eq__, answers[way], answers[reference]))
        print(
            f"| {network.name} | {way} | {taken:.2f} | {median(used[way]):.2f} | {len(requests) / taken:.1f} | "
            f"{ratio:.2f} | {same} of {len(requests)} |"
        )
    print(f"\nmedians of {chosen.rounds} rounds; load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
