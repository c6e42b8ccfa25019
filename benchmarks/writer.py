"""The decoding speed of a writer: `python -m benchmarks.writer`.

On a GPU: `python -m benchmarks.writer --device cuda --dtype bfloat16 --models 1B 7B 13B --rows 1 25 100 400`.

Prompts of 200 random embeddings are continued by 64 tokens, none of which ends a text: one at a time and in one batch
by transformers' `generate`, and by the package ("ours"), without and with sharing of the first three quarters of the
prompts. In float32 all texts must be equal. The share of the bandwidth is the time for reading weights and cache once
per step, at the speed at which this device copies memory, divided by the measured time, which includes the prompts.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.machine import describe
from instructzero.models.decoding import decode, read_at_once, read_prefix
from instructzero.models.memory import give_back, is_out_of_memory, rows_that_fit
from instructzero.models.network import Network, generate, load_network
from instructzero.models.packed import embedded_folder

LENGTH, NEW, SHARED = 200, 64, 150
SHAPES = {
    "110M": (768, 2048, 12, 12),
    "1B": (2048, 5632, 20, 32),
    "7B": (4096, 11008, 32, 32),
    "13B": (5120, 13824, 40, 40),
}
"""Hidden size, feed-forward size, layers and heads of Llamas with random weights."""
HEADER = """\
| writer | rows | way | seconds | tokens/s | texts/s | against one at a time | of bandwidth | peak | same texts |
|---|---|---|---|---|---|---|---|---|---|"""
_STATUS, _CLEAR_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Texts = list[list[int]]


@dataclass(frozen=True)
class Measurement:
    """The ``seconds`` for decoding ``texts``, and the ``peak`` memory in bytes."""

    seconds: float
    texts: Texts
    peak: int


def load(name: str, device: str, dtype: str) -> Network:
    """Load the embedded writer, or create a Llama with random weights; neither has an end token."""
    network = load_network(str(embedded_folder() / "writer"), device=device, dtype=dtype)
    if name == "embedded":
        return replace(network, eos=())
    hidden, feed_forward, layers, heads = SHAPES[name]
    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=feed_forward,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        dtype=network.model.dtype,
    )
    torch.manual_seed(0)
    with torch.device(network.device):
        model = LlamaForCausalLM._from_config(config, dtype=network.model.dtype).eval()
    return replace(network, name=name, model=model, eos=())


def alone(network: Network, embeddings: Tensor) -> Texts:
    """Decode one row after the other by `generate`."""
    return [text for row in embeddings for text in batch(network, row[None])]


def batch(network: Network, embeddings: Tensor) -> Texts:
    """Decode all rows in one batch by `generate`."""
    mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)
    return generate(network, {"inputs_embeds": embeddings, "attention_mask": mask}, NEW)


def ours(network: Network, embeddings: Tensor) -> Texts:
    """Decode by the package."""
    return [text for rows in fitting(network, embeddings) for text in decode(network, rows, NEW)]


def shared(network: Network, embeddings: Tensor) -> Texts:
    """Decode by the package, with the common prefix of all rows computed once."""
    prefix = read_prefix(network, embeddings[0, :SHARED])
    parts = fitting(network, embeddings[:, SHARED:])
    return [text for rows in parts for text in decode(network, rows, NEW, prefix)]


def fitting(network: Network, embeddings: Tensor) -> Iterator[Tensor]:
    """Yield the rows in batches that fit into the memory."""
    size = rows_that_fit(network.model, network.device, LENGTH + NEW, read_at_once(network.device))
    yield from embeddings.split(size or len(embeddings))


Work = Callable[[Network, Tensor], Texts]
WAYS: dict[str, Work] = {"one batch": batch, "ours": ours, "ours, shared": shared}


def measure(work: Work, network: Network, embeddings: Tensor) -> Measurement | None:
    """Run ``work`` once; return None if the memory is not sufficient."""
    give_back(network.device)
    forget_peak(network.device)
    began = time.perf_counter()
    try:
        texts = work(network, embeddings)
    except RuntimeError as error:
        if is_out_of_memory(error):
            return None
        raise
    if embeddings.is_cuda:
        torch.cuda.synchronize()
    return Measurement(time.perf_counter() - began, texts, peak_memory(network.device))


def forget_peak(device: torch.device) -> None:
    """Reset the peak memory, if the system permits it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):  # not permitted on every system; then the peak includes earlier passes
            _CLEAR_PEAK.write_text("5")


def peak_memory(device: torch.device) -> int:
    """Return the peak memory of the GPU or of this process in bytes."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024


def copy_bandwidth(device: torch.device) -> float:
    """Return the bytes per second that this device reads and writes while copying, the best of five."""
    source = torch.ones(64 * 1024 * 1024, device=device)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        source.clone()
        if source.is_cuda:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * source.numel() * source.element_size() / best


def bytes_a_step(network: Network, rows: int, shared_length: int = 0) -> int:
    """Return the bytes of weights without embeddings and of the cache at mean length; shared positions count once."""
    config = network.model.config
    weights = sum(parameter.numel() for parameter in network.model.parameters())
    weights -= network.model.get_input_embeddings().weight.numel() * (not config.tie_word_embeddings)
    positions = (LENGTH - shared_length + NEW // 2) * rows + shared_length
    return int(network.model.dtype.itemsize * (weights + 2 * config.num_hidden_layers * config.hidden_size * positions))


def prompts(network: Network, rows: int) -> Tensor:
    """Return random embeddings (n, s, h) with a common prefix."""
    size = network.model.config.hidden_size
    embeddings = torch.randn(rows, LENGTH, size, generator=torch.Generator().manual_seed(1)) * 0.05
    embeddings[:, :SHARED] = embeddings[:1, :SHARED]
    return embeddings.to(network.device, network.model.dtype)


def middle(measurements: Sequence[Measurement]) -> Measurement:
    """Return the first measurement with the median of the seconds."""
    return replace(measurements[0], seconds=median(measurement.seconds for measurement in measurements))


def compare(network: Network, name: str, rows: int, alone_rows: int, rounds: int, bandwidth: float) -> Iterator[str]:
    """Yield a table row for each way, measured in turn; one at a time, only ``alone_rows`` rows are decoded."""
    embeddings = prompts(network, rows)
    few = embeddings[:alone_rows]
    work: dict[str, Callable[[], Measurement | None]] = {
        "one at a time": partial(measure, alone, network, few),
        **{way: partial(measure, decoder, network, embeddings) for way, decoder in WAYS.items()},
    }
    taken: dict[str, list[Measurement | None]] = {way: [] for way in work}
    for _ in range(rounds):
        for way, run in work.items():
            taken[way].append(run())
    reference = middle([measurement for measurement in taken["one at a time"] if measurement is not None])
    slow = reference.seconds / len(few)  # seconds per row
    for way, found in taken.items():
        known = [measurement for measurement in found if measurement is not None]
        if not known:
            yield f"| {name} | {rows} | {way} | out of memory | | | | | | |"
            continue
        result = middle(known)
        count, at_once = len(result.texts), 1 if way == "one at a time" else rows
        step = bytes_a_step(network, at_once, SHARED if way == "ours, shared" else 0)
        share = step * NEW * (count / at_once) / bandwidth / result.seconds
        same = result.texts[: len(few)] == reference.texts
        yield (
            f"| {name} | {rows} | {way} | {result.seconds * rows / count:.2f} | {count * NEW / result.seconds:,.0f} | "
            f"{count / result.seconds:.1f} | {slow * count / result.seconds:.1f} | {share:.0%} | "
            f"{result.peak / 1e9:.1f} GB | {'yes' if same else 'no'} |"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=["embedded", "110M"], choices=["embedded", *SHAPES])
    parser.add_argument("--rows", type=int, nargs="*", default=[25])
    parser.add_argument("--alone", type=int, default=25, help="maximum rows that are decoded one at a time")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of all ways in turn; medians are reported")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    chosen = parser.parse_args(arguments)
    device = torch.device(chosen.device)
    bandwidth = copy_bandwidth(device)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{describe()}; {where}, {chosen.dtype}; copies {bandwidth / 1e9:.1f} GB/s; load {os.getloadavg()[0]:.1f}\n")
    print(HEADER)
    for name in chosen.models:
        network = load(name, chosen.device, chosen.dtype)
        for rows in chosen.rows:
            for line in compare(network, name, rows, min(chosen.alone, rows), chosen.rounds, bandwidth):
                print(line, flush=True)
        del network
    print(f"\nmedians of {chosen.rounds} rounds; load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
