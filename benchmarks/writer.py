"""How fast a writer decodes: `python -m benchmarks.writer`.

Prompts of 200 random embeddings are continued by 64 tokens, none of which ends a text: one at a time and in one batch
by transformers' `generate`, and by ours, alone and with the first three quarters of the prompts shared. The texts of
all must be the same. The share of the bandwidth is what the weights and the cache would take to be read once a token,
at the speed at which this device copies memory, over the time that a token takes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.machine import describe
from instructzero.models.decoding import decode, read_prefix
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

Texts = list[list[int]]


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
        model = LlamaForCausalLM(config).to(network.model.dtype).eval()
    return replace(network, name=name, model=model, eos=())


def alone(network: Network, embeddings: Tensor) -> Texts:
    """One row after the other."""
    return [text for row in embeddings for text in batch(network, row[None])]


def batch(network: Network, embeddings: Tensor) -> Texts:
    mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)
    return generate(network, {"inputs_embeds": embeddings, "attention_mask": mask}, NEW)


def ours(network: Network, embeddings: Tensor) -> Texts:
    return decode(network, embeddings, NEW)


def shared(network: Network, embeddings: Tensor) -> Texts:
    """With the beginning of all rows read once."""
    prefix = read_prefix(network, embeddings[0, :SHARED])
    return decode(network, embeddings[:, SHARED:], NEW, prefix)


def timed(work: Callable[[Network, Tensor], Texts], network: Network, embeddings: Tensor) -> tuple[float, Texts]:
    began = time.perf_counter()
    texts = work(network, embeddings)
    if embeddings.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began, texts


def copy_bandwidth(device: torch.device) -> float:
    """Bytes a second that this device reads while it copies, the best of five."""
    source = torch.ones(64 * 1024 * 1024, device=device)
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        source.clone()
        if source.is_cuda:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return 2 * source.numel() * source.element_size() / best


def bytes_a_step(network: Network, rows: int) -> int:
    """Weights without the embeddings, and the cache at its middle length."""
    config = network.model.config
    size = network.model.dtype.itemsize
    weights = sum(each.numel() for each in network.model.parameters())
    weights -= network.model.get_input_embeddings().weight.numel() * (not config.tie_word_embeddings)
    cache = 2 * config.num_hidden_layers * config.hidden_size * (LENGTH + NEW // 2) * rows
    return size * (weights + cache)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=["embedded", "110M"], choices=["embedded", *SHAPES])
    parser.add_argument("--rows", type=int, nargs="*", default=[25])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    bandwidth = copy_bandwidth(device)
    print(f"{describe()}; {arguments.device}, {arguments.dtype}; copies {bandwidth / 1e9:.1f} GB/s\n")
    print("| writer | rows | way | seconds | tokens/s | against one at a time | of the bandwidth | same texts |")
    print("|---|---|---|---|---|---|---|---|")
    for name in arguments.models:
        network = load(name, arguments.device, arguments.dtype)
        size = network.model.config.hidden_size
        for rows in arguments.rows:
            embeddings = torch.randn(rows, LENGTH, size, generator=torch.Generator().manual_seed(1)) * 0.05
            embeddings[:, :SHARED] = embeddings[:1, :SHARED]
            embeddings = embeddings.to(device, network.model.dtype)
            slowest, expected = timed(alone, network, embeddings)
            for way, work in (("one at a time", None), ("one batch", batch), ("ours", ours), ("ours, shared", shared)):
                seconds, texts = timed(work, network, embeddings) if work else (slowest, expected)
                at_once = rows if work else 1
                share = bytes_a_step(network, at_once) * NEW * rows / at_once / bandwidth / seconds
                print(
                    f"| {name} | {rows} | {way} | {seconds:.2f} | {rows * NEW / seconds:,.0f} | "
                    f"{slowest / seconds:.1f} | {share:.0%} | {'yes' if texts == expected else 'no'} |",
                    flush=True,
                )
        del network


if __name__ == "__main__":
    main()
