"""Training: packed inputs have the same loss as single ones; a run depends on its seed alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest
import torch

from training import train
from training.architectures import make_black_box
from training.batches import Batch, Item, black_box_items, collate
from training.vocabulary import build_black_box_tokenizer

CPU = torch.device("cpu")
STEPS = 3


@dataclass
class Recorder(train.Trainer):
    """A trainer that records the losses, and can be stopped before a step as by Ctrl-C."""

    losses: list[float] = field(default_factory=list)
    last_step: int = STEPS

    def learn(self, batch: Batch) -> float:
        """Take one step and record its loss."""
        if self.step == self.last_step:
            raise KeyboardInterrupt
        self.losses.append(super().learn(batch))
        return self.losses[-1]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Use one thread, as in training; with several threads the last digits depend on the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(name: str, last_step: int = STEPS) -> Recorder:
    recipe = replace(train.RECIPES[name], tokens_per_batch=256)
    return Recorder(**vars(train.make_trainer(recipe, STEPS, CPU)), last_step=last_step)


def test_packed_rows_give_same_loss_and_gradients_as_single_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "has_fast_bfloat16", lambda device: False)  # too coarse for a comparison
    torch.manual_seed(1)
    tokenizer = build_black_box_tokenizer()
    model = make_black_box(tokenizer)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for value in model.parameters():
            value.mul_(3)  # so that attention to wrong positions changes the loss
    packed = black_box_items(tokenizer, Random(1), 3)
    single = [Item(item.prompt + rest, [([], completion)]) for item in packed for rest, completion in item.branches]
    found = []
    for items in (packed, single):
        model.zero_grad()
        loss = train.completion_loss(model, collate(items, tokenizer.pad_token_id))
        loss.backward()
        found.append((loss.detach(), model.model.layers[0].mlp.up_proj.weight.grad.clone()))
    assert torch.allclose(found[0][0], found[1][0], rtol=1e-5)
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["blackbox", "writer"])
def test_interrupted_run_equals_uninterrupted_run_with_same_seed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(train, "OUT", tmp_path / "unbroken")
    unbroken, again = make(name), make(name)
    train.train(unbroken, tmp_path / "unbroken-weights")
    for batch, _ in zip(again.stream, range(STEPS), strict=False):
        again.learn(batch)
    assert len(unbroken.losses) == STEPS
    assert again.losses == unbroken.losses

    monkeypatch.setattr(train, "OUT", tmp_path / "stopped")
    stopped = make(name, last_step=2)
    with pytest.raises(KeyboardInterrupt):
        train.train(stopped, tmp_path / "weights")
    resumed = make(name)
    train.restore(resumed)
    assert resumed.step == 2
    train.train(resumed, tmp_path / "weights")
    assert stopped.losses + resumed.losses == unbroken.losses
    assert resumed.seconds > stopped.seconds > 0
    states = (unbroken.model.state_dict(), resumed.model.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    files = [tmp_path / folder / "model.safetensors" for folder in ("unbroken-weights", "weights")]
    assert files[0].read_bytes() == files[1].read_bytes()
