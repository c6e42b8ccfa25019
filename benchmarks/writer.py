"""How fast a writer decodes: `python -m benchmarks.writer`; on a GPU `python -m benchmarks.writer --device cuda
--dtype bfloat16 --models 1B 7B 13B --rows 1 25 100 400`.

Prompts of 200 random embeddings are continued by 64 tokens, none of which ends a text: one at a time and in one batch
by transformers' `generate`, and by ours, alone and with the first three quarters of the prompts shared. In float32 the
texts of all must be the same. The share of the bandwidth is what weights and cache would take to be read once a step,
at the speed at which this device copies memory, over the time that all took, prompts included.
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
from instructzero.models.registry import EMBEDDED_FOLDER

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
    """``seconds`` for ``texts``; ``peak`` bytes were held at most."""

    seconds: float
    texts: Texts
    peak: int


def load(name: str, device: str, dtype: str) -> Network:
    """The embedded writer, or a Llama with random weights; neither ends a text."""
    network = load_network(str(EMBEDDED_FOLDER / "writer"), device=device, dtype=dtype)
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
    """One row after the other."""
    return [text for row in embeddings for text in batch(network, row[None])]


def batch(network: Network, embeddings: Tensor) -> Texts:
    mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)
    return generate(network, {"inputs_embeds": embeddings, "attention_mask": mask}, NEW)


def ours(network: Network, embeddings: Tensor) -> Texts:
    return [text for rows in fitting(network, embeddings) for text in decode(network, rows, NEW)]


def shared(network: Network, embeddings: Tensor) -> Texts:
    """With the beginning of all rows read once."""
    prefix = read_prefix(network, embeddings[0, :SHARED])
    parts = fitting(network, embeddings[:, SHARED:])
    return [text for rows in parts for text in decode(network, rows, NEW, prefix)]


def fitting(network: Network, embeddings: Tensor) -> Iterator[Tensor]:
    """The rows, as many at once as the memory has room for."""
    size = rows_that_fit(network.model, network.device, LENGTH + NEW, read_at_once(network.device))
    yield from embeddings.split(size or len(embeddings))


Work = Callable[[Network, Tensor], Texts]
WAYS: dict[str, Work] = {"one batch": batch, "ours": ours, "ours, shared": shared}


def measure(work: Work, network: Network, embeddings: Tensor) -> Measurement | None:
    """One pass; None where the memory does not suffice."""
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
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):  # not everywhere may a process do so; then the peak is that of all so far
            _CLEAR_PEAK.write_text("5")


def peak_memory(device: torch.device) -> int:
    """Bytes: of the GPU, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024


def copy_bandwidth(device: torch.device) -> float:
    """Bytes a second that this device reads and writes while it copies, the best of five."""
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
    """Weights without the embeddings, and the cache at its middle length; what is shared is read once."""
    config = network.model.config
    weights = sum(each.numel() for each in network.model.parameters())
    weights -= network.model.get_input_embeddings().weight.numel() * (not config.tie_word_embeddings)
    positions = (LENGTH - shared_length + NEW // 2) * rows + shared_length
    return int(network.model.dtype.itemsize * (weights + 2 * config.num_hidden_layers * config.hidden_size * positions))


def prompts(network: Network, rows: int) -> Tensor:
    """Random embeddings (n, s, h), alike at the beginning."""
    size = network.model.config.hidden_size
    embeddings = torch.randn(rows, LENGTH, size, generator=torch.Generator().manual_seed(1)) * 0.05
    embeddings[:, :SHARED] = embeddings[:1, :SHARED]
    return embeddings.to(network.device, network.model.dtype)


def middle(measurements: Sequence[Measurement]) -> Measurement:
    """With the median of the seconds."""
    return replace(measurements[0], seconds=median(each.seconds for each in measurements))


def compare(network: Network, name: str, rows: int, alone_rows: int, rounds: int, bandwidth: float) -> Iterator[str]:
    """A line for each way, the ways taken in turn; one at a time, as many rows as ``alone_rows`` stand for all."""
    embeddings = prompts(network, rows)
    few = embeddings[:alone_rows]
    work: dict[str, Callable[[], Measurement | None]] = {
        "one at a time": partial(measure, alone, network, few),
        **{way: partial(measure, each, network, embeddings) for way, each in WAYS.items()},
    }
    taken: dict[str, list[Measurement | None]] = {way: [] for way in work}
    for _ in range(rounds):
        for way, each in work.items():
            taken[way].append(each())
    reference = middle([each for each in taken["one at a time"] if each is not None])
    slow = reference.seconds / len(few)  # a row
    for way, found in taken.items():
        known = [each for each in found if each is not None]
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=["embedded", "110M"], choices=["embedded", *SHAPES])
    parser.add_argument("--rows", type=int, nargs="*", default=[25])
    parser.add_argument("--alone", type=int, default=25, help="most rows that are decoded one at a time")
    parser.add_argument("--rounds", type=int, default=3, help="of all ways in turn, of which the medians count")
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
