"""From nothing to weights: `python -m training.train blackbox --minutes 60` and `… writer --minutes 35`.

A run is seeded and writes a checkpoint every few minutes; the same command started again goes on from there.
Minutes are processor time, so a busy machine makes a run longer, not worse. The learning rate follows the share of
them used, and the run ends when they are over.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from instructzero.models.registry import EMBEDDED_FOLDER
from training.architectures import make_black_box, make_writer, save
from training.batches import Batch, Item, black_box_items, stream, writer_items
from training.hints import Concepts
from training.vocabulary import build_black_box_tokenizer, build_writer_tokenizer

OUT = Path(__file__).parent / "out"
WARM_UP_STEPS = 150
CHECKPOINT_SECONDS = 150.0


@dataclass(frozen=True)
class Recipe:
    """What one of the two models is trained with."""

    name: str
    tokens_per_batch: int
    learning_rate: float
    mean_length: float
    minutes: float
    seed: int


RECIPES = {
    "blackbox": Recipe("blackbox", 1536, 2e-3, 26.0, 70.0, 1),
    "writer": Recipe("writer", 1600, 2e-3, 48.0, 40.0, 2),
}


@dataclass
class Trainer:
    """A model with its optimiser and the place where the run stands."""

    recipe: Recipe
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    draw: Callable[[Random, int], list[Item]]
    optimizers: tuple[torch.optim.Optimizer, ...]
    minutes: float
    listener: torch.nn.Linear | None = None
    step: int = 0
    seconds: float = 0.0  # of processor time

    @property
    def progress(self) -> float:
        """Share of the processor time used, in [0, 1]."""
        return min(1.0, self.seconds / (60 * self.minutes))

    def learning_rate(self) -> float:
        """Warm-up, then a cosine down to two hundredths."""
        warm = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        return self.recipe.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.progress)))

    def learn(self, batch: Batch) -> float:
        """One step; returns the loss."""
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = self.learning_rate()
        loss = completion_loss(self.model, batch, self.listener)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return float(loss.detach())


def embed(model: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """[n, l, h]: token embeddings, with each row's soft prompt written over its first positions."""
    embeddings = model.get_input_embeddings()(batch.ids)
    if all(soft is None for soft in batch.soft_prompts):
        return embeddings
    embeddings = embeddings.clone()
    for row, soft in enumerate(batch.soft_prompts):
        if soft is not None:
            embeddings[row, : len(soft)] = soft
    return embeddings


def completion_loss(model: PreTrainedModel, batch: Batch, listener: torch.nn.Linear | None = None) -> torch.Tensor:
    """Mean cross-entropy of the completions; the output layer runs on their positions only.

    With a `listener`, half-way up the layers every position behind a soft prompt must also know what it says: the
    listener reads it off linearly, and its mean squared error is added. The listener is thrown away after training.
    Without it the writer is slow to notice soft prompts at all.
    """
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model.model(
            inputs_embeds=embed(model, batch), use_cache=False, output_hidden_states=listener is not None
        )
        targets = batch.labels[:, 1:]
        kept = targets != -100
        logits = model.lm_head(output.last_hidden_state[:, :-1][kept])  # [completion tokens, vocabulary]
    loss = torch.nn.functional.cross_entropy(logits.float(), targets[kept])
    if listener is None:
        return loss
    middle = output.hidden_states[len(output.hidden_states) // 2][batch.heard]  # [heard positions, h]
    return loss + listening_loss(listener, middle, batch.meanings)


def listening_loss(listener: torch.nn.Linear, hidden: torch.Tensor, meanings: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the meanings [p, m] read off the hidden states [p, h]; 0 where nobody spoke."""
    if not len(meanings):
        return hidden.new_zeros(())
    states = torch.nn.functional.layer_norm(hidden.float(), hidden.shape[-1:])
    return torch.nn.functional.mse_loss(listener(states), meanings)


def make_optimizers(
    model: PreTrainedModel, listener: torch.nn.Linear | None, learning_rate: float
) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the layers' matrices, AdamW for embeddings, norms and biases.

    On this corpus Muon needs well under half of AdamW's steps, for a sixth more time a step.
    """
    named = list(model.named_parameters())
    matrices = [value for name, value in named if value.ndim == 2 and "embed" not in name]
    others = [value for name, value in named if value.ndim != 2 or "embed" in name]
    others += [] if listener is None else list(listener.parameters())
    return (
        torch.optim.Muon(matrices, lr=learning_rate, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    )


def make_trainer(recipe: Recipe, minutes: float, fresh: bool = False) -> Trainer:
    """A trainer for either model at step 0; unless `fresh`, with the tokeniser of an earlier part of the run."""
    torch.manual_seed(recipe.seed)
    stored = None if fresh else stored_tokenizer(recipe)
    if recipe.name == "blackbox":
        tokenizer = stored or build_black_box_tokenizer()
        model: PreTrainedModel = make_black_box(tokenizer)
        listener = None
        draw: Callable[[Random, int], list[Item]] = lambda rng, count: black_box_items(tokenizer, rng, count)  # noqa: E731
    else:
        tokenizer = stored or build_writer_tokenizer()
        model = make_writer(tokenizer)
        concepts = Concepts.make(model.config.hidden_size)
        listener = torch.nn.Linear(model.config.hidden_size, len(concepts.vectors()))
        draw = lambda rng, count: writer_items(tokenizer, concepts, rng, count)  # noqa: E731
    model.set_attn_implementation("eager")  # half again as fast as sdpa for short rows on one core
    optimizers = make_optimizers(model, listener, recipe.learning_rate)
    return Trainer(recipe, model, tokenizer, draw, optimizers, minutes, listener)


def stored_tokenizer(recipe: Recipe) -> PreTrainedTokenizerFast | None:
    """The tokeniser of an earlier part of the run: a learned one must stay the same even if the corpus changes."""
    folder = OUT / f"{recipe.name}-tokenizer"
    return PreTrainedTokenizerFast.from_pretrained(folder) if folder.exists() else None


def _checkpoint(recipe: Recipe) -> Path:
    return OUT / f"{recipe.name}.pt"


def store(trainer: Trainer, folder: Path) -> None:
    """Saves the checkpoint to resume from and the weights to use."""
    OUT.mkdir(parents=True, exist_ok=True)
    optimizers = [optimizer.state_dict() for optimizer in trainer.optimizers]
    state = {"model": trainer.model.state_dict(), "optimizers": optimizers}
    if trainer.listener is not None:
        state["listener"] = trainer.listener.state_dict()
    partial = _checkpoint(trainer.recipe).with_suffix(".partial")
    torch.save({**state, "step": trainer.step, "seconds": trainer.seconds}, partial)
    partial.replace(_checkpoint(trainer.recipe))
    trainer.tokenizer.save_pretrained(OUT / f"{trainer.recipe.name}-tokenizer")
    save(trainer.model, trainer.tokenizer, folder)


def restore(trainer: Trainer) -> None:
    """Goes on from the last checkpoint, if there is one."""
    path = _checkpoint(trainer.recipe)
    if path.exists():
        state = torch.load(path, weights_only=True)
        trainer.model.load_state_dict(state["model"])
        if trainer.listener is not None and "listener" in state:
            trainer.listener.load_state_dict(state["listener"])
        for optimizer, values in zip(trainer.optimizers, state["optimizers"], strict=False):
            optimizer.load_state_dict(values)
        trainer.step, trainer.seconds = state["step"], state["seconds"]


def train(trainer: Trainer, folder: Path) -> None:
    """Learns until the time is over, storing the state now and then."""
    recipe, losses, tokens = trainer.recipe, [], 0
    pad = int(trainer.tokenizer.pad_token_id)
    batches: Iterator[Batch] = stream(
        trainer.draw, pad, recipe.tokens_per_batch, recipe.mean_length, recipe.seed, trainer.step
    )
    trainer.model.train()
    stored = trainer.seconds
    while trainer.progress < 1:
        started = time.process_time()
        batch = next(batches)
        losses.append(trainer.learn(batch))
        tokens += batch.ids.numel()
        trainer.seconds += time.process_time() - started
        if trainer.step % 100 == 0:
            entry = {"step": trainer.step, "minutes": trainer.seconds / 60, "loss": sum(losses) / len(losses)}
            print(json.dumps({**entry, "tokens": tokens, "rows": len(batch.ids)}), flush=True)
            losses = []
        if trainer.seconds - stored > CHECKPOINT_SECONDS:
            store(trainer, folder)
            stored = trainer.seconds
    store(trainer, folder)


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=sorted(RECIPES))
    parser.add_argument("--minutes", type=float, help="time to learn in; the recipe's own if not given")
    parser.add_argument("--into", type=Path, help="folder for the weights")
    parser.add_argument("--fresh", action="store_true", help="ignore an earlier checkpoint")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = RECIPES[options.model]
    trainer = make_trainer(recipe, options.minutes or recipe.minutes, options.fresh)
    if not options.fresh:
        restore(trainer)
    train(trainer, options.into or EMBEDDED_FOLDER / recipe.name)


if __name__ == "__main__":
    main()
