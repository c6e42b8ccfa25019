"""Training from scratch: `python -m training.train blackbox` and `python -m training.train writer`.

A run is seeded and writes a checkpoint every few minutes; the same command continues from the checkpoint. It uses a
GPU if there is one. The learning rate is a function of the share of completed steps.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from instructzero.models.packed import embedded_folder
from training.architectures import make_black_box, make_writer, save
from training.batches import Batch, Stream, black_box_items, writer_items
from training.hints import Concepts
from training.muon import Muon
from training.vocabulary import build_black_box_tokenizer, build_writer_tokenizer

OUT = Path(__file__).parent / "out"
WARM_UP_STEPS = 150
CHECKPOINT_SECONDS = 150.0


@dataclass(frozen=True)
class Recipe:
    """The training settings of one of the two models."""

    name: str
    tokens_per_batch: int
    learning_rate: float
    mean_length: float  # of an item, in positions; determines the number drawn at once
    steps: int
    seed: int


RECIPES = {
    "blackbox": Recipe("blackbox", 1792, 2e-3, 76.0, 7400, 1),
    "writer": Recipe("writer", 2048, 2e-3, 42.0, 3000, 2),
}


@dataclass
class Trainer:
    """A model with its optimisers and the progress of the run."""

    recipe: Recipe
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    stream: Stream
    optimizers: tuple[torch.optim.Optimizer, ...]
    steps: int
    probe: torch.nn.Linear | None = None
    step: int = 0
    seconds: float = 0.0

    def learning_rate(self) -> float:
        """Return the current learning rate: a warm-up, then a cosine decay to 2 % of the peak."""
        warm = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        return self.recipe.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.step / self.steps)))

    def learn(self, batch: Batch) -> float:
        """Take one step on ``batch`` and return the loss before it."""
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = self.learning_rate()
        loss = completion_loss(self.model, batch, self.probe)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return float(loss.detach())


def embed(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """Return token embeddings [n, l, h]; the soft prompt of a row replaces its first positions."""
    embeddings = model.get_input_embeddings()(batch.ids.to(model.device))
    if all(soft is None for soft in batch.soft_prompts):
        return embeddings
    embeddings = embeddings.clone()
    for row, soft in enumerate(batch.soft_prompts):
        if soft is not None:
            embeddings[row, : len(soft)] = soft
    return embeddings


def completion_loss(model: PreTrainedModel, batch: Batch, probe: torch.nn.Linear | None = None) -> torch.Tensor:
    """Return the mean cross-entropy of the completions; the output layer runs on their positions only.

    With a `probe`, an auxiliary loss is added: a linear probe predicts the meaning of the soft prompt from the hidden
    states of the middle layer, at every position after the soft prompt. The probe is discarded after training.
    Without it the writer learns very slowly to use soft prompts.
    """
    device = model.device
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_fast_bfloat16(device)):
        output = model.model(
            inputs_embeds=embed(model, batch),
            attention_mask=None if batch.mask is None else batch.mask.to(device),
            position_ids=batch.positions.to(device),
            use_cache=False,
            output_hidden_states=probe is not None,
        )
        targets = batch.labels[:, 1:].to(device)
        kept = targets != -100
        logits = model.lm_head(output.last_hidden_state[:, :-1][kept])  # [completion tokens, vocabulary]
    loss = torch.nn.functional.cross_entropy(logits.float(), targets[kept])
    if probe is None:
        return loss
    middle = output.hidden_states[len(output.hidden_states) // 2][batch.conditioned.to(device)]  # [p, h]
    return loss + probe_loss(probe, middle, batch.meanings.to(device))


@cache
def has_fast_bfloat16(device: torch.device) -> bool:
    """Return True on a GPU or a processor with bfloat16 instructions; elsewhere bfloat16 is slower than float32."""
    capabilities = torch.cpu.get_capabilities()
    return device.type == "cuda" or bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def probe_loss(probe: torch.nn.Linear, hidden: torch.Tensor, meanings: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error of the meanings [p, m] predicted from hidden states [p, h]; 0 if p is 0."""
    if not len(meanings):
        return hidden.new_zeros(())
    states = torch.nn.functional.layer_norm(hidden.float(), hidden.shape[-1:])
    return torch.nn.functional.mse_loss(probe(states), meanings)


def make_optimizers(
    model: PreTrainedModel, probe: torch.nn.Linear | None, learning_rate: float
) -> tuple[torch.optim.Optimizer, ...]:
    """Return Muon for the matrices of the layers, and AdamW for embeddings, norms and biases.

    On this corpus Muon needs well under half as many steps as AdamW, and a fifth more time per step.
    """
    named = list(model.named_parameters())
    matrices = [value for name, value in named if value.ndim == 2 and "embed" not in name]
    others = [value for name, value in named if value.ndim != 2 or "embed" in name]
    others += [] if probe is None else list(probe.parameters())
    return (
        Muon(matrices, lr=learning_rate, weight_decay=0.02),
        torch.optim.AdamW(others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    )


def make_trainer(recipe: Recipe, steps: int, device: torch.device, fresh: bool = False) -> Trainer:
    """Return a trainer at step 0; unless `fresh`, with the tokeniser of an earlier part of the run."""
    torch.manual_seed(recipe.seed)
    stored = None if fresh else stored_tokenizer(recipe)
    if recipe.name == "blackbox":
        tokenizer = stored or build_black_box_tokenizer()
        model: PreTrainedModel = make_black_box(tokenizer)
        probe = None
        draw = partial(black_box_items, tokenizer)
    else:
        tokenizer = stored or build_writer_tokenizer()
        model = make_writer(tokenizer)
        concepts = Concepts.make(model.config.hidden_size)
        probe = torch.nn.Linear(model.config.hidden_size, len(concepts.vectors()))
        draw = partial(writer_items, tokenizer, concepts)
    model.set_attn_implementation("eager")  # 1.5 times as fast as sdpa for short rows on one core
    model.to(device)
    probe = None if probe is None else probe.to(device)
    optimizers = make_optimizers(model, probe, recipe.learning_rate)
    stream = Stream(draw, int(tokenizer.pad_token_id), recipe.tokens_per_batch, recipe.mean_length, recipe.seed)
    return Trainer(recipe, model, tokenizer, stream, optimizers, steps, probe)


def stored_tokenizer(recipe: Recipe) -> PreTrainedTokenizerFast | None:
    """Return the tokeniser of an earlier part of the run, or None.

    A run must keep its tokeniser even if the corpus changes, because the writer's is learned from the corpus.
    """
    folder = OUT / f"{recipe.name}-tokenizer"
    return PreTrainedTokenizerFast.from_pretrained(folder) if folder.exists() else None


def _checkpoint(recipe: Recipe) -> Path:
    return OUT / f"{recipe.name}.pt"


def store(trainer: Trainer, folder: Path) -> None:
    """Save the checkpoint, and the weights into ``folder``."""
    OUT.mkdir(parents=True, exist_ok=True)
    optimizers = [optimizer.state_dict() for optimizer in trainer.optimizers]
    state = {"model": trainer.model.state_dict(), "optimizers": optimizers}
    if trainer.probe is not None:
        state["probe"] = trainer.probe.state_dict()
    unfinished = _checkpoint(trainer.recipe).with_suffix(".partial")
    place = {"pool": trainer.stream.pool, "taken": trainer.stream.taken}
    torch.save({**state, **place, "step": trainer.step, "seconds": trainer.seconds}, unfinished)
    unfinished.replace(_checkpoint(trainer.recipe))
    trainer.tokenizer.save_pretrained(OUT / f"{trainer.recipe.name}-tokenizer")
    save(trainer.model, trainer.tokenizer, folder)


def restore(trainer: Trainer) -> None:
    """Load the last checkpoint, if there is one; the run continues as if it had not stopped."""
    path = _checkpoint(trainer.recipe)
    if path.exists():
        state = torch.load(path, weights_only=True, map_location=trainer.model.device)
        trainer.model.load_state_dict(state["model"])
        if trainer.probe is not None:
            trainer.probe.load_state_dict(state["probe"])
        for optimizer, values in zip(trainer.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        trainer.step, trainer.seconds = state["step"], state["seconds"]
        trainer.stream.pool, trainer.stream.taken = state["pool"], state["taken"]


def train(trainer: Trainer, folder: Path) -> None:
    """Train until all steps are done, with a checkpoint every `CHECKPOINT_SECONDS`."""
    losses, tokens = [], 0
    batches = iter(trainer.stream)
    trainer.model.train()
    stored = trainer.seconds
    while trainer.step < trainer.steps:
        started = time.monotonic()
        batch = next(batches)
        losses.append(trainer.learn(batch))
        tokens += batch.ids.numel()
        trainer.seconds += time.monotonic() - started
        if trainer.step % 100 == 0:
            entry = {"step": trainer.step, "of": trainer.steps, "minutes": round(trainer.seconds / 60, 1)}
            print(json.dumps({**entry, "loss": round(sum(losses) / len(losses), 4), "tokens": tokens}), flush=True)
            losses = []
        if trainer.seconds - stored > CHECKPOINT_SECONDS:
            store(trainer, folder)
            stored = trainer.seconds
    store(trainer, folder)


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--steps", type=int, help="number of steps; default: that of the recipe")
    parser.add_argument("--device", type=torch.device, default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1, help="processor cores; tiny models do not profit from many")
    parser.add_argument("--into", type=Path, help="folder for the weights")
    parser.add_argument("--fresh", action="store_true", help="ignore an earlier checkpoint")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipe = RECIPES[options.model]
    trainer = make_trainer(recipe, options.steps or recipe.steps, options.device, options.fresh)
    if not options.fresh:
        restore(trainer)
    train(trainer, options.into or embedded_folder() / recipe.name)


if __name__ == "__main__":
    main()
