"""Event files, read back as TensorBoard reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from instructzero.config import make_settings
from tests.integrations.runs import EXPECTED, tell

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
from instructzero.integrations.tensorboard import TensorBoardLogger  # noqa: E402


def read(folder: Path) -> tuple[dict[str, list[tuple[int, float]]], list[tuple[int, str]]]:
    """Numbers by name, and the best instructions, each with its step."""
    events = accumulator.EventAccumulator(str(folder / "tensorboard"), size_guidance={"tensors": 0, "scalars": 0})
    events.Reload()
    numbers = {name: [(each.step, each.value) for each in events.Scalars(name)] for name in events.Tags()["scalars"]}
    (text,) = events.Tags()["tensors"]
    return numbers, [(each.step, each.tensor_proto.string_val[0].decode()) for each in events.Tensors(text)]


def test_numbers_and_the_best_instruction_are_there(tmp_path: Path) -> None:
    with TensorBoardLogger(make_settings({"task": "words"}), tmp_path) as logger:
        tell(logger)
    assert read(tmp_path) == (EXPECTED, [(0, "plain"), (1, "instruction 1")])


def test_a_run_that_is_continued_is_shown_once(tmp_path: Path) -> None:
    for trials in (2, 4):
        with TensorBoardLogger(make_settings({"task": "words"}), tmp_path) as logger:
            tell(logger, trials, finish=trials == 4)
    assert read(tmp_path)[0] == EXPECTED


def test_a_run_that_never_began_leaves_nothing(tmp_path: Path) -> None:
    with TensorBoardLogger(make_settings({"task": "words"}), tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []
